"""One class's share of a micro-batch: its operations, in order, in one call."""

from __future__ import annotations

from numba import njit

from resampler.kernels.blocks import DEAD
from resampler.kernels.danger import draw_base, insert_base
from resampler.kernels.graph import entry, inner, largest
from resampler.kernels.graph_cells import ARRIVED, NEWCOMERS
from resampler.kernels.interpolate import interpolate_row, vote
from resampler.kernels.random import bounded, draw, unit
from resampler.kernels.ring import choose, insert, living, neighbors
from resampler.kernels.window import REFER

NO_ID = -1  # row id of a synthetic row; base and neighbour of a real one


@njit(cache=True, nogil=True)
def scatter(X, y, row_ids, position, out):
    """Put the real rows into their places in the output; all other places are synthetic until then."""
    out_X, out_y, out_synthetic, out_row_id, out_base_id, out_neighbor_id, out_step = out
    out_synthetic[:] = True
    out_row_id[:] = NO_ID
    out_base_id[:] = NO_ID
    out_neighbor_id[:] = NO_ID
    out_step[:] = 0
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
def advance(ring, danger, tree, X, row_ids, code, label, seed, stream, ops, op, out):
    """Carry out the operations of class `code` from number `op` on, until a wave is to be ended; return the next one's.

    `danger` is None, and `tree` empty, where all bases weigh the same. Synthetic row a that row i caused is keyed by
    (seed, class, id of row i, a).
    """
    op_class, op_row, op_count, _ = ops
    arrived = ring.graph.cells.counts
    # Compiled once for None, and once for `Danger`.
    referred = arrived if danger is None else danger.others.graph.cells.counts
    while op < op_class.shape[0] and arrived[ARRIVED] < NEWCOMERS and referred[ARRIVED] < NEWCOMERS:
        if op_class[op] != code:
            op += 1
            continue
        if op_count[op] > 0:
            op = emit_run(ring, tree, row_ids, code, label, seed, stream, ops, op, out)
            continue
        i = op_row[op]
        if danger is None:
            insert(ring, X[i], row_ids[i])
        elif op_count[op] == REFER:
            insert(danger.others, X[i], row_ids[i])
        else:
            insert_base(ring, danger, X[i], row_ids[i], seed, stream)
        op += 1
    return op


@inner
def emit_run(ring, tree, row_ids, code, label, seed, stream, ops, op, out):
    """Make the synthetic rows of the class until its ring changes again; return the operation that changes it.

    One call makes a run of rows, and takes the arrays out of the ring once: a tuple that is passed on counts the
    references to all of its arrays, which takes longer than to make a row. An empty `tree`: bases weigh the same.
    """
    op_class, op_row, op_count, op_out = ops
    out_X, out_y, _, _, out_base_id, out_neighbor_id, out_step = out
    rows, lists, _, _ = ring.graph
    X, ids, penalty = rows.X, rows.row_ids, rows.penalty
    stamps = lists.stamps
    oldest, held = rows.cursor
    capacity = X.shape[0]
    k = ring.nn_slots.shape[0]
    half_life = ring.half_life[0]
    mixed = largest(penalty) >= 0
    while op < op_class.shape[0]:
        if op_class[op] == code and op_count[op] <= 0:
            break
        n = op_count[op] if op_class[op] == code else 0
        row_id = row_ids[op_row[op]]
        for a in range(n):
            w0, w1, w2, _ = draw(seed, stream, row_id, a)
            if tree.shape[0] > 0:
                base = draw_base(tree, w0, oldest % capacity, held, half_life)
            else:
                base = (oldest + choose(w0, held, half_life)) % capacity
            which = bounded(w1, k)
            neighbor = living(stamps[base], which, k, oldest, held, capacity)
            if mixed or neighbor == DEAD:
                neighbors(ring, base)
                neighbor = ring.nn_slots[which]
            step = unit(w2)
            at = op_out[op] + a
            interpolate_row(X[base], X[neighbor], step, out_X[at])
            if mixed:
                vote(X, ring.nn_slots, penalty, out_X[at])
            out_y[at] = label
            out_base_id[at] = ids[base]
            out_neighbor_id[at] = ids[neighbor]
            out_step[at] = step
        op += 1
    return op
