"""Who is joined with whom, votes and rows between their parents, against naive loops: bytes for bytes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from naive import generation as naive_generate

from resampler.kernels import generation as kernels
from resampler.kernels.places import PLACES

seeds = st.integers(0, 2**32 - 1)
shares = st.sampled_from([0.0, 0.3, 0.9])  # of nulls


@given(n=st.integers(1, 9), k=st.integers(1, 5), count=st.integers(0, 30), seed=st.integers(0, 2**64 - 1))
def test_draw_parents(n, k, count, seed):
    rng = np.random.default_rng(seed % 2**32)
    row_ids, neighbors = rng.integers(0, 2**62, n), rng.integers(0, 99, (n, k))
    span = rng.choice(np.array([1, 0.5, -0.5, 0], dtype=np.float32), (n, k))
    turn, copy, stream = rng.integers(0, n, count), rng.integers(0, 2**31, count), int(rng.integers(0, 2**32))
    neighbor, step = np.empty(count, np.int64), np.empty(count, np.float32)
    kernels.draw_parents(row_ids, neighbors, span, turn, copy, np.uint64(seed), stream, neighbor, step)
    want = naive_generate.parents(row_ids, neighbors, span, turn, copy, seed, stream)
    assert list(zip(neighbor, step, strict=True)) == want


@given(n=st.integers(1, 12), k=st.integers(1, 6), d=st.integers(1, 4), nulls=shares, seed=seeds)
def test_elect_and_vote(n, k, d, nulls, seed):
    rng = np.random.default_rng(seed)
    X, voters = rng.integers(0, 4, (n, d)).astype(np.float64), rng.integers(0, n, (3, k))
    X[rng.random((n, d)) < nulls] = np.nan
    penalty = np.where(rng.random(d) < 0.5, 1.0, -1.0)
    categorical = np.flatnonzero(penalty >= 0)
    bases = rng.integers(0, n, 3)
    donors = np.repeat(bases[:, None], len(categorical), axis=1)
    kernels.elect(X, voters, penalty, donors)
    for b in range(3):
        row = X[bases[b]].copy()
        kernels.vote(X, voters[b], penalty, row)
        for at, j in enumerate(categorical):
            place = naive_generate.elected(X[voters[b], j], X[bases[b], j])
            winner = bases[b] if place is None else voters[b, place]
            assert donors[b, at] == winner
            assert np.array_equal(row[j], X[winner, j], equal_nan=True)
        assert np.array_equal(row[penalty < 0], X[bases[b], penalty < 0], equal_nan=True)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("place", PLACES)
@given(n=st.integers(1, 9), d=st.integers(1, 9), count=st.integers(1, 30), nulls=shares, seed=seeds)
def test_build(dtype, place, n, d, count, nulls, seed):
    rng = np.random.default_rng(seed)
    X = (rng.normal(size=(n, d)) * 10.0 ** rng.integers(-8, 8)).astype(dtype)
    X[rng.random((n, d)) < nulls] = np.nan
    base, neighbor, step = rng.integers(0, n, count), rng.integers(0, n, count), rng.random(count, np.float32)
    ids, copy, stream = rng.integers(0, 2**62, count), rng.integers(0, 99, count), 7
    width = np.where(rng.random(d) < 0.2, 0.0, rng.random(d))
    out = np.full((count, d), np.nan, dtype=dtype)
    first, last = sorted(rng.integers(0, count + 1, 2))
    keys = ids, copy, np.uint64(seed), stream, width
    kernels.build(PLACES.index(place), X, base, neighbor, step, *keys, first, last, out)
    for i in range(count):
        if not first <= i < last:
            assert np.isnan(out[i]).all()
            continue
        draw = seed, stream, int(ids[i]), int(copy[i])
        row = naive_generate.PLACES[place](X[base[i]], X[neighbor[i]], step[i], draw, width)
        assert np.array_equal(out[i], np.array(row, dtype=dtype), equal_nan=True)
        assert np.array_equal(np.isnan(out[i]), np.isnan(X[base[i]]))  # the base's null pattern
