"""The arrays of a minority buffer: how many, how large, and whether they fit into memory."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from resampler.errors import InvalidInputError
from resampler.kernels.buffer.cells import COUNTS, FREE, NEWCOMERS, NO_CELL, WAITING, Cells
from resampler.kernels.buffer.graph import CURSOR, LAST_ID, NOBODY, UNKNOWN, Lists, Rows
from resampler.kernels.buffer.ring import CONTROL, Ring
from resampler.kernels.buffer.search import AT_ONCE, Graph, Scratch
from resampler.kernels.buffer.walk import QUEUE, WALK
from resampler.kernels.simd.blocks import DEAD
from resampler.kernels.simd.dots import FOUR
from resampler.kernels.simd.lanes import LANES
from resampler.kernels.simd.sums import SIDE_BY_SIDE

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST_MEAN_ROWS = 30  # that an average cell holds at least: splitting leaves cells half full
LEAST_MEAN_CELLS = 32  # that an average group holds at least
ROOM = 1024  # rows that a search notes before it measures them: at least those of the cells scanned at once
MIN_BOUNDS = 32  # so that a search for a few more rows than a list has is as fast


def make_ring(
    capacity: int,
    k_neighbors: int,
    inverse_scale: NDArray[np.float32],
    penalty: NDArray[np.float32],
    *,
    cosine: bool,
    aged: bool,
    budget: int,
    refit_rows: int,
    recall: float,
    half_life: float,
    kept_needs: int = 0,
    flat: bool = False,
    nullable: bool = False,
) -> Ring:
    """Allocate an empty ring; see `Rows`, `Lists` and `Cells` for the arrays.

    Parameters
    ----------
    capacity, k_neighbors : int
        See `MinorityBuffer`.
    inverse_scale, penalty : ndarray of shape (n_features,), float32
        The metric.
    cosine : bool
        Whether rows are divided by their length.
    aged : bool
        Whether rows have times.
    budget, refit_rows, recall, half_life
        First values of `resampler.kernels.buffer.ring.CONTROL`.
    kept_needs : int
        Searches whose needs are kept, for the budget to follow from; 0 if it does not (`resampler.buffer.effort`).
    flat : bool
        Whether all rows are measured by each search (`resampler.kernels.buffer.flat`): no cell is allocated.
    nullable : bool
        Whether rows may have nulls, which takes a flat index.

    Returns
    -------
    Ring
        The arrays.

    Raises
    ------
    InvalidInputError
        If they would not fit into this machine's memory.
    """
    n_features = len(penalty)
    # Lists run short by chance; with this many spare entries, few do within the lifetime of a row.
    length = 2 * k_neighbors + 2
    waiting = -(-capacity // LANES) if flat else WAITING
    max_cells = 0 if flat else 4 + -(-capacity // LEAST_MEAN_ROWS)
    n_groups = 0 if flat else 4 + -(-max_cells // LEAST_MEAN_CELLS)
    _check_memory(capacity, n_features, length, waiting, max_cells, n_groups)
    rows = Rows(
        X=np.zeros((capacity, n_features), dtype=np.float32),
        row_ids=np.full(capacity, DEAD, dtype=np.int64),
        times=np.zeros(capacity if aged else 0, dtype=np.int64),
        cursor=make_record(CURSOR),
        inverse_scale=inverse_scale,
        penalty=penalty,
        inverse_norm=np.ones(capacity, dtype=np.float32),
        cosine=np.array([cosine]),
        common=np.zeros(LANES, dtype=np.float32) if nullable else None,
    )
    lists = Lists(
        stamps=np.full((capacity, length), NOBODY),
        d2=np.zeros((capacity, length), dtype=np.float32),
        count=np.zeros(capacity, dtype=np.int32),
        cutoff_id=np.full(capacity, LAST_ID, dtype=np.int64),
    )
    cells = _make_cells(capacity, n_features, waiting, max_cells, n_groups)
    return Ring(
        graph=Graph(rows, lists, cells, make_scratch(n_features, n_groups, length, n_flat=waiting if flat else 0)),
        control=make_record(CONTROL, budget=budget, refit_rows=refit_rows, recall=recall, half_life=half_life),
        nn_slots=np.zeros(k_neighbors, dtype=np.int64),
        nn_d2=np.zeros(k_neighbors, dtype=np.float32),
        needs=np.zeros((kept_needs, k_neighbors), dtype=np.int64),
    )


def _check_memory(capacity: int, n_features: int, length: int, waiting: int, max_cells: int, n_groups: int) -> None:
    n_blocks = waiting + max_cells
    n_sketched = n_blocks if max_cells else 0
    transposed = n_blocks / 4 if max_cells else waiting
    floats = n_features * (capacity + n_sketched + LANES * (transposed + n_groups + -(-n_groups // LANES)))
    nbytes = int(4 * floats) + capacity * (8 * length + 28) + 12 * LANES * n_blocks
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if nbytes > memory:
        raise InvalidInputError(
            f"capacity={capacity} rows of {n_features} features need {nbytes / 2**30:.1f} GiB, "
            f"this machine has {memory / 2**30:.1f} GiB: lower capacity"
        )


def _make_cells(capacity: int, n_features: int, waiting: int, max_cells: int, n_groups: int) -> Cells:
    n_cells = n_groups * LANES
    n_blocks = waiting + max_cells
    n_sketched = n_blocks if max_cells else 0  # a flat index has no sketches
    n_hubs = -(-n_groups // LANES)
    return Cells(
        blocks=np.zeros((n_sketched, -(-n_features // FOUR), LANES, FOUR), dtype=np.uint8),
        lengths=np.zeros((n_sketched, LANES), dtype=np.float32),
        origins=np.zeros((n_sketched, n_features), dtype=np.float32),
        grain=np.zeros(n_blocks, dtype=np.float32),
        error=np.zeros(n_blocks, dtype=np.float32),
        newcomers=np.zeros((waiting, n_features, LANES), dtype=np.float32),
        lane_slots=np.full((n_blocks, LANES), DEAD, dtype=np.int32),
        cutoff=np.full((n_blocks, LANES), UNKNOWN, dtype=np.float32),
        block_cutoff=np.full(n_blocks, UNKNOWN, dtype=np.float32),
        cell_of=np.full(n_blocks, NO_CELL, dtype=np.int64),
        place=np.zeros(capacity, dtype=np.int32),
        centroids=np.zeros((n_groups, n_features, LANES), dtype=np.float32),
        radius=np.zeros(n_cells, dtype=np.float32),
        cell_rows=np.full(n_cells, FREE, dtype=np.int64),
        weight=np.zeros(n_cells, dtype=np.int64),
        block_of=np.zeros(n_cells, dtype=np.int64),
        hubs=np.zeros((n_hubs, n_features, LANES), dtype=np.float32),
        group_cells=np.zeros(n_groups, dtype=np.int64),
        cells_in_use=np.zeros(n_groups, dtype=np.uint64),
        groups_in_use=np.zeros(n_hubs, dtype=np.uint64),
        home=np.full(NEWCOMERS, NO_CELL, dtype=np.int64) if max_cells else None,
        home_d2=np.zeros(NEWCOMERS if max_cells else 0, dtype=np.float32),
        touched=np.zeros(n_cells, dtype=np.int64),
        free_blocks=np.arange(waiting, n_blocks)[::-1].copy(),
        free_groups=np.arange(n_groups, dtype=np.int64)[::-1].copy(),
        counts=make_record(COUNTS, free_blocks=max_cells, free_groups=n_groups),
    )


def make_record(dtype: np.dtype[np.void], **values: float) -> np.void:
    """Allocate a record: state that kernels read and write by name, at one pointer whatever its fields.

    Parameters
    ----------
    dtype : dtype
        Its fields.
    **values : int or float
        First values of some of them; the others are 0.

    Returns
    -------
    void
        The record; it owns its memory.
    """
    record: np.void = np.zeros(1, dtype)[0]
    for name, value in values.items():
        record[name] = value
    return record


def make_scratch(n_features: int, n_groups: int, length: int, notes: int = ROOM, n_flat: int = 0) -> Scratch:
    """Allocate the working space of a search.

    Parameters
    ----------
    n_features, n_groups : int
        Of the cells that are searched.
    length : int
        Entries of a list.
    notes : int
        Affected rows that a search can note; at least `ROOM`.
    n_flat : int
        Blocks of a flat index.

    Returns
    -------
    Scratch
        The arrays.
    """
    n_hub_blocks = -(-n_groups // LANES)
    return Scratch(
        query=np.zeros(n_features, dtype=np.float32),
        residual=np.zeros((2, -(-n_features // FOUR) * FOUR), dtype=np.int8),
        lanes=np.zeros((AT_ONCE, LANES), dtype=np.float32),
        hits=np.zeros(AT_ONCE, dtype=np.uint64),
        offsets=np.zeros(AT_ONCE, dtype=np.float32),
        hub_d2=np.zeros((n_hub_blocks, LANES), dtype=np.float32),
        hub_least=np.zeros((-(-n_hub_blocks // LANES), LANES), dtype=np.float32),
        walk=make_record(WALK),
        seen=np.zeros(n_groups, dtype=np.int64),
        cell_d2=np.zeros((max(n_groups, n_flat), LANES), dtype=np.float32),
        cell_least=np.zeros((n_hub_blocks, LANES), dtype=np.float32),
        queue=np.zeros(int(QUEUE), dtype=np.int64),
        queue_d2=np.zeros(int(QUEUE), dtype=np.float32),
        bounds=np.zeros(max(length, MIN_BOUNDS), dtype=np.float32),
        places=np.zeros(ROOM, dtype=np.int64),
        slots=np.zeros(ROOM, dtype=np.int64),
        lows=np.zeros(ROOM, dtype=np.float32),
        d2=np.zeros(ROOM, dtype=np.float32),
        terms=np.zeros((SIDE_BY_SIDE, n_features), dtype=np.float32),
        affected=np.zeros(notes, dtype=np.int64),
        affected_d2=np.zeros(notes, dtype=np.float32),
    )
