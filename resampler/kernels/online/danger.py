"""Danger: how many of a row's nearest rows are of other classes, and bases drawn by it.

The other classes' rows are sampled into a ring of their own, thinned to as many as the class has: classes are
compared as if they were balanced, and over the same stretch of the stream. A row is assessed when it comes, and now
and then again, for the other classes move on.

Naive: the weights in tests/resampler/kernels/online/test_danger.py; danger through the resampler, in
tests/resampler/test_online.py.

References
----------
Han, Wang, Mao: Borderline-SMOTE. ICIC 2005, section 3, doi:10.1007/11538059_91. He, Bai, Garcia, Li: ADASYN. IJCNN
2008, algorithm 1, doi:10.1109/IJCNN.2008.4633969. Both count among all rows of a table, so that the rarer a class is,
the more of it is noise. Fenwick: A New Data Structure for Cumulative Frequency Tables. Software: Practice and
Experience 24 (1994), doi:10.1002/spe.4380240306.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from resampler.kernels.buffer.graph import largest, load_row, slot_of
from resampler.kernels.buffer.lookup import read, search_anew
from resampler.kernels.buffer.penalty import set_penalty
from resampler.kernels.buffer.ring import Ring
from resampler.kernels.buffer.sample import choose
from resampler.kernels.buffer.search import NO_SLOT, find_neighbors
from resampler.kernels.jit import entry, inline, inner
from resampler.kernels.random import LOOK, bounded, draw


class Danger(NamedTuple):
    """What the bases of one class are drawn by, where they do not all weigh the same.

    Parameters
    ----------
    others : Ring
        The sample of the other classes' rows.
    weights : ndarray of shape (k_neighbors + 1,), int64
        Weight of a base by how many of its nearest rows are of other classes.
    weight : ndarray of shape (capacity,), int64
        Weight of each slot of the class's ring.
    tree : ndarray of shape (capacity + 1,), int64
        The weights' cumulative sums, as Fenwick keeps them.
    nn_stamps, nn_d2 : ndarray of shape (k_neighbors,), int32 and float32
        Working space: nearest rows of other classes.
    """

    others: Ring
    weights: np.ndarray
    weight: np.ndarray
    tree: np.ndarray
    nn_stamps: np.ndarray
    nn_d2: np.ndarray


@inner
def set_weight(weight, tree, slot, value):
    """Change the weight of a slot."""
    change = value - weight[slot]
    if change == 0:
        return
    weight[slot] = value
    i = slot + 1
    while i < tree.shape[0]:
        tree[i] += change
        i += i & -i


@inner
def weight_below(tree, slot):
    """Return the sum of the weights of slots 0 .. slot - 1."""
    total = np.int64(0)
    while slot > 0:
        total += tree[slot]
        slot -= slot & -slot
    return total


@inner
def find(tree, target):
    """Return the slot in which the cumulative weight passes `target`."""
    size = tree.shape[0]
    step = 1
    while 2 * step < size:
        step *= 2
    slot = 0
    while step > 0:
        if slot + step < size and tree[slot + step] <= target:
            slot += step
            target -= tree[slot]
        step //= 2
    return slot


@inline
def draw_base(tree, word, oldest, held, half_life):
    """Return the slot of the base that a word stands for: rows by age, each as wide as its weight.

    Where no row weighs anything, all are equal: a class is never left without synthetic rows.
    """
    capacity = tree.shape[0] - 1
    total = weight_below(tree, capacity)
    if total == 0:
        return (oldest + choose(word, held, half_life)) % capacity
    # Slots follow each other by age from the oldest on, around the end: a restored ring lies in other slots.
    return find(tree, (weight_below(tree, oldest) + bounded(word, total)) % total)


@inline
def read_or_search(ring, slot):
    """Write the slots and squared distances of a row's first neighbours; return how many there are."""
    rows, lists, _, _ = ring.graph
    n = read(rows, lists, slot, ring.nn_slots, ring.nn_d2)
    if n < min(ring.nn_slots.shape[0], rows.cursor["held"] - 1):
        search_anew(ring, slot)
        n = read(rows, lists, slot, ring.nn_slots, ring.nn_d2)
    return n


@inner
def assess(ring, danger, slot):
    """Count the rows of other classes among a row's nearest, ties to the lower id, and weigh the row by it."""
    rows, others = ring.graph.rows, danger.others.graph
    penalty = largest(rows.penalty)
    if largest(others.rows.penalty) != penalty:  # one metric for both
        set_penalty(others.rows, others.lists, others.cells, others.scratch.query, penalty)
    k = danger.nn_d2.shape[0]
    n_own = read_or_search(ring, slot)
    load_row(rows, slot, others.scratch.query)
    budget = danger.others.control["budget"]
    n_others = find_neighbors(others, NO_SLOT, budget, danger.nn_stamps, danger.nn_d2)
    own = 0
    foreign = 0
    while own + foreign < k and (own < n_own or foreign < n_others):
        if own == n_own:
            nearer = True
        elif foreign == n_others:
            nearer = False
        else:
            other_id = others.rows.row_ids[slot_of(others.rows, danger.nn_stamps[foreign])]
            own_d2, d2 = ring.nn_d2[own], danger.nn_d2[foreign]
            nearer = d2 < own_d2 or (d2 == own_d2 and other_id < rows.row_ids[ring.nn_slots[own]])
        foreign += nearer
        own += not nearer
    set_weight(danger.weight, danger.tree, slot, danger.weights[foreign])


@entry
def restore_weights(weight, tree, oldest, weights):
    """Give the rows the weights that they had, oldest first, from slot `oldest` on."""
    for i in range(weights.shape[0]):
        set_weight(weight, tree, (oldest + i) % weight.shape[0], weights[i])


@inline
def weigh_newcomer(ring, danger, row_id, seed, stream):
    """Weigh the row that has been inserted, and anew one that is drawn by its id."""
    rows = ring.graph.rows
    held = rows.cursor["held"]
    k = ring.nn_slots.shape[0]
    if held <= k:
        return
    word, _, _, _ = draw(seed, stream, row_id, LOOK)
    all_of_them = held == k + 1  # this is the first row that has enough others
    for i in range(held if all_of_them else 2):
        age = i if all_of_them else held - 1 if i == 0 else bounded(word, held)  # in rows from the oldest
        assess(ring, danger, (rows.cursor["oldest"] + age) % rows.X.shape[0])
