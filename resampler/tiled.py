"""The exact search for many rows of a matrix of numbers: `resampler.kernels.batch.tiles` on its cells, on threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from resampler.kernels.batch.arrange import arrange, lower_half, quantise
from resampler.kernels.batch.candidates import finish
from resampler.kernels.batch.cells import CELL_ROWS
from resampler.kernels.batch.limits import count_near, set_limits
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
from resampler.kernels.simd.tiles import LANES, ROWS, SIDE

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

MIN_ASKED = 500  # below, a search takes milliseconds in any way
MAX_NEIGHBORS = 64  # above, lists are long in filling, and most pairs are measured meanwhile
_NEAR, _NEAR_FEW = 4, 8  # cells around a cell that say first how near its rows' neighbours are; where few are asked for
_MOST = 0.5  # of the rows asked for, up to which these have cells of their own
_SAMPLE = 16  # cells that say how coarse sketches are
_COARSE = 0.25  # share of pairs near each other that sketches may pass: above, they say too little of these rows


def pays(k: int, n_asked: int) -> bool:
    """Say whether sketches are likely to be faster than cells alone, where all columns are numeric and without nulls.

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
        Bytes: candidates with their products, neighbours with their distances and as they are returned, places.

    Examples
    --------
    >>> search_bytes(5), search_bytes(10)
    (260, 488)
    """
    return 8 * candidates_of(k) + 20 * k + 32


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
        No nulls, all columns numeric.
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
    n, d = X.shape
    rows = X if (inverse_scale == 1).all() else X * inverse_scale
    wanted = np.zeros(n, dtype=np.bool_)
    wanted[queries] = True
    words = np.empty((n, -(-d // SIDE) * SIDE // 2), dtype=np.int32)
    sketches = words.view(np.int16)
    bound = Bound.of(rows, quantise(rows, sketches))
    n_cells = -(-n // CELL_ROWS)
    n_blocks = 1 if n_threads <= 1 else 2 * min(n_threads, max(1, n_cells // 8))
    bounds = np.linspace(0, n_cells, n_blocks + 1).astype(np.int64)
    with ThreadPoolExecutor(max(1, n_blocks // 2)) as pool:

        def run(do: Callable[..., Any], *of: Any) -> list[Any]:
            return list(pool.map(do, *of)) if n_blocks > 1 else [do(*one) for one in zip(*of, strict=True)]

        order = _arranged(sketches, wanted, n_blocks, run)
        s = _empty(rows, k, row_ids, order, wanted[order])
        panels = s.panels.view(np.int32)[..., 0]
        blocks = bounds[:-1], bounds[1:]
        run(lambda first, last: fill_cells(sketches, words, first, last, s, panels), *blocks)
        run(lambda first, last: find_near(s.centers, s.cell_limits, first, last, s.near), *blocks)
        run(lambda first, last: set_limits(s, bound, Scratch.of(rows, k), first, last), *blocks)
        n_pairs, n_near = count_near(s, Scratch.of(rows, k), max(1, n_cells // _SAMPLE))
        if n_near > _COARSE * n_pairs:
            return None
        for turns in _rounds(n_blocks):
            run(
                lambda a, b: join(s, bound, Scratch.of(rows, k), bounds[a], bounds[a + 1], bounds[b], bounds[b + 1]),
                *zip(*turns, strict=True),
            )
        run(lambda first, last: finish(s, bound, Scratch.of(rows, k), first, last), *blocks)
    place = np.empty(n, dtype=np.int64)
    place[order] = np.arange(n)
    asked = place[queries]
    return s.found[s.lists[asked // CELL_ROWS] + asked].astype(np.int64)


def _arranged(
    sketches: NDArray[np.int16], wanted: NDArray[np.bool_], n_parts: int, run: Callable[..., Any]
) -> NDArray[np.int32]:
    """Return the rows by cells; where few are asked for, these have cells of their own, spread among the others."""
    n = len(wanted)
    n_asked = -(-int(np.count_nonzero(wanted)) // CELL_ROWS) * CELL_ROWS  # cells are filled up with others
    few = n_asked <= _MOST * n
    at = np.concatenate([np.flatnonzero(wanted), np.flatnonzero(~wanted)]) if few else np.arange(n)
    order: NDArray[np.int32] = at.astype(np.int32)
    parts: list[tuple[int, int]] = [(0, n_asked), (n_asked, n)] if few else [(0, n)]
    while len(parts) < n_parts:  # the largest is halved, for another thread
        first, last = max(parts, key=_size)
        middle = first + lower_half(last - first)
        if last - first <= CELL_ROWS:
            break
        arrange(sketches, order, first, last, ROWS, max(middle - first, last - middle, CELL_ROWS))
        parts.remove((first, last))
        parts += [(first, middle), (middle, last)]
    run(lambda first, last: arrange(sketches, order, first, last, ROWS, CELL_ROWS), *zip(*parts, strict=True))
    if not few:
        return order
    n_whole = n // CELL_ROWS
    places = [(np.arange(n) + 0.5) / n for n in (n_asked // CELL_ROWS, n_whole - n_asked // CELL_ROWS) if n]
    spread = np.argsort(np.concatenate(places), kind="stable")
    order[: n_whole * CELL_ROWS] = order[: n_whole * CELL_ROWS].reshape(n_whole, CELL_ROWS)[spread].ravel()
    return order


def _size(part: tuple[int, int]) -> int:
    return part[1] - part[0]


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
        found=np.full((n_lists, k), -1, dtype=np.int32),
        distances=np.full((n_lists, k), np.inf, dtype=rows.dtype),
    )


def _rounds(n_blocks: int) -> list[list[tuple[int, int]]]:
    """Return rounds of pairs of blocks, each block with itself and each other once, and once a round at most."""
    rounds = [[(block, block) for block in range(n_blocks)]]
    circle = list(range(n_blocks))
    for _ in range(n_blocks - 1):  # an even number of them
        rounds.append(
            [(min(p), max(p)) for p in zip(circle[: n_blocks // 2], circle[:0:-1][: n_blocks // 2], strict=True)]
        )
        circle[1:] = [circle[-1], *circle[1:-1]]
    return rounds
