"""Neighbours of many rows of one matrix at once, exact or approximate, the same for any number of threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from numba import config

from resampler.errors import InvalidInputError
from resampler.kernels.batch.cells import CELL_ROWS, UNROLLED_COLUMNS, bisect, fill
from resampler.kernels.batch.neighbors import scan_cells
from resampler.kernels.batch.partial import fill_partial, scan_partial, stand_in
from resampler.layout import as_kernel_array, as_kernel_rows
from resampler.regions import (
    ALL,
    Recall,
    Run,
    budget_of,
    build_regions,
    first_of,
    in_turn,
    lanes_of,
    least_budget,
    ranks,
    sample_of,
)
from resampler.resolution import RANGES, exponent_of, resolve, scaled_penalty
from resampler.tiled import nearest_tiled, pays

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

METHODS = ("auto", "exact", "approximate")
AUTO_EXACT_ROWS = 20_000  # up to here an exact search takes a second or so
RECALL = 0.95  # that a sample must reach; the promise to users is 0.9
LANDMARKS = 128  # rows that say where others with nulls lie
_SAMPLE_CELLS = 32
_SAMPLE_ROWS = 12  # a cell
_CELLS_A_TASK = 16
_MANY_QUERIES = 1_000  # of an exact search: fewer are found as soon without sketches, and to the same bits
_ROWS_AT_ONCE = 4_096


class Neighbors(NamedTuple):
    """What a search found.

    Parameters
    ----------
    indices : ndarray of shape (n_queries, k), int64
        Positions of the neighbours, by (distance, row id).
    recall : float
        Share of the true neighbours that a sample of the queries found; 1 for an exact search.
    interval : tuple of float, or None
        Of 95 %, about the recall; None where the sample is that which chose how many cells are scanned.
    """

    indices: NDArray[np.int64]
    recall: float
    interval: tuple[float, float] | None = None


class Cells:
    """A matrix sorted into cells, ready to be searched.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features), float32 or float64
        The rows.
    row_ids : ndarray of shape (n_samples,), int64
        Distinct.
    inverse_scale, penalty : ndarray of shape (n_features,), of the dtype of `X`
        As in `nearest_rows`.
    queries : ndarray of shape (n_queries,), int64
        Positions of rows.
    """

    kind = "whole"
    kept: tuple[str, ...] = ("penalty", "order", "cells", "centers", "lows", "highs", "ids", "queries", "sampled")

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

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all that it is made of.

        Returns
        -------
        dict of str to ndarray
            For `restore`.
        """
        return {name: getattr(self, name) for name in self.kept}

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Make it of its arrays.

        Parameters
        ----------
        arrays : mapping of str to ndarray
            As `arrays` gives them, in the layout of kernels.

        Returns
        -------
        Cells
            It does not know the places of rows.
        """
        made = cls.__new__(cls)
        for name in cls.kept:
            setattr(made, name, arrays[name])
        return made

    def search(self, queries: NDArray[np.int64], k: int, budget: int, n_threads: int) -> NDArray[np.int64]:
        """Return the places of the neighbours of rows.

        Parameters
        ----------
        queries : ndarray of shape (n_queries,), int64
            Their places.
        k : int
            Neighbours a query.
        budget : int
            Cells that a query scans at most.
        n_threads : int
            They change nothing.

        Returns
        -------
        ndarray of shape (n_queries, k), int64
            Places, by (distance, id).
        """
        n = len(self.ids)
        wanted = np.zeros(n, dtype=np.bool_)
        wanted[queries] = True
        places = np.empty((n, k), dtype=np.int64)
        distances = np.empty((n, k), dtype=self.cells.dtype)
        bits = np.empty(0, dtype=np.int32 if self.cells.dtype == np.float32 else np.int64)

        def _scan_some(first: int, last: int) -> None:
            self._scan(self.penalty, self.ids, wanted, first, last, budget, bits, places, distances)

        in_chunks(_scan_some, len(self.cells), _CELLS_A_TASK, n_threads)
        return places[queries]

    def _scan(self, *rest: Any) -> None:
        scan_cells(self.cells, self.centers, self.lows, self.highs, *rest)

    def budget_for(self, k: int, n_threads: int) -> tuple[int, float]:
        """Find how many cells a query must scan for `RECALL`, on some queries of some cells.

        Parameters
        ----------
        k, n_threads : int
            As in `search`.

        Returns
        -------
        budget : int
            Of cells.
        recall : float
            What it gave these queries.
        """
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

    def budget_at(self, recall: float, k: int, n_threads: int) -> tuple[int, Recall]:
        """Find the least number of cells that a query must scan for a recall.

        Parameters
        ----------
        recall : float
            Above 0, at most 1.
        k, n_threads : int
            As in `search`.

        Returns
        -------
        budget : int
            Of cells.
        found : Recall
            What it gave another sample than that which chose it.
        """
        places, n_cells = np.sort(self.sampled), len(self.cells)
        if not len(places):
            return n_cells, ALL
        wanted = np.zeros((n_cells, CELL_ROWS), dtype=np.bool_)
        wanted.ravel()[places] = True
        n_homes = int(np.count_nonzero(wanted.any(axis=1)))
        wanted[np.setdiff1d(np.arange(n_cells), sample_of(wanted.sum(axis=1)))] = False
        sample = np.flatnonzero(first_of(wanted))
        _, cell, sizes = np.unique(sample // CELL_ROWS, return_inverse=True, return_counts=True)
        truth = self.search(sample, k, n_cells, n_threads)

        def _hits_at(budget: int) -> NDArray[Any]:
            found = self.search(sample, k, budget, n_threads)
            return np.bincount(cell, (found[:, :, None] == truth[:, None, :]).any(axis=2).sum(axis=1))

        return least_budget(recall, _hits_at, sizes * k, n_cells, n_homes)


class PartialCells(Cells):
    """The same of a matrix with nulls: rows stand in cells as if they had the values of rows like them.

    Parameters
    ----------
    X, row_ids, inverse_scale, penalty, queries
        As of `Cells`; NaN is a null.
    """

    kind = "partial"
    kept = (*Cells.kept, "lacking", "has_nulls", "empty")

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
        """Return the places of the neighbours; a row without a value is as far from all: it has the lowest ids.

        Parameters
        ----------
        queries, k, budget, n_threads
            As in `Cells.search`.

        Returns
        -------
        ndarray of shape (n_queries, k), int64
            As there.
        """
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


CELLS = {of.kind: of for of in (Cells, PartialCells)}


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
    recall: float | None = None,
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
    recall : float, optional
        Share of the true neighbours that is asked for, above 0 and at most 1, whatever the `method`: as few cells are
        scanned as give it to a sample of the queries, and another sample says what came of it.
    n_threads : int, optional
        By default ``NUMBA_NUM_THREADS``; it changes no neighbour.

    Returns
    -------
    Neighbors
        Their positions, and the recall.

    Raises
    ------
    InvalidInputError
        If `method` is none of these, `recall` breaks its rule, or there are k rows or fewer.

    Notes
    -----
    Exact costs O(n_queries * n_samples * n_features) at worst, where the rows have no structure that lets cells be
    passed over. Memory: one more copy of `X`, and n_samples * k * 16 bytes. Rows of any magnitude are distinguished:
    see `resampler.resolution`.
    """
    asked = prepare(
        X,
        k,
        queries=queries,
        row_ids=row_ids,
        inverse_scale=inverse_scale,
        penalty=penalty,
        method=method,
        recall=recall,
    )
    threads = n_threads or config.NUMBA_NUM_THREADS
    if recall is None and asked.by_regions and (asked.penalty < 0).all() and pays(k, len(asked.queries)):
        nearest = nearest_tiled(asked.X, k, asked.ids, asked.inverse_scale, asked.queries, threads)
        if nearest is not None:
            return Neighbors(nearest, 1.0, ALL.interval)
    if asked.by_regions and (recall is not None or len(asked.queries) >= _MANY_QUERIES):
        return _nearest_in_regions(asked, k, threads)
    cells = asked.cells()
    budget, found = asked.budget(cells, k, threads)
    places = cells.search(cells.queries, k, budget, threads)
    return Neighbors(cells.order[places], found.share, found.interval)


