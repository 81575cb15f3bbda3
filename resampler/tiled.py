"""The exact search for many rows of a matrix of numbers: `resampler.kernels.batch.tiles` on its cells, on threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from resampler.kernels.batch.cells import CELL_ROWS, bisect, bisect_cells
from resampler.kernels.batch.tiles import (
    AROUND,
    BEYOND,
    EVERY,
    ITSELF,
    NEAR,
    NEVER,
    PANELS,
    Sketched,
    find_near,
    join,
    sketch,
)
from resampler.kernels.simd.tiles import LANES, ROWS

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

MIN_ASKED = 500  # below, a search takes milliseconds in any way
MAX_NEIGHBORS = 64  # above, lists are long in filling, and most pairs are measured meanwhile
_MOST = 0.5  # of the rows asked for, up to which these have cells of their own
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
    n = len(X)
    wanted = np.zeros(n, dtype=np.bool_)
    wanted[queries] = True
    order = _arranged(X, row_ids, inverse_scale, wanted)
    n_cells = -(-n // CELL_ROWS)
    s = _empty(X, k, row_ids[order], n_cells)
    s.limits[:n][wanted[order]] = EVERY
    grain = sketch(X, inverse_scale, order, X.mean(axis=0, dtype=np.float64) * inverse_scale, s)
    n_blocks = 1 if n_threads <= 1 else 2 * min(n_threads, max(1, n_cells // 8))
    bounds = np.linspace(0, n_cells, n_blocks + 1).astype(np.int64)
    with ThreadPoolExecutor(max(1, n_blocks // 2)) as pool:

        def around(a: int, b: int, turn: int) -> tuple[int, int]:
            found: tuple[int, int] = join(s, grain, turn, bounds[a], bounds[a + 1], bounds[b], bounds[b + 1])
            return found

        def run(do: Callable[..., Any], *of: Any) -> list[Any]:
            return list(pool.map(do, *of)) if n_blocks > 1 else [do(*one) for one in zip(*of, strict=True)]

        def all_pairs(turn: int) -> tuple[int, int]:
            counts = [run(around, *zip(*turns, strict=True), [turn] * len(turns)) for turns in _rounds(n_blocks)]
            pairs, measured = np.sum([one for some in counts for one in some], axis=0)
            return int(pairs), int(measured)

        run(find_near, [s.centers] * n_blocks, bounds[:-1], bounds[1:], [s.near] * n_blocks)
        blocks = range(n_blocks)
        run(around, blocks, blocks, [ITSELF] * n_blocks)
        pairs, measured = all_pairs(AROUND)
        if measured > _COARSE * pairs:
            return None
        all_pairs(BEYOND)
    place = np.empty(n, dtype=np.int64)
    place[order] = np.arange(n)
    found: NDArray[np.int64] = order[s.places[place[queries]]]
    return found


def _arranged(
    X: NDArray[Any], row_ids: NDArray[np.int64], inverse_scale: NDArray[Any], wanted: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Return the rows by cells; where few are asked for, these have cells of their own, spread among the others."""
    order = np.argsort(row_ids, kind="stable")
    asked = wanted[order]
    n_asked = -(-np.count_nonzero(asked) // CELL_ROWS) * CELL_ROWS  # cells are filled up with others
    if n_asked > _MOST * len(X):
        bisect(X, inverse_scale, order)
    else:
        order = order[np.argsort(~asked, kind="stable")]
        bisect(X, inverse_scale, order[:n_asked])
        bisect(X, inverse_scale, order[n_asked:])
        n_whole = len(X) // CELL_ROWS
        at = [(np.arange(n) + 0.5) / n for n in (n_asked // CELL_ROWS, n_whole - n_asked // CELL_ROWS) if n]
        spread = np.argsort(np.concatenate(at), kind="stable")
        order[: n_whole * CELL_ROWS] = order[: n_whole * CELL_ROWS].reshape(n_whole, CELL_ROWS)[spread].ravel()
    bisect_cells(X, inverse_scale, order, ROWS)
    return order


def _empty(X: NDArray[Any], k: int, ids: NDArray[np.int64], n_cells: int) -> Sketched:
    n, d = X.shape
    n_pairs, n_blocks = (d + 1) // 2, -(-n_cells // LANES)
    lows, highs = (np.zeros((n_cells, n_pairs, LANES, 2), dtype=np.int16) for _ in range(2))
    cell_lows, cell_highs = (np.zeros((n_blocks, n_pairs, LANES, 2), dtype=np.int16) for _ in range(2))
    return Sketched(
        rows=np.empty_like(X),
        ids=ids,
        panels=np.zeros((n_cells * PANELS, n_pairs, LANES, 2), dtype=np.int16),
        halves=np.full(n_cells * CELL_ROWS, -(2**29), dtype=np.int32),
        limits=np.full(n_cells * CELL_ROWS, NEVER, dtype=np.int32),
        lows=lows,
        highs=highs,
        group_limits=np.full(n_cells * LANES, NEVER, dtype=np.int32),
        cell_lows=cell_lows,
        cell_highs=cell_highs,
        cell_limits=np.full(n_blocks * LANES, NEVER, dtype=np.int32),
        centers=np.zeros((n_cells, d)),
        near=np.full((n_cells, NEAR), -1),
        places=np.full((n, k), -1),
        distances=np.full((n, k), np.inf, dtype=X.dtype),
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
