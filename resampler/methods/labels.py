"""The classes of rows, counted and as codes: integers without sorting them, where they lie close together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CLOSE = 65_536  # values from the least label to the greatest, up to which each has a place in a table


def counted(y: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Count the rows of each class.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Class of each row.

    Returns
    -------
    classes : ndarray of shape (n_classes,)
        Ascending, of the dtype of `y`.
    counts : ndarray of shape (n_classes,), int64
        Rows of each.

    Examples
    --------
    >>> counted(np.array([3, 1, 3]))
    (array([1, 3]), array([1, 2]))
    """
    offsets = _offsets(y)
    if offsets is None:
        return np.unique(y, return_counts=True)
    table = np.bincount(offsets)
    held = np.flatnonzero(table)
    return held.astype(y.dtype) + y.min(), table[held]  # wraps, and comes out right


def encoded(y: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Give each class a number.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Class of each row.

    Returns
    -------
    classes : ndarray of shape (n_classes,)
        Ascending, of the dtype of `y`.
    codes : ndarray of shape (n_samples,), int64
        Where in `classes` each row's class is.

    Examples
    --------
    >>> encoded(np.array([3, 1, 3]))
    (array([1, 3]), array([1, 0, 1]))
    """
    offsets = _offsets(y)
    if offsets is None:
        return np.unique(y, return_inverse=True)
    held = np.bincount(offsets) > 0
    return np.flatnonzero(held).astype(y.dtype) + y.min(), (np.cumsum(held) - 1)[offsets]


def _offsets(y: NDArray[Any]) -> NDArray[np.int64] | None:
    """Return how far each label is from the least; None where they are not integers close together."""
    if y.dtype.kind not in "iu" or not y.size or int(y.max()) - int(y.min()) >= _CLOSE:
        return None
    return (y - y.min() if y.dtype.itemsize == 8 else y.astype(np.int64) - int(y.min())).astype(np.int64)
