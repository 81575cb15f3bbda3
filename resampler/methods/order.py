"""In which order synthetic rows are stored: one that does not tell which of them share a base."""

from __future__ import annotations

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
    if not len(made.base):
        return made
    codes, first, code_of = np.unique(made.label, return_index=True, return_inverse=True)
    copies = _copies(code_of, made.base)
    keys = np.empty(len(ids), dtype=np.uint64)
    key = np.uint64(apart(seed, "order"))
    for at, label in enumerate(codes):
        rows = np.flatnonzero(code_of == at)
        own = np.empty(len(rows), dtype=np.uint64)
        copy_keys(key, label_key(label if names is None else names[label]), ids[rows], copies[rows], own)
        keys[rows] = own
    return made.take(np.lexsort((copies, ids, keys, first[code_of])))


def _copies(code_of: NDArray[np.int64], base: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count, for each row, the rows of its class and base before it."""
    order = np.lexsort((base, code_of))  # stable
    same = (np.diff(base[order], prepend=-1) == 0) & (np.diff(code_of[order], prepend=-1) == 0)
    start = np.flatnonzero(~same)
    copies = np.empty(len(base), dtype=np.int64)
    copies[order] = np.arange(len(base)) - np.repeat(start, np.diff(start, append=len(base)))
    return copies