class Prepared(NamedTuple):
    """Rows as kernels measure them, and what is asked of them.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features), float32 or float64
        The rows.
    ids, queries : ndarray of int64
        Of all rows, and positions of some.
    inverse_scale, penalty : ndarray of shape (n_features,), of the dtype of `X`
        The metric.
    partial : bool
        Whether there are nulls.
    approximate : bool
        Whether a recall of `RECALL` will do.
    recall : float or None
        What is asked for.
    """

    X: NDArray[Any]
    ids: NDArray[np.int64]
    queries: NDArray[np.int64]
    inverse_scale: NDArray[Any]
    penalty: NDArray[Any]
    partial: bool
    approximate: bool
    recall: float | None

    @property
    def by_regions(self) -> bool:
        """Whether `resampler.regions` finds them: where there are no nulls, and a recall of `RECALL` will not do."""
        return not self.partial and not self.approximate

    def cells(self) -> Cells:
        """Sort the rows into cells.

        Returns
        -------
        Cells
            Not by regions.
        """
        kind = PartialCells if self.partial else Cells
        return kind(self.X, self.ids, self.inverse_scale, self.penalty, self.queries)

    def budget(self, cells: Cells, k: int, n_threads: int) -> tuple[int, Recall]:
        """Say how many cells a query scans at most, and what that finds.

        Parameters
        ----------
        cells : Cells
            Of these rows.
        k, n_threads : int
            As of `nearest_rows`.

        Returns
        -------
        budget : int
            All where the search is exact.
        found : Recall
            Of a sample.
        """
        if self.approximate:
            budget, share = cells.budget_for(k, n_threads)
            return budget, Recall(share)
        return (len(cells.cells), ALL) if self.recall is None else cells.budget_at(self.recall, k, n_threads)


