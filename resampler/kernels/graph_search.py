"""The search: scan the cells around a row, nearest first, and offer the row to the lists that reach to it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from resampler.kernels.blocks import DEAD, LANES, block_distances
from resampler.kernels.graph import Lists, Rows, admit, inner, offer, stamp_of
from resampler.kernels.graph_cells import END, NO_CELL, Cells

# Typed, since Numba compiles anew for each literal that a kernel is called with.
ALL = np.int64(np.iinfo(np.int64).max)  # budget of an exact search
NEW = np.int64(1)  # `role` of a row that is being inserted: it is offered to the lists that reach to it
QUERY = np.int64(0)  # `role` of a row that is asked about
NO_SLOT = np.int64(DEAD)


class Scratch(NamedTuple):
    """Working space of one search.

    Parameters
    ----------
    query : ndarray of shape (n_features,), float32
        The row in units of distance.
    lanes : ndarray of shape (LANES,), float32
        Squared distances of one block.
    cell_d2 : ndarray of shape (n_cells, rounded up to LANES), float32
        Squared distance of each centroid; infinite once the cell has been dealt with.
    order : ndarray of shape (n_cells,), int64
        The nearest cells.
    """

    query: np.ndarray
    lanes: np.ndarray
    cell_d2: np.ndarray
    order: np.ndarray


class Graph(NamedTuple):
    """Everything that a search reads and an insertion changes.

    Parameters
    ----------
    rows : Rows
        The rows.
    lists : Lists
        Their neighbours.
    cells : Cells
        Where to look for them.
    scratch : Scratch
        Working space.
    """

    rows: Rows
    lists: Lists
    cells: Cells
    scratch: Scratch


@inner
def out_of_range(d2, radius, limit, n_features):
    """Tell whether all rows within `radius` of a centroid at squared distance `d2` are farther away than `limit`.

    The margins cover the rounding of float32 sums over all columns, and squares that underflow.
    """
    margin = 4e-7 * (n_features + 8)
    gap = np.sqrt(np.float64(d2)) * (1 - margin) - np.float64(radius) * (1 + margin) - 1e-18 * n_features
    return gap > 0 and gap * gap * (1 - margin) > limit


@inner
def count_hits(lanes, reach, role, worst):
    """Count the lanes that concern the query, or a query that is a new row."""
    hits = 0
    if role == NEW:
        for lane in range(lanes.shape[0]):
            hits += (lanes[lane] <= worst) | (lanes[lane] <= reach[lane])
    else:
        for lane in range(lanes.shape[0]):
            hits += lanes[lane] <= worst
    return hits


@inner
def rank_cells(graph, wanted):
    """Write the distances of all cells and, in order, the nearest `wanted`; return how many there are."""
    centroids, cell_size, end = graph.cells.centroids, graph.cells.cell_size, graph.cells.counts[END]
    query, lanes, cell_d2, order = graph.scratch
    penalty = graph.rows.penalty
    wanted = min(wanted, order.shape[0])
    worst = np.float32(np.inf)
    n = 0
    for group in range((end + LANES - 1) // LANES):
        block_distances(centroids[group], query, penalty, lanes)
        for lane in range(LANES):
            cell_d2[group * LANES + lane] = lanes[lane]
        if count_hits(lanes, lanes, QUERY, worst) == 0:
            continue
        for lane in range(LANES):
            cell = group * LANES + lane
            d2 = cell_d2[cell]
            if d2 >= worst or cell >= end or cell_size[cell] == 0:
                continue
            at = min(n, wanted - 1)
            while at > 0 and cell_d2[order[at - 1]] > d2:
                order[at] = order[at - 1]
                at -= 1
            order[at] = cell
            n = min(n + 1, wanted)
            if n == wanted:
                worst = cell_d2[order[n - 1]]
    return n


@inner
def search(graph, role, slot, row_id, budget, stamps, d2s):
    """Find the neighbours of `scratch.query`, which is the row of `slot`, or of none if that is `NO_SLOT`.

    Cells are dealt with nearest first until `budget` rows have been, and the rest in any order if the list is not
    full by then or the budget is `ALL`. Writes stamps and squared distances, ascending by (distance, row id). A `NEW`
    row is offered to the lists of the rows that it meets.

    Returns the number found and the nearest cell, `NO_CELL` if there is none.
    """
    rows, lists, cells, scratch = graph
    row_ids, penalty = rows.row_ids, rows.penalty
    blocks, tenants, reaches, block_reach = cells.blocks, cells.tenants, cells.reach, cells.block_reach
    cell_rows, cell_size, cell_blocks, radius = cells.cell_rows, cells.cell_size, cells.cell_blocks, cells.radius
    query, lanes, cell_d2, order = scratch
    list_stamps, list_d2, list_count, reach_ids = lists
    oldest, held = rows.cursor
    end = cells.counts[END]
    length = stamps.shape[0]
    stamp = stamp_of(rows, slot)
    n_near = rank_cells(graph, 8 + (0 if budget == ALL else budget // LANES))
    home = order[0] if n_near > 0 else NO_CELL
    settled = np.int64(0)
    n = np.int64(0)
    worst = np.float32(np.inf)
    for step in range(n_near + end):
        if settled >= budget and n == length:
            break
        cell = order[step] if step < n_near else step - n_near
        if cell_size[cell] == 0 or cell_d2[cell] == np.inf:
            continue
        settled += cell_rows[cell]
        limit = worst
        if role == NEW:
            for i in range(cell_size[cell]):
                limit = max(limit, block_reach[cell_blocks[cell, i]])
        skipped = out_of_range(cell_d2[cell], radius[cell], limit, query.shape[0])
        cell_d2[cell] = np.inf
        if skipped:
            continue
        for i in range(cell_size[cell]):
            block = cell_blocks[cell, i]
            reach = reaches[block]
            block_distances(blocks[block], query, penalty, lanes)
            if count_hits(lanes, reach, role, worst) == 0:
                continue
            offered = False
            for lane in range(LANES):
                d2 = lanes[lane]
                near = d2 <= worst
                heard = role == NEW and d2 <= reach[lane]
                if not (near or heard):
                    continue
                other = np.int64(tenants[block, lane])
                if other == DEAD or other == slot:  # noqa: SIM109 - Numba compiles a tuple search to a loop
                    continue
                if heard:
                    reach[lane] = offer(
                        row_ids,
                        oldest,
                        held,
                        list_stamps,
                        list_d2,
                        list_count,
                        reach_ids,
                        other,
                        reach[lane],
                        d2,
                        stamp,
                        row_id,
                    )
                    offered = True
                if near:
                    n = admit(row_ids, stamps, d2s, n, d2, stamp_of(rows, other), row_ids[other])
                    if n == length:
                        worst = d2s[length - 1]
            if offered:
                block_reach[block] = reach.max()
    return n, home
