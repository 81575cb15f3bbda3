"""Which rows of a class are bases, and how often, against naive loops."""

from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from naive import methods as naive
from sklearn.cluster import MiniBatchKMeans
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from resampler.errors import DataError, InfeasibleError
from resampler.methods import select
from resampler.methods.parameters import Parameters
from resampler.methods.quota import Part
from resampler.methods.table import Search, Table
from resampler.methods.task import Task

seeds = st.integers(0, 2**32 - 1)


@given(k=st.integers(1, 30))
def test_danger_is_half_or_more_of_the_neighbours_but_not_all(k):
    foreign = np.arange(k + 1)
    assert select.danger(foreign, k).tolist() == [int(naive.is_in_danger(n, k)) for n in foreign]
    assert select.hardness(foreign, k).tolist() == foreign.tolist()
    assert select.alike(foreign, k).tolist() == [1] * (k + 1)


def world_of(seed, n=40, d=2, grouped=False):
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.concatenate([np.repeat([0, 1], 8), rng.choice(3, n - 16)]))
    X = rng.integers(0, 6, (n, d)).astype(np.float64) + y[:, None]
    groups = rng.integers(0, 2, n) if grouped else None
    return naive.World(
        X, y, rng.choice(2**40, n, replace=False), 1, int(rng.integers(1, 4)), int(rng.integers(1, 7)),
        np.zeros(d, np.bool_), 2.0 ** rng.integers(-1, 2, d), groups, share=rng.random(),
        machine=SVC(gamma="scale"),
        clusters_of=lambda rows: MiniBatchKMeans(8, random_state=seed, n_init=1).fit_predict(rows),
    )  # fmt: skip


def task_of(world, seed=0, **parameters):
    table = Table(world.X, world.y, world.ids, None, world.units, groups=world.groups)
    given_ = Parameters(world.k, world.m, **parameters)
    return Task(table, Part(world.label, 10), given_, Search(), world.share, seed)


@pytest.mark.parametrize("rule", ["every_row", "in_danger", "by_hardness", "by_support_vectors"])
@given(seed=seeds)
def test_bases_and_weights(rule, seed):
    world = world_of(seed)
    try:
        want = getattr(naive, rule)(world)
    except naive.TooFewError:
        with pytest.raises(DataError, match="0 of 10 synthetic rows could be made"):
            getattr(select, rule)(task_of(world))
        return
    bases, weights, mark = getattr(select, rule)(task_of(world))
    assert bases.tolist() == [base for base, _, _ in want]
    assert ([None] * len(want) if weights is None else weights.tolist()) == [weight for _, weight, _ in want]
    assert ([None] * len(want) if mark is None else mark.tolist()) == [mark for _, _, mark in want]


@pytest.mark.parametrize("grouped", [False, True])
def test_clusters_hold_enough_of_the_class_and_sparse_ones_give_more(grouped):
    compared = 0
    for seed in range(12):
        world = world_of(seed, 60, grouped=grouped)
        try:
            want = naive.by_cluster(world)
        except naive.TooFewError:
            with pytest.raises(InfeasibleError, match="kmeans needs a cluster"):
                select.by_cluster(task_of(world, seed))
            continue
        bases, weights, mark = select.by_cluster(task_of(world, seed))
        assert bases.tolist() == [base for base, _, _ in want]
        assert weights.tolist() == [weight for _, weight, _ in want]
        for one, (_, _, rows) in zip(mark, want, strict=True):
            assert bases[mark == one].tolist() == rows
        compared += 1
    assert compared > 3


@given(n=st.integers(0, 12), seed=seeds)
def test_sparsity_is_a_power_of_the_mean_distance_over_the_number(n, seed):
    rows = np.random.default_rng(seed).normal(size=(n, 2))
    if n < 2:
        assert select.sparsity_of(rows) == 0
        return
    apart = [np.sqrt(((a - b) ** 2).sum()) for i, a in enumerate(rows) for j, b in enumerate(rows) if i != j]
    want = np.mean(apart) ** (log(n, 1.6) ** 1.8 * 0.16) / n
    assert select.sparsity_of(rows) == pytest.approx(want, rel=1e-6)


def test_clusters_of_one_point_each_are_used_alike():
    X = np.repeat([[0.0, 0.0], [9.0, 9.0]], 10, axis=0)
    world = naive.World(X, np.array([0, 1] * 10), np.arange(20), 1, 2, 3, np.zeros(2, np.bool_), np.ones(2))
    assert set(select.by_cluster(task_of(world, clusters=MiniBatchKMeans(2, random_state=0))).weights) == {1 / 5}


def test_a_clusters_share_can_be_given():
    world = world_of(3, 60)
    with pytest.raises(
        InfeasibleError, match=r"a cluster that is 1\.5 of class 1 and holds . of its rows, got none of 8"
    ):
        select.by_cluster(task_of(world, cluster_share=1.5))


@pytest.mark.parametrize("rule", [select.by_cluster, select.by_support_vectors])
def test_units_of_distance_decide_clusters_and_support_vectors(rule):
    """Rows in other units, units along: the same bases."""
    world = world_of(5, 60)
    plain, factors = rule(task_of(world, 5)), np.array([2.0**20, 2.0**-9])
    world.X, world.units = world.X * factors, world.units * factors
    for a, b in zip(plain, rule(task_of(world, 5)), strict=True):
        assert np.array_equal(a, b)


def test_a_machine_without_support_vectors_is_named():
    with pytest.raises(InfeasibleError, match="got LogisticRegression"):
        select.by_support_vectors(task_of(world_of(0), machine=LogisticRegression()))


def test_support_vectors_need_another_class():
    world = world_of(0)
    world.y = np.ones_like(world.y)
    with pytest.raises(DataError, match="need rows of other classes, got none"):
        select.by_support_vectors(task_of(world))