def prepare(
    X: NDArray[Any],
    k: int,
    *,
    queries: NDArray[np.int64] | None = None,
    row_ids: NDArray[np.int64] | None = None,
    inverse_scale: NDArray[Any] | None = None,
    penalty: NDArray[Any] | None = None,
    method: str = "exact",
    recall: float | None = None,
) -> Prepared:
    """Check what is asked for, and bring rows into the form that they are measured in.

    Parameters
    ----------
    X, k, queries, row_ids, inverse_scale, penalty, method, recall
        As of `nearest_rows`.

    Returns
    -------
    Prepared
        Ready to be sorted into cells.

    Raises
    ------
    InvalidInputError
        As there.
    """
    n, d = X.shape
    if method not in METHODS:
        raise InvalidInputError(f"neighbors must be one of {METHODS}, got {method!r}")
    if recall is not None and not 0 < recall <= 1:
        raise InvalidInputError(f"recall must be above 0 and at most 1, got {recall!r}")
    if n <= k:
        raise InvalidInputError(f"k={k} neighbours need at least {k + 1} rows, got {n}: lower k or gather more rows")
    X = as_kernel_rows(X)
    ids = np.arange(n) if row_ids is None else as_kernel_array(row_ids, np.int64)
    asked = np.arange(n) if queries is None else as_kernel_array(queries, np.int64)
    inverse = np.ones(d, dtype=X.dtype) if inverse_scale is None else inverse_scale.astype(X.dtype)
    penalties = np.full(d, -1.0) if penalty is None else penalty.astype(np.float64)

    partial = bool(np.isnan(X.min(initial=np.inf)))
    approximate = recall is None and (method == "approximate" or (method == "auto" and n > AUTO_EXACT_ROWS))
    if approximate and X.dtype == np.float64:
        center = _means(X, ids) if partial else X.mean(axis=0)
        X, inverse, penalties = _in_float32(X, inverse, penalties, center)
    else:
        X, inverse, penalties = resolve(X, inverse, penalties)
    return Prepared(X, ids, asked, inverse, penalties.astype(X.dtype), partial, approximate, recall)


def _nearest_in_regions(asked: Prepared, k: int, n_threads: int) -> Neighbors:
    regions, boxes = build_regions(asked.X, asked.ids, asked.inverse_scale, asked.penalty)
    queries = np.zeros(len(asked.X), dtype=np.bool_)
    queries[asked.queries] = True
    wanted = np.concatenate([lanes_of(queries, region) for region in regions])
    of = boxes.region_of(np.arange(boxes.n_cells))
    budget, found = boxes.n_cells, ALL
    if asked.recall is not None and asked.recall < 1:
        sample = sample_of(wanted.sum(axis=1))
        of_sample: list[NDArray[np.int64]] = [np.empty(0, dtype=np.int64)] * len(sample)
        few = first_of(wanted)

        def rank(first: int, last: int) -> None:
            for at in range(first, last):
                home = int(sample[at])
                run = Run.of(boxes, home, home + 1, few[home : home + 1], k, boxes.n_cells)
                for r in in_turn(boxes, run.region):
                    run.look_in(boxes, regions[run.region], regions[r], r)
                of_sample[at] = ranks(boxes, run.first, run.wanted, run.lists)

        in_chunks(rank, len(sample), 1, n_threads)
        n_homes = int(np.count_nonzero(wanted.any(axis=1)))
        budget, found = budget_of(asked.recall, of_sample, boxes.n_cells, n_homes)
    starts = boxes.starts * CELL_ROWS
    out = np.empty((len(asked.X), k), dtype=np.int64)

    def find(start: int, stop: int) -> None:
        for which in np.unique(of[start:stop]):
            first, last = np.clip(boxes.starts[which : which + 2], start, stop).tolist()
            run = Run.of(boxes, first, last, wanted[first:last], k, budget)
            for r in in_turn(boxes, run.region):
                run.look_in(boxes, regions[run.region], regions[r], r)
            rows, places = run.found()
            at = np.searchsorted(starts, places, side="right") - 1
            positions = np.empty_like(places)
            for r in np.unique(at):
                positions[at == r] = regions[r].order[places[at == r] - starts[r]]
            out[regions[run.region].order[rows - starts[run.region]]] = positions

    in_chunks(find, boxes.n_cells, _CELLS_A_TASK, n_threads)
    return Neighbors(out[asked.queries], found.share, found.interval)
