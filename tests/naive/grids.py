"""Naive loops of grids: values as fractions, and the one that a number is put on."""

from __future__ import annotations

from fractions import Fraction

import numpy as np


def image(k, step, single):
    """The float of ``k * step``, by way of a fraction."""
    value = float(k * Fraction(repr(step)))
    return float(np.float32(value)) if single else value


def put(value, base, u, grid, *, even):
    """One number on a grid: the bounds first, then the grid value beside it that `u` decides for."""
    low, high = grid.bounds
    if value != value:
        return value
    if even:
        room = max(0.0, min(base - low, high - base))
        value = min(max(value, base - room), base + room)
    value = min(max(value, low), high)
    if grid.values:
        around = list(grid.values)
    elif grid.step is not None:
        middle = round(Fraction(value) / Fraction(repr(grid.step)))
        around = [image(k, grid.step, grid.single) for k in range(middle - 2, middle + 3)]
    else:
        return value
    if value in around:
        return value
    below = [v for v in around if v < value]
    above = [v for v in around if v > value]
    if not below or not above:
        return (below or above)[-1 if below else 0]
    here, there = (below[-1], above[0]) if value >= base else (above[0], below[-1])
    found = there if abs(value - here) > u * abs(there - here) else here
    return min(max(found, low), high)
