"""k nearest neighbours of many rows of numbers at once, exactly, by products of sketches.

Where rows have nulls, `resampler.kernels.batch.nulls` has the products.

A pair of groups whose boxes are further apart than any limit of theirs is passed over, and so is a pair of cells. One
product serves both rows of a pair (`resampler.kernels.batch.limits`). Which pairs of cells come first decides what is
noted (`resampler.kernels.batch.candidates`), and never what is found; lists of different cells may be filled at once.

Naive: the search by cells, which is compared with loops, in tests/resampler/test_tiled.py.
"""

from __future__ import annotations

import numpy as np

from resampler.kernels.batch.candidates import note
from resampler.kernels.batch.cells import CELL_ROWS
from resampler.kernels.batch.nulls import mark
from resampler.kernels.batch.sketched import PANELS, sum_up
from resampler.kernels.jit import entry, inline
from resampler.kernels.simd.emitter import LANES, ROWS
from resampler.kernels.simd.lanes import first_lane
from resampler.kernels.simd.tiles import near_boxes


@inline
def _where(panels, row):
    """Return where in panels a row's sketch begins, or a box's among the groups' or the cells'."""
    return row // LANES * (panels.shape[1] * 2 * LANES) + 2 * (row % LANES)


@inline
def _cells_near_cell(s, a, block):
    """Return which of `LANES` cells may be near a cell, a bit each."""
    lows, highs, limits = s.cell_lows, s.cell_highs, s.cell_limits
    b = block * LANES
    at_a, at_b = _where(lows, a), _where(lows, b)
    return near_boxes(lows, highs, at_a, lows, highs, at_b, lows.shape[1], limits, a, limits, b)


@inline
def _cells_near_group(s, group, block):
    """Return which of `LANES` cells may be near a group, a bit each."""
    lows, highs, limits = s.lows, s.highs, s.group_limits
    cell_lows, cell_highs, cell_limits = s.cell_lows, s.cell_highs, s.cell_limits
    at_a, b = _where(lows, group), block * LANES
    at_b = _where(lows, b)
    return near_boxes(lows, highs, at_a, cell_lows, cell_highs, at_b, lows.shape[1], limits, group, cell_limits, b)


@inline
def _groups_near_group(s, group, b):
    """Return which groups of a cell may be near a group, a bit each."""
    lows, highs, limits = s.lows, s.highs, s.group_limits
    at_a, at_b = _where(lows, group), _where(lows, b * LANES)
    return near_boxes(lows, highs, at_a, lows, highs, at_b, lows.shape[1], limits, group, limits, b * LANES)


@inline
def _search_group(s, group, b, bound, scratch):
    """Search a group of rows and another cell, or its own, for each other's neighbours."""
    order, lists = s.order, s.lists
    panels, halves, limits = s.panels, s.halves, s.limits
    words, others, totals = scratch.words, scratch.others, scratch.totals
    n, d = s.rows.shape
    n_pairs, a = panels.shape[1], group // LANES
    near = _groups_near_group(s, group, b)
    at_a = group * ROWS
    changed_a = changed_b = False
    for h in range(PANELS):
        at_b = b * CELL_ROWS + h * LANES
        if (near >> (h * LANES // ROWS)) & (2 ** (LANES // ROWS) - 1) == 0 or at_b // LANES < at_a // LANES:
            continue
        in_a, in_b = _where(panels, at_a), _where(panels, at_b)
        if not mark(s.nulls, d, panels, in_a, in_b, n_pairs, halves, limits, at_a, at_b, words, others, totals):
            continue
        for w in range(len(words)):
            word = words[w]
            while word != 0:
                bit = first_lane(word)
                word &= word - np.uint64(1)
                i, j = at_a + 64 // LANES * w + bit // LANES, at_b + bit % LANES
                if j < n and i != j:
                    changed_a |= note(s, i, lists[a] + i, order[j], totals[64 * w + bit], bound, scratch)
            word = others[w] if at_b // LANES != at_a // LANES else np.uint64(0)  # a panel's own pairs come twice
            while word != 0:
                bit = first_lane(word)
                word &= word - np.uint64(1)
                i, j = at_a + 64 // LANES * w + bit // LANES, at_b + bit % LANES
                if i < n:
                    changed_b |= note(s, j, lists[b] + j, order[i], totals[64 * w + bit], bound, scratch)
    if changed_a:
        sum_up(s, a)
    if changed_b:
        sum_up(s, b)


@entry
def join(s, bound, scratch, first_a, last_a, first_b, last_b):
    """Search one range of cells and another, the same or a later one, for each other's neighbours."""
    boxes = scratch.boxes
    for a in range(first_a, last_a):
        first = a if first_a == first_b else first_b
        for block in range(first // LANES, -(-last_b // LANES)):
            b = block * LANES
            within = (1 << min(LANES, last_b - b)) - (1 << max(0, first - b))
            if within & _cells_near_cell(s, a, block) == 0:
                continue
            some = 0
            for g in range(LANES):
                boxes[g] = within & _cells_near_group(s, a * LANES + g, block)
                some |= boxes[g]
            word = np.uint64(some)
            while word != 0:
                lane = first_lane(word)
                word &= word - np.uint64(1)
                for g in range(LANES):
                    if (boxes[g] >> lane) & 1:
                        _search_group(s, a * LANES + g, b + lane, bound, scratch)
