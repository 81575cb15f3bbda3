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


def grouped_times(
    timestamps: NDArray[np.int64],
    label: NDArray[np.int64],
    made: NDArray[np.int64],
    seed: int,
    names: Mapping[int, Any],
    group_size: int,
) -> NDArray[np.int64]:
    """Draw an instant for each hardened row: of none is it a real row's.

    Parameters
    ----------
    timestamps, label, made, seed, names
        As in `drawn_times`.
    group_size : int
        Real rows that an instant comes from at least.

    Returns
    -------
    ndarray of shape (n_synthetic,), int64
        Microseconds: evenly about the mean instant of `group_size` or more rows of the class that follow one another
        in time, as widely as these lie; never before the `group_size`-th training row, nor after the last but as many.
    """
    times = np.empty(len(made), dtype=np.int64)
    key = np.uint64(apart(seed, "times"))
    every = np.sort(timestamps)
    first, last = sorted((every[min(group_size, len(every)) - 1], every[-min(group_size, len(every))]))
    for code in np.unique(made).tolist():
        rows = np.flatnonzero(made == code)
        instants = np.sort(timestamps[label == code])
        parts = np.array_split(instants - instants[0], max(1, len(instants) // group_size))
        words = np.empty(len(rows), dtype=np.uint64)
        copy_keys(key, label_key(names[code]), np.arange(len(rows)), np.zeros(len(rows), dtype=np.int64), words)
        share = (words >> np.uint64(11)).astype(np.float64) * 2.0**-53  # of all rows, in the order of time
        ends = np.cumsum([len(part) for part in parts]) / len(instants)
        at = np.searchsorted(ends, share, side="right")
        width = np.array([len(part) for part in parts]) / len(instants)
        within = (share - (ends - width)[at]) / width[at]  # a uniform variate of its own
        mean = np.array([part.sum() // len(part) for part in parts])
        spread = np.array([np.abs(part - at_).sum() // len(part) for part, at_ in zip(parts, mean, strict=True)])
        offset = np.rint(mean[at] + (4.0 * within - 2.0) * spread[at]).astype(np.int64)
        drawn = instants[0] + offset
        drawn = np.where(drawn < first, 2 * first - drawn, np.where(drawn > last, 2 * last - drawn, drawn))
        times[rows] = np.clip(drawn, first, last)  # thrown back there, so that no end of it stands in many rows
    return times
