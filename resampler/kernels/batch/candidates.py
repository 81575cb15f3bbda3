"""Candidates: rows that may be among the nearest of another, by their sketches, and are not measured yet.

A row has room for some. When it is full, the k-th best product lowers the row's limit and leaves out candidates, so
that few more are measured than the neighbours. They are measured in column order with one rounding an operation, as
`resampler.kernels.batch.neighbors` measures them, and kept by (distance, row id).

Naive: the search by cells, which is compared with loops, in tests/resampler/test_tiled.py.
"""

from __future__ import annotations

import numpy as np

from resampler.kernels.batch.cells import CELL_ROWS
from resampler.kernels.batch.limits import limit_from, limit_of
from resampler.kernels.batch.nulls import distance_of, set_squares
from resampler.kernels.batch.sketched import EVERY, FURTHEST, NEVER
from resampler.kernels.jit import entry, inline, inner
from resampler.kernels.simd.emitter import LANES
from resampler.kernels.simd.lanes import prefetch
from resampler.kernels.simd.sums import SIDE_BY_SIDE, add_columns
from resampler.kernels.simd.tiles import kth_best

_AHEAD = 2  # rows whose candidates are asked for before they are measured
_ROOM = 4  # candidates that a look through them must leave out, at least, or they are measured


@inline
def _measure(s, own, place, scratch):
    """Write which of a row's candidates are the nearest to it, and their squared distances."""
    rows, ids, squares, both = s.rows, s.ids, scratch.squares, scratch.both
    candidates, found, distances = s.candidates, scratch.found, scratch.distances
    d, last, count = rows.shape[1], len(found) - 1, s.counts[own]
    u = rows[s.order[place]]
    found[:] = -1
    distances[:] = np.inf
    for i in range(0, count, SIDE_BY_SIDE):
        for t in range(SIDE_BY_SIDE):  # squares in any order, sums in that of the columns
            set_squares(s.nulls, u, rows[candidates[own, min(i + t, count - 1)]], squares, t, both)
        add_columns(squares)
        for t in range(min(SIDE_BY_SIDE, count - i)):
            d2, row = distance_of(s.nulls, squares[t, 0], t, both, d), candidates[own, i + t]
            if not d2 <= distances[last]:
                continue
            if d2 == distances[last] and found[last] >= 0 and ids[found[last]] < ids[row]:
                continue
            at = last
            while at > 0 and (
                found[at - 1] < 0
                or distances[at - 1] > d2
                or (distances[at - 1] == d2 and ids[found[at - 1]] > ids[row])
            ):
                distances[at] = distances[at - 1]
                found[at] = found[at - 1]
                at -= 1
            distances[at] = d2
            found[at] = row


@inner
def _make_room(s, own, place, bound, scratch):
    """Measure the candidates of a row that has too many, which products do not tell apart: the nearest stay."""
    candidates, products, found = s.candidates, s.products, scratch.found
    counts, limits = s.counts, s.limits
    _measure(s, own, place, scratch)
    kept = 0
    for t in range(counts[own]):
        row, product, near = candidates[own, t], products[own, t], False
        for i in range(len(found)):
            near |= found[i] == row
        candidates[own, kept] = row
        products[own, kept] = product
        kept += near
    counts[own] = kept
    limits[place] = max(limits[place], limit_of(scratch.distances[-1], bound))


@inner
def _tighten(products, candidates, counts, limits, own, place, k, bound):
    """Leave out a row's candidates whose products say that k others are nearer; return how many are left."""
    width = products.shape[1]
    products[own, counts[own] :] = EVERY
    product = kth_best(products, own * width, LANES, width // LANES, k)
    if product > FURTHEST:
        limits[place] = max(limits[place], limit_from(product, bound))
    limit = limits[place]
    kept = 0
    for t in range(counts[own]):
        product = products[own, t]
        candidates[own, kept] = candidates[own, t]
        products[own, kept] = product
        kept += product > limit
    counts[own] = kept
    return kept


@inline
def note(s, place, own, row, product, bound, scratch):
    """Note a candidate of a row; return whether the row's limit was lowered, for there were many."""
    counts, candidates, products = s.counts, s.candidates, s.products
    count = counts[own]
    candidates[own, count] = row
    products[own, count] = product
    counts[own] = count + 1
    full = count + 1 == candidates.shape[1]
    if full:
        k = len(scratch.found)
        if _tighten(products, candidates, counts, s.limits, own, place, k, bound) > count + 1 - _ROOM:
            _make_room(s, own, place, bound, scratch)
    return full


@entry
def finish(s, scratch, first, last, answers, nearest):
    """Measure what candidates there are of rows of cells first .. last - 1, and write the nearest.

    Those of row r are ``nearest[answers[r]]``.
    """
    rows, order, counts, candidates = s.rows, s.order, s.counts, s.candidates
    d = rows.shape[1]
    for c in range(first, last):
        if s.cell_limits[c] == NEVER:
            continue
        own = s.lists[c]
        for place in range(c * CELL_ROWS, min((c + 1) * CELL_ROWS, len(order))):
            ahead = own + place + _AHEAD
            if ahead < len(counts):
                for t in range(counts[ahead]):
                    prefetch(rows, candidates[ahead, t] * d)
            if counts[own + place] > 0:
                _measure(s, own + place, place, scratch)
                for t in range(nearest.shape[1]):
                    nearest[answers[order[place]], t] = scratch.found[t]
