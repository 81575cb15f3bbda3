"""One class's share of a micro-batch: its operations, in order, in one call.

Naive: `NaiveOnline`, through the resampler, in tests/resampler/test_online.py.
"""

from __future__ import annotations

from resampler.kernels.buffer.cells import NEWCOMERS
from resampler.kernels.buffer.graph import largest
from resampler.kernels.buffer.lookup import read, search_anew
from resampler.kernels.buffer.ring import insert
from resampler.kernels.buffer.sample import choose, living
from resampler.kernels.generation import vote
from resampler.kernels.grids import settle_row
from resampler.kernels.jit import entry, fused
from resampler.kernels.online.danger import assess, draw_base, weigh_newcomer
from resampler.kernels.online.window import ASSESS, REFER
from resampler.kernels.places import put_streamed
from resampler.kernels.random import bounded, draw, unit
from resampler.kernels.simd.blocks import DEAD

NO_ID = -1  # row id of a synthetic row; base and neighbour of a real one


@entry
def scatter(X, y, row_ids, position, out):
    """Put the real rows into their places in the output; all other places are synthetic until then."""
    out_X, out_y, out_synthetic, out_row_id, out_base_id, out_neighbor_id, out_step, out_draw = out
    out_synthetic[:] = True
    out_row_id[:] = NO_ID
    out_base_id[:] = NO_ID
    out_neighbor_id[:] = NO_ID
    out_step[:] = 0
    out_draw[:] = NO_ID
    for i in range(position.shape[0]):
        at = position[i]
        if at < 0:
            continue
        for j in range(X.shape[1]):
            out_X[at, j] = X[i, j]
        out_y[at] = y[i]
        out_synthetic[at] = False
        out_row_id[at] = row_ids[i]


@entry
def advance(ring, danger, X, row_ids, code, label, seed, stream, place, width, arrival, grids, ops, op, out):
    """Carry out the operations of class `code` from number `op` on, until a wave is to be ended; return the next.

    Synthetic row a that row i caused is keyed by (seed, class, id of row i, a), and lies where `place` has it
    (`resampler.kernels.places`), on the `grids` if there are any. On `arrival` row i is their base where it has just
    been inserted, unless it weighs nothing beside others.

    Without `danger` all bases weigh the same: its search and its draws are then no part of what is compiled.
    """
    op_class, op_row, op_count, _ = ops
    counts = ring.graph.cells.counts
    others_counts = counts
    if danger is not None:
        others_counts = danger.others.graph.cells.counts
    while op < op_class.shape[0] and counts["newcomers"] < NEWCOMERS and others_counts["newcomers"] < NEWCOMERS:
        if op_class[op] != code:
            op += 1
            continue
        if op_count[op] > 0:
            op = emit_run(ring, danger, row_ids, code, label, seed, stream, place, width, arrival, grids, ops, op, out)
            continue
        i = op_row[op]
        if danger is None:
            insert(ring, X[i], row_ids[i])
        elif op_count[op] == ASSESS:
            assess(ring, danger, i)
        elif op_count[op] == REFER:
            insert(danger.others, X[i], row_ids[i])
        else:
            insert(ring, X[i], row_ids[i])
            weigh_newcomer(ring, danger, row_ids[i], seed, stream)
        op += 1
    return op


@fused
def emit_run(ring, danger, row_ids, code, label, seed, stream, place, width, arrival, grids, ops, op, out):
    """Make the synthetic rows of the class until its ring changes again; return the operation that is next.

    One call makes a run of rows, and takes the arrays out of the ring once.
    """
    op_class, op_row, op_count, op_out = ops
    out_X, out_y, _, _, out_base_id, out_neighbor_id, out_step, out_draw = out
    rows, lists, _, _ = ring.graph
    X, ids, penalty = rows.X, rows.row_ids, rows.penalty
    stamps = lists.stamps
    oldest, held = rows.cursor["oldest"], rows.cursor["held"]
    capacity = X.shape[0]
    k = ring.nn_slots.shape[0]
    half_life = ring.control["half_life"]
    mixed = largest(penalty) >= 0
    newest = (oldest + held - 1) % capacity
    arrival = arrival and held > 0
    if danger is not None:
        arrival = arrival and danger.weight[newest] > 0
    while op < op_class.shape[0] and (op_class[op] != code or op_count[op] > 0):
        n = op_count[op] if op_class[op] == code else 0
        row_id = row_ids[op_row[op]]
        own = arrival and ids[newest] == row_id
        for a in range(n):
            w0, w1, w2, w3 = draw(seed, stream, row_id, a)
            if own:
                base = newest
            elif danger is None:
                base = (oldest + choose(w0, held, half_life)) % capacity
            else:
                base = draw_base(danger.tree, w0, oldest % capacity, held, half_life)
            neighbor = living(stamps[base], bounded(w1, k), k, oldest, held, capacity)
            if neighbor == DEAD:  # the list has run short
                search_anew(ring, base)
                neighbor = living(stamps[base], bounded(w1, k), k, oldest, held, capacity)
            step = unit(w2)
            at = op_out[op] + a
            put_streamed(place, X[base], X[neighbor], step, w0, w1, w2, w3, seed, width, out_X[at])
            settle_row(grids, out_draw.shape[0] > 0, w3, X[base], out_X[at])
            if mixed:
                read(rows, lists, base, ring.nn_slots, ring.nn_d2)
                vote(X, ring.nn_slots, penalty, out_X[at])
            out_y[at] = label
            out_base_id[at] = ids[base]
            out_neighbor_id[at] = ids[neighbor]
            out_step[at] = step
            if out_draw.shape[0] > 0:
                out_draw[at, 0] = row_id
                out_draw[at, 1] = a
        op += 1
    return op
