"""Neighbours of many rows of one matrix at once, exact or approximate, the same for any number of threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numba import config

from resampler.errors import InvalidInputError
from resampler.kernels.batch.cells import CELL_ROWS, UNROLLED_COLUMNS, bisect, fill
from resampler.kernels.batch.neighbors import scan_cells
from resampler.kernels.batch.partial import fill_partial, scan_partial, stand_in
from resampler.layout import as_kernel_array, as_kernel_rows
from resampler.resolution import RANGES, exponent_of, resolve, scaled_penalty
from resampler.tiled import nearest_tiled, pays

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

METHODS = ("auto", "exact", "approximate")
AUTO_EXACT_ROWS = 20_000  # up to here an exact search takes a second or so
RECALL = 0.95  # that a sample must reach; the promise to users is 0.9
LANDMARKS = 128  # rows that say where others with nulls lie
_SAMPLE_CELLS = 32
_SAMPLE_ROWS = 12  # a cell
_CELLS_A_TASK = 16
_ROWS_AT_ONCE = 4_096


class Neighbors(NamedTuple):
    """What a search found.

    Parameters
    ----------
    indices : ndarray of shape (n_queries, k), int64
        Positions of the neighbours, by (distance, row id).
    recall : float
        Share of the true neighbours that a sample of the queries found; 1 for an exact search.
    """

    indices: NDArray[np.int64]
    recall: float


class _Cells:
    """A matrix sorted into cells, ready to be searched."""

    def __init__(
        self,
        X: NDArray[Any],
        row_ids: NDArray[np.int64],
        inverse_scale: NDArray[Any],
        penalty: NDArray[Any],
        queries: NDArray[np.int64],
    ) -> None:
        n, d = X.shape
        numeric = penalty < 0
        self.penalty = penalty
        self.order = np.argsort(row_ids, kind="stable")  # so that no order of the rows shows in the cells
        bisect(X, np.where(numeric, inverse_scale, 0).astype(X.dtype), self.order)
        n_cells, width = -(-n // CELL_ROWS), -(-d // UNROLLED_COLUMNS) * UNROLLED_COLUMNS
        self.cells = np.empty((n_cells, width, CELL_ROWS), dtype=X.dtype)
        self.centers = np.empty((n_cells, width), dtype=X.dtype)
        self.lows, self.highs = np.empty_like(self.centers), np.empty_like(self.centers)
        fill(X, inverse_scale, numeric, self.order, self.cells, self.centers, self.lows, self.highs)
        self.ids = row_ids[self.order]
        self.place = np.empty(n, dtype=np.int64)
        self.place[self.order] = np.arange(n)
        self.queries = self.sampled = self.place[queries]

    def search(self, queries: NDArray[np.int64], k: int, budget: int, n_threads: int) -> NDArray[np.int64]:
        """Return the places of the neighbours of the rows at places `queries`."""
        n = len(self.ids)
        wanted = np.zeros(n, dtype=np.bool_)
        wanted[queries] = True
        places = np.empty((n, k), dtype=np.int64)
        distances = np.empty((n, k), dtype=self.cells.dtype)
        bits = np.empty(0, dtype=np.int32 if self.cells.dtype == np.float32 else np.int64)

        def scan(first: int, last: int) -> None:
            self._scan(self.penalty, self.ids, wanted, first, last, budget, bits, places, distances)

        in_chunks(scan, len(self.cells), _CELLS_A_TASK, n_threads)
        return places[queries]

    def _scan(self, *rest: Any) -> None:
        scan_cells(self.cells, self.centers, self.lows, self.highs, *rest)

    def budget_for(self, k: int, n_threads: int) -> tuple[int, float]:
        """Find how many cells a query must scan for `RECALL`, on some queries of some cells."""
        places, n_cells = np.sort(self.sampled), len(self.cells)
        if not len(places):
            return n_cells, 1.0
        asked, first = np.unique(places // CELL_ROWS, return_index=True)
        chosen = asked[:: -(-len(asked) // _SAMPLE_CELLS)]
        turn = np.arange(len(places)) - np.repeat(first, np.diff(np.append(first, len(places))))
        sample = places[np.isin(places // CELL_ROWS, chosen) & (turn < _SAMPLE_ROWS)]
        truth = np.sort(self.search(sample, k, n_cells, n_threads), axis=1)
        budget = 4
        while budget < n_cells:
            found = self.search(sample, k, budget, n_threads)
            recall = float((found[:, :, None] == truth[:, None, :]).any(axis=2).mean())
            if recall >= RECALL:
                return budget, recall
            budget += budget // 2
        return n_cells, 1.0


class _PartialCells(_Cells):
    """The same of a matrix with nulls: rows stand in cells as if they had the values of rows like them."""

    def __init__(
        self,
        X: NDArray[Any],
        row_ids: NDArray[np.int64],
        inverse_scale: NDArray[Any],
        penalty: NDArray[Any],
        queries: NDArray[np.int64],
    ) -> None:
        nulls = np.isnan(X)
        filled = _filled(X, nulls, row_ids, inverse_scale, penalty < 0)
        super().__init__(filled, row_ids, inverse_scale, penalty, queries)
        self.lacking = np.empty(len(self.cells), dtype=np.int64)
        fill_partial(X, inverse_scale, penalty < 0, self.order, self.cells, self.lows, self.highs, self.lacking)
        self.has_nulls = np.isnan(self.cells[:, : X.shape[1]]).any(axis=2)
        self.empty = nulls.all(axis=1)[self.order]
        self.sampled = self.queries[~self.empty[self.queries]]

    def search(self, queries: NDArray[np.int64], k: int, budget: int, n_threads: int) -> NDArray[np.int64]:
        """Return the places of the neighbours; a row without a value is as far from all: it has the lowest ids."""
        found = np.empty((len(queries), k), dtype=np.int64)
        empty = self.empty[queries]
        if not empty.all():
            found[~empty] = super().search(queries[~empty], k, budget, n_threads)
        lowest = np.argsort(self.ids)[: k + 1]
        itself = lowest == queries[empty, None]
        found[empty] = lowest[np.argsort(itself, axis=1, kind="stable")[:, :k]]
        return found

    def _scan(self, *rest: Any) -> None:
        scan_partial(self.cells, self.centers, self.lows, self.highs, self.has_nulls, self.lacking, *rest)


def in_chunks(task: Callable[[int, int], None], n: int, chunk: int, n_threads: int | None = None) -> None:
    """Run ``task(first, last)`` over 0 .. n-1 in pieces, on threads where there is more than one piece.

    Parameters
    ----------
    task : callable
        A kernel that frees the interpreter and writes to its own range only.
    n : int
        How much there is to do.
    chunk : int
        Size of a piece.
    n_threads : int, optional
        By default ``NUMBA_NUM_THREADS``, that is the machine's cores.
    """
    workers = min(n_threads or config.NUMBA_NUM_THREADS, -(-n // chunk))
    if workers <= 1:
        task(0, n)
        return
    with ThreadPoolExecutor(workers) as pool:
        for done in [pool.submit(task, first, min(n, first + chunk)) for first in range(0, n, chunk)]:
            done.result()


def _filled(
    X: NDArray[Any],
    nulls: NDArray[np.bool_],
    row_ids: NDArray[np.int64],
    inverse_scale: NDArray[Any],
    numeric: NDArray[np.bool_],
) -> NDArray[Any]:
    """Return rows with a value in each column, by landmarks that follow from ids, so that no order of rows shows."""
    out = np.where(nulls, _means(X, row_ids).astype(X.dtype), X)
    order = np.argsort(row_ids, kind="stable")
    landmarks = np.ascontiguousarray(X[order[:: -(-len(X) // LANDMARKS)]].T)

    def fill_in(first: int, last: int) -> None:
        stand_in(X, landmarks, inverse_scale, numeric, first, last, out)

    in_chunks(fill_in, len(X), _ROWS_AT_ONCE)
    return out


def _means(X: NDArray[Any], row_ids: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the mean of each column's values, 0 where it has none; summed by id, so that no order of rows shows."""
    order = np.argsort(row_ids, kind="stable")
    columns = (column[np.isfinite(column)] for column in (X[order, j] for j in range(X.shape[1])))
    return np.array([column.mean(dtype=np.float64) if column.size else 0.0 for column in columns])


