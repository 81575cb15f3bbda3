"""What is learned from and what is tested never meet where they must not."""

import numpy as np
import pytest

from resampler.errors import DataError
from resampler.quality.comparison.folds import split_again, split_rows
from resampler.quality.comparison.given import check_rows


def given(n=300, share=0.1, *, groups=None, times=None, y=None, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.random(n) < share if y is None else y
    return check_rows(
        rng.normal(size=(len(y), 2)), y, categorical=None, names=None, positive=None, groups=groups, times=times
    )


def test_classes_are_shared_out():
    rows = given(y=np.arange(300) % 10 == 0)
    folds = split_rows(rows, 5, range(2))
    assert folds.kind == "stratified"
    assert folds.note is None
    for seed in (0, 1):
        tested = np.concatenate([part[1] for part in folds.by_seed[seed]])
        assert np.array_equal(np.sort(tested), np.arange(300))
        assert [int(rows.positive[part[1]].sum()) for part in folds.by_seed[seed]] == [6] * 5
    assert not np.array_equal(folds.by_seed[0][0][1], folds.by_seed[1][0][1])


def test_a_group_is_never_on_both_sides():
    groups = np.random.default_rng(1).integers(0, 40, 300)
    rows = given(groups=groups)
    folds = split_rows(rows, 5, range(2))
    assert folds.kind == "groups"
    for learned, tested in folds.by_seed[0] + folds.by_seed[1]:
        assert not set(groups[learned]) & set(groups[tested])
        for inner_learned, inner_tested in split_again(rows, learned, 0):
            assert not set(groups[learned][inner_learned]) & set(groups[learned][inner_tested])


def test_what_is_tested_comes_after_what_is_learned_from():
    times = np.random.default_rng(1).integers(0, 60, 300)  # many rows of one time
    rows = given(share=0.3, times=times)
    folds = split_rows(rows, 4, range(1))
    assert folds.kind == "times"
    for learned, tested in folds.by_seed[0]:
        assert times[learned].max() < times[tested].min()
        inner = split_again(rows, learned, 0)
        assert inner
        for inner_learned, inner_tested in inner:
            assert times[learned][inner_learned].max() < times[learned][inner_tested].min()
    tested = np.concatenate([part[1] for part in folds.by_seed[0]])
    assert len(np.unique(tested)) == len(tested)
    assert times[tested].max() == times.max()


def test_a_rare_class_gets_fewer_folds():
    folds = split_rows(given(y=np.arange(300) < 17), 5, range(1))
    assert len(folds.by_seed[0]) == 3
    assert folds.note == "3 folds in place of 5: class 'True' has 17 rows"


def test_rare_other_classes_are_no_obstacle():
    y = np.r_[np.repeat([0, 1], [250, 30]), 2, 3, 3]
    rows = check_rows(np.zeros((283, 1)), y, categorical=None, names=None, positive=1, groups=None, times=None)
    assert [int(rows.positive[tested].sum()) for _, tested in split_rows(rows, 5, range(1)).by_seed[0]] == [6] * 5


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ({"y": np.arange(300) < 2}, "needs 10 rows of class 'True', got 2: gather more rows"),
        ({"y": np.arange(20) < 12}, "needs 10 rows of class 'False', got 8"),
        ({"y": np.arange(300) < 30, "groups": np.arange(300) // 30}, "no two groups have 2 rows of class 'True'"),
        ({"y": np.arange(300) < 30, "times": np.arange(300)}, "no two stretches of time have 2 rows of class 'True'"),
        ({"y": np.arange(300) % 2 == 0, "groups": np.zeros(300)}, "no two groups"),
        ({"y": np.arange(300) % 2 == 0, "times": np.zeros(300)}, "no two stretches of time"),
    ],
)
def test_what_cannot_be_split(case, said):
    with pytest.raises(DataError, match=said):
        split_rows(given(**case), 5, range(1))
