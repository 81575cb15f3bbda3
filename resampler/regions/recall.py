"""As few cells as a recall needs: chosen by half of a sample of queries, and said of the other half."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from resampler.kernels.batch.cells import CELL_ROWS
from resampler.kernels.batch.regions import ranks_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from resampler.regions.region import Boxes
    from resampler.regions.search import Lists

SAMPLE_CELLS = 256  # of queries, half to choose how many cells are scanned and half to say what that found
SAMPLE_ROWS = 8  # a cell
_Z = 1.96  # of the 95 % interval


class Recall(NamedTuple):
    """How much of the true neighbours a search finds.

    Parameters
    ----------
    share : float
        Of a sample's.
    interval : tuple of float, or None
        Of 95 %, by the spread between cells; None where it is not known.
    """

    share: float
    interval: tuple[float, float] | None = None


ALL = Recall(1.0, (1.0, 1.0))


def sample_of(asked: NDArray[np.int64]) -> NDArray[np.int64]:
    """Choose cells of queries for a sample.

    Parameters
    ----------
    asked : ndarray of shape (n_asked,), int64
        Queries of each cell.

    Returns
    -------
    ndarray of shape (n_chosen,), int64
        Ascending numbers of cells, spread evenly over those that have some: `SAMPLE_CELLS` of them or fewer.
    """
    some = np.flatnonzero(asked)
    return some[np.linspace(0, len(some) - 1, min(len(some), SAMPLE_CELLS)).astype(np.int64)]


def first_of(wanted: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Leave the first `SAMPLE_ROWS` queries of each cell.

    Parameters
    ----------
    wanted : ndarray of shape (n_homes, CELL_ROWS), bool
        The queries.

    Returns
    -------
    ndarray of shape (n_homes, CELL_ROWS), bool
        Those of a sample.
    """
    return wanted & (np.cumsum(wanted, axis=1) <= SAMPLE_ROWS)


def ranks(boxes: Boxes, home: int, wanted: NDArray[np.bool_], lists: Lists) -> NDArray[np.int64]:
    """Say how many cells a cell of queries must scan to find each of their true neighbours.

    Parameters
    ----------
    boxes : Boxes
        Of all cells.
    home : int
        The queries' cell.
    wanted : ndarray of shape (1, CELL_ROWS), bool
        Which of its rows are queries.
    lists : Lists
        Of that cell, as an exact search leaves them.

    Returns
    -------
    ndarray of shape (n_queries, k), int64
        1 where it is in the same cell.
    """
    found = lists.places[wanted.ravel()] // CELL_ROWS
    out = np.empty(found.shape, dtype=np.int64)
    ranks_of(boxes.centers, np.full(len(found), home), found, out)
    return out


def recall_of(hits: NDArray[Any], sizes: NDArray[Any], n_homes: int) -> Recall:
    """Say what share of a sample's neighbours was found.

    Parameters
    ----------
    hits, sizes : ndarray of shape (n_chosen,)
        How many neighbours were found of the queries of each cell of the sample, and how many there are.
    n_homes : int
        Cells that have queries, which the sample was taken of.

    Returns
    -------
    Recall
        All of them where there is no sample.
    """
    n, total = len(sizes), float(np.sum(sizes))
    if not n:
        return ALL
    share = float(np.sum(hits)) / total
    off = hits - share * sizes
    unseen = max(0.0, 1 - n / n_homes)
    spread = float(np.sqrt(unseen * n / max(1, n - 1) * (off * off).sum())) / total
    return Recall(share, (max(0.0, share - _Z * spread), min(1.0, share + _Z * spread)))


def least_budget(
    recall: float, hits_at: Callable[[int], NDArray[Any]], sizes: NDArray[Any], n_cells: int, n_homes: int
) -> tuple[int, Recall]:
    """Find the least number of cells that a query must scan for a recall, and what recall that gives.

    One half of a sample chooses, so that the lower end of its interval is what is asked for; the other half says what
    came of it, since the one that chose would be too hopeful.

    Parameters
    ----------
    recall : float
        Above 0, at most 1.
    hits_at : callable
        Returns how many neighbours a budget finds, for each cell of the sample.
    sizes : ndarray of shape (n_chosen,)
        How many there are.
    n_cells, n_homes : int
        Cells that there are, and those that have queries.

    Returns
    -------
    budget : int
        At most `n_cells`, which makes the search exact.
    found : Recall
        Of the half that did not choose.
    """
    chooses, says = slice(0, None, 2), slice(min(1, len(sizes) - 1), None, 2)
    low, high = 0, n_cells  # the least budget that will do is above low, and at most high
    while high - low > 1:
        middle = (low + high) // 2
        least, _ = recall_of(hits_at(middle)[chooses], sizes[chooses], n_homes).interval or (0.0, 1.0)
        if least >= recall:
            high = middle
        else:
            low = middle
    if high >= n_cells:
        return n_cells, ALL
    return high, recall_of(hits_at(high)[says], sizes[says], n_homes)


def budget_of(
    recall: float, ranks_by_cell: Sequence[NDArray[np.int64]], n_cells: int, n_homes: int
) -> tuple[int, Recall]:
    """Find the least budget by the ranks of a sample's neighbours.

    Parameters
    ----------
    recall, n_cells, n_homes
        As in `least_budget`.
    ranks_by_cell : sequence of ndarray of shape (n_queries, k), int64
        As `ranks` gives them, a cell each.

    Returns
    -------
    budget : int
        As there.
    found : Recall
        As there.
    """
    if not ranks_by_cell:
        return n_cells, ALL
    sizes = np.array([one.size for one in ranks_by_cell])

    def _hits_at(budget: int) -> NDArray[Any]:
        return np.array([np.count_nonzero(one <= budget) for one in ranks_by_cell])

    return least_budget(recall, _hits_at, sizes, n_cells, n_homes)
