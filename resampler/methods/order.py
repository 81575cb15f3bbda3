"""In which order synthetic rows are stored: one that does not tell which of them share a base."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from resampler.kernels.random import copy_keys
from resampler.metric import label_key
from resampler.secret import apart

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from resampler.methods.provenance import Provenance


def shuffled(made: Provenance, ids: NDArray[np.int64], seed: int, names: Mapping[Any, Any] | None = None) -> Provenance:
    """Shuffle the rows of each class.

    Parameters
    ----------
    made : Provenance
        Class by class, the copies of one base in order, as `resampler.methods.oversample.oversample` makes them.
    ids : ndarray of shape (n_synthetic,), int64
        Identity of each row's base.
    seed : int
        What the draws of the rows are keyed on: whoever knows it and the identities knows the order.
    names : dict, optional
        What a class is keyed by, where that is not its label.

    Returns
    -------
    Provenance
        The same rows, classes in the order in which they came. Row by row the place is keyed by (seed, class, identity
        of the base, number of the copy), so two rows are in the same order whatever others there are.
    """
    n = len(made.base)
    edges = [0, *(np.flatnonzero(made.label[1:] != made.label[:-1]) + 1).tolist(), n] if n else []
    key = np.uint64(apart(seed, "order"))
    order = np.empty(n, dtype=np.int64)
    for first, last in pairwise(edges):
        of = slice(first, last)
        label = made.label[first]
        copies = _copies(made.base[of]) if made.groups is None or made.draws is None else made.draws.number[of]
        keys = np.empty(last - first, dtype=np.uint64)
        copy_keys(key, label_key(label if names is None else names[label]), ids[of], copies, keys)
        found = np.argsort(keys)
        if (np.diff(keys[found]) == 0).any():  # one in 2**64 pairs
            found = np.lexsort((copies, ids[of], keys))
        order[of] = first + found
    return made.take(order)


def _copies(base: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count, for each row, the rows of its base before it."""
    order = np.argsort(base, kind="stable")
    start = np.flatnonzero(np.diff(base[order], prepend=-1))
    copies = np.empty(len(base), dtype=np.int64)
    copies[order] = np.arange(len(base)) - np.repeat(start, np.diff(start, append=len(base)))
    return copies