def _in_float32(
    X: NDArray[np.float64],
    inverse_scale: NDArray[np.float64],
    penalty: NDArray[np.float64],
    center: NDArray[np.float64],
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float64]]:
    """Return rows in units of scale about a center, and the metric that goes with them: twice as many fit a vector.

    About their mean, because what all rows have in common would take the digits in which they differ; times a power of
    two where squares would vanish in float32.
    """
    exponent = exponent_of(X, inverse_scale, penalty < 0, RANGES[np.dtype(np.float32)]) or 0
    shift = np.where(penalty < 0, center, 0)
    rows = np.empty(X.shape, dtype=np.float32)
    for first in range(0, len(X), _ROWS_AT_ONCE):  # no second matrix of float64
        part = slice(first, first + _ROWS_AT_ONCE)
        rows[part] = np.ldexp((X[part] - shift) * inverse_scale, np.where(penalty < 0, exponent, 0))
    return rows, np.ones(X.shape[1], dtype=np.float32), scaled_penalty(penalty, exponent)


def nearest_rows(
    X: NDArray[Any],
    k: int,
    *,
    queries: NDArray[np.int64] | None = None,
    row_ids: NDArray[np.int64] | None = None,
    inverse_scale: NDArray[Any] | None = None,
    penalty: NDArray[Any] | None = None,
    method: str = "exact",
    n_threads: int | None = None,
) -> Neighbors:
    """Find the k rows of a matrix that are nearest to some of its own rows; a row is never its own neighbour.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features), float32 or float64
        Within 1e16 units of scale; NaN is a null. Two rows are measured over the columns that both have, and the
        squared distance is scaled up to all columns; without one in common they are infinitely far apart.
    k : int
        Neighbours a row, below n_samples.
    queries : ndarray of shape (n_queries,), int64, optional
        Positions of the rows to find neighbours of; by default all.
    row_ids : ndarray of shape (n_samples,), int64, optional
        Distinct; they decide between equal distances. By default the positions.
    inverse_scale : ndarray of shape (n_features,), optional
        What columns are multiplied by, 1 for categorical ones; by default 1.
    penalty : ndarray of shape (n_features,), optional
        As `resampler.metric.make_penalty` gives it, in float64; by default all columns are numeric.
    method : {"exact", "approximate", "auto"}
        Approximate scans as few cells as give a sample a recall of 0.95, all where nothing less does, and compares
        distances in float32. Auto is exact up to 20,000 rows.
    n_threads : int, optional
        By default ``NUMBA_NUM_THREADS``; it changes no neighbour.

    Returns
    -------
    Neighbors
        Their positions, and the recall.

    Raises
    ------
    InvalidInputError
        If `method` is none of these, or there are k rows or fewer.

    Notes
    -----
    Exact costs O(n_queries * n_samples * n_features) at worst, where the rows have no structure that lets cells be
    passed over. Memory: one more copy of `X`, and n_samples * k * 16 bytes. Rows of any magnitude are distinguished:
    see `resampler.resolution`.
    """
    n, d = X.shape
    if method not in METHODS:
        raise InvalidInputError(f"neighbors must be one of {METHODS}, got {method!r}")
    if n <= k:
        raise InvalidInputError(f"k={k} neighbours need at least {k + 1} rows, got {n}: lower k or gather more rows")
    X = as_kernel_rows(X)
    ids = np.arange(n) if row_ids is None else as_kernel_array(row_ids, np.int64)
    asked = np.arange(n) if queries is None else as_kernel_array(queries, np.int64)
    inverse = np.ones(d, dtype=X.dtype) if inverse_scale is None else inverse_scale.astype(X.dtype)
    penalties = np.full(d, -1.0) if penalty is None else penalty.astype(np.float64)
    threads = n_threads or config.NUMBA_NUM_THREADS

    partial = bool(np.isnan(X.min(initial=np.inf)))
    approximate = method == "approximate" or (method == "auto" and n > AUTO_EXACT_ROWS)
    if approximate and X.dtype == np.float64:
        center = _means(X, ids) if partial else X.mean(axis=0)
        X, inverse, penalties = _in_float32(X, inverse, penalties, center)
    else:
        X, inverse, penalties = resolve(X, inverse, penalties)
    if not approximate and not partial and (penalties < 0).all() and pays(n, d, k, len(asked)):
        nearest = nearest_tiled(X, k, ids, inverse, asked, threads)
        if nearest is not None:
            return Neighbors(nearest, 1.0)
    cells = (_PartialCells if partial else _Cells)(X, ids, inverse, penalties.astype(X.dtype), asked)
    budget, recall = len(cells.cells), 1.0
    if approximate:
        budget, recall = cells.budget_for(k, threads)
    places = cells.search(cells.queries, k, budget, threads)
    return Neighbors(cells.order[places], recall)
