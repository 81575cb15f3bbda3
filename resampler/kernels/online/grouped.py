"""One class's share of a micro-batch where rows are made from groups, and when groups are formed anew.

All decisions depend on counts of the class's rows alone: how a stream is cut into batches, saved or replayed changes
nothing.

Naive: `NaiveGrouped`, through the resampler, in tests/resampler/test_grouped.py.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from resampler.kernels.jit import entry, inline
from resampler.kernels.microaggregation import pick_code, write_row
from resampler.kernels.online.window import INSERT
from resampler.kernels.random import bounded, draw, unit

RENEWAL_SHARE = 10  # groups are renewed when one row of so many is new
RING = np.dtype([("oldest", np.int64), ("held", np.int64), ("newcomers", np.int64), ("due", np.bool_)])


class Held(NamedTuple):
    """The rows of one class, first in first out, without neighbours.

    Parameters
    ----------
    X : ndarray of shape (capacity, n_features), float32
        Rows as they came.
    row_ids : ndarray of shape (capacity,), int64
        Identities.
    ring : void, RING
        `oldest`: slot of the oldest row. `held`: number of rows. `newcomers`: rows that came since groups were formed
        last. `due`: groups are to be formed anew before anything else.
    """

    X: np.ndarray
    row_ids: np.ndarray
    ring: np.void


@inline
def insert_row(held, row, row_id, group_size):
    """Add one row, after the oldest has left if there is no room, and note whether groups are due.

    They are due when the class has rows for two, and then each time that a tenth of the rows held is new, and rows for
    two groups at least.
    """
    ring = held.ring
    capacity = held.X.shape[0]
    if ring["held"] == capacity:
        ring["oldest"] = (ring["oldest"] + 1) % capacity
        ring["held"] -= 1
    slot = (ring["oldest"] + ring["held"]) % capacity
    for j in range(row.shape[0]):
        held.X[slot, j] = row[j]
    held.row_ids[slot] = row_id
    ring["held"] += 1
    ring["newcomers"] += 1
    ring["due"] = ring["held"] >= 2 * group_size and ring["newcomers"] >= max(
        2 * group_size, ring["held"] // RENEWAL_SHARE
    )


@entry
def advance(held, groups, edges, X, row_ids, code, label, seed, stream, group_size, span, grids, ops, op, out):
    """Carry out the operations of class `code` from number `op` on, until groups are due; return the next.

    Synthetic row a that row i caused is keyed by (seed, class, id of row i, a). Groups are drawn by the number of their
    rows, which `edges` sums up. A row says of which class it is, and nothing of its group.
    """
    op_class, op_row, op_count, op_out = ops
    out_X, out_y, _, _, _, _, _, _ = out
    while op < op_class.shape[0]:
        if op_class[op] == code:
            row_id = row_ids[op_row[op]]
            if op_count[op] == INSERT:
                insert_row(held, X[op_row[op]], row_id, group_size)
                if held.ring["due"]:
                    return op + 1
            for a in range(op_count[op]):
                w0, w1, w2, w3 = draw(seed, stream, row_id, a)
                base = np.searchsorted(edges, bounded(w0, edges[-1]), side="right")
                neighbor = groups.near[base, bounded(w1, groups.near.shape[1])]
                at = op_out[op] + a
                write_row(groups, grids, base, neighbor, span * unit(w2), w0, w1, w2, w3, seed, out_X[at])
                for c in range(groups.column.shape[0]):
                    out_X[at, groups.column[c]] = groups.code[pick_code(groups, base, c, w0, w1, w2, w3, seed)]
                out_y[at] = label
        op += 1
    return op


@entry
def keep_rows(held, gone):
    """Delete the rows of the slots that are `gone`, closing the gaps in order; return how many there were."""
    ring = held.ring
    capacity = held.X.shape[0]
    kept = 0
    for i in range(ring["held"]):
        slot = (ring["oldest"] + i) % capacity
        if gone[slot]:
            continue
        to = (ring["oldest"] + kept) % capacity
        if to != slot:
            for j in range(held.X.shape[1]):
                held.X[to, j] = held.X[slot, j]
            held.row_ids[to] = held.row_ids[slot]
        kept += 1
    left = ring["held"] - kept
    ring["held"] = kept
    return left
