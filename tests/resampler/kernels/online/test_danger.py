"""The weights' cumulative sums against naive loops; danger itself is counted in `tests/resampler/test_online.py`."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from naive.online import slot_by_weight
from numba import njit

from resampler import MinorityBuffer
from resampler.bases import Bases
from resampler.kernels.online import danger
from resampler.kernels.online.danger import draw_base, restore_weights


@njit
def run_set_weight(weight, tree, slot, value):
    danger.set_weight(weight, tree, slot, value)


@njit
def run_weight_below(tree, slot):
    return danger.weight_below(tree, slot)


@njit
def run_find(tree, target):
    return danger.find(tree, target)


@given(n=st.integers(1, 40), data=st.data())
def test_cumulative_weights_follow_every_change(n, data):
    weight, tree, want = np.zeros(n, dtype=np.int64), np.zeros(n + 1, dtype=np.int64), [0] * n
    for slot, value in data.draw(st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, 5)), max_size=60)):
        run_set_weight(weight, tree, slot, value)
        want[slot] = value
    assert weight.tolist() == want
    assert [run_weight_below(tree, slot) for slot in range(n + 1)] == [sum(want[:slot]) for slot in range(n + 1)]
    assert [run_find(tree, target) for target in range(sum(want))] == [
        slot_by_weight(want, target) for target in range(sum(want))
    ]


@given(data=st.data(), word=st.integers(0, 2**32 - 1))
def test_a_base_is_as_wide_as_its_weight(data, word):
    weights = np.array(data.draw(st.lists(st.integers(0, 5), min_size=3, max_size=9)))
    oldest = data.draw(st.integers(0, len(weights) - 1))
    bases = Bases(lambda capacity, k: MinorityBuffer(1, capacity, k), len(weights), 2, np.arange(3))
    cursor = bases.buffer.ring.graph.rows.cursor
    cursor["oldest"], cursor["held"] = oldest, len(weights)
    restore_weights(bases.danger.weight, bases.danger.tree, oldest, weights)
    restore_weights(bases.danger.weight, bases.danger.tree, oldest, weights[::-1].copy())
    slots = np.roll(np.arange(len(weights)), -oldest)
    wide = np.repeat(slots, weights[::-1] if weights.any() else 1)
    assert draw_base(bases.danger.tree, np.uint64(word), oldest, len(weights), 0.0) == wide[word * len(wide) >> 32]
