"""One class's share of a micro-batch: its operations, in order, in one call."""

from __future__ import annotations

from numba import njit

from resampler.kernels.danger import draw_base, insert_base
from resampler.kernels.random import draw
from resampler.kernels.ring import emit, insert
from resampler.kernels.window import DROPPED, INSERT, REFER


@njit(cache=True, nogil=True)
def scatter(X, y, row_ids, position, out_X, out_y, out_synthetic, out_row_id):
    """Put the real rows into their places among `out_X`; all other places are synthetic until then."""
    for i in range(position.shape[0]):
        at = position[i]
        if at == DROPPED:
            continue
        for j in range(X.shape[1]):
            out_X[at, j] = X[i, j]
        out_y[at] = y[i]
        out_synthetic[at] = False
        out_row_id[at] = row_ids[i]


@njit(cache=True, nogil=True)
def advance(
    ring, danger, X, row_ids, code, label, seed, stream, ops, out_X, out_y, out_base_id, out_neighbor_id, out_step
):
    """Carry out the operations of class `code`.

    Synthetic row a that row i caused is keyed by (seed, class, id of row i, a).
    """
    op_class, op_row, op_count, op_out = ops
    for op in range(op_class.shape[0]):
        if op_class[op] != code:
            continue
        i = op_row[op]
        if op_count[op] == INSERT:
            insert_base(ring, danger, X[i], row_ids[i], seed, stream)
            continue
        if op_count[op] == REFER:
            insert(danger.others, X[i], row_ids[i])
            continue
        for a in range(op_count[op]):
            at = op_out[op] + a
            words = draw(seed, stream, row_ids[i], a)
            base_id, neighbor_id, step = emit(ring, draw_base(ring, danger, words[0]), words, out_X[at])
            out_y[at] = label
            out_base_id[at] = base_id
            out_neighbor_id[at] = neighbor_id
            out_step[at] = step
