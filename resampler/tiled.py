"""The exact search for many rows of numbers and nulls: `resampler.kernels.batch.tiles` on its cells, on threads."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from resampler.crew import Crew
from resampler.kernels.batch.arrange import LONGEST, arrange, furthest, lower_half, quantise
from resampler.kernels.batch.candidates import finish
from resampler.kernels.batch.cells import CELL_ROWS
from resampler.kernels.batch.limits import count_near, set_limits
from resampler.kernels.batch.nulls import LANDMARKS, Nulls, count_held, lay_nulls, stand_in
from resampler.kernels.batch.sketched import (
    EMPTY,
    EVERY,
    NEVER,
    PANELS,
    Bound,
    Scratch,
    Sketched,
    candidates_of,
    fill_cells,
    find_near,
)
from resampler.kernels.batch.tiles import join
from resampler.kernels.simd.emitter import LANES, ROWS, SIDE

if TYPE_CHECKING:
    from numpy.typing import NDArray

MIN_ASKED = 500  # below, a search takes milliseconds in any way
MAX_NEIGHBORS = 64  # above, lists are long in filling, and most pairs are measured meanwhile
_NEAR, _NEAR_FEW = 4, 8  # cells around a cell that say first how near its rows' neighbours are; where few are asked for
_MOST = 0.5  # of the rows asked for, up to which these have cells of their own
_SAMPLE = 64  # groups that say how coarse sketches are
_COARSE = 0.25  # share of pairs near each other that sketches may pass: above, they say too little of these rows
_AVERAGED = 1024  # rows, at least, where there are as many: sketches may be about any centre
_LEAST_GRAIN = 1e-150
_CELLS_EACH, _BLOCKS_EACH = 8, 4  # cells that are worth a thread, at least; blocks that pairs of are shared


def pays(k: int, n_asked: int) -> bool:
    """Say whether sketches are likely to be faster than cells alone, where all columns are numeric.

    Parameters
    ----------
    k : int
        Neighbours a row.
    n_asked : int
        Rows whose neighbours are sought.

    Returns
    -------
    bool
        The outcome is the same.
    """
    return k <= MAX_NEIGHBORS and n_asked >= MIN_ASKED


def search_bytes(k: int) -> int:
    """Say what a search holds of a row whose neighbours are sought, beside two copies of it.

    Parameters
    ----------
    k : int
        Neighbours a row.

    Returns
    -------
    int
        Bytes: candidates with their products, neighbours as they are returned, places.

    Examples
    --------
    >>> search_bytes(5), search_bytes(10)
    (200, 368)
    """
    return 8 * candidates_of(k) + 8 * k + 32


def nearest_tiled(
    X: NDArray[Any],
    k: int,
    row_ids: NDArray[np.int64],
    inverse_scale: NDArray[Any],
    queries: NDArray[np.int64],
    n_threads: int,
) -> NDArray[np.int64] | None:
    """Find the k rows of a matrix that are nearest to some of its own rows, exactly.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features), float32 or float64
        All columns numeric; NaN is a null.
    k : int
        Neighbours a row, below n_samples.
    row_ids, inverse_scale, queries
        As in `resampler.neighbors.nearest_rows`.
    n_threads : int
        It changes no neighbour.

    Returns
    -------
    ndarray of shape (n_queries, k), int64, or None
        Positions; None where rows far out make the sketches of the others too coarse to tell them apart.
    """
    n = len(X)
    rows = X if (inverse_scale == 1).all() else X * inverse_scale
    wanted = np.zeros(n, dtype=np.bool_)
    wanted[queries] = True
    once = len(queries) == np.count_nonzero(wanted)
    n_cells = -(-n // CELL_ROWS)
    with Crew(max(1, min(n_threads, n_cells // _CELLS_EACH))) as crew:
        n_blocks = 1 if crew.size == 1 else _BLOCKS_EACH * crew.size
        scratches = [Scratch.of(rows, k) for _ in range(crew.size)]
        blocks = _parts(n_cells, n_blocks)
        held = np.empty(n, dtype=np.int32)
        crew.share(_parts(n, n_blocks), lambda part, _: count_held(rows, *part, held))
        wanted &= held > 0  # the others are infinitely far from all
        s, bound = _in_cells(rows, k, row_ids, wanted, held, blocks, crew)

        def limit(block: tuple[int, int], worker: int) -> None:
            find_near(s.centers, s.cell_limits, *block, s.near)
            set_limits(s, bound, scratches[worker], *block)

        crew.share(blocks, limit)
        asking = np.flatnonzero(s.group_limits != NEVER)
        n_pairs, n_near = count_near(s, scratches[0], asking[:: max(1, len(asking) // _SAMPLE)].copy())
        if n_near > _COARSE * n_pairs:
            return None
        # Each block with itself first; then near ones, which take longest. Lists of a block are written by one thread.
        pairs = sorted(itertools.combinations_with_replacement(range(n_blocks), 2), key=lambda pair: pair[0] ^ pair[1])
        crew.share(
            pairs, lambda pair, worker: join(s, bound, scratches[worker], *blocks[pair[0]], *blocks[pair[1]]), set
        )
        answers = np.empty(n, dtype=np.int32)
        answers[queries] = np.arange(len(queries))
        nearest = np.empty((len(queries), k), dtype=np.int64)
        crew.share(blocks, lambda block, worker: finish(s, scratches[worker], *block, answers, nearest))
    nearest = nearest if once else nearest[answers[queries]]
    empty = held[queries] == 0
    return _without_a_value(nearest, empty, queries, row_ids) if empty.any() else nearest


def _parts(n: int, n_parts: int) -> list[tuple[int, int]]:
    """Return where parts of n, as large as each other, begin and end."""
    return list(itertools.pairwise(np.linspace(0, n, n_parts + 1).astype(np.int64).tolist()))


def _in_cells(
    rows: NDArray[Any],
    k: int,
    ids: NDArray[np.int64],
    wanted: NDArray[np.bool_],
    held: NDArray[np.int32],
    blocks: list[tuple[int, int]],
    crew: Crew,
) -> tuple[Sketched, Bound]:
    """Return the rows' sketches in cells, without limits; as they were made, they are let go."""
    lacking = held < rows.shape[1]
    nulls = bool(lacking.any())
    sketches, grain = _sketched(rows, len(blocks), crew)
    if nulls:
        _stand_in(rows, held, sketches, len(blocks), crew)
    order = _arranged(sketches, wanted, lacking, len(blocks), crew)
    s = _empty(rows, k, ids, order, wanted[order])
    words, panels = sketches.view(np.int32), s.panels.view(np.int32)[..., 0]
    crew.share(blocks, lambda block, _: fill_cells(sketches, words, *block, s, panels))
    if nulls:
        del sketches, words
        s = s._replace(nulls=Nulls.none(len(s.near), rows.shape[1]))
        crew.share(blocks, lambda block, _: lay_nulls(held, *block, s))
    return s, Bound.of(rows, grain, nulls=nulls)


