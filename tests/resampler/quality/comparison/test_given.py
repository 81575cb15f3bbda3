"""Rows that come in, of any kind, and those that are chosen of many."""

import numpy as np
import pytest

from resampler.errors import DataError, InvalidInputError
from resampler.quality.comparison.given import check_rows, chosen_rows


def check(X=None, y=None, **more):
    X = np.arange(40.0).reshape(20, 2) if X is None else X
    y = np.arange(20) % 4 == 0 if y is None else y
    usual = {"categorical": None, "names": None, "positive": None, "groups": None, "times": None}
    return check_rows(X, y, **(usual | more))


@pytest.mark.parametrize(
    ("y", "positive", "name"),
    [
        (np.arange(20) % 4 == 0, None, "True"),
        (np.where(np.arange(20) % 4 == 0, "fraud", "fine"), None, "fraud"),
        (np.where(np.arange(20) % 4 == 0, "fraud", "fine").astype(object), "fine", "fine"),
        (np.arange(20) % 4 // 3, 0, "0"),
        (np.arange(20) % 4 // 3, "1", "1"),
        (np.repeat([3.0, 7.0, 9.0], [10, 3, 7]), None, "7.0"),
        (np.repeat([3, 7, 9], [10, 3, 7]), np.int64(9), "9"),
    ],
)
def test_labels_of_any_kind(y, positive, name):
    rows = check(y=y, positive=positive)
    assert rows.name == name
    assert rows.positive.sum() == (y.astype(str) == name).sum()


@pytest.mark.parametrize(
    ("case", "error", "said"),
    [
        ({"X": np.zeros(20)}, InvalidInputError, "X must have rows and y one class for each"),
        ({"y": np.zeros(3)}, InvalidInputError, r"got shapes \(20, 2\), \(3,\)"),
        ({"X": np.zeros((0, 2)), "y": np.zeros(0)}, DataError, "X must have a row and a column at least"),
        ({"X": [["a", "b"]] * 20}, DataError, "X must hold numbers"),
        (
            {"X": np.full((20, 2), np.inf)},
            DataError,
            "column 'a' must be finite",
        ),
        ({"y": np.zeros(20)}, DataError, "needs two classes, got 0.0 only"),
        ({"y": [None, *["a"] * 19]}, DataError, "y is null in 1 of 20 rows"),
        ({"y": [np.nan, *[1.0] * 19]}, DataError, "y is null in 1 of 20 rows"),
        ({"y": np.array(["a", 1] * 10, dtype=object)}, DataError, "labels of y must be of one type"),
        (
            {"y": np.linspace(0, 1, 1000), "X": np.zeros((1000, 2))},
            DataError,
            "y must hold classes, got 1,000 different",
        ),
        ({"positive": "no"}, DataError, "positive 'no' is no class of these rows: they have False, True"),
        ({"names": ["a"]}, InvalidInputError, "X has 2 columns, 1 names were given"),
        ({"categorical": [5]}, InvalidInputError, "categorical must name some of 2 columns"),
        ({"categorical": [True]}, InvalidInputError, "categorical must name some of 2 columns"),
        ({"groups": [1, 2]}, InvalidInputError, "groups must have one value for each of 20 rows"),
        ({"groups": [None] * 20}, DataError, "groups must have a value in every row"),
        ({"times": [np.nan] * 20}, DataError, "times must have a value in every row"),
        ({"times": np.array(["NaT"] * 20, dtype="M8[s]")}, DataError, "times must have a value in every row"),
        ({"groups": np.array(["a", 1] * 10, dtype=object)}, DataError, "groups must be of one type"),
        ({"groups": np.zeros(20), "times": np.zeros(20)}, InvalidInputError, "two ways to split rows"),
    ],
)
def test_what_is_refused(case, error, said):
    with pytest.raises(error, match=said):
        check(**({"names": ["a", "b"]} | case))


def test_of_many_rows_each_class_keeps_its_share():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(5000, 3)), np.repeat(["a", "b", "c"], [4000, 900, 100])
    every = check(X, y, times=np.arange(5000))
    chosen = chosen_rows(every, 1000)
    assert np.bincount(chosen.y).tolist() == [800, 180, 20]
    assert (np.diff(chosen.times) > 0).all()
    order = rng.permutation(5000)
    again = chosen_rows(check(X[order], y[order]), 1000)
    assert np.array_equal(np.sort(again.X[:, 0]), np.sort(chosen.X[:, 0]))
    assert chosen_rows(every, 5000) is every


def test_groups_stay_whole():
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 400, 5000)
    every = check(rng.normal(size=(5000, 3)), groups % 10 == 0, groups=groups)
    chosen = chosen_rows(every, 1000)
    kept = np.unique(chosen.groups)
    assert len(chosen.y) == np.isin(groups, kept).sum()
    assert 800 < len(chosen.y) < 1200
    assert abs(chosen.positive.mean() - every.positive.mean()) < 0.03


def test_rows_have_a_digest():
    one = check()
    assert one.digest == check().digest
    for other in (check(y=np.arange(20) % 5 == 0), check(groups=np.arange(20) // 2), check(names=["a", "b"])):
        assert other.digest != one.digest
