"""The search of regions one after another: runs of cells of queries, and the nearest rows found for them so far."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from resampler.kernels.batch.cells import CELL_ROWS
from resampler.kernels.batch.regions import furthest_of, scan_region

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from resampler.regions.region import Boxes, Region


class Lists(NamedTuple):
    """Neighbours of the rows of some cells, lane by lane; those that were not asked for have none.

    Parameters
    ----------
    distances : ndarray of shape (n_lanes, k)
        Squared.
    places : ndarray of shape (n_lanes, k), int64
        ``cell * CELL_ROWS + lane``.
    ids : ndarray of shape (n_lanes, k), int64
        Of the neighbours.
    """

    distances: NDArray[Any]
    places: NDArray[np.int64]
    ids: NDArray[np.int64]


def begin(n_homes: int, k: int, dtype: np.dtype[Any]) -> Lists:
    """Make lists that hold nothing yet.

    Parameters
    ----------
    n_homes : int
        Cells of queries.
    k : int
        Neighbours a query.
    dtype : dtype
        Of distances.

    Returns
    -------
    Lists
        To be given to `go_on`.
    """
    shape = n_homes * CELL_ROWS, k
    return Lists(np.full(shape, np.inf, dtype), np.full(shape, -1), np.full(shape, -1))


def limits_of(boxes: Boxes, first: int, last: int, budget: int) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Say which cells some cells of queries are to scan: those with the nearest centres, itself first.

    Parameters
    ----------
    boxes : Boxes
        Of all cells.
    first, last : int
        Of the queries' cells.
    budget : int
        How many cells each scans; as many as there are makes the search exact.

    Returns
    -------
    gaps : ndarray of shape (n_homes,)
        Squared distance of the last one's centre.
    cells : ndarray of shape (n_homes,), int64
        Its number, which decides between equal ones.
    """
    gaps, cells = np.empty(last - first, dtype=boxes.centers.dtype), np.empty(last - first, dtype=np.int64)
    furthest_of(boxes.centers, first, last, budget, gaps, cells)
    return gaps, cells


def go_on(
    boxes: Boxes,
    own: Region,
    own_start: int,
    first: int,
    last: int,
    wanted: NDArray[np.bool_],
    region: Region,
    start: int,
    limits: tuple[NDArray[Any], NDArray[np.int64]],
    lists: Lists,
) -> None:
    """Look for nearer rows in one region.

    Parameters
    ----------
    boxes : Boxes
        Of all cells.
    own : Region
        Holds the queries' cells first .. last - 1; its first cell is `own_start`.
    own_start, first, last : int
        Numbers of cells.
    wanted : ndarray of shape (n_homes, CELL_ROWS), bool
        Which rows of them are queries.
    region : Region
        Where to look; its first cell is `start`.
    start : int
        Number of a cell.
    limits : tuple
        As `limits_of` gives them.
    lists : Lists
        Written to.
    """
    bits = np.empty(0, dtype=np.int32 if own.cells.dtype == np.float32 else np.int64)
    scan_region(
        own.cells,
        own_start,
        first,
        last,
        wanted,
        region.cells,
        region.ids,
        start,
        boxes.centers,
        boxes.lows,
        boxes.highs,
        boxes.penalty,
        *limits,
        bits,
        *lists,
    )


class Run(NamedTuple):
    """Cells of queries of one region, one after another, and what was found for them so far.

    Parameters
    ----------
    region, first, last : int
        Their region, the first one, and that behind the last, counted over all regions.
    wanted : ndarray of shape (last - first, CELL_ROWS), bool
        Which of their rows are queries.
    limits : tuple
        As `limits_of` gives them.
    lists : Lists
        Of their rows.
    """

    region: int
    first: int
    last: int
    wanted: NDArray[np.bool_]
    limits: tuple[NDArray[Any], NDArray[np.int64]]
    lists: Lists

    @classmethod
    def of(cls, boxes: Boxes, first: int, last: int, wanted: NDArray[np.bool_], k: int, budget: int) -> Run:
        """Begin with nothing found.

        Parameters
        ----------
        boxes : Boxes
            Of all regions.
        first, last : int
            Of the cells.
        wanted : ndarray of shape (last - first, CELL_ROWS), bool
            Of these cells.
        k, budget : int
            Neighbours a query, and cells that each cell of queries scans.

        Returns
        -------
        Run
            To look in regions with.
        """
        region = int(boxes.region_of(np.array([first]))[0])
        lists, limits = begin(last - first, k, boxes.centers.dtype), limits_of(boxes, first, last, budget)
        return cls(region, first, last, wanted, limits, lists)

    def look_in(self, boxes: Boxes, own: Region, region: Region, number: int) -> None:
        """Look for nearer rows in one region.

        Parameters
        ----------
        boxes : Boxes
            Of all regions.
        own : Region
            The queries'.
        region : Region
            Where to look.
        number : int
            Of it.
        """
        go_on(
            boxes,
            own,
            int(boxes.starts[self.region]),
            self.first,
            self.last,
            self.wanted,
            region,
            int(boxes.starts[number]),
            self.limits,
            self.lists,
        )

    def found(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return what was found.

        Returns
        -------
        queries : ndarray of shape (n_queries,), int64
            Their places.
        places : ndarray of shape (n_queries, k), int64
            Those of their neighbours.
        """
        some = np.flatnonzero(self.wanted)
        return self.first * CELL_ROWS + some, self.lists.places[some]


def lanes_of(queries: NDArray[np.bool_], region: Region) -> NDArray[np.bool_]:
    """Say which lanes of a region's cells are queries.

    Parameters
    ----------
    queries : ndarray of shape (n_samples,), bool
        By positions of rows.
    region : Region
        Some of the rows.

    Returns
    -------
    ndarray of shape (n_cells, CELL_ROWS), bool
        The last cell's empty lanes are none.
    """
    wanted = np.zeros((len(region.cells), CELL_ROWS), dtype=np.bool_)
    wanted.ravel()[: len(region.order)] = queries[region.order]
    return wanted


def in_turn(boxes: Boxes, own: int) -> NDArray[np.int64]:
    """Say in which order regions are best searched: one's own first, then by how far their middles are.

    Parameters
    ----------
    boxes : Boxes
        Of all.
    own : int
        Number of the queries' region.

    Returns
    -------
    ndarray of shape (n_regions,), int64
        Numbers of regions. Another order finds the same.
    """
    n = len(boxes.starts) - 1
    middles = np.add.reduceat(boxes.centers, boxes.starts[:-1], axis=1) / np.diff(boxes.starts)
    gaps = ((middles - middles[:, own : own + 1]) ** 2).sum(axis=0)
    gaps[own] = -1
    return np.argsort(gaps, kind="stable") if n > 1 else np.zeros(1, dtype=np.int64)
