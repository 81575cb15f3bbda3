"""Regions: a matrix sorted into cells in one or several pieces, which neighbours are found in piece by piece.

What is found follows from the rows, their ids, and how many cells a cell of queries may scan; not from how the queries
are divided, nor from where a piece lies: in memory, or mapped from a file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from resampler.kernels.batch.cells import CELL_ROWS, UNROLLED_COLUMNS, bisect, fill, widest_direction
from resampler.kernels.batch.regions import furthest_of, ranks_of, scan_region
from resampler.kernels.random import rank_keys
from resampler.layout import as_kernel_array

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

REGION_BYTES = 2**28  # of cells: a larger matrix has several regions
SAMPLE_CELLS = 256  # of queries, half to choose how many cells are scanned and half to say what that found
SAMPLE_ROWS = 8  # a cell
_Z = 1.96  # of the 95 % interval


class Region(NamedTuple):
    """Rows sorted into cells.

    Parameters
    ----------
    cells : ndarray of shape (n_cells, width, CELL_ROWS), float32 or float64
        See `resampler.kernels.batch.cells`.
    ids : ndarray of shape (n_rows,), int64
        In the order of the cells.
    order : ndarray of shape (n_rows,), int64
        Positions of the rows, in that order.
    """

    cells: NDArray[Any]
    ids: NDArray[np.int64]
    order: NDArray[np.int64]


class Boxes(NamedTuple):
    """What is known of the cells of all regions, one after another.

    Parameters
    ----------
    centers, lows, highs : ndarray of shape (width, n_cells)
        Mean and bounds of each.
    starts : ndarray of shape (n_regions + 1,), int64
        Each region's first cell.
    penalty : ndarray of shape (n_features,)
        What a differing category counts, negative for a numeric column; in the dtype of the cells.
    """

    centers: NDArray[Any]
    lows: NDArray[Any]
    highs: NDArray[Any]
    starts: NDArray[np.int64]
    penalty: NDArray[Any]

    @property
    def n_cells(self) -> int:
        """How many cells there are."""
        return int(self.starts[-1])

    def region_of(self, cells: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return which region cells are in.

        Parameters
        ----------
        cells : ndarray of int64
            Their numbers.

        Returns
        -------
        ndarray of int64
            Numbers of regions.
        """
        return np.searchsorted(self.starts, cells, side="right") - 1


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


def build_region(
    X: NDArray[Any],
    positions: NDArray[np.int64],
    row_ids: NDArray[np.int64],
    inverse_scale: NDArray[Any],
    penalty: NDArray[Any],
) -> tuple[Region, NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Sort rows into cells.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features), float32 or float64
        Without nulls, as `resampler.resolution.resolve` gives them.
    positions, row_ids : ndarray of shape (n_rows,), int64
        What the rows are called in what is found, and what decides between equal distances.
    inverse_scale, penalty : ndarray of shape (n_features,), of the dtype of `X`
        As in `resampler.neighbors.nearest_rows`.

    Returns
    -------
    region : Region
        The rows.
    centers, lows, highs : ndarray of shape (n_cells, width)
        Of its cells.
    """
    n, d = X.shape
    numeric = penalty < 0
    order = np.argsort(row_ids, kind="stable")  # so that no order of the rows shows in the cells
    bisect(X, np.where(numeric, inverse_scale, 0).astype(X.dtype), order)
    n_cells, width = -(-n // CELL_ROWS), -(-d // UNROLLED_COLUMNS) * UNROLLED_COLUMNS
    cells = np.empty((n_cells, width, CELL_ROWS), dtype=X.dtype)
    centers = np.empty((n_cells, width), dtype=X.dtype)
    lows, highs = np.empty_like(centers), np.empty_like(centers)
    fill(X, inverse_scale, numeric, order, cells, centers, lows, highs)
    return Region(cells, row_ids[order], positions[order]), centers, lows, highs


class Tree(NamedTuple):
    """Which region rows belong to: halves of halves, by their place along a direction.

    Parameters
    ----------
    directions : ndarray of shape (n_nodes, n_features), float64
        What a row's values are multiplied by, scale included.
    thresholds : ndarray of shape (n_nodes,), float64
        Rows below go left.
    lefts, rights : ndarray of shape (n_nodes,), int64
        The node that comes next, or -1 minus the number of a leaf. Node 0 is the first.
    """

    directions: NDArray[np.float64]
    thresholds: NDArray[np.float64]
    lefts: NDArray[np.int64]
    rights: NDArray[np.int64]


def region_rows(n_features: int, itemsize: int) -> int:
    """Say how many rows a region holds, about.

    Parameters
    ----------
    n_features, itemsize : int
        Columns, and bytes of a value.

    Returns
    -------
    int
        `REGION_BYTES` of them.
    """
    width = -(-n_features // UNROLLED_COLUMNS) * UNROLLED_COLUMNS
    return max(CELL_ROWS, REGION_BYTES // (width * itemsize))


def leaves_of(n: int, rows_each: int) -> int:
    """Say how many leaves a tree has: by the number of rows alone, so that no machine decides it.

    Parameters
    ----------
    n, rows_each : int
        Rows, and how many a region holds.

    Returns
    -------
    int
        1 where all rows fit into a region.
    """
    return 1 if n <= rows_each else -(-n * 5 // (rows_each * 4))


def sample_rows(n_leaves: int) -> int:
    """Say how many rows a tree is fitted on.

    Parameters
    ----------
    n_leaves : int
        Of it.

    Returns
    -------
    int
        Some for each leaf.
    """
    return 4_096 + 128 * n_leaves


def keys_of(row_ids: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return hashes of ids, by which some rows are taken for all.

    Parameters
    ----------
    row_ids : ndarray of shape (n,), int64
        The ids.

    Returns
    -------
    ndarray of shape (n,), uint64
        One each.
    """
    keys = np.empty(len(row_ids), dtype=np.uint64)
    rank_keys(0, 0, as_kernel_array(row_ids, np.int64), keys)
    return keys


