"""The walk over the cells around a query: nearest first, of the groups whose hubs come near enough.

Distances of hubs and centroids are measured a block at a time; what has been dealt with becomes infinitely far. The
lowest of each block stands in a block of its own, so that the nearest of thousands is found in a few.

Naive: `NaiveGraph.nearest_first`, through the search, in tests/resampler/kernels/buffer/test_search.py.
"""

from __future__ import annotations

import numpy as np

from resampler.kernels.buffer.cells import FREE, NO_CELL
from resampler.kernels.jit import inline, inner
from resampler.kernels.simd.blocks import block_distances
from resampler.kernels.simd.lanes import LANES, LINE, at_most, first_lane, lowest, prefetch

ALL = np.int64(np.iinfo(np.int64).max)  # budget of an exact search
INFINITE = np.float32(np.inf)
FIRST = np.int64(8)  # cells that an exact search deals with nearest first
# A group may have a nearer cell than the next one if its hub is less than so many times as far, squared: with a small
# budget, and what more of it adds.
FARTHER = 1.75
FARTHER_BY = 1536
QUEUE = np.int64(32)  # cells that are chosen before they are scanned, at most
USUAL_ROWS = 48  # of a cell: seldom more than there are
AHEAD = 2  # cells that memory is asked for before they are scanned
NONE = np.int64(0)
# Where a walk stands: groups looked into, cells chosen, the nearest group that was not looked into and its squared
# distance; cells to choose nearest first, and how far a group may be, by the next cell's distance.
WALK = np.dtype(
    [
        ("groups", np.int64),
        ("chosen", np.int64),
        ("hub", np.int64),
        ("nearest_first", np.int64),
        ("hub_d2", np.float32),
        ("farther", np.float32),
    ]
)


