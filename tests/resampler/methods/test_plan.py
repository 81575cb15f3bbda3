import numpy as np
from harness.one_class import one_class
from hypothesis import given
from hypothesis import strategies as st
from naive.generation import synthetic_row
from naive.online import neighbors as naive_neighbors
from naive.random import draw as naive_draw

from resampler.methods.place import build
from resampler.methods.plan import Plan, draw, take_turns
from resampler.methods.provenance import Provenance
from resampler.metric import label_key


@given(n=st.integers(6, 40), d=st.integers(1, 5), count=st.integers(0, 90), seed=st.integers(0, 2**64 - 1))
def test_one_class_is_the_naive_loop(n, d, count, seed):
    rng = np.random.default_rng(seed % 2**32)
    X = rng.integers(0, 5, size=(n, d)).astype(np.float32)
    mask = rng.random(d) < 0.4
    scale = np.where(mask, 1.0, rng.random(d) + 0.5)
    ids = rng.permutation(3 * n)[:n]
    made = one_class(X, count, k_neighbors=3, seed=seed, label="a", row_ids=ids, scale=scale, categorical_mask=mask)
    spread = X[:, ~mask].std(axis=0, dtype=np.float64) / scale[~mask]
    penalty = np.where(mask, np.median(spread) ** 2 if len(spread) else 1.0, -1.0)
    stream = label_key("a")
    ranks = {b: naive_draw(seed, stream, int(ids[b]), 2**32 - 1)[:2] for b in range(n)}
    order = sorted(range(n), key=lambda b: (ranks[b], ids[b]))
    for i in range(count):
        b = order[i % n]
        near = naive_neighbors(X, ids, b, 3, scale, penalty)
        _, w1, w2, _ = naive_draw(seed, stream, int(ids[b]), i // n)
        neighbor, step = near[w1 * 3 >> 32], np.float32((w2 >> 8) / 2.0**24)
        assert (made.base_id[i], made.neighbor_id[i], made.step[i]) == (ids[b], ids[neighbor], step)
        assert np.array_equal(made.X[i], synthetic_row(X, b, near, neighbor, step, penalty))


@given(
    weights=st.lists(st.just(0.0) | st.floats(1e-3, 10), min_size=1, max_size=12).filter(lambda w: sum(w) > 0),
    count=st.integers(0, 200),
    cut=st.integers(0, 200),
)
def test_turns_are_websters_apportionment_and_a_prefix_of_more(weights, count, cut):
    weights = np.array(weights)
    order = np.random.default_rng(count).permutation(len(weights))
    turn, copy = take_turns(order, count, weights=weights)
    seats = np.zeros(len(weights), dtype=int)
    share = weights / weights.sum()
    for b, r in zip(turn, copy, strict=True):
        assert seats[b] == r
        due = np.divide(seats + 0.5, share, out=np.full(len(share), np.inf), where=share > 0)
        assert due[b] == due.min()
        seats[b] += 1
    cut = min(cut, count)
    first, rest = take_turns(order, cut, weights=weights), take_turns(order, count - cut, cut, weights=weights)
    assert np.array_equal(np.concatenate([first[0], rest[0]]), turn)


def test_equal_weights_go_round():
    order = np.array([2, 0, 1])
    turn, copy = take_turns(order, 7)
    weighted = take_turns(order, 7, weights=np.ones(3))
    assert turn.tolist() == [2, 0, 1, 2, 0, 1, 2]
    assert copy.tolist() == [0, 0, 0, 1, 1, 1, 2]
    assert np.array_equal(weighted, (turn, copy))


def test_threads_and_chunks_change_nothing(monkeypatch):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 3)).astype(np.float32)
    plan = Plan(np.arange(500), np.arange(500), rng.integers(0, 500, size=(500, 4)))
    parents = draw(plan, 70_000, 3, 9)
    none = np.empty((70_000, 0), dtype=np.int64)
    rows = build(X, Provenance(np.ones(70_000), *parents[2:], none, none[0]))
    monkeypatch.setattr("numba.config.NUMBA_NUM_THREADS", 1)
    alone = draw(plan, 70_000, 3, 9)
    assert all(np.array_equal(a, b) for a, b in zip(parents, alone, strict=True))
    late = draw(plan, 1_000, 3, 9, start=69_000)
    assert all(np.array_equal(a[69_000:], b) for a, b in zip(parents, late, strict=True))
    step = parents.step[:, None]
    assert np.array_equal(rows, X[parents.base] + step * (X[parents.neighbor] - X[parents.base]))
