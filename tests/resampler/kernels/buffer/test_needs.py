"""What searches need, against a naive walk; and the budget that follows, against counting."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive.audit import missed
from naive.graph import NaiveGraph

from resampler import MinorityBuffer
from resampler.buffer.effort import fit_budget
from resampler.kernels.buffer.audit import count_lacking
from resampler.kernels.buffer.lookup import look_up_all
from resampler.kernels.buffer.needs import measure_needs
from resampler.kernels.buffer.walk import ALL
from resampler.kernels.simd.lanes import LANES

K = 3
NO_ROWS = np.empty((0, 0), dtype=np.float32)


def make_buffer(capacity, n, seed, **options):
    buffer = MinorityBuffer(3, capacity, K, index="graph", **options)
    X = np.random.default_rng(seed).normal(size=(n, 3)) * [1, 4, 20]
    buffer.insert(X, np.arange(n))
    return buffer


def true_neighbors(ring, slots):
    found, stamps = np.empty(len(slots), dtype=np.int64), np.empty((len(slots), K), dtype=np.int32)
    look_up_all(ring, slots, NO_ROWS, int(ALL), found, stamps, np.empty((len(slots), K), dtype=np.float32))
    return found, stamps


def naive_needs(ring, slot, nearest, budget, most):
    """Walk from cell to cell: the nearest of the groups whose hubs are near enough, at every step."""
    farther = 1.75 + budget / 1_536
    rows, _, cells, _ = ring.graph
    query, capacity = rows.X[slot].astype(np.float64), len(rows.X)
    groups = np.flatnonzero(cells.group_cells > 0)
    hub = {g: ((cells.hubs[g // LANES, :, g % LANES] - query) ** 2).sum() for g in groups}
    cell_of = cells.cell_of[cells.place[nearest % capacity] // LANES]
    reached, needs, settled = {}, [most] * len(nearest), 0
    while settled < most:
        nearest_hub = min(hub, key=hub.get, default=None)
        if nearest_hub is not None and hub[nearest_hub] <= farther * min(reached.values(), default=np.inf):
            del hub[nearest_hub]
            for cell in range(nearest_hub * LANES, (nearest_hub + 1) * LANES):
                if cells.cell_rows[cell] >= 0:
                    reached[cell] = ((cells.centroids[nearest_hub, :, cell % LANES] - query) ** 2).sum()
            continue
        if not reached:
            break
        cell = min(reached, key=reached.get)
        del reached[cell]
        needs = [settled if other == cell else need for need, other in zip(needs, cell_of, strict=True)]
        settled += int(cells.weight[cell])
    return needs


@settings(max_examples=10)
@given(seed=st.integers(0, 1_000), budget=st.sampled_from([128, 1_000]), most=st.sampled_from([100, 10_000]))
def test_measure_needs(seed, budget, most):
    ring = make_buffer(2_048, 4_096, seed).ring
    rows, _, cells, scratch = ring.graph
    slots = np.random.default_rng(seed).integers(0, 2_048, 8)
    found, stamps = true_neighbors(ring, slots)
    needs = np.empty((8, K), dtype=np.int64)
    measure_needs(rows, cells, scratch, slots, found, stamps, budget, most, needs)
    naive = [naive_needs(ring, slot, near, budget, most) for slot, near in zip(slots, stamps, strict=True)]
    assert needs.tolist() == naive


@settings(max_examples=10)
@given(seed=st.integers(0, 1_000))
def test_count_lacking(seed):
    buffer = make_buffer(300, 500, seed)
    rows, lists, *_ = buffer.ring.graph
    slots = np.random.default_rng(seed).permutation(300)[:20]
    full = slots[lists.count[slots] == 8]
    lists.stamps[full[:, None], [0, 7]] = lists.stamps[full[:, None], [7, 0]]
    lists.count[slots[::4]] = 2  # have run short
    found, stamps = true_neighbors(buffer.ring, slots)
    naive = NaiveGraph(buffer)
    lacking = sum(missed(naive, slot, near, K) for slot, near in zip(slots, stamps, strict=True))
    assert count_lacking(rows, lists, K, slots, found, stamps) == lacking


def naive_budget(history, n, may):
    """The least with which the last n searches miss no more than they may."""
    lately = [need for number in sorted(history)[-n:] for need in history[number]]
    return next(b for b in sorted(need + 1 for need in lately) if sum(need >= b for need in lately) <= int(may))


@settings(max_examples=30)
@given(
    seed=st.integers(0, 1_000),
    recall=st.sampled_from([0.3, 0.95, 0.99, 0.998, 1.0]),
    searched=st.sampled_from([0, 62, 64, 510, 700]),
    filling=st.booleans(),
    before=st.sampled_from([128, 2_000]),
    counts=st.tuples(st.integers(0, 200), st.integers(0, 100)),
)
def test_fit_budget(seed, recall, searched, filling, before, counts):
    rng, naive_counts = np.random.default_rng(seed), list(counts)
    buffer = make_buffer(3_000, 3_000, seed, recall=recall)
    ring = buffer.ring
    ring.needs[...] = rng.integers(0, 5_000, ring.needs.shape)
    ring.control["inserted"], ring.control["audited"], ring.control["budget"] = (
        10 if filling else 6_000,
        searched,
        before,
    )
    ring.control["missed"], ring.control["missed_kept"] = counts
    slots = rng.integers(0, 3_000, 4)
    found, stamps = true_neighbors(ring, slots)
    naive = NaiveGraph(buffer)
    needs = [naive_needs(ring, slot, near, before, 4 * before) for slot, near in zip(slots, stamps, strict=True)]
    history = {number: ring.needs[number % 512].tolist() for number in range(max(searched - 508, 0), searched)}
    history |= {searched + i: need for i, need in enumerate(needs)}
    fit_budget(ring, slots, found, stamps)

    share = 0.6
    if not filling:
        if (searched + 4) // 256 > searched // 256:
            naive_counts = [count // 2 for count in naive_counts]
        naive_counts[0] += sum(need >= before for row in needs for need in row)
        naive_counts[1] += sum(missed(naive, slots[i], stamps[i], K) for i in (1, 3))
        share = min(max(0.85 * (naive_counts[0] / 2 + 16) / (naive_counts[1] + 16), 0.4), 1)
    wanted = 512 if recall == 1 else min(int(8 / ((1 - recall) * K)), 512)
    n = min(searched + 4, max(wanted, 64 if filling else 256))
    latest = min(searched + 4, 64)
    expected = n * (1 - recall) * K * share
    may = max(expected - np.sqrt(2 * expected), 0)
    budget = max(naive_budget(history, n, may), naive_budget(history, latest, latest * (1 - recall) * K))
    budget = budget if budget > before or searched + 4 >= 64 else before
    assert ring.control["budget"] == min(max(budget, 128), 3_000)
    assert [ring.control["missed"], ring.control["missed_kept"]] == naive_counts


@pytest.mark.compiled
def test_a_budget_comes_down_as_soon_as_searches_need_less():
    buffer = make_buffer(2_000, 4_000, seed=1)
    usual = buffer.stats().budget
    buffer.ring.control["budget"] = 2_000
    rows = np.random.default_rng(3).normal(size=(256, 3)) * [1, 4, 20]
    buffer.insert(rows, np.arange(4_000, 4_256))
    assert buffer.stats().budget < 2 * usual
    assert buffer.stats().recall > 0.95
