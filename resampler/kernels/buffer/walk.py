"""The walk over the cells around a query: nearest first, of the groups whose hubs come near enough.

Distances of hubs and centroids are measured a block at a time; what has been dealt with becomes infinitely far. The
lowest of each block stands in a block of its own, so that the nearest of thousands is found in a few.

Naive: `NaiveGraph.nearest_first`, through the search, in tests/resampler/kernels/buffer/test_search.py.
"""

from __future__ import annotations

import numpy as np

from resampler.kernels.buffer.cells import NO_CELL
from resampler.kernels.jit import fused, inline, inner
from resampler.kernels.simd.blocks import block_distances
from resampler.kernels.simd.dots import FOUR
from resampler.kernels.simd.lanes import LANES, LINE, at_most, first_lane, keep_lanes, lowest, prefetch, sum_within

ALL = np.int64(np.iinfo(np.int64).max)  # budget of an exact search
INFINITE = np.float32(np.inf)
FIRST = np.int64(4)  # cells that are taken one by one, so that the bounds are near when the others are scanned
# A group may have a nearer cell than the next one if its hub is less than so many times as far, squared: with a small
# budget, and what more of it adds.
FARTHER = 1.75
FARTHER_BY = 1536
QUEUE = np.int64(4 * LANES)  # cells that are chosen before they are scanned, at most
USUAL_ROWS = np.int64(48)  # of a cell: seldom more than there are
NEARLY = 3 * USUAL_ROWS  # rows that a limit may leave of the budget, for cells taken one by one
LOOKS = 16  # at how many rows a limit has, at most
STEP = np.float32(1.3)  # from one look to the next at most, until a limit is too far
POWER = 8.0  # of the squared distance that rows within it grow by, until two looks have told
INSIDE = 0.02  # of the gap between a limit that is too near and one that is too far: where the next look is at least
LAST = np.float32(np.finfo(np.float32).max)
NEAR_GROUPS = 2 * LANES  # of more, memory is asked for the next one's centroids before one is looked into
AHEAD = 2  # cells that memory is asked for before they are scanned
NONE = np.int64(0)
ONE = np.uint64(1)
# Where a walk stands: groups looked into, and how many of them have no cell left; cells taken one by one; the nearest
# group that was not looked into and its squared distance; how far a group may be, by the next cell's distance; a limit
# within which not all cells were taken yet, or -1; what the last limit of any walk was, by the next cell's distance.
WALK = np.dtype(
    [
        ("groups", np.int64),
        ("emptied", np.int64),
        ("taken", np.int64),
        ("hub", np.int64),
        ("hub_d2", np.float32),
        ("farther", np.float32),
        ("limit", np.float32),
        ("guess", np.float32),
    ]
)


