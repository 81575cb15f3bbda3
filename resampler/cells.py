"""A matrix sorted into cells, whole or with nulls, and how many cells its queries must scan for a recall."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from resampler.kernels.batch.cells import CELL_ROWS
from resampler.kernels.batch.neighbors import scan_cells
from resampler.kernels.batch.partial import fill_partial, scan_partial, stand_in
from resampler.regions.recall import ALL, Recall, first_of, least_budget, sample_of
from resampler.regions.region import build_region
from resampler.threads import CELLS_AT_ONCE, in_chunks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

RECALL = 0.95  # that a sample must reach; the promise to users is 0.9
LANDMARKS = 128  # rows that say where others with nulls lie
_SAMPLE_CELLS = 32
_SAMPLE_ROWS = 12  # a cell
_ROWS_AT_ONCE = 4_096


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
        at = np.arange(len(X))
        region, self.centers, self.lows, self.highs = build_region(X, at, row_ids, inverse_scale, penalty)
        self.penalty = penalty
        self.cells, self.ids, self.order = region
        self.place = np.empty(len(X), dtype=np.int64)
        self.place[self.order] = at
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

        in_chunks(_scan_some, len(self.cells), CELLS_AT_ONCE, n_threads)
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


def _filled(
    X: NDArray[Any],
    nulls: NDArray[np.bool_],
    row_ids: NDArray[np.int64],
    inverse_scale: NDArray[Any],
    numeric: NDArray[np.bool_],
) -> NDArray[Any]:
    """Return rows with a value in each column, by landmarks that follow from ids, so that no order of rows shows."""
    out = np.where(nulls, column_means(X, row_ids).astype(X.dtype), X)
    order = np.argsort(row_ids, kind="stable")
    landmarks = np.ascontiguousarray(X[order[:: -(-len(X) // LANDMARKS)]].T)

    def fill_in(first: int, last: int) -> None:
        stand_in(X, landmarks, inverse_scale, numeric, first, last, out)

    in_chunks(fill_in, len(X), _ROWS_AT_ONCE)
    return out


def column_means(X: NDArray[Any], row_ids: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the mean of each column's values, summed by id, so that no order of rows shows.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features), floating
        NaN is a null.
    row_ids : ndarray of shape (n_samples,), int64
        Distinct.

    Returns
    -------
    ndarray of shape (n_features,), float64
        0 for a column without values.
    """
    order = np.argsort(row_ids, kind="stable")
    columns = (column[np.isfinite(column)] for column in (X[order, j] for j in range(X.shape[1])))
    return np.array([column.mean(dtype=np.float64) if column.size else 0.0 for column in columns])
