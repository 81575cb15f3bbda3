"""Audits against naive loops; and that it is the kept lists that decide on the budget."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive.audit import chosen, fitted, missed
from naive.graph import NaiveGraph

from resampler import MinorityBuffer
from resampler.buffer.allocation import make_record
from resampler.buffer.maintenance import finish_wave
from resampler.kernels.buffer import audit
from resampler.kernels.buffer.audit import choose_audits, judge
from resampler.kernels.buffer.graph import CURSOR
from resampler.kernels.buffer.lookup import look_up_all
from resampler.kernels.buffer.ring import CONTROL
from resampler.kernels.buffer.walk import ALL

FITTED = ("budget", "audited", "missed", "missed_kept")


def make_buffer(capacity, n, seed, recall=0.95):
    buffer = MinorityBuffer(3, capacity, 3, index="graph", recall=recall, effort="effort-1")
    buffer.insert(np.random.default_rng(seed).normal(size=(n, 3)).astype(np.float32), np.arange(n))
    return buffer


@given(
    capacity=st.sampled_from([5, 300, 4_096, 10_000]),
    held=st.integers(0, 300),
    oldest=st.integers(0, 20_000),
    inserted=st.integers(0, 10_000),
    behind=st.integers(0, 300),
)
def test_choose_audits(capacity, held, oldest, inserted, behind):
    held, oldest, first = min(held, capacity), oldest % (2 * capacity), max(0, inserted - behind)
    control, slots = make_record(CONTROL, inserted=inserted, next_audit=first), np.empty(64, dtype=np.int64)
    n = choose_audits(make_record(CURSOR, oldest=oldest, held=held), capacity, control, slots)
    assert (slots[:n].tolist(), control["next_audit"]) == chosen(oldest, held, capacity, inserted, first)


@settings(max_examples=15)
@given(
    seed=st.integers(0, 1_000),
    recall=st.sampled_from([0.3, 0.95, 1.0]),
    audited=st.sampled_from([0, 20, 40, 126]),
    before=st.tuples(st.integers(0, 30), st.integers(0, 30)),
    inserted=st.sampled_from([10, 10_000]),
    budget=st.sampled_from([128, 200, 400]),
)
def test_judge(seed, recall, audited, before, inserted, budget):
    buffer = make_buffer(300, 500, seed)
    ring, k = buffer.ring, 3
    rng = np.random.default_rng(seed)
    full = np.flatnonzero(ring.graph.lists.count == 8)
    for slot in rng.permutation(full)[:100]:  # lists that lack something, and such as have run short
        ring.graph.lists.stamps[slot, [0, 7]] = ring.graph.lists.stamps[slot, [7, 0]]
        ring.graph.lists.count[slot] -= 6 * (slot % 3 == 0)
    naive = NaiveGraph(buffer)
    slots = rng.integers(0, 300, 12)
    found, stamps = np.empty(12, dtype=np.int64), np.empty((12, k), dtype=np.int32)
    none = np.empty((0, 0), dtype=np.float32)
    look_up_all(ring, slots, none, int(ALL), found, stamps, np.empty((12, k), dtype=np.float32))
    for name, value in zip(FITTED, (budget, audited, *before), strict=True):
        ring.control[name] = value
    ring.control["inserted"], ring.control["recall"] = inserted, recall
    judge(ring.graph.rows, ring.graph.lists, ring.control, k, slots, found, stamps)
    new, kept = before
    for i in range(0, 12, 2):
        new += missed(naive, slots[i], stamps[i], k)
        kept += missed(naive, slots[i + 1], stamps[i + 1], k)
        budget, audited, new, kept = fitted(budget, audited + 1, new, kept, inserted < 600, recall, k, 300)
    assert [ring.control[name] for name in FITTED] == [budget, audited, new, kept]


@pytest.mark.compiled
def test_lists_that_lack_rows_raise_the_budget_though_searches_find_all():
    budgets = {}
    for damaged in (False, True):
        buffer = make_buffer(2_000, 4_000, seed=1)
        ring = buffer.ring
        for name, value in zip(FITTED, (1_999, 0, 0, 0), strict=True):
            ring.control[name] = value
        if damaged:
            ring.graph.lists.stamps[:, [0, 7]] = ring.graph.lists.stamps[:, [7, 0]]
        rng = np.random.default_rng(2)
        buffer.insert(rng.normal(size=(512, 3)).astype(np.float32), np.arange(4_000, 4_512))
        assert ring.control["missed"] <= 1
        budgets[damaged] = ring.control["budget"]
    assert budgets == {False: 1_999, True: 2_000}


@pytest.mark.compiled
def test_a_buffer_without_effort_to_spare_shrinks_its_budget_to_the_least():
    buffer = make_buffer(2_000, 2_000, seed=1)
    buffer.ring.control["budget"] = 2_000
    for first in range(2_000, 42_000, 2_000):
        rows = np.random.default_rng(first).normal(size=(2_000, 3)).astype(np.float32)
        buffer.insert(rows, np.arange(first, first + 2_000))
    assert audit.MIN_BUDGET <= buffer.ring.control["budget"] < 1_000
    assert buffer.stats().recall > 0.95


@pytest.mark.parametrize("left", [0, 1])
def test_a_wave_may_end_with_hardly_a_row_left(left):
    buffer = MinorityBuffer(2, 300, 3, index="graph")
    buffer.insert(np.random.default_rng(0).normal(size=(255, 2)), np.arange(255))
    buffer.evict(255 - left)
    buffer.insert(np.zeros((1, 2)), [1_000])
    buffer.evict(1)
    finish_wave(buffer.ring)
    assert len(buffer) == left
    buffer.insert(np.random.default_rng(1).normal(size=(600, 2)), np.arange(2_000, 2_600))
    assert buffer.stats().recall > 0.95
    aged = MinorityBuffer(2, 300, 3, index="graph", max_age=1)
    aged.insert(np.random.default_rng(1).normal(size=(600, 2)), np.arange(600), 10 * np.arange(600))
    assert len(aged) == 1
