"""Groups of a class's rows: sizes, any order of rows, what stands for few values, consent."""

import numpy as np
import pytest

from resampler.errors import DataError, InvalidInputError
from resampler.microaggregation import FLOOR, Groups, check_group_size, form_groups


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2_500, 4)) * [1, 100, 0.01, 1]
    X[rng.random(2_500) < 0.5, 1] = np.nan
    X[:, 3] = rng.integers(0, 3, 2_500)
    return X, rng.permutation(10_000)[:2_500], np.arange(4) == 3


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_groups_are_those_of_the_rows_in_any_order(rows, dtype):
    X, ids, mask = rows
    X = X.astype(dtype)
    groups = form_groups(X, ids, categorical=mask, seed=3)
    assert 10 <= groups.size.min() <= groups.size.max() < 20
    assert groups.size.sum() == len(X)
    least = 0.99 * FLOOR * np.nanstd(X[:, :3].astype(np.float64), axis=0)
    assert ((groups.spread[:, :3] >= least) | np.isnan(groups.center[:, :3])).all()
    assert (groups.counts.sum(axis=1) == groups.size).all()
    order = np.random.default_rng(1).permutation(len(X))
    for one, other in zip(groups, form_groups(X[order], ids[order], categorical=mask, seed=3), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_value_that_few_rows_have_is_nobodys_mean(rows):
    X, ids, _ = rows
    X = X[:30, :2].copy()
    X[:, 1] = np.nan
    X[4, 1] = 77.0  # fewer rows than a group: the column has no value
    assert np.isnan(form_groups(X, ids[:30]).center[:, 1]).all()
    X[:12, 1] = 0.0
    X[4, 1] = 1e6  # in its group the class's mean stands for the rows without a value
    assert form_groups(X, ids[:30]).center[:, 1].max() < 0.5 * 1e6


def test_groups_of_parts_stand_side_by_side(rows):
    X, ids, mask = rows
    parts = [form_groups(X[of], ids[of], categorical=mask) for of in (slice(0, 40), slice(40, 2_500))]
    both = Groups.side_by_side(parts)
    assert len(both.id) == len(parts[0].id) + len(parts[1].id)
    assert (both.near[: len(parts[0].id)] < len(parts[0].id)).all()
    assert (both.near[len(parts[0].id) :] >= len(parts[0].id)).all()


@pytest.mark.parametrize("size", [4, 9, 10.0, True, None])
def test_sizes_without_consent(size):
    with pytest.raises(InvalidInputError, match="group_size must be an integer of 10 or more"):
        check_group_size(size)


def test_consent_goes_down_to_five():
    assert [check_group_size(size, small_groups=True) for size in (5, 9, 30)] == [5, 9, 30]
    with pytest.raises(InvalidInputError, match="5 or more, got 4: groups of 5 are the smallest"):
        check_group_size(4, small_groups=True)
    with pytest.raises(DataError, match="20 rows of the class, got 19"):
        form_groups(np.zeros((19, 1)), np.arange(19))


@pytest.mark.parametrize("where", [10.0, 30.0, 1e3])
def test_a_row_apart_is_not_where_mean_and_deviation_say(where):
    """Of ten rows of which one lies far off, it would be three deviations from their mean, to the last digit."""
    X = np.random.default_rng(0).normal(size=(100, 5))
    without = form_groups(X, np.arange(100)).spread.max(axis=0)
    X[7] = [where, -where, where, where, -where]
    groups = form_groups(X, np.arange(100))
    sides = np.sign(groups.center - np.median(X, axis=0))
    guesses = np.concatenate([groups.center + far * groups.spread * sides for far in (2.0, 2.5, 3.0)])
    assert np.linalg.norm(guesses - X[7], axis=1).min() > 0.5 * np.linalg.norm(X[7])
    assert (groups.spread.max(axis=0) < 2 * without).all()  # nor does the class's own deviation give it away
