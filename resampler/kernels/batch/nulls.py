"""Nulls in the search by sketches: masks beside the sketches, and boxes that hold whatever values are missing.

A pair is measured over the columns that both rows have, and scaled up (`resampler.kernels.batch.partial`). The limits
of `resampler.kernels.batch.limits` are of products scaled up in the same way: with b of d columns in common

    d2 <= T implies |p - q| over these <= sqrt(b / d) r, with r as there and an error e that grows with sqrt(b),

so that the product over the columns in common, times d / b, exceeds the limit that r gives. A box bounds a column only
where all its rows have it: what is left is less than any pair's sum. Rows are put in order by the values of rows like
them, which decides no neighbour.

Naive: the search by cells, which is compared with loops, in tests/resampler/test_tiled.py.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from resampler.kernels.batch.cells import CELL_ROWS
from resampler.kernels.batch.sketched import PANELS
from resampler.kernels.jit import allocating, fused, njit
from resampler.kernels.simd.emitter import LANES, ROWS
from resampler.kernels.simd.partial_tiles import keep_best_partial, mark_partial
from resampler.kernels.simd.tiles import keep_best, mark_near

LANDMARKS = 64  # rows that say where others with nulls lie


class Nulls(NamedTuple):
    """Where rows have nulls, in the order of their cells.

    Parameters
    ----------
    masks : ndarray of shape (n_cells * PANELS, n_pairs, LANES, 2), int16
        As the panels: -1 for a null, else 0. What has none is not touched.
    of_groups, of_panels : ndarray of shape (n_cells * LANES, 1 + n_pairs) and (n_cells * PANELS, 1 + n_pairs), int32
        In how many pairs of columns a group of `ROWS` rows, or a panel, has a null, and where these begin in a panel.
    held : ndarray of shape (n_cells * CELL_ROWS,), int32
        How many columns a row has; all in empty lanes.
    """

    masks: NDArray
    of_groups: NDArray
    of_panels: NDArray
    held: NDArray

    @classmethod
    def none(cls, n_cells: int, n_columns: int) -> Nulls:
        """Return those of rows without any.

        Parameters
        ----------
        n_cells, n_columns : int
            Of the rows.

        Returns
        -------
        Nulls
            For `lay_nulls`.
        """
        n_pairs = (n_columns + 1) // 2
        return cls(
            masks=np.zeros((n_cells * PANELS, n_pairs, LANES, 2), dtype=np.int16),
            of_groups=np.zeros((n_cells * LANES, 1 + n_pairs), dtype=np.int32),
            of_panels=np.zeros((n_cells * PANELS, 1 + n_pairs), dtype=np.int32),
            held=np.full(n_cells * CELL_ROWS, n_columns, dtype=np.int32),
        )


@njit(nogil=True)
def count_held(rows, first, last, held):
    """Write how many values rows first .. last - 1 have."""
    for i in range(first, last):
        count = np.int32(0)
        for j in range(rows.shape[1]):
            count += rows[i, j] == rows[i, j]
        held[i] = count


@njit(nogil=True)
def stand_in(rows, held, sketches, landmarks, first, last):
    """Write what the nearest landmark has into the sketches of rows first .. last - 1, where these have nulls.

    `landmarks` are sketches of some rows that have a value in each column, if there are any, one in each column of the
    array. What they put in decides the order of rows alone.
    """
    n, d = landmarks.shape[1], rows.shape[1]
    gaps = np.empty(n, np.float32)
    for i in range(first, last):
        if held[i] == d:
            continue
        gaps[:] = 0
        for j in range(d):
            if rows[i, j] == rows[i, j]:
                value = np.float32(sketches[i, j])
                for a in range(n):
                    gaps[a] += (landmarks[j, a] - value) * (landmarks[j, a] - value)
        nearest = np.argmin(gaps)
        for j in range(d):
            if rows[i, j] != rows[i, j]:
                sketches[i, j] = np.int16(landmarks[j, nearest])


@allocating
def _list_pairs(some, lists):
    """Write which pairs of columns are some, as `Nulls` has them."""
    count = 0
    for pair in range(some.shape[0]):
        if some[pair]:
            count += 1
            lists[count] = pair * 2 * LANES
    lists[0] = count


@njit(nogil=True)
def lay_nulls(held, first, last, s):
    """Write the nulls of cells first .. last - 1, and take from their sketches and boxes what stands in for them."""
    rows, order, panels, halves, nulls = s.rows, s.order, s.panels, s.halves, s.nulls
    n, d, n_pairs = len(order), rows.shape[1], panels.shape[1]
    of_group, of_panel = np.empty(n_pairs, np.bool_), np.empty(n_pairs, np.bool_)
    for c in range(first, last):
        for panel in range(c * PANELS, (c + 1) * PANELS):
            of_panel[:] = False
            for group in range(panel * LANES // ROWS, (panel + 1) * LANES // ROWS):
                of_group[:] = False
                for p in range(group * ROWS, min((group + 1) * ROWS, n)):
                    row, lane = order[p], p % LANES
                    if held[row] == d:
                        continue
                    nulls.held[p] = held[row]
                    for j in range(d):
                        pair, side = j // 2, j % 2
                        if rows[row, j] == rows[row, j]:
                            continue
                        of_group[pair] = True
                        nulls.masks[panel, pair, lane, side] = -1
                        panels[panel, pair, lane, side] = 0
                        s.lows[c, pair, group % LANES, side] = -(2**15)
                        s.highs[c, pair, group % LANES, side] = 2**15 - 1
                        s.cell_lows[c // LANES, pair, c % LANES, side] = -(2**15)
                        s.cell_highs[c // LANES, pair, c % LANES, side] = 2**15 - 1
                    square = np.int32(0)
                    for pair in range(n_pairs):
                        x, y = np.int32(panels[panel, pair, lane, 0]), np.int32(panels[panel, pair, lane, 1])
                        square += x * x + y * y
                    halves[p] = -(square >> 1)
                _list_pairs(of_group, nulls.of_groups[group])
                of_panel |= of_group
            _list_pairs(of_panel, nulls.of_panels[panel])


@fused
def mark(nulls, d, panels, a, b, n_pairs, halves, limits, at_a, at_b, words, others, totals):
    """Mark which pairs of a tile are near, as `mark_near` and `mark_partial` do."""
    if nulls is None:
        return mark_near(panels, a, b, n_pairs, halves, limits, at_a, at_b, words, others, totals)
    masks, of_groups, of_panels, held = nulls.masks, nulls.of_groups, nulls.of_panels, nulls.held
    if of_groups[at_a // ROWS, 0] + of_panels[at_b // LANES, 0] == 0:
        return mark_near(panels, a, b, n_pairs, halves, limits, at_a, at_b, words, others, totals)
    return mark_partial(
        panels, masks, a, b, n_pairs, of_groups, of_panels, held, d, halves, limits, at_a, at_b, words, others, totals
    )


@fused
def keep(nulls, d, panels, a, b, n_pairs, halves, at_a, at_b, best, at_best):
    """Keep the best products of a tile, as `keep_best` and `keep_best_partial` do."""
    if nulls is None:
        keep_best(panels, a, b, n_pairs, halves, at_a, at_b, best, at_best)
        return
    masks, of_groups, of_panels, held = nulls.masks, nulls.of_groups, nulls.of_panels, nulls.held
    if of_groups[at_a // ROWS, 0] + of_panels[at_b // LANES, 0] == 0:
        keep_best(panels, a, b, n_pairs, halves, at_a, at_b, best, at_best)
    else:
        keep_best_partial(
            panels, masks, a, b, n_pairs, of_groups, of_panels, held, d, halves, at_a, at_b, best, at_best
        )


@fused
def set_squares(nulls, u, v, squares, t, both):
    """Write the squares of two rows' differences, 0 where not both have a value, and what their sum is scaled by."""
    d = u.shape[0]
    if nulls is None:
        for j in range(d):
            x = u[j] - v[j]
            squares[t, j] = x * x
        return
    zero, one = squares.dtype.type(0), squares.dtype.type(1)
    count = zero
    for j in range(d):
        x = u[j] - v[j]
        squares[t, j] = x * x if x == x else zero
        count += one if x == x else zero
    both[t] = count


@fused
def distance_of(nulls, total, t, both, d):
    """Return the squared distance that a sum of squares is."""
    if nulls is None:
        return total
    return total * (both.dtype.type(d) / both[t]) if both[t] > 0 else both.dtype.type(np.inf)