@inner
def measure_hubs(hubs, group_cells, n_groups, query, penalty, hub_d2, hub_least):
    """Write the distances of the groups in use, infinity for the others, and the lowest of each block."""
    hub_least[:] = INFINITE
    for i in range((n_groups + LANES - 1) // LANES):
        block_distances(hubs[i], query, penalty, INFINITE, hub_d2[i])
        for lane in range(LANES):
            group = i * LANES + lane
            if group >= n_groups or group_cells[group] == 0:
                hub_d2[i, lane] = INFINITE
        hub_least[i // LANES, i % LANES] = lowest(hub_d2[i])


@inner
def find_lowest(least, d2, n):
    """Return where the lowest of the first `n` rows of `d2` is, and it; -1 and infinity if there is none.

    Each row's own lowest is in `least`, where infinities follow them.
    """
    found = INFINITE
    at = np.int64(0)
    for i in range((n + LANES - 1) // LANES):
        here = lowest(least[i])
        if here < found:
            found = here
            at = i
    if found == INFINITE:
        return np.int64(-1), found
    at = at * LANES + first_lane(at_most(least[at], found))
    return at * LANES + first_lane(at_most(d2[at], found)), found


@inner
def look_into(group, centroids, cell_rows, query, penalty, cell_d2):
    """Write the distances of the cells of a group, infinity for those not in use."""
    block_distances(centroids[group], query, penalty, INFINITE, cell_d2)
    held = cell_rows[group * LANES : (group + 1) * LANES]
    for lane in range(LANES):
        if held[lane] == FREE:
            cell_d2[lane] = INFINITE


@inline
def start_walk(cells, scratch, penalty, budget):
    """Measure the groups' hubs; no group has been looked into."""
    walk = scratch.walk
    group_end = cells.counts["group_end"]
    measure_hubs(cells.hubs, cells.group_cells, group_end, scratch.query, penalty, scratch.hub_d2, scratch.hub_least)
    walk["groups"] = 0
    walk["chosen"] = 0
    walk["hub"], walk["hub_d2"] = find_lowest(scratch.hub_least, scratch.hub_d2, scratch.hub_d2.shape[0])
    walk["nearest_first"] = FIRST if budget == ALL else ALL
    walk["farther"] = FARTHER + budget / FARTHER_BY


@inline
def choose_cell(cells, scratch, penalty, budget):
    """Return the next cell and its squared distance; `NO_CELL` and infinity if there is none.

    Cells come nearest first, of the groups that are near enough to have one. An exact search takes all of them, in any
    order after the first few.
    """
    walk, cell_d2, cell_least = scratch.walk, scratch.cell_d2, scratch.cell_least
    hub_d2, hub_least = scratch.hub_d2, scratch.hub_least
    n, chosen, hub = walk["groups"], walk["chosen"], walk["hub"]
    in_order = chosen < walk["nearest_first"]
    cell, d2 = NO_CELL, INFINITE
    at = np.int64(0)
    while True:
        if in_order:
            at, d2 = find_lowest(cell_least, cell_d2, n)
        else:
            at = chosen - walk["nearest_first"]
            while at < n * LANES and d2 == INFINITE:
                d2 = cell_d2[at // LANES, at % LANES]
                at += d2 == INFINITE
            chosen = at + walk["nearest_first"]
        if hub == NO_CELL or (budget != ALL and walk["hub_d2"] > walk["farther"] * d2):
            break
        look_into(hub, cells.centroids, cells.cell_rows, scratch.query, penalty, cell_d2[n])
        scratch.seen[n] = hub
        if n % LANES == 0:
            cell_least[n // LANES] = INFINITE
        cell_least[n // LANES, n % LANES] = lowest(cell_d2[n])
        n += 1
        d2 = INFINITE
        i = hub // LANES
        hub_d2[i, hub % LANES] = INFINITE
        hub_least[i // LANES, i % LANES] = lowest(hub_d2[i])
        hub, walk["hub_d2"] = find_lowest(hub_least, hub_d2, hub_d2.shape[0])
    walk["groups"] = n
    walk["hub"] = hub
    if d2 != INFINITE:
        i, lane = at // LANES, at % LANES
        cell_d2[i, lane] = INFINITE
        chosen += 1
        cell = scratch.seen[i] * LANES + lane
        if in_order:
            cell_least[i // LANES, i % LANES] = lowest(cell_d2[i])
    walk["chosen"] = chosen
    return cell, d2


@inline
def choose_cells(cells, scratch, penalty, budget, settled):
    """Write the next cells and their squared distances; return how many: hardly more than the budget takes, but one.

    They are known before they are scanned, so that memory brings their rows meanwhile; not in an exact search, which
    leaves most cells out by their radius.
    """
    wanted = min(QUEUE, max(NONE, budget - settled) // USUAL_ROWS + 1)
    n = NONE
    while n < wanted:
        cell, d2 = choose_cell(cells, scratch, penalty, budget)
        if cell == NO_CELL:
            break
        scratch.queue[n] = cell
        scratch.queue_d2[n] = d2
        n += 1
        if budget != ALL:
            prefetch(cells.block_of, cell)
            prefetch(cells.weight, cell)
            prefetch(cells.radius, cell)
    for i in range(min(n, AHEAD)):
        if budget != ALL:
            prefetch_cell(cells, cells.block_of[scratch.queue[i]])
    return n


@inline
def prefetch_cell(cells, block):
    """Ask for a cell's block."""
    size, n_features = cells.blocks.shape[1] * 2 * LANES, cells.origins.shape[1]
    prefetch(cells.block_cutoff, block)
    prefetch(cells.grain, block)
    prefetch(cells.error, block)
    for at in range(0, n_features, LINE):
        prefetch(cells.origins, block * n_features + at)
    for at in range(0, size, 4 * LINE):
        prefetch(cells.blocks, block * size + at)
    for at in range(0, LANES, LINE):
        prefetch(cells.lengths, block * LANES + at)
        prefetch(cells.lane_slots, block * LANES + at)
        prefetch(cells.cutoff, block * LANES + at)
