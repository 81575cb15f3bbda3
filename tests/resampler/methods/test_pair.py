"""Whom a base may be joined with, and how far towards each, against naive loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive import methods as naive

from resampler.errors import DataError
from resampler.methods import pair
from resampler.methods.parameters import Parameters
from resampler.methods.quota import Part
from resampler.methods.select import Selection
from resampler.methods.table import Search, Table
from resampler.methods.task import Task

RULES = ("own_class", "any_class", "towards_or_away", "itself", "still")


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("rule", RULES)
@given(seed=st.integers(0, 2**32 - 1), identified=st.booleans())
@settings(max_examples=25)
def test_neighbours_and_spans(rule, grouped, seed, identified):
    rng = np.random.default_rng(seed)
    n, k = 40, int(rng.integers(1, 6))
    X, y = rng.integers(0, 5, (n, 2)).astype(np.float32), rng.integers(0, 3, n)
    groups = rng.integers(0, 2, n) if grouped else None
    ids = rng.choice(2**40, n, replace=False) if identified else np.arange(n)
    world = naive.World(X, y, ids, 1, k, 1, np.zeros(2, np.bool_), np.array([1.0, 2.0]), groups, out_step=0.25)
    bases = np.array([i for i in world.members if rng.random() < 0.7], dtype=np.int64)
    mark = rng.integers(0, 2, len(bases))
    table = Table(X, y, ids if identified else None, None, world.units, groups=groups)
    task = Task(table, Part(1, 9), Parameters(k, out_step=0.25), Search())
    chosen = Selection(bases, None, mark)
    try:
        want = [getattr(naive, rule)(world, base, m) for base, m in zip(bases, mark, strict=True)]
    except naive.TooFewError:
        with pytest.raises(DataError, match=f"{k} neighbours need at least {k + 1} rows of class 1, got"):
            getattr(pair, rule)(task, chosen)
        return
    if len(bases) == 0:
        return
    neighbors, span = getattr(pair, rule)(task, chosen)
    assert neighbors.tolist() == [[i for i, _ in one] for one in want]
    assert np.broadcast_to(1 if span is None else span, neighbors.shape).tolist() == [
        [s for _, s in one] for one in want
    ]
    assert span is None or span.dtype == np.float32


@given(seed=st.integers(0, 2**32 - 1))
def test_a_cluster_keeps_to_itself(seed):
    rng = np.random.default_rng(seed)
    X, y, cluster = rng.integers(0, 5, (40, 2)).astype(np.float64), rng.integers(0, 2, 40), rng.integers(0, 3, 40)
    world = naive.World(X, y, np.arange(40), 1, 2, 1, np.zeros(2, np.bool_), np.ones(2))
    held = {c: [i for i in world.members if cluster[i] == c] for c in range(3)}
    bases = np.array([i for i in world.members if len(held[cluster[i]]) > 2], dtype=np.int64)
    task = Task(Table(X, y), Part(1, 9), Parameters(2), Search())
    neighbors, span = pair.own_cluster(task, Selection(bases, None, cluster[bases]))
    assert span is None
    assert neighbors.tolist() == [[i for i, _ in naive.own_cluster(world, b, held[cluster[b]])] for b in bases]
