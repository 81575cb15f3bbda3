"""Where neighbours are sought, where that is not among the rows as they are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from imblearn.metrics.pairwise import ValueDifferenceMetric
from naive import methods as naive

from resampler.errors import InvalidInputError
from resampler.methods.space import unit_length, value_difference
from resampler.methods.table import Table

seeds = st.integers(0, 2**32 - 1)


@given(n=st.integers(2, 40), d=st.integers(1, 4), classes=st.integers(1, 4), seed=seeds)
@settings(max_examples=25)
def test_squared_distances_are_imbalanced_learns_value_difference(n, d, classes, seed):
    rng = np.random.default_rng(seed)
    codes, y = rng.integers(0, 4, (n, d)), rng.integers(0, classes, n)
    codes[0] = 3  # a category may be missing below the last
    placed = value_difference(Table(codes.astype(np.float64), y))
    assert np.array_equal(placed, naive.value_difference(codes, y))
    squared = ((placed[:, None] - placed[None]) ** 2).sum(axis=2)
    metric = ValueDifferenceMetric(n_categories=[4] * d, k=2, r=2).fit(codes, y)
    assert squared == pytest.approx(metric.pairwise(codes), abs=1e-12)
    if len(set(y)) == 2:  # then imbalanced-learn's own exponent orders rows alike
        theirs = ValueDifferenceMetric(n_categories=[4] * d).fit(codes, y)
        assert 2 * squared == pytest.approx(theirs.pairwise(codes), abs=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(n=st.integers(1, 12), d=st.integers(1, 5), seed=seeds)
def test_rows_of_length_one(dtype, n, d, seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)).astype(dtype)
    X[rng.random(n) < 0.2] = 0
    assert unit_length(Table(X, np.zeros(n))).tobytes() == naive.unit_length(X).tobytes()
    units = 2.0 ** rng.integers(-3, 4, d)
    scaled = unit_length(Table((X * units).astype(dtype), np.zeros(n), units=units))
    assert scaled.dtype == dtype
    assert scaled.tobytes() == unit_length(Table(X, np.zeros(n))).tobytes()
    tiny = unit_length(Table(np.ldexp(X, -60).astype(dtype), np.zeros(n)))
    assert tiny == pytest.approx(naive.unit_length(X), rel=1e-5)


def test_directions_of_categories_are_refused():
    with pytest.raises(InvalidInputError, match="embedding needs numeric columns, got categorical ones"):
        unit_length(Table(np.ones((2, 2)), np.zeros(2), categorical=np.array([True, False])))