@inner
def measure_hubs(hubs, groups_in_use, n_groups, query, penalty, hub_d2, hub_least):
    """Write the distances of the groups in use, infinity for the others, and the lowest of each block."""
    hub_least[:] = INFINITE
    for i in range((n_groups + LANES - 1) // LANES):
        block_distances(hubs[i], query, penalty, INFINITE, hub_d2[i])
        keep_lanes(hub_d2[i], groups_in_use[i])
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
def look_into(group, centroids, cells_in_use, query, penalty, cell_d2):
    """Write the distances of the cells of a group, infinity for those not in use."""
    block_distances(centroids[group], query, penalty, INFINITE, cell_d2)
    keep_lanes(cell_d2, cells_in_use[group])


@inline
def start_walk(cells, scratch, penalty, budget):
    """Measure the groups' hubs; no group has been looked into."""
    walk = scratch.walk
    group_end = cells.counts["group_end"]
    measure_hubs(cells.hubs, cells.groups_in_use, group_end, scratch.query, penalty, scratch.hub_d2, scratch.hub_least)
    walk["groups"] = 0
    walk["emptied"] = 0
    walk["taken"] = 0
    walk["hub"], walk["hub_d2"] = find_lowest(scratch.hub_least, scratch.hub_d2, scratch.hub_d2.shape[0])
    walk["farther"] = FARTHER + budget / FARTHER_BY
    walk["limit"] = -1


@fused
def find_next(cells, scratch, penalty, budget):
    """Look into the groups that are near enough to have the next cell.

    Returns where that is and its squared distance: infinity if there is none. An exact search looks into all groups.
    """
    walk, cell_d2, cell_least = scratch.walk, scratch.cell_d2, scratch.cell_least
    hub_d2, hub_least = scratch.hub_d2, scratch.hub_least
    n, hub = walk["groups"], walk["hub"]
    at, d2 = find_lowest(cell_least, cell_d2, n)
    while hub != NO_CELL and (budget == ALL or walk["hub_d2"] <= walk["farther"] * d2):
        scratch.seen[n] = hub
        i = hub // LANES
        hub_d2[i, hub % LANES] = INFINITE
        hub_least[i // LANES, i % LANES] = lowest(hub_d2[i])
        hub, walk["hub_d2"] = find_lowest(hub_least, hub_d2, hub_d2.shape[0])
        if hub != NO_CELL and walk["hub_d2"] <= walk["farther"] * d2 and cells.counts["group_end"] > NEAR_GROUPS:
            prefetch_group(cells, hub)
        look_into(scratch.seen[n], cells.centroids, cells.cells_in_use, scratch.query, penalty, cell_d2[n])
        if n % LANES == 0:
            cell_least[n // LANES] = INFINITE
        here = lowest(cell_d2[n])
        cell_least[n // LANES, n % LANES] = here
        if here < d2:
            d2 = here
            at = n * LANES + first_lane(at_most(cell_d2[n], here))
        n += 1
    walk["groups"] = n
    walk["hub"] = hub
    return at, d2


@inline
def prefetch_group(cells, group):
    """Ask for the centroids of a group, and for how many rows its cells count."""
    size = cells.centroids.shape[1] * LANES
    prefetch(cells.cells_in_use, group)
    for at in range(0, size, LINE):
        prefetch(cells.centroids, group * size + at)
    for at in range(0, LANES, LINE // 2):
        prefetch(cells.weight, group * LANES + at)


@fused
def find_limit(cells, scratch, left, nearest):
    """Return a distance within which all cells come next, before another group is looked into.

    They have fewer than the `left` rows of the budget, and most of these. Below `nearest` if no such distance was
    found.
    """
    walk = scratch.walk
    farther, hub_d2 = walk["farther"], walk["hub_d2"]
    top = LAST
    if walk["hub"] != NO_CELL:
        top = np.float32(np.float64(hub_d2) / np.float64(farther) * (1 - 3e-7))
    if left <= NEARLY or top < nearest * STEP or (walk["hub"] != NO_CELL and farther * top >= hub_d2):
        return np.float32(-1)
    found, beyond, low, high = np.float32(-1), INFINITE, NONE, NONE
    limit = min(nearest * max(walk["guess"], STEP), top)
    for _ in range(LOOKS):
        n = sum_within(scratch.cell_d2, cells.weight, scratch.seen, walk["groups"], limit)
        if n < left:
            found = limit
            low = n
            if limit == top or left - n <= NEARLY:
                break
        else:
            beyond = limit
            high = n
        limit = min(look_next(nearest, found, low, beyond, high, left - NEARLY // 2), top)
    if found > 0 and nearest > 0:
        walk["guess"] = found / nearest
    return found


@inner
def look_next(nearest, found, low, beyond, high, wanted):
    """Return where between two limits, with `low` and `high` rows, there may be the rows `wanted`.

    Rows within a distance grow by a power of it, so logarithms are interpolated. Without a limit beyond it is a step
    farther.
    """
    if beyond == INFINITE:
        step = np.exp(np.log(wanted / max(low, 1)) / POWER)
        return np.float32(found * min(max(step, 1 + INSIDE), np.float64(STEP)))
    start = max(np.float64(found), np.float64(nearest))
    power = POWER
    if found > 0 and low > 0:
        power = np.log(high / low) / np.log(np.float64(beyond) / start)
    at = np.float64(beyond) * np.exp(np.log(wanted / high) / max(power, 1.0))
    gap = beyond - start
    return np.float32(min(max(at, start + INSIDE * gap), beyond - INSIDE * gap))


@inline
def queue_cell(cells, scratch, n, at, d2, budget):
    """Put the cell at one place of the groups looked into into place n of the queue, and ask for what is said of it.

    Returns how many rows it counts.
    """
    cell = scratch.seen[at // LANES] * LANES + at % LANES
    scratch.queue[n] = cell
    scratch.queue_d2[n] = d2
    if budget != ALL:
        prefetch(cells.block_of, cell)
        prefetch(cells.radius, cell)
    return cells.weight[cell]


@fused
def choose_cells(cells, scratch, penalty, budget, settled):
    """Write the next cells and their squared distances; return how many.

    Together they are those that come nearest first, of the groups that are near enough to have one, until they have
    the budget's rows; one by one at first and at last, in no order between. An exact search takes all of them. They are
    known before they are scanned, so that memory brings their rows meanwhile; not in an exact search, which leaves most
    cells out by their radius.
    """
    walk, cell_d2, cell_least = scratch.walk, scratch.cell_d2, scratch.cell_least
    left = budget - settled
    n = NONE
    while n + LANES <= QUEUE and (left > 0 or n == 0):
        at, d2 = find_next(cells, scratch, penalty, budget)
        if d2 == INFINITE:
            break
        limit = np.float32(-1)
        if budget == ALL and walk["taken"] >= FIRST:
            limit = LAST
        elif walk["taken"] >= FIRST:
            limit = walk["limit"] if d2 <= walk["limit"] else find_limit(cells, scratch, left, d2)
        if limit < d2:
            i, lane = at // LANES, at % LANES
            cell_d2[i, lane] = INFINITE
            cell_least[i // LANES, i % LANES] = lowest(cell_d2[i])
            walk["taken"] += 1
            left -= queue_cell(cells, scratch, n, at, d2, budget)
            n += 1
            continue
        i = walk["emptied"]
        while i < walk["groups"] and n + LANES <= QUEUE:
            within = at_most(cell_d2[i], limit)
            rest = within
            while rest:
                lane = first_lane(rest)
                rest &= rest - ONE
                left -= queue_cell(cells, scratch, n, i * LANES + lane, cell_d2[i, lane], budget)
                n += 1
            if within:
                keep_lanes(cell_d2[i], ~within)
                cell_least[i // LANES, i % LANES] = lowest(cell_d2[i])
            i += 1
        walk["limit"] = limit if i < walk["groups"] else np.float32(-1)
        if budget == ALL:
            walk["emptied"] = i
    for i in range(min(n, AHEAD)):
        if budget != ALL:
            prefetch_cell(cells, cells.block_of[scratch.queue[i]])
    return n


@inline
def prefetch_cell(cells, block):
    """Ask for a cell's block."""
    size, n_features = cells.blocks.shape[1] * FOUR * LANES, cells.origins.shape[1]
    prefetch(cells.block_cutoff, block)
    prefetch(cells.grain, block)
    prefetch(cells.error, block)
    for at in range(0, n_features, LINE):
        prefetch(cells.origins, block * n_features + at)
    for at in range(0, size, 4 * LINE):
        prefetch(cells.blocks, block * size + at)
    for at in range(0, LANES, LINE):
        prefetch(cells.lengths, block * LANES + at)
        prefetch(cells.cutoff, block * LANES + at)
