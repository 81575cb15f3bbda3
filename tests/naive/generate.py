"""Naive loops of generation: who is joined with whom, who wins a vote, and the row that comes of it."""

from __future__ import annotations

import numpy as np
from naive.online import draw


def parents(row_ids, neighbors, span, turn, copy, seed, stream):
    """Neighbour and step of each synthetic row, from the draw of its base's id and the number of the copy."""
    found = []
    for b, r in zip(turn, copy, strict=True):
        _, w1, w2, _ = draw(seed, stream, int(row_ids[b]), int(r))
        at = w1 * neighbors.shape[1] >> 32
        found.append((neighbors[b, at], np.float32((w2 >> 8) / 2.0**24) * span[b, at]))
    return found


def elected(values):
    """First place of the most frequent value; of values equally frequent, the lowest."""
    values = list(values)
    return values.index(min(values, key=lambda v: (-values.count(v), v)))


def between(base, neighbor, step):
    """One rounding an operation, in the rows' dtype."""
    row = []
    for a, b in zip(base, neighbor, strict=True):
        difference = b - a
        part = base.dtype.type(step) * difference
        row.append(a + part)
    return row
