"""Reading changes nothing that comes out later, and copies no buffer."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from resampler import FeatureSchema, MinorityBuffer, OnlineResampler


class ObservedMachine(RuleBasedStateMachine):
    """Two buffers with the same rows, one of which is read all the time."""

    @initialize(
        capacity=st.sampled_from([9, 300, 900]),
        index=st.sampled_from(["exact", "graph"]),
        categories=st.booleans(),
        seed=st.integers(0, 99),
    )
    def begin(self, capacity, index, categories, seed):
        self.rng, self.n = np.random.default_rng(seed), 0
        categorical = [2] if categories else None
        self.observed, self.other = (
            MinorityBuffer(3, capacity, 3, index=index, recall=0.8, categorical_features=categorical) for _ in range(2)
        )

    @rule(n=st.sampled_from([1, 60, 300]), spread=st.sampled_from([1e-18, 1.0, 30.0]))
    def insert(self, n, spread):
        X = self.rng.normal(size=(n, 3)) * spread
        X[:, 2] = np.abs(np.round(X[:, 2]))
        for buffer in (self.observed, self.other):
            buffer.insert(X, np.arange(self.n, self.n + n))
        self.n += n
        self.read()

    @rule(share=st.sampled_from([0.1, 0.8]))
    def discard(self, share):
        gone = self.observed.row_ids[self.rng.random(len(self.observed)) < share]
        assert self.observed.discard(gone) == self.other.discard(gone)
        self.read()

    @rule(share=st.sampled_from([0.1, 0.9]))
    def evict(self, share):
        n = int(share * len(self.observed))
        self.observed.evict(n)
        self.other.evict(n)

    @rule()
    def save_and_load(self):
        self.observed, self.other = (MinorityBuffer.from_bytes(b.to_bytes()) for b in (self.observed, self.other))

    @precondition(lambda self: self.other.reached and len(self.other) > self.other.k_neighbors)
    @rule(seed=st.integers(0, 9))
    def sample(self, seed):
        for a, b in zip(self.observed.sample(40, seed), self.other.sample(40, seed), strict=True):
            assert a.tobytes() == b.tobytes()

    def read(self):
        if self.observed.reached:
            self.observed.graph()
            if len(self.observed):
                self.observed.kneighbors(self.observed.held[:2], 1)
        self.observed.stats()

    def teardown(self):
        if hasattr(self, "other"):
            assert self.observed.to_bytes() == self.other.to_bytes()


ObservedMachine.TestCase.settings = settings(max_examples=25, stateful_step_count=15, deadline=None)
TestObserved = ObservedMachine.TestCase


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 99), strategy=st.sampled_from(["plain", "adaptive"]), every=st.sampled_from([1, 3]))
def test_an_observed_resampler_gives_the_bytes_of_another(seed, strategy, every):
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(3_000, 2)), (rng.random(3_000) < 0.3).astype(np.int64)
    observed, other = (
        OnlineResampler(FeatureSchema.numeric(["a", "b"]), ratio=0.8, capacity=2_500, strategy=strategy)
        for _ in range(2)
    )
    for number, part in enumerate(np.array_split(np.arange(3_000), 7)):
        if number % every == 0:
            observed.buffer_stats()
            observed.stats()
            observed.to_bytes()
        a, b = observed.process(X[part], y[part], part), other.process(X[part], y[part], part)
        assert a.X.tobytes() == b.X.tobytes()
        assert observed.forget(part[::2]) == other.forget(part[::2])
    assert observed.to_bytes() == other.to_bytes()


@pytest.mark.compiled
def test_stats_take_little_memory():
    X = np.random.default_rng(0).normal(size=(20_000, 32)).astype(np.float32)
    online = OnlineResampler(FeatureSchema.numeric([f"f{j}" for j in range(32)]), capacity=20_000)
    online.process(X, np.arange(20_000) % 4 == 0, np.arange(20_000))
    online.buffer_stats()
    tracemalloc.start()
    stats = online.buffer_stats()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < sum(one.nbytes for one in stats.values()) / 20
