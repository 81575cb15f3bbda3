"""The exact search for many rows of a wide matrix: `resampler.kernels.batch.tiles` on all its cells, on threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from resampler.kernels.batch.cells import CELL_ROWS, bisect
from resampler.kernels.batch.tiles import AROUND, BEYOND, ITSELF, NEAR, PANELS, Sketched, find_near, join, sketch
from resampler.kernels.simd.tiles import LANES

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

MIN_ROWS = 4_096  # below, a search takes milliseconds in any way
MIN_COLUMNS = 12  # below, boxes leave out more than sketches do
MAX_NEIGHBORS = 32  # above, lists are long in filling, and most pairs are measured meanwhile
MIN_SHARE = 0.1  # of the rows, that are asked for: a tile is of four rows at least
_COARSE = 0.25  # share of pairs near each other that sketches may pass: above, they say too little of these rows


def pays(n: int, d: int, k: int, n_asked: int) -> bool:
    """Say whether sketches are likely to be faster than cells alone.

    Parameters
    ----------
    n, d : int
        Rows and columns, all numeric and without nulls.
    k : int
        Neighbours a row.
    n_asked : int
        Rows whose neighbours are sought.

    Returns
    -------
    bool
        From the shape alone: the outcome is the same.
    """
    return n >= MIN_ROWS and d >= MIN_COLUMNS and k <= MAX_NEIGHBORS and n_asked >= MIN_SHARE * n


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
    order = np.argsort(row_ids, kind="stable")
    bisect(X, inverse_scale, order)
    wanted = np.zeros(n, dtype=np.bool_)
    wanted[queries] = True
    n_cells = -(-n // CELL_ROWS)
    order = order[np.lexsort((~wanted[order], np.arange(n) // CELL_ROWS))]  # in a cell those asked for stand together
    s = _empty(X, k, row_ids[order], n_cells)
    grain = sketch(X, inverse_scale, order, X.mean(axis=0, dtype=np.float64) * inverse_scale, s)
    s.radii[:n][~wanted[order]] = -1.0
    s.furthest[:] = s.radii.reshape(n_cells, CELL_ROWS).max(axis=1)
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
            products, measured = np.sum([one for some in counts for one in some], axis=0)
            return int(products), int(measured)

        run(find_near, [s.centers] * n_blocks, bounds[:-1], bounds[1:], [s.near] * n_blocks)
        blocks = range(n_blocks)
        run(around, blocks, blocks, [ITSELF] * n_blocks)
        products, measured = all_pairs(AROUND)
        if measured > _COARSE * products:
            return None
        all_pairs(BEYOND)
    place = np.empty(n, dtype=np.int64)
    place[order] = np.arange(n)
    found: NDArray[np.int64] = order[s.places[place[queries]]]
    return found


def _empty(X: NDArray[Any], k: int, ids: NDArray[np.int64], n_cells: int) -> Sketched:
    n, d = X.shape
    n_pairs = (d + 1) // 2
    lows, highs = (np.full((n_cells, 2 * n_pairs), bound, dtype=np.int16) for bound in (32767, -32767))
    lows[:, d:] = highs[:, d:] = 0
    radii = np.full(n_cells * CELL_ROWS, np.inf)
    radii[n:] = -1.0
    return Sketched(
        rows=np.empty_like(X),
        ids=ids,
        panels=np.zeros((n_cells * PANELS, n_pairs, LANES, 2), dtype=np.int16),
        halves=np.full(n_cells * CELL_ROWS, -(2**29), dtype=np.int32),
        errors=np.empty(n),
        lows=lows,
        highs=highs,
        centers=np.zeros((n_cells, d)),
        worst=np.zeros(n_cells),
        near=np.full((n_cells, NEAR), -1),
        radii=radii,
        furthest=np.empty(n_cells),
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
