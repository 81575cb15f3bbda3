"""Insertion of many rows: wave after wave, on one thread or several."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from resampler.buffer.allocation import make_scratch
from resampler.buffer.maintenance import finish_wave
from resampler.kernels.buffer.cells import NEWCOMERS
from resampler.kernels.buffer.insertion import Scouts, plan_wave, scout, take_places
from resampler.kernels.buffer.ring import insert_all

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from resampler.kernels.buffer.ring import Ring

# Affected rows that a thread can note in a wave; beyond that, rows are searched for one after the other.
NOTES = 64 * NEWCOMERS


def insert_in_order(
    ring: Ring, X: NDArray[np.float32], row_ids: NDArray[np.int64], times: NDArray[np.int64], max_age: int
) -> None:
    """Add rows one after the other.

    Parameters
    ----------
    ring : Ring
        The state.
    X, row_ids, times, max_age
        As `resampler.kernels.buffer.ring.insert_all` takes them.
    """
    first = 0
    while first < len(row_ids):
        first = insert_all(ring, X, row_ids, times, max_age, first)
        finish_wave(ring)


def insert_side_by_side(
    ring: Ring,
    X: NDArray[np.float32],
    row_ids: NDArray[np.int64],
    times: NDArray[np.int64],
    max_age: int,
    n_threads: int,
) -> None:
    """Add rows with the bytes that `insert_in_order` gives, searching for them on several threads.

    Parameters
    ----------
    ring : Ring
        The state, which changes in this thread only.
    X, row_ids, times, max_age
        As `resampler.kernels.buffer.ring.insert_all` takes them.
    n_threads : int
        How many, this one among them.
    """
    rows, _, cells, _ = ring.graph
    scouts = [_make_scouts(ring) for _ in range(n_threads)]
    gone = np.empty(NEWCOMERS, dtype=np.int64)
    first, last = 0, len(row_ids)
    with ThreadPoolExecutor(n_threads - 1) as pool:
        while first < last:
            newcomers = cells.counts["newcomers"]
            n = plan_wave(
                ring.control, rows.cursor, len(rows.row_ids), newcomers, rows.times, times, max_age, first, last, gone
            )
            edges = [n * part // n_threads for part in range(n_threads + 1)]
            parts = list(zip(scouts, edges[:-1], edges[1:], strict=True))
            others = [pool.submit(scout, ring, own, X, gone, first, begin, end) for own, begin, end in parts[1:]]
            scout(ring, scouts[0], X, gone, first, 0, edges[1])
            for other in others:
                other.result()
            at = 0
            for own, begin, end in parts:
                at = take_places(ring, own, X, row_ids, times, max_age, first, begin, end)
                if at < end:
                    break
            if at == 0 or at < n:  # a look at the metric is due before this row, or a thread ran out of room for notes
                one = slice(first + at, first + at + 1)
                insert_all(ring, X[one], row_ids[one], times[one], max_age, 0)
                at += 1
            first += at
            finish_wave(ring)


def _make_scouts(ring: Ring) -> Scouts:
    n_groups, n_features, _ = ring.graph.cells.centroids.shape
    length = ring.graph.lists.stamps.shape[1]
    return Scouts(
        scratch=make_scratch(n_features, n_groups, length, NOTES),
        stamps=np.zeros((NEWCOMERS, length), dtype=np.int32),
        d2=np.zeros((NEWCOMERS, length), dtype=np.float32),
        found=np.zeros(NEWCOMERS, dtype=np.int64),
        home=np.zeros(NEWCOMERS, dtype=np.int64),
        home_d2=np.zeros(NEWCOMERS, dtype=np.float32),
        noted=np.zeros(NEWCOMERS + 1, dtype=np.int64),
    )
