"""Which rows are looked at: the same ones whatever the order of the rows, and no more of them than checks need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from resampler.kernels.random import rank_keys

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SEED, _STREAM = 0x5EED, 0  # of every sample: who looks again sees the same rows
_PRIME = np.uint64(0x100000001B3)  # FNV-1a's


def content_ids(X: NDArray[Any]) -> NDArray[np.int64]:
    """Give each row an identity that follows from its values alone.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
        Numbers; NaN is a value like others.

    Returns
    -------
    ndarray of shape (n_rows,), int64
        0 or more; equal for equal rows, and for others once in 2**63 pairs.
    """
    ids = np.full(len(X), 0xCBF29CE484222325, dtype=np.uint64)
    for column in np.asarray(X).T:
        values = column.astype(np.float64) + 0.0  # -0 and 0 are one value
        values[np.isnan(values)] = np.nan  # and so is every NaN
        ids = (ids ^ values.view(np.uint64)) * _PRIME
        ids ^= ids >> np.uint64(29)  # what multiplication moves upwards only
    return (ids >> np.uint64(1)).view(np.int64)


def keyed(ids: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Choose rows by a draw that is keyed on their identities.

    Parameters
    ----------
    ids : ndarray of shape (n_rows,), int64
        Identities, 0 or more.
    n : int
        How many at most.

    Returns
    -------
    ndarray of int64
        Positions in the order of the draw: fewer rows are the first ones of more.
    """
    keys = np.empty(len(ids), dtype=np.uint64)
    rank_keys(np.uint64(_SEED), np.uint64(_STREAM), np.ascontiguousarray(ids, dtype=np.int64), keys)
    chosen = np.arange(len(keys))
    if n < len(keys):  # all that draw no more than the n-th does: sorting decides who is last
        chosen = np.flatnonzero(keys <= np.partition(keys, n)[n])
    return chosen[np.lexsort((ids[chosen], keys[chosen]))][:n]