def lowest(row_ids: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Choose the rows with the smallest hashes of their ids: of parts, the lowest of their lowest are those of all.

    Parameters
    ----------
    row_ids : ndarray of shape (n_rows,), int64
        Of the rows.
    n : int
        How many.

    Returns
    -------
    ndarray of shape (n,), int64
        Their positions, or all where there are fewer, by (hash, id).
    """
    return np.lexsort((row_ids, keys_of(row_ids)))[:n]


def fit_tree(X: NDArray[Any], inverse_scale: NDArray[Any], penalty: NDArray[Any], n_leaves: int) -> Tree:
    """Halve a sample again and again across its widest direction.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features), float32 or float64
        The sample, in an order that follows from its ids.
    inverse_scale, penalty : ndarray of shape (n_features,), of the dtype of `X`
        As in `build_region`.
    n_leaves : int
        2 or more.

    Returns
    -------
    Tree
        Its leaves are numbered from left to right.
    """
    scale = np.where(penalty < 0, inverse_scale, 0).astype(X.dtype)
    d = X.shape[1]
    directions = np.zeros((n_leaves - 1, d))
    thresholds = np.zeros(n_leaves - 1)
    following = np.zeros((n_leaves - 1, 2), dtype=np.int64)
    waiting = [(np.arange(len(X)), 0, n_leaves, -1, 0)]
    n_nodes = 0
    while waiting:
        rows, first, last, parent, side = waiting.pop()
        if parent >= 0:
            following[parent, side] = -1 - first if last - first == 1 else n_nodes
        if last - first == 1:
            continue
        center, direction = np.empty(d), np.zeros(d)
        if len(rows):
            widest_direction(X, scale, rows, 0, len(rows), center, direction)
        directions[n_nodes] = direction * scale
        along = _along(X[rows], directions[n_nodes])
        middle = first + (last - first) // 2
        cut = len(rows) * (middle - first) // (last - first)
        thresholds[n_nodes] = np.sort(along)[cut] if len(rows) else 0.0
        low = along < thresholds[n_nodes]
        waiting += [(rows[~low], middle, last, n_nodes, 1), (rows[low], first, middle, n_nodes, 0)]
        n_nodes += 1
    return Tree(directions, thresholds, following[:, 0].copy(), following[:, 1].copy())


def _along(X: NDArray[Any], direction: NDArray[np.float64]) -> NDArray[np.float64]:
    """Project rows, column by column: a product of matrices has other bits on other machines."""
    total = np.zeros(len(X))
    for j in np.flatnonzero(direction):
        total += X[:, j] * direction[j]
    return total


def leaf_of(X: NDArray[Any], tree: Tree) -> NDArray[np.int64]:
    """Say which leaf of a tree rows belong to.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
        The rows.
    tree : Tree
        As `fit_tree` gives it.

    Returns
    -------
    ndarray of shape (n_rows,), int64
        From 0.
    """
    leaf = np.empty(len(X), dtype=np.int64)
    waiting = [(0, np.arange(len(X)))]
    while waiting:
        node, rows = waiting.pop()
        if node < 0:
            leaf[rows] = -1 - node
            continue
        low = _along(X[rows], tree.directions[node]) < tree.thresholds[node]
        waiting += [(int(tree.lefts[node]), rows[low]), (int(tree.rights[node]), rows[~low])]
    return leaf


def shares_of(counts: NDArray[np.int64], rows_each: int) -> list[tuple[int, int, int]]:
    """Say what each region holds: a leaf, or where that is oversized a share of it, by hashes of ids.

    Parameters
    ----------
    counts : ndarray of shape (n_leaves,), int64
        Rows of each leaf.
    rows_each : int
        How many a region holds: half as many again may be in one.

    Returns
    -------
    list of tuple of int
        For each region that has rows its leaf, which share of that it is, and of how many.
    """
    found = []
    for leaf, count in enumerate(counts.tolist()):
        n = 1 if 2 * count <= 3 * rows_each else -(-count // rows_each)
        found += [(leaf, share, n) for share in range(n if count else 0)]
    return found


def is_share(row_ids: NDArray[np.int64], share: int, n: int) -> NDArray[np.bool_]:
    """Say which rows of a leaf a share of it holds.

    Parameters
    ----------
    row_ids : ndarray of shape (n_rows,), int64
        Of the rows.
    share, n : int
        Which share, of how many.

    Returns
    -------
    ndarray of shape (n_rows,), bool
        All where there is one share.
    """
    if n == 1:
        return np.ones(len(row_ids), dtype=np.bool_)
    return keys_of(row_ids) % np.uint64(n) == share


def build_regions(
    X: NDArray[Any], row_ids: NDArray[np.int64], inverse_scale: NDArray[Any], penalty: NDArray[Any]
) -> tuple[list[Region], Boxes]:
    """Sort rows in memory into the cells of one or several regions.

    Parameters
    ----------
    X, row_ids, inverse_scale, penalty
        As in `build_region`.

    Returns
    -------
    regions : list of Region
        One where the rows fit into it.
    boxes : Boxes
        Of their cells.
    """
    at = np.arange(len(X))
    rows_each = region_rows(X.shape[1], X.itemsize)
    n_leaves = leaves_of(len(X), rows_each)
    members = [at]
    if n_leaves > 1:
        tree = fit_tree(X[lowest(row_ids, sample_rows(n_leaves))], inverse_scale, penalty, n_leaves)
        leaf = leaf_of(X, tree)
        shares = shares_of(np.bincount(leaf, minlength=n_leaves), rows_each)
        of_leaf = [np.flatnonzero(leaf == which) for which in range(n_leaves)]
        members = [of_leaf[which][is_share(row_ids[of_leaf[which]], share, n)] for which, share, n in shares]
    built = [build_region(X[rows], rows, row_ids[rows], inverse_scale, penalty) for rows in members if len(rows)]
    return [one[0] for one in built], join_boxes([one[1:] for one in built], penalty)


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


def join_boxes(parts: Sequence[tuple[NDArray[Any], NDArray[Any], NDArray[Any]]], penalty: NDArray[Any]) -> Boxes:
    """Put together what is known of the cells of several regions.

    Parameters
    ----------
    parts : sequence of tuple of ndarray of shape (n_cells, width)
        Centers, lows and highs of each.
    penalty : ndarray of shape (n_features,)
        Of all.

    Returns
    -------
    Boxes
        Of all regions, in their order.
    """
    centers, lows, highs = (np.ascontiguousarray(np.concatenate(one).T) for one in zip(*parts, strict=True))
    starts = np.cumsum([0, *(len(one[0]) for one in parts)])
    return Boxes(centers, lows, highs, starts, as_kernel_array(penalty, centers.dtype))


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
