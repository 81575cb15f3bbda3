"""The k-NN graph: each row's candidate list, its nearest rows in order, kept while rows come and go.

A list holds a few more neighbours than are asked for and is complete within its cutoff: it has every row whose
(squared distance, row id) is at most the cutoff. A new row enters the lists whose cutoff it is within (the lists of the
*affected rows*); a full list then drops its last entry and lowers its cutoff. A row that leaves costs nothing, for
entries name rows by stamps, from which it follows whether the row is still there. A list is searched for anew only when
synthetic rows are made from it and too few of its entries are alive. So lists are exact as long as every row enters all
the lists that it affects.

Naive: `NaiveGraph`, through search and insertion, in tests/resampler/kernels/buffer/test_search.py.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from resampler.kernels.jit import inline, inner

NOBODY = np.int32(-1)
UNKNOWN = np.float32(-1)  # cutoff of a list that no row enters: it is searched for when it is needed
LAST_ID = np.iinfo(np.int64).max  # id of a cutoff that includes all rows at its distance
CURSOR = np.dtype([("oldest", np.int64), ("held", np.int64)])


class Rows(NamedTuple):
    """The rows of one class, first in first out.

    A row's stamp is its number among all that ever came, modulo 2 x capacity, and its slot is the stamp modulo
    capacity. Two rows that were held at the same time came within one capacity of each other; hence no list that is
    still held has a stamp that by now means another row.

    Parameters
    ----------
    X : ndarray of shape (capacity, n_features), float32
        Rows as they came.
    row_ids : ndarray of shape (capacity,), int64
        Identities; `DEAD` where the slot holds no row.
    times : ndarray of shape (capacity,) or (0,), int64
        When each row came, if rows leave by age; never falls from one row to the next.
    cursor : void, CURSOR
        `oldest`: stamp of the oldest row. `held`: number of rows.
    inverse_scale, penalty : ndarray of shape (n_features,), float32
        The metric: see `resampler.kernels.simd.blocks`.
    inverse_norm : ndarray of shape (capacity,), float32
        1, or under the cosine metric 1 / the scaled row's length.
    cosine : ndarray of shape (1,), bool
        Whether rows are divided by their length.
    common : ndarray of shape (LANES,), float32, or None
        Of rows that may have nulls, working space: how many columns two rows have in common. None where none has: a
        type, so that the kernels of such rows are compiled without what nulls need.
    """

    X: np.ndarray
    row_ids: np.ndarray
    times: np.ndarray
    cursor: np.void
    inverse_scale: np.ndarray
    penalty: np.ndarray
    inverse_norm: np.ndarray
    cosine: np.ndarray
    common: np.ndarray | None


class Lists(NamedTuple):
    """Each slot's neighbours, ascending by (squared distance, row id).

    Parameters
    ----------
    stamps : ndarray of shape (capacity, length), int32
        Stamps of the neighbours, some of them of rows that have left; `NOBODY` behind them.
    d2 : ndarray of shape (capacity, length), float32
        Their squared distances.
    count : ndarray of shape (capacity,), int32
        Entries in use.
    cutoff_id : ndarray of shape (capacity,), int64
        Row id of the cutoff; its squared distance stands beside the row in its cell, where the scan wants it.
    """

    stamps: np.ndarray
    d2: np.ndarray
    count: np.ndarray
    cutoff_id: np.ndarray


@inline
def slot_of(rows, stamp):
    """Return the slot of a stamp."""
    capacity = rows.X.shape[0]
    return stamp - capacity if stamp >= capacity else stamp


@inline
def stamp_of(rows, slot):
    """Return the stamp of the row in a slot."""
    capacity = rows.X.shape[0]
    oldest = rows.cursor["oldest"]
    if oldest < capacity:
        return slot if slot >= oldest else slot + capacity
    return slot + capacity if slot >= oldest - capacity else slot


@inline
def alive(stamp, oldest, held, capacity):
    """Say whether the row of a stamp is among the `held` rows from stamp `oldest` on."""
    age = stamp - oldest
    if age < 0:
        age += 2 * capacity
    return age < held


@inner
def largest(values):
    """Return the largest of some floats."""
    found = values[0]
    for i in range(values.shape[0]):
        found = max(found, values[i])
    return found


@inner
def scale_row(rows, row, query):
    """Write a row in units of distance; return 1 / its length under the cosine metric, else 1."""
    norm = np.float32(1)
    for j in range(row.shape[0]):
        query[j] = row[j] * rows.inverse_scale[j]
    if rows.cosine[0]:
        total = 0.0
        for j in range(row.shape[0]):
            total += np.float64(query[j]) * np.float64(query[j])
        norm = np.float32(1.0 / np.sqrt(total))
        for j in range(row.shape[0]):
            query[j] *= norm
    return norm


@inner
def load_row(rows, slot, query):
    """Write the row of a slot in units of distance, bit for bit as `scale_row` did."""
    norm = rows.inverse_norm[slot]
    for j in range(query.shape[0]):
        query[j] = rows.X[slot, j] * rows.inverse_scale[j] * norm


@inner
def admit(row_ids, stamps, d2s, n, d2, stamp, row_id):
    """Put an entry into its place among `n`; a full list lets its last one go. Return the new number."""
    capacity = row_ids.shape[0]
    length = stamps.shape[0]
    at = n
    if n == length:
        at = n - 1
        if d2s[at] < d2 or (d2s[at] == d2 and row_ids[stamps[at] % capacity] < row_id):
            return n
    while at > 0 and (d2s[at - 1] > d2 or (d2s[at - 1] == d2 and row_ids[stamps[at - 1] % capacity] > row_id)):
        d2s[at] = d2s[at - 1]
        stamps[at] = stamps[at - 1]
        at -= 1
    d2s[at] = d2
    stamps[at] = stamp
    return min(n + 1, length)


@inner
def update_list(row_ids, oldest, held, stamps, d2s, count, cutoff_id, slot, cutoff, d2, stamp, row_id):
    """Enter a row whose distance is within the cutoff into the list of `slot`; return the list's new cutoff.

    Entries of rows that have left are dropped on the way.
    """
    if d2 == cutoff and row_id > cutoff_id[slot]:
        return cutoff
    capacity, length = stamps.shape
    n = np.int64(0)
    before = count[slot]
    for i in range(before):
        if alive(stamps[slot, i], oldest, held, capacity):
            stamps[slot, n] = stamps[slot, i]
            d2s[slot, n] = d2s[slot, i]
            n += 1
    count[slot] = admit(row_ids, stamps[slot], d2s[slot], n, d2, stamp, row_id)
    for i in range(count[slot], before):
        stamps[slot, i] = NOBODY
    if n < length:
        return cutoff
    cutoff_id[slot] = row_ids[stamps[slot, length - 1] % capacity]
    return d2s[slot, length - 1]


@inner
def set_count(lists, slot, n):
    """Let a list end after `n` entries, so that it can be read without its count."""
    lists.count[slot] = n
    for i in range(n, lists.stamps.shape[1]):
        lists.stamps[slot, i] = NOBODY


@inner
def close(rows, lists, slot):
    """Set the cutoff of a list that was searched for; return it."""
    length = lists.stamps.shape[1]
    if lists.count[slot] < length:  # there are no other rows
        lists.cutoff_id[slot] = LAST_ID
        return np.float32(np.inf)
    lists.cutoff_id[slot] = rows.row_ids[slot_of(rows, lists.stamps[slot, length - 1])]
    return lists.d2[slot, length - 1]
