"""Kernels of microaggregation beside naive loops: the same groups, statistics and rows, to the last bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive import microaggregation as naive
from naive.microaggregation import cut as naive_cut

from resampler.grids import Grid, pack
from resampler.kernels import microaggregation as kernels
from resampler.kernels.microaggregation import cut, identify, summarise
from resampler.microaggregation import form_groups


def groups_of(X, g, block):
    group = np.full(len(X), -1)
    n = cut(X, g, block, group)
    return [sorted(np.flatnonzero(group == a).tolist()) for a in range(n)]


@given(st.data())
@settings(max_examples=40)
def test_rows_are_cut_as_the_naive_loop_cuts_them(data):
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    g, block = data.draw(st.integers(2, 6)), data.draw(st.sampled_from([12, 30, 512]))
    n, d = data.draw(st.integers(g, 90)), data.draw(st.integers(1, 4))
    X = rng.normal(size=(n, d))
    if data.draw(st.booleans()):
        X = np.round(X)  # many rows equally far
    found = groups_of(X, g, block)
    assert found == [sorted(rows) for rows in naive_cut(X.tolist(), g, block)]
    assert sorted(i for rows in found for i in rows) == list(range(n))
    assert all(g <= len(rows) < 2 * g for rows in found)


def test_rows_that_are_all_equal_are_groups_too():
    assert {len(rows) for rows in groups_of(np.ones((2_000, 3)), 10, 512)} == {10}


@given(st.integers(0, 2**32 - 1), st.integers(2, 5))
@settings(max_examples=30)
def test_statistics_are_those_of_the_naive_loop(seed, g):
    rng = np.random.default_rng(seed)
    X = rng.choice([0.1, 0.7, 3.0, np.nan], (30, 3), p=[0.4, 0.2, 0.1, 0.3])
    X[:, 2] = rng.integers(0, 3, 30)
    numeric, mean, unit = np.array([True, True, False]), np.array([0.5, 0.25, 0.0]), np.array([0.3, 2.0, 1.0])
    group = rng.permutation(np.arange(30) % (30 // g))
    n = int(group.max()) + 1
    size, center, spread, nulls = np.empty(n, np.int64), np.empty((n, 3)), np.empty((n, 3)), np.empty((n, 3), np.int64)
    summarise(X, group, numeric, g, mean, unit, size, center, spread, nulls)
    for a in range(n):
        for j in (0, 1):
            want = naive.summary(X[group == a, j].tolist(), g, mean[j], unit[j])
            np.testing.assert_array_equal([center[a, j], spread[a, j], nulls[a, j]], want)
    assert size.tolist() == np.bincount(group).tolist()
    assert np.isnan(center[:, 2]).all()
    assert (spread[:, 2] == 0).all()


def test_a_group_is_known_by_its_rows_in_any_order():
    rng = np.random.default_rng(0)
    ids, group = rng.choice(2**62, 40, replace=False), np.arange(40) % 4
    out, again = np.empty(4, np.int64), np.empty(4, np.int64)
    identify(np.uint64(2**63 + 5), 77, ids, group, out)
    assert out.tolist() == [naive.identity(2**63 + 5, 77, ids[group == a]) for a in range(4)]
    order = rng.permutation(40)
    identify(np.uint64(2**63 + 5), 77, ids[order], group[order], again)
    assert again.tolist() == out.tolist()
    identify(np.uint64(6), 77, ids, group, again)
    assert not set(again.tolist()) & set(out.tolist())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("grids", [None, (None, Grid(0.1, (), -1.0, 1.0), Grid(values=(0.0, 1.0, 3.0)), None, None)])
def test_rows_are_written_as_the_naive_loop_writes_them(grids, dtype):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(120, 6))
    X[:, 2] = rng.choice([0.0, 1.0, 3.0], 120)
    X[rng.random(120) < 0.3, 3] = np.nan
    X[:, 4:] = rng.integers(0, 4, (120, 2))
    groups = form_groups(X, np.arange(120), categorical=np.arange(6) >= 4, seed=9, stream=4)
    n, seed, stream = 60, 9, 2**31 + 1
    base, neighbor = rng.integers(0, len(groups.id), n), rng.integers(0, len(groups.id), n)
    copy, steps = np.arange(n), rng.random(n).astype(np.float32) / 2
    keys = groups.id[base], copy, np.full(n, stream), np.uint64(seed)
    codes = np.empty((n, 2), np.int64)
    kernels.pick(groups, base, *keys, codes)
    five = groups._replace(center=groups.center[:, :5].copy(), spread=groups.spread[:, :5].copy())
    five = five._replace(nulls=groups.nulls[:, :5].copy())
    out = np.empty((n, 5), dtype)
    kernels.write(five, None if grids is None else pack(grids), base, neighbor, steps, *keys, 0, n, out)
    want, picked = [], []
    for i in range(n):
        draw_of = seed, stream, int(groups.id[base[i]]), int(copy[i])
        want.append(naive.row(five, grids, base[i], neighbor[i], steps[i], draw_of))
        picked.append([naive.picked(groups, base[i], at, draw_of) for at in range(2)])
    assert codes.tolist() == picked
    assert np.isnan(out[:, 3]).any()
    if dtype == np.float64 or grids is None:
        np.testing.assert_array_equal(out, np.array(want).astype(dtype))
    else:
        np.testing.assert_allclose(out, want, atol=0.1)  # a number that float32 rounds may go to the next step
