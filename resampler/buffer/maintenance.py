"""Rare maintenance steps, run from Python between kernel calls, so that they are not compiled into every kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from resampler.buffer.effort import fit_budget
from resampler.kernels.buffer.audit import choose_audits, judge
from resampler.kernels.buffer.cells import NEWCOMERS
from resampler.kernels.buffer.lookup import keep_lists, look_up_all, read_all
from resampler.kernels.buffer.ring import end_wave
from resampler.kernels.buffer.walk import ALL
from resampler.kernels.simd.blocks import DEAD

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from resampler.kernels.buffer.ring import Ring

AUDITED_ROWS = 64  # slots of a wave's audits: more than there can be
_NO_ROWS = np.empty((0, 0), dtype=np.float32)
_NO_SLOTS = np.empty(0, dtype=np.int64)


def finish_wave(ring: Ring) -> None:
    """Move the newcomers into their cells if there is no room for more, and audit the buffer if that is due.

    Parameters
    ----------
    ring : Ring
        The state; this is due after every kernel that inserts rows.
    """
    if ring.graph.cells.counts["newcomers"] < NEWCOMERS:
        return
    end_wave(ring)
    if ring.control["budget"] == ALL:
        return
    slots = np.empty(AUDITED_ROWS, dtype=np.int64)
    rows, lists, _, _ = ring.graph
    slots = slots[: choose_audits(rows.cursor, len(rows.X), ring.control, slots)]
    k = min(len(ring.nn_slots), int(rows.cursor["held"]) - 1)
    if not len(slots) or k <= 0:
        return
    found, stamps, _ = _look_up(ring, slots, k, int(ALL))
    if len(ring.needs):
        fit_budget(ring, slots, found, stamps)
    else:
        judge(rows, lists, ring.control, k, slots, found, stamps)


def read_neighbors(ring: Ring, slots: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the neighbours of rows without a trace: lists that have run short are searched for in scratch.

    Parameters
    ----------
    ring : Ring
        The state, of which nothing changes that decides what comes out later.
    slots : ndarray of shape (n,), int64
        Rows.

    Returns
    -------
    nn_slots : ndarray of shape (n, k_neighbors), int64
        Nearest first; `DEAD` where there are fewer other rows.
    nn_d2 : ndarray of shape (n, k_neighbors), float32
        Squared distances; infinite where there are fewer other rows.
    """
    rows, lists, _, _ = ring.graph
    k, length = len(ring.nn_slots), lists.stamps.shape[1]
    nn_slots = np.empty((len(slots), k), dtype=np.int64)
    nn_d2 = np.empty((len(slots), k), dtype=np.float32)
    read_all(rows, lists, slots, nn_slots, nn_d2)
    others = min(k, int(rows.cursor["held"]) - 1)
    short = np.flatnonzero(np.count_nonzero(nn_slots != DEAD, axis=1) < others)
    if len(short):
        found, stamps, d2 = _look_up(ring, slots[short], length, int(ring.control["budget"]))
        there = np.arange(k) < found[:, None]
        nn_slots[short] = np.where(there, stamps[:, :k] % len(rows.X), DEAD)
        nn_d2[short] = np.where(there, d2[:, :k], np.float32(np.inf))
    return nn_slots, nn_d2


def mend(ring: Ring, short: NDArray[np.int64]) -> None:
    """Search for lists that have run short.

    Parameters
    ----------
    ring : Ring
        The state.
    short : ndarray of shape (n,), int64
        Slots of their rows.
    """
    if len(short):
        rows, lists, cells, _ = ring.graph
        found = _look_up(ring, short, lists.stamps.shape[1], int(ring.control["budget"]))
        keep_lists(rows, lists, cells, short, *found)


def _look_up(
    ring: Ring, slots: NDArray[np.int64], length: int, budget: int
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]:
    found = np.empty(len(slots), dtype=np.int64)
    stamps = np.empty((len(slots), length), dtype=np.int32)
    d2 = np.empty((len(slots), length), dtype=np.float32)
    look_up_all(ring, slots, _NO_ROWS, budget, found, stamps, d2)
    return found, stamps, d2


def look_up_rows(
    ring: Ring, X: NDArray[np.float32], k: int, budget: int
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Search for the rows held that are nearest to each query.

    Parameters
    ----------
    ring : Ring
        The state.
    X : ndarray of shape (n, n_features), float32
        The queries.
    k : int
        How many, at most the number of rows held.
    budget : int
        Rows that a search settles; `ALL` for the true neighbours.

    Returns
    -------
    stamps : ndarray of shape (n, k), int32
        Nearest first; modulo the capacity these are slots.
    d2 : ndarray of shape (n, k), float32
        Squared distances.
    """
    stamps = np.empty((len(X), k), dtype=np.int32)
    d2 = np.empty((len(X), k), dtype=np.float32)
    look_up_all(ring, _NO_SLOTS, X, budget, np.empty(len(X), dtype=np.int64), stamps, d2)
    return stamps, d2
