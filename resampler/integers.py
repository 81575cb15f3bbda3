"""Integers that a float64 does not hold: distinguished exactly, and interpolated as integers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

EXACT = 2**53  # up to here a float64 holds every integer


def are_wide(values: NDArray[Any]) -> bool:
    """Say whether there are integers that a float64 may not hold.

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
    """Return integers as float64, wide ones counted from the least, so that their differences are not rounded away.

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


def counted_from(values: NDArray[Any], origin: int) -> NDArray[np.float64]:
    """Return integers as float64, counted from one of them or near them.

    Parameters
    ----------
    values : ndarray of shape (n,), int64 or uint64
        The integers.
    origin : int
        Within what their dtype holds.

    Returns
    -------
    ndarray of shape (n,), float64
        Rounded once: exact within 2**53 of the origin.
    """
    start = values.dtype.type(origin)
    apart = _distance(np.minimum(start, values), np.maximum(start, values)).astype(np.float64)
    return np.where(values < start, -apart, apart)


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
    far = np.abs(step.astype(np.float64)) * apart.astype(np.float64)
    upwards = (neighbor >= base) == (step >= 0)
    between = (step >= 0) & (step <= 1)
    return _shifted(base, upwards, far, np.where(between, apart, np.iinfo(np.uint64).max))


def shift_integers(base: NDArray[Any], by: NDArray[np.float64]) -> NDArray[Any]:
    """Return ``base + round(by)`` in integers.

    Parameters
    ----------
    base : ndarray of shape (n,), int64 or uint64
        The values to start from.
    by : ndarray of shape (n,), float64
        How far.

    Returns
    -------
    ndarray of shape (n,)
        Of the dtype of `base`, and never beyond what that holds.
    """
    return _shifted(base, by >= 0, np.abs(by), np.full(len(base), np.iinfo(np.uint64).max))


def to_dtype(values: NDArray[Any], dtype: Any) -> NDArray[Any]:
    """Bring numbers to a column's type.

    Parameters
    ----------
    values : ndarray
        The numbers.
    dtype : dtype
        Of NumPy; numeric or boolean.

    Returns
    -------
    ndarray
        Integers and booleans are the nearest that the dtype holds.
    """
    to = np.dtype(dtype)
    if to.kind not in "iub" or values.dtype == to:
        return values.astype(to)
    if values.dtype.kind in "iu":
        return values.astype(to) if to.kind != "b" else values != 0
    if to.kind == "b":
        return np.clip(np.rint(values), 0, 1).astype(to)
    bounds = np.iinfo(to)
    whole = np.rint(values)
    # The bounds of a wide dtype as float64 may lie one beyond it.
    out = np.where((whole > bounds.min) & (whole < bounds.max), whole, 0).astype(to)
    out[whole <= bounds.min] = bounds.min
    out[whole >= bounds.max] = bounds.max
    return out


def _shifted(base: NDArray[Any], upwards: Any, far: NDArray[np.float64], limit: NDArray[np.uint64]) -> NDArray[Any]:
    bounds = np.iinfo(base.dtype)
    room = np.minimum(np.where(upwards, _distance(base, bounds.max), _distance(bounds.min, base)), limit)
    fits = far < 2.0**63.5  # else it is cut off anyway
    moved = np.minimum(np.where(fits, np.rint(np.where(fits, far, 0)).astype(np.uint64), room), room)
    start = base.astype(np.uint64)
    return np.where(upwards, start + moved, start - moved).astype(base.dtype)


def _distance(low: Any, high: Any) -> NDArray[np.uint64]:
    """Return ``high - low``, which is not negative, where the signed difference may overflow."""
    with np.errstate(over="ignore"):
        return np.subtract(np.asarray(high).astype(np.uint64), np.asarray(low).astype(np.uint64))
