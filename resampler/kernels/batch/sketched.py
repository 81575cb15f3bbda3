"""Rows and their sketches in cells and groups, as exact searches of many rows read them, and what these write.

A row is *sketched* as whole numbers of 16 bits, q = rint((x - mean) / grain), at most e = sqrt(d) / 2 away. Rows stand
in groups of `ROWS` within panels of `LANES` within cells, whose boxes let pairs be passed over.

Naive: the search by cells, which is compared with loops, in tests/resampler/test_tiled.py.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from resampler.kernels.batch.arrange import LONGEST
from resampler.kernels.batch.cells import CELL_ROWS
from resampler.kernels.jit import inline, njit
from resampler.kernels.simd.emitter import LANES, ROWS, SIDE
from resampler.kernels.simd.partial_tiles import SLACK
from resampler.kernels.simd.sums import SIDE_BY_SIDE
from resampler.kernels.simd.tiles import write_bounds

PANELS = CELL_ROWS // LANES  # of a cell, whose groups' boxes are one panel more: CELL_ROWS = ROWS * LANES
EVERY, NEVER = -(2**31) + 127, 2**31 - 1  # limits that all pairs exceed, and none
EMPTY = -(2**30) - 2**29  # of an empty lane's halves: its products are no higher
FURTHEST = EMPTY + 2**12  # nor is this, however they are rounded
_MORE = 8  # candidates than neighbours, at least, that a row has room for
_PLACES = 2  # that best products are kept in, a neighbour sought


def candidates_of(k: int) -> int:
    """Return how many candidates of a row are kept, before they are looked through.

    Parameters
    ----------
    k : int
        Neighbours a row.

    Returns
    -------
    int
        Whole lanes.
    """
    return -(-(k + _MORE) // LANES) * LANES


def turns_of(k: int) -> int:
    """Return how many panels have places of their own for best products.

    Parameters
    ----------
    k : int
        Neighbours a row.

    Returns
    -------
    int
        A power of two.
    """
    return 1 << (-(-_PLACES * k // LANES) - 1).bit_length()


class Sketched(NamedTuple):
    """Rows, their sketches in the order of their cells, and what may be among the neighbours.

    Parameters
    ----------
    rows : ndarray of shape (n, d), float32 or float64
        In units of distance, in the order in which they were given.
    ids : ndarray of shape (n,), int64
        Theirs, which decide between equal distances.
    order : ndarray of shape (n,), int32
        Which row has which place; all that follows is by place.
    panels : ndarray of shape (n_cells * PANELS, n_pairs, LANES, 2), int16
        Their sketches, 0 in the empty lanes of the last cell and in a last odd column.
    halves : ndarray of shape (n_cells * CELL_ROWS,), int32
        -(|q|^2 >> 1).
    limits : ndarray of shape (n_cells * CELL_ROWS,), int32
        What products of a row's sketch must exceed: `EVERY` at first, `NEVER` for rows that are not asked for and for
        empty lanes.
    lows, highs : ndarray of shape (n_cells, n_pairs, LANES, 2), int16
        Boxes of the groups' sketches.
    group_limits : ndarray of shape (n_cells * LANES,), int32
        The lowest of each group.
    cell_lows, cell_highs : ndarray of shape (ceil(n_cells / LANES), n_pairs, LANES, 2), int16
        Boxes of the cells' sketches.
    cell_limits : ndarray of shape (ceil(n_cells / LANES) * LANES,), int32
        The lowest of each cell.
    centers : ndarray of shape (d, n_cells), float32
        Twice the middles of the groups' boxes, on average.
    near : ndarray of shape (n_cells, n_near), int64
        The cells near each that has a limit; -1 where there are fewer.
    lists : ndarray of shape (n_cells,), int64
        Where the lists of a cell's rows begin, less where the cell does; of cells that have some.
    candidates : ndarray of shape (n_lists, n_candidates), int32
        Rows that may be among the neighbours.
    products : ndarray of shape (n_lists, n_candidates), int32
        Of the sketches.
    counts : ndarray of shape (n_lists,), int32
        How many of them there are.
    nulls : Nulls or None
        `resampler.kernels.batch.nulls` has them; None where no row has one.
    """

    rows: NDArray
    ids: NDArray
    order: NDArray
    panels: NDArray
    halves: NDArray
    limits: NDArray
    lows: NDArray
    highs: NDArray
    group_limits: NDArray
    cell_lows: NDArray
    cell_highs: NDArray
    cell_limits: NDArray
    centers: NDArray
    near: NDArray
    lists: NDArray
    candidates: NDArray
    products: NDArray
    counts: NDArray
    nulls: tuple[NDArray, ...] | None


class Bound(NamedTuple):
    """What makes a limit of a squared distance.

    Parameters
    ----------
    least : float
        What squares may lose that underflow.
    factor : float
        Grains a unit of distance, and what rounding adds.
    error : float
        Grains that two rows are at most from their sketches, together.
    span : float
        Units of distance a grain, and what rounding adds.
    room : float
        What a squared distance may be above minus twice a product.
    """

    least: float
    factor: float
    error: float
    span: float
    room: float

    @classmethod
    def of(cls, rows: NDArray, grain: float, *, nulls: bool) -> Bound:
        """Return that of rows that were sketched.

        Parameters
        ----------
        rows : ndarray of shape (n, d), float32 or float64
            In units of distance.
        grain : float
            Of the sketches.
        nulls : bool
            Whether some rows have any: sums are scaled up, by the number of columns at most.

        Returns
        -------
        Bound
            For `join`.
        """
        d = rows.shape[1]
        unit, tiny = (2.0**-23, 1.2e-38) if rows.itemsize == 4 else (2.0**-52, 2.3e-308)
        # The second term of the error is for the rounding before a sketch is rounded.
        up = d if nulls else 1
        error = float(np.sqrt(d) * (1 + 1e-9) + 1e-8 * LONGEST * np.sqrt(up))
        rounding = (1 + (d + 8) * unit) * (1 + 1e-12)
        scaled = 1 + 2 * SLACK if nulls else 1.0
        return cls(d * tiny * up, rounding / grain, error, rounding * grain * scaled, 3 * d + 2.0 if nulls else 2.0)


class Scratch(NamedTuple):
    """What a thread writes on.

    Parameters
    ----------
    words, others : ndarray of shape (ROWS * LANES / 64,), uint64
        Which pairs of a tile are near, by the limit of the one and of the other.
    totals : ndarray of shape (ROWS * LANES,), int32
        The products of its pairs.
    best : ndarray of int32
        Products of `ROWS` rows, the best in each place.
    boxes : ndarray of shape (LANES,), int64
        Which groups of a cell are near each group of another, a bit each.
    both : ndarray of shape (SIDE_BY_SIDE,), of the dtype of the rows
        Columns that both rows of some pairs have.
    squares : ndarray of shape (SIDE_BY_SIDE, d), of the dtype of the rows
        Of the differences of some pairs; then a pair's squared distance in the first column.
    found : ndarray of shape (k,), int32
        The neighbours of a row that is measured, which rows they are; -1 where there is none.
    distances : ndarray of shape (k,), of the dtype of the rows
        Theirs, squared; infinite where there is none.
    """

    words: NDArray
    others: NDArray
    totals: NDArray
    best: NDArray
    boxes: NDArray
    both: NDArray
    squares: NDArray
    found: NDArray
    distances: NDArray

    @classmethod
    def of(cls, rows: NDArray, k: int) -> Scratch:
        """Make one for some rows.

        Parameters
        ----------
        rows : ndarray of shape (n, d), float32 or float64
            Their width and dtype count.
        k : int
            Neighbours a row.

        Returns
        -------
        Scratch
            For one thread at a time.
        """
        d, dtype = rows.shape[1], rows.dtype
        return cls(
            words=np.zeros(ROWS * LANES // 64, dtype=np.uint64),
            others=np.zeros(ROWS * LANES // 64, dtype=np.uint64),
            totals=np.zeros(ROWS * LANES, dtype=np.int32),
            best=np.zeros(ROWS * LANES * turns_of(k), dtype=np.int32),
            boxes=np.zeros(LANES, dtype=np.int64),
            both=np.zeros(SIDE_BY_SIDE, dtype=dtype),
            squares=np.zeros((SIDE_BY_SIDE, d), dtype=dtype),
            found=np.full(k, -1, dtype=np.int32),
            distances=np.full(k, np.inf, dtype=dtype),
        )


@njit(nogil=True)
def fill_cells(sketches, pairs, first, last, s, panels):
    """Write the sketches of cells first .. last - 1, and what is known of them.

    `sketches` is as `resampler.kernels.batch.arrange.quantise` writes it; `pairs` is that, and `panels` is
    ``s.panels``, with two columns a word of 32 bits.
    """
    order, halves, centers = s.order, s.halves, s.centers
    lows, highs, cell_lows, cell_highs = s.lows, s.highs, s.cell_lows, s.cell_highs
    n = len(order)
    low, high, middle = np.empty(SIDE, np.int16), np.empty(SIDE, np.int16), np.empty(SIDE, np.int32)
    lowest, highest = np.empty(SIDE, np.int16), np.empty(SIDE, np.int16)
    for c in range(first, last):
        count = min(n - c * CELL_ROWS, CELL_ROWS)
        for p in range(c * CELL_ROWS, c * CELL_ROWS + count):
            row, square = order[p], np.int32(0)
            for j in range(sketches.shape[1]):
                square += np.int32(sketches[row, j]) * np.int32(sketches[row, j])
            halves[p] = -(square >> 1)
            for pair in range(panels.shape[1]):
                panels[p // LANES, pair, p % LANES] = pairs[row, pair]
        n_groups = (count + ROWS - 1) // ROWS
        for first_column in range(0, sketches.shape[1], SIDE):
            for group in range(n_groups):
                at = c * CELL_ROWS + group * ROWS
                write_bounds(sketches, order, at, min(ROWS, n - at), first_column, low, high)
                for j in range(SIDE):
                    pair, side = (first_column + j) // 2, j % 2
                    if pair < panels.shape[1]:
                        lows[c, pair, group, side] = low[j]
                        highs[c, pair, group, side] = high[j]
                if group == 0:
                    for j in range(SIDE):
                        lowest[j], highest[j], middle[j] = low[j], high[j], 0
                for j in range(SIDE):
                    lowest[j], highest[j] = min(lowest[j], low[j]), max(highest[j], high[j])
                    middle[j] += np.int32(low[j]) + np.int32(high[j])
            for j in range(SIDE):
                pair, side = (first_column + j) // 2, j % 2
                if pair < panels.shape[1]:
                    cell_lows[c // LANES, pair, c % LANES, side] = lowest[j]
                    cell_highs[c // LANES, pair, c % LANES, side] = highest[j]
                    centers[first_column + j, c] = middle[j] / n_groups
        sum_up(s, c)


@inline
def sum_up(s, c):
    """Write the lowest limits of a cell's groups and of the cell."""
    lowest = np.int32(NEVER)
    for group in range(c * LANES, (c + 1) * LANES):
        low = s.limits[group * ROWS]
        for r in range(group * ROWS + 1, (group + 1) * ROWS):
            low = min(low, s.limits[r])
        s.group_limits[group] = low
        lowest = min(lowest, low)
    s.cell_limits[c] = lowest


@njit(nogil=True)
def find_near(centers, cell_limits, first, last, near):
    """Write which cells have the closest centres to those of cells first .. last - 1 that ask; `near` holds -1."""
    d, n_cells = centers.shape
    gaps, closest = np.empty(n_cells, np.float32), np.empty(near.shape[1], np.float32)
    for a in range(first, last):
        if cell_limits[a] == NEVER:
            continue
        gaps[:] = 0
        for j in range(d):
            middle = centers[j, a]
            for b in range(n_cells):
                gaps[b] += (centers[j, b] - middle) * (centers[j, b] - middle)
        closest[:] = np.inf
        for b in range(n_cells):
            if gaps[b] >= closest[-1] or b == a:
                continue
            at = len(closest) - 1
            while at > 0 and closest[at - 1] > gaps[b]:
                closest[at] = closest[at - 1]
                near[a, at] = near[a, at - 1]
                at -= 1
            closest[at] = gaps[b]
            near[a, at] = b
