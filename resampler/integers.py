"""Integers that a float64 does not hold: told apart exactly, and interpolated without leaving the integers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

EXACT = 2**53  # up to here a float64 holds every integer


def are_wide(values: NDArray[Any]) -> bool:
    """Tell whether there are integers that a float64 may not hold.

    Parameters
    ----------
    values : ndarray of integers
        Of any shape.

    Returns
    -------
    bool
        True if one is beyond 2**53, either way.
    """
    return bool(values.dtype.itemsize == 8 and values.size and (values.max() > EXACT or values.min() < -EXACT))


def offsets(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return integers as float64, wide ones counted from the least, so that what tells them apart is not rounded away.

    Parameters
    ----------
    values : ndarray of shape (n,), int64 or uint64
        The integers.

    Returns
    -------
    ndarray of shape (n,), float64
        Exact where they span 2**53 or less.
    """
    return _distance(values.min(), values).astype(np.float64) if are_wide(values) else values.astype(np.float64)


def interpolate_integers(base: NDArray[Any], neighbor: NDArray[Any], step: NDArray[np.floating[Any]]) -> NDArray[Any]:
    """Return ``base + round(step * (neighbor - base))`` in integers.

    Parameters
    ----------
    base, neighbor : ndarray of shape (n,), int64 or uint64
        The parents' values, both of one dtype.
    step : ndarray of shape (n,), floating
        How far towards the neighbour; negative leads away from it.

    Returns
    -------
    ndarray of shape (n,)
        Of the parents' dtype: between them for steps from 0 to 1, and never beyond what the dtype holds.
    """
    apart = _distance(np.minimum(base, neighbor), np.maximum(base, neighbor))
    moved = np.rint(np.abs(step.astype(np.float64)) * apart.astype(np.float64))
    bounds = np.iinfo(base.dtype)
    upwards = (neighbor >= base) == (step >= 0)
    room = np.where(upwards, _distance(base, bounds.max), _distance(bounds.min, base))
    inside = np.where((step >= 0) & (step <= 1), np.minimum(apart, room), room)
    fits = moved < 2.0**64  # else it is cut off anyway
    whole = np.minimum(np.where(fits, np.where(fits, moved, 0).astype(np.uint64), inside), inside)
    start = base.astype(np.uint64)
    return np.where(upwards, start + whole, start - whole).astype(base.dtype)


def _distance(low: Any, high: Any) -> NDArray[np.uint64]:
    """Return ``high - low``, which is not negative, where the signed difference may overflow."""
    with np.errstate(over="ignore"):
        return np.subtract(np.asarray(high).astype(np.uint64), np.asarray(low).astype(np.uint64))
