"""Neighbours of many rows of one matrix at once, exact or approximate, the same for any number of threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numba import config

from resampler.cells import Cells, PartialCells, column_means
from resampler.errors import InvalidInputError
from resampler.kernels.batch.cells import CELL_ROWS
from resampler.layout import as_kernel_array, as_kernel_rows
from resampler.regions.recall import ALL, Recall, budget_of, first_of, ranks, sample_of
from resampler.regions.region import build_regions
from resampler.regions.search import Run, in_turn, lanes_of
from resampler.resolution import in_float32, resolve
from resampler.search_rule import METHODS, is_exact
from resampler.threads import CELLS_AT_ONCE, in_chunks
from resampler.tiled import nearest_tiled, pays

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MANY_QUERIES = 1_000  # of an exact search: fewer are found as soon without sketches, and to the same bits


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
    exact : bool
        Whether they are the true neighbours of all queries.
    """

    indices: NDArray[np.int64]
    recall: float
    interval: tuple[float, float] | None = None
    exact: bool = True


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
    method : {"exact", "approximate", "auto", "auto-1", "auto-2"}
        Approximate scans as few cells as give a sample a recall of 0.95, all where nothing less does, and compares
        distances in float32. Auto is exact, except among more than 20,000 rows, some of which have nulls, and among
        more than 100,000 of more than 32 columns. "auto-2" stays that; "auto-1", which it was in earlier releases,
        is exact up to 20,000 rows (`resampler.search_rule`).
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
    passed over. Memory: two more copies of `X`, and `resampler.tiled.search_bytes` a row. Rows of any magnitude are
    distinguished: see `resampler.resolution`.
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
    if recall is None and asked.exact and (asked.penalty < 0).all() and pays(k, len(asked.queries)):
        nearest = nearest_tiled(asked.X, k, asked.ids, asked.inverse_scale, asked.queries, threads)
        if nearest is not None:
            return Neighbors(nearest, 1.0, ALL.interval)
    if asked.by_regions and (recall is not None or len(asked.queries) >= _MANY_QUERIES):
        return _nearest_in_regions(asked, k, threads)
    cells = asked.cells()
    budget, found = asked.budget(cells, k, threads)
    places = cells.search(cells.queries, k, budget, threads)
    return Neighbors(cells.order[places], found.share, found.interval, asked.exact)


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
        Whether a recall of `resampler.cells.RECALL` will do.
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
    def exact(self) -> bool:
        """Whether all true neighbours are found."""
        return not self.approximate and self.recall in (None, 1)

    @property
    def by_regions(self) -> bool:
        """Whether `resampler.regions` finds them: where rows have no nulls, and the search is not approximate."""
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
    approximate = recall is None and not is_exact(method, n, d, nulls=partial)
    if approximate and X.dtype == np.float64:
        center = column_means(X, ids) if partial else X.mean(axis=0)
        X, inverse, penalties = in_float32(X, inverse, penalties, center)
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

    in_chunks(find, boxes.n_cells, CELLS_AT_ONCE, n_threads)
    return Neighbors(out[asked.queries], found.share, found.interval, asked.exact)
