"""Where new rows lie: every place from provenance of one part or several, wide integers, and the vote."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive import generation as naive

from resampler.kernels.places import DRAWS, PLACES
from resampler.methods.catalog import METHODS
from resampler.methods.oversample import oversample
from resampler.methods.parameters import Parameters
from resampler.methods.place import build, build_integers, draws, elect_donors
from resampler.methods.provenance import Draws, Provenance, join
from resampler.methods.table import Table, dense_rows

seeds = st.integers(0, 2**32 - 1)


def made_at(place, n_rows, parts, d, seed):
    """Provenance of some parts, each of a stream and widths of its own."""
    rng, made = np.random.default_rng(seed), []
    for count in parts:
        drawn = None
        if draws(place):
            keys = rng.integers(0, 2**62, count), rng.integers(0, 9, count)
            stream = np.full(count, rng.integers(0, 2**32))
            drawn = Draws(*keys, stream, np.zeros(count, np.int64), rng.random((1, d)), seed)
        none = np.empty((count, 0), np.int64)
        base, neighbor = rng.integers(0, n_rows, (2, count))
        step = rng.random(count, np.float32)
        made.append(Provenance(np.ones(count), base, neighbor, step, none, np.empty(0, np.int64), place, drawn))
    return join(made)


def naive_rows(X, made):
    rows = []
    for i in range(len(made.base)):
        key = width = None
        if made.draws is not None:
            of = made.draws
            key = of.seed, int(of.stream[i]), int(of.row_id[i]), int(of.number[i])
            width = of.width[of.part[i]]
        rows.append(naive.PLACES[made.place](X[made.base[i]], X[made.neighbor[i]], made.step[i], key, width))
    return np.array(rows, dtype=X.dtype).reshape(len(rows), X.shape[1])


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(parts=st.lists(st.integers(0, 7), min_size=1, max_size=4), d=st.integers(1, 9), seed=seeds)
@settings(max_examples=15)
def test_rows_of_several_parts_are_the_naive_ones_also_when_some_are_taken(place, dtype, parts, d, seed):
    X = np.random.default_rng(seed).normal(size=(6, d)).astype(dtype)
    made = made_at(place, 6, parts, d, seed)
    want = naive_rows(X, made)
    assert build(X, made).tobytes() == want.tobytes()
    out = np.full(want.shape, np.nan, dtype)
    assert build(X, made, out) is out
    assert out.tobytes() == want.tobytes()
    some = np.random.default_rng(seed).integers(0, max(len(want), 1), 9 if len(want) else 0)
    assert build(X, made.take(some)).tobytes() == want[some].tobytes()
    odd = np.arange(len(want)) % 2 == 1
    assert build(X, made.take(odd)).tobytes() == want[odd].tobytes()


def test_a_place_that_draws_more_than_the_step_says_so():
    assert [draws(place) for place in PLACES] == list(DRAWS)
    assert draws("smoothed")
    assert not draws("segment")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
@given(seed=seeds)
@settings(max_examples=25)
def test_wide_integers_are_made_in_integers(place, dtype, seed):
    """Beyond what a float64 holds: within a half of the row that exact arithmetic gives, and of the dtype."""
    rng = np.random.default_rng(seed)
    low = 2**62 if dtype == np.int64 else 2**63
    values = np.array([low + value for value in rng.integers(0, 2**50, 8).tolist()], dtype=dtype)
    made = made_at(place, 8, [5, 4], 1, seed)
    real = dense_rows(values[:, None])
    if made.draws is not None:
        made = made._replace(draws=made.draws._replace(width=made.draws.width * 1e9))
    built = build(real, made)
    got = build_integers(values, made, real[:, 0], built[:, 0])
    assert got.dtype == dtype
    for i, (base, neighbor) in enumerate(zip(made.base, made.neighbor, strict=True)):
        along = Fraction(float(made.step[i])) * (int(values[neighbor]) - int(values[base]))
        moved = {"copy": 0, "segment": along}.get(place, Fraction(float(built[i, 0] - real[base, 0])))
        assert abs(int(got[i]) - int(values[base]) - moved) <= 0.5 + abs(moved) * 2**-52


@pytest.mark.parametrize("bound", [0, 2**64 - 1])
def test_integers_stop_at_the_ends_of_their_dtype(bound):
    values = np.array([bound, abs(bound - 2**50)], dtype=np.uint64)
    made = made_at("smoothed", 1, [40], 1, 3)
    made = made._replace(draws=made.draws._replace(width=np.full((1, 1), 2.0**40)))
    real = dense_rows(values[:, None])
    got = build_integers(values, made, real[:, 0], build(real, made)[:, 0])
    moved = build(real, made)[:, 0] - real[0, 0]
    beyond = moved < 0 if bound == 0 else moved > 0
    assert beyond.any()
    assert (got[beyond] == bound).all()
    assert (got[~beyond] != bound).all()


@given(n=st.integers(1, 9), k=st.integers(1, 5), d=st.integers(1, 5), seed=seeds)
def test_donors_hold_the_most_frequent_code_the_lowest_of_those(n, k, d, seed):
    rng = np.random.default_rng(seed)
    X, bases, voters = rng.integers(0, 3, (n, d)).astype(np.float32), rng.integers(0, n, 4), rng.integers(0, n, (4, k))
    penalty = np.where(rng.random(d) < 0.5, 1.0, -1.0)
    donors = elect_donors(X, bases, voters, penalty)
    assert donors.shape == (4, np.count_nonzero(penalty >= 0))
    for b in range(4):
        want = [voters[b, naive.elected(X[voters[b], j], X[bases[b], j])] for j in np.flatnonzero(penalty >= 0)]
        assert donors[b].tolist() == want


@pytest.mark.parametrize("shrinkage", [None, 0.5, {1: 0.5, 2: 2.0}])
def test_classes_of_one_request_keep_their_own_draws_and_widths(shrinkage):
    rng = np.random.default_rng(0)
    X, y, ids = rng.normal(size=(40, 5)), rng.integers(0, 3, 40), rng.choice(2**40, 40, replace=False)
    parameters = Parameters(shrinkage=shrinkage)
    both = oversample(Table(X, y, ids), "random", {1: 9, 2: 7}, seed=4, parameters=parameters).provenance
    assert both.place == ("copy" if shrinkage is None else "smoothed")
    alone = [
        build(X, oversample(Table(X, y, ids), "random", {label: n}, seed=4, parameters=parameters).provenance)
        for label, n in ((1, 9), (2, 7))
    ]
    assert build(X, both).tobytes() == np.concatenate(alone).tobytes()
    assert METHODS["random"].place in PLACES
