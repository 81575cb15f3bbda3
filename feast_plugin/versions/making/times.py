"""When synthetic rows stand: at instants of real training rows of their class, drawn, so that none says which base."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from resampler.kernels.random import copy_keys
from resampler.metric import label_key
from resampler.secret import apart

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


def drawn_times(
    timestamps: NDArray[np.int64],
    label: NDArray[np.int64],
    made: NDArray[np.int64],
    seed: int,
    names: Mapping[int, Any],
) -> NDArray[np.int64]:
    """Draw an instant for each synthetic row.

    Parameters
    ----------
    timestamps : ndarray of shape (n_train,), int64
        Of the real training rows, in microseconds.
    label : ndarray of shape (n_train,), int64
        Their classes.
    made : ndarray of shape (n_synthetic,), int64
        Classes of the synthetic rows, in the order in which they are stored.
    seed : int
        What the rows' draws are keyed on.
    names : dict
        What each class is keyed by.

    Returns
    -------
    ndarray of shape (n_synthetic,), int64
        As often as the class's real rows have them: never before the first nor after the last of these.

    Notes
    -----
    Keyed by seed, class and place in the file, not by the base: whoever knows the seed learns no base from an instant.
    Subgroups do not count: the instants of a small one would say who is in it.
    """
    times = np.empty(len(made), dtype=np.int64)
    key = np.uint64(apart(seed, "times"))
    for code in np.unique(made).tolist():
        rows = np.flatnonzero(made == code)
        instants = np.sort(timestamps[label == code])
        words = np.empty(len(rows), dtype=np.uint64)
        copy_keys(key, label_key(names[code]), np.arange(len(rows)), np.zeros(len(rows), dtype=np.int64), words)
        at = (words >> np.uint64(32)) * np.uint64(len(instants)) >> np.uint64(32)  # multiply and shift, as `bounded`
        times[rows] = instants[at.astype(np.int64)]
    return times