def _sketched(rows: NDArray[Any], n_parts: int, crew: Crew) -> tuple[NDArray[np.int16], float]:
    """Return the rows' sketches about what is nearly their mean, and the grain."""
    n, d = rows.shape
    center = _center(rows)
    sketches = np.empty((n, -(-d // SIDE) * SIDE), dtype=np.int16)
    parts = _parts(n, n_parts)
    lengths: list[float] = []
    crew.share(parts, lambda part, _: lengths.append(furthest(rows, center, *part)))
    grain = max(max(lengths) / LONGEST, _LEAST_GRAIN)
    crew.share(parts, lambda part, _: quantise(rows, center, grain, *part, sketches))
    return sketches, grain


def _center(rows: NDArray[Any]) -> NDArray[np.float64]:
    """Return nearly the mean of each column's values, 0 where it has none."""
    for step in (max(1, len(rows) // _AVERAGED), 1):
        sample = rows[::step]
        there = ~np.isnan(sample)
        counts = there.sum(axis=0)
        if counts.all():
            break
    center: NDArray[np.float64] = np.where(there, sample, 0).sum(axis=0, dtype=np.float64) / np.maximum(counts, 1)
    return center


def _stand_in(
    rows: NDArray[Any], held: NDArray[np.int32], sketches: NDArray[np.int16], n_parts: int, crew: Crew
) -> None:
    """Put what rows like them have into the sketches of rows with nulls, so that they are arranged among these."""
    whole = np.flatnonzero(held == rows.shape[1])
    few = whole if len(whole) else np.arange(len(rows))
    landmarks = np.ascontiguousarray(sketches[few[:: -(-len(few) // LANDMARKS)]].T.astype(np.float32))
    crew.share(_parts(len(rows), n_parts), lambda part, _: stand_in(rows, held, sketches, landmarks, *part))


def _arranged(
    sketches: NDArray[np.int16], wanted: NDArray[np.bool_], lacking: NDArray[np.bool_], n_parts: int, crew: Crew
) -> NDArray[np.int32]:
    """Return the rows by cells.

    Rows that lack values have cells of their own, and so have those that are asked for, where these are few. A kind's
    last cell is filled up with rows of the next, and cells of all kinds are spread among each other.
    """
    n = len(wanted)
    few = -(-int(np.count_nonzero(wanted)) // CELL_ROWS) * CELL_ROWS <= _MOST * n
    kinds = lacking + 2 * (~wanted & few)
    order: NDArray[np.int32] = np.argsort(kinds, kind="stable").astype(np.int32)
    ends = -(-np.cumsum(np.bincount(kinds)) // CELL_ROWS) * CELL_ROWS
    cuts = np.unique(np.minimum(np.append(0, ends), n)).tolist()
    most = max(CELL_ROWS, n // n_parts)

    def arranged(part: tuple[int, int], _: int) -> list[tuple[int, int]]:
        first, last = part
        if last - first <= most or crew.size == 1:
            arrange(sketches, order, first, last, ROWS, CELL_ROWS)
            return []
        middle = first + lower_half(last - first)
        arrange(sketches, order, first, last, ROWS, last - first - 1)  # into halves, for two to go on with
        return [(first, middle), (middle, last)]

    crew.share(sorted(itertools.pairwise(cuts), key=lambda part: part[0] - part[1]), arranged)
    if len(cuts) == 2:
        return order
    n_whole = n // CELL_ROWS
    places = [(np.arange(count) + 0.5) / max(count, 1) for count in np.diff(np.array(cuts) // CELL_ROWS)]
    spread = np.argsort(np.concatenate(places), kind="stable")
    order[: n_whole * CELL_ROWS] = order[: n_whole * CELL_ROWS].reshape(n_whole, CELL_ROWS)[spread].ravel()
    return order


def _without_a_value(
    nearest: NDArray[np.int64], empty: NDArray[np.bool_], queries: NDArray[np.int64], ids: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Give rows without a value, which are infinitely far from all, those with the lowest ids."""
    lowest = np.argsort(ids)[: nearest.shape[1] + 1]
    itself = lowest == queries[empty, None]
    nearest[empty] = lowest[np.argsort(itself, axis=1, kind="stable")[:, :-1]]
    return nearest


def _empty(
    rows: NDArray[Any], k: int, ids: NDArray[np.int64], order: NDArray[np.int32], asked: NDArray[np.bool_]
) -> Sketched:
    """Return what is to be searched, without sketches; `asked` says of which places."""
    n, d = rows.shape
    n_cells, n_pairs = -(-n // CELL_ROWS), (d + 1) // 2
    n_blocks = -(-n_cells // LANES)
    limits = np.full(n_cells * CELL_ROWS, NEVER, dtype=np.int32)
    limits[:n][asked] = EVERY
    has_lists = (limits.reshape(n_cells, CELL_ROWS) != NEVER).any(axis=1)
    n_lists = int(np.count_nonzero(has_lists)) * CELL_ROWS
    return Sketched(
        rows=rows,
        ids=ids,
        order=order,
        panels=np.zeros((n_cells * PANELS, n_pairs, LANES, 2), dtype=np.int16),
        halves=np.full(n_cells * CELL_ROWS, EMPTY, dtype=np.int32),
        limits=limits,
        lows=np.zeros((n_cells, n_pairs, LANES, 2), dtype=np.int16),
        highs=np.zeros((n_cells, n_pairs, LANES, 2), dtype=np.int16),
        group_limits=np.full(n_cells * LANES, NEVER, dtype=np.int32),
        cell_lows=np.zeros((n_blocks, n_pairs, LANES, 2), dtype=np.int16),
        cell_highs=np.zeros((n_blocks, n_pairs, LANES, 2), dtype=np.int16),
        cell_limits=np.full(n_blocks * LANES, NEVER, dtype=np.int32),
        centers=np.empty((2 * n_pairs, n_cells), dtype=np.float32),
        near=np.full((n_cells, _NEAR_FEW if n_lists <= _MOST * n else _NEAR), -1),
        lists=(np.cumsum(has_lists) - 1 - np.arange(n_cells)) * CELL_ROWS,
        candidates=np.empty((n_lists, candidates_of(k)), dtype=np.int32),
        products=np.empty((n_lists, candidates_of(k)), dtype=np.int32),
        counts=np.zeros(n_lists, dtype=np.int32),
        nulls=None,
    )
