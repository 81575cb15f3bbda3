"""Columns that follow from others: which are found, and that synthetic rows keep them exactly."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resampler.methods.catalog import METHODS
from resampler.methods.oversample import oversample
from resampler.methods.parameters import Parameters
from resampler.methods.place import build
from resampler.methods.table import Table
from resampler.relations import Relation, find_relations, without_bounds
from resampler.tally import learn


def table(n=300, seed=0, dtype=np.float64):
    """Price, tax and total; minutes and seconds; a copy; what follows from nothing; a constant."""
    rng = np.random.default_rng(seed)
    y = (np.arange(n) % 4 == 0).astype(np.int64)
    price = np.round(rng.gamma(3, 10, n) + 20 * y, 2)
    tax = np.round(price * rng.choice([0.05, 0.2], n), 2)
    minutes = rng.poisson(3 + y).astype(np.float64)
    columns = [np.round(price + tax, 2), price, tax, minutes, 60 * minutes, price, rng.normal(size=n), np.full(n, 7.0)]
    return np.column_stack(columns).astype(dtype), y


FOUND = {Relation(0, (1, 2)), Relation(4, (3,), 60.0), Relation(5, (1,))}


@given(seed=st.integers(0, 2**32 - 1), dtype=st.sampled_from([np.float32, np.float64]))
@settings(max_examples=30)
def test_copies_multiples_and_sums_are_found(seed, dtype):
    X, _ = table(seed=seed, dtype=dtype)
    assert set(find_relations(X)) == FOUND


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=30)
def test_one_row_that_differs_is_enough_to_find_none(seed):
    rng = np.random.default_rng(seed)
    X, _ = table(2_000, seed=seed)
    X[rng.integers(0, len(X)), [0, 4, 5]] += [0.01, 1, 0.02]
    assert find_relations(X) == []


def test_a_null_is_null_in_what_follows():
    X, _ = table()
    X[::7, [0, 2]] = np.nan
    assert set(find_relations(X)) == FOUND
    X[3, 2] = np.nan
    assert Relation(0, (1, 2)) not in find_relations(X)


@given(seed=st.integers(0, 2**32 - 1), n_features=st.integers(1, 30))
@settings(max_examples=30)
def test_what_follows_comes_behind_what_it_follows_from(seed, n_features):
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 50, (100, n_features)).astype(np.float64)
    for j in range(2, n_features):
        a, b = rng.integers(0, j, 2)
        X[:, j] = [X[:, j], X[:, a] + X[:, b], 3 * X[:, a], X[:, a]][rng.integers(0, 4)]
    found, known = find_relations(X), set()
    followers = {one.column for one in found}
    for one in found:
        assert one.holds(X[:, one.column], X[:, one.terms], single=False)
        assert one.column not in known
        assert all(j in known or j not in followers for j in one.terms)
        known.add(one.column)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("method", [name for name, one in METHODS.items() if one.categories != "all"])
def test_synthetic_rows_keep_them(method, dtype):
    X, y = table(dtype=dtype)
    related = find_relations(X)
    grids = without_bounds(learn(X), related)
    asked = Parameters(3, shrinkage=0.5 if method == "random" else None)
    mask = np.arange(X.shape[1]) == 7 if method == "smotenc" else None
    given_ = Table(X, y, np.arange(len(y)), mask, grids=grids, relations=tuple(related))
    made = oversample(given_, method, {1: 2_000}, seed=2, parameters=asked).provenance
    rows = build(X, made)
    for one in related:
        assert one.holds(rows[:, one.column], rows[:, one.terms], single=dtype == np.float32)
        assert grids[one.column].has(rows[:, one.column]).all()
    assert build(X, made.take(np.arange(0, 2_000, 3))).tobytes() == rows[::3].tobytes()
    some = np.array([0, 1, 2, 6])
    part = made._replace(relations=tuple(one for one in related if one.column == 0))
    assert np.array_equal(build(X[:, some], part, columns=some)[:, 0], rows[:, 0]) or made.draws is not None
