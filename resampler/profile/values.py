"""How values of a table are read for counting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from numpy.typing import NDArray


def numbers_of(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """Return a column as numbers.

    Parameters
    ----------
    column : pyarrow.ChunkedArray of shape (n_rows,)
        Of numbers, booleans, or lists of numbers of one length.

    Returns
    -------
    ndarray of shape (n_rows,), float64
        A null is NaN, an array its Euclidean length, an integer beyond 2**53 the double next to it.
    """
    if not pa.types.is_list(column.type):
        return np.asarray(column.cast(pa.float64(), safe=False).to_numpy())
    out = np.full(len(column), np.nan)
    valid = ~np.asarray(column.is_null())
    if not valid.any():  # no array says how long they are
        return out
    vectors = pc.list_flatten(column.drop_null()).to_numpy().astype(np.float64).reshape(np.count_nonzero(valid), -1)
    largest = np.abs(vectors).max(axis=1, initial=0.0, keepdims=True)
    shares = np.divide(vectors, largest, out=np.zeros_like(vectors), where=largest > 0)  # no square overflows
    out[valid] = largest[:, 0] * np.sqrt((shares**2).sum(axis=1))
    return out


def label_name(value: Any) -> str:
    """Return a class as a manifest names it.

    Parameters
    ----------
    value : str, int or bool
        Of the label.

    Returns
    -------
    str
        A boolean's integer, for they are counted as integers there.
    """
    return str(int(value)) if isinstance(value, bool) else str(value)


def evenly(n: int, limit: int) -> NDArray[np.int64]:
    """Choose positions at even distances.

    Parameters
    ----------
    n : int
        How many there are.
    limit : int
        How many to take at most.

    Returns
    -------
    ndarray of int64
        Ascending, the same in every run.
    """
    taken = min(n, limit)
    return np.arange(taken) * n // max(taken, 1)
