"""Measures by group are fairlearn's, to the last digits."""

import warnings

import fairlearn.metrics as theirs
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from resampler.errors import DataError, InvalidInputError
from resampler.quality.fairness import (
    MetricFrame,
    demographic_parity_difference,
    demographic_parity_ratio,
    equalized_odds_difference,
    equalized_odds_ratio,
)

ORACLES = {
    "recall": theirs.true_positive_rate,
    "fpr": theirs.false_positive_rate,
    "selection_rate": theirs.selection_rate,
    "precision": lambda y, p: metrics.precision_score(y, p, zero_division=0),
    "f1": lambda y, p: metrics.f1_score(y, p, zero_division=0),
}
OF_SCORES = {
    "average_precision": metrics.average_precision_score,
    "brier": lambda y, s: metrics.brier_score_loss(y, s, pos_label=True, labels=[False, True]),
}


def predictions(rng, n, n_groups):
    """Rows of both classes in every group: fairlearn calls the recall of a group without the class 0."""
    region = np.concatenate([np.repeat(np.arange(n_groups), 2), rng.integers(0, n_groups, n)])
    y = np.concatenate([np.tile([True, False], n_groups), rng.random(n) < 0.3])
    score = np.round(rng.random(len(y)), 2)
    return np.char.add("r", region.astype(str)), y, score, score > 0.6


@given(st.integers(0, 2**32 - 1), st.integers(0, 300), st.integers(1, 6))
def test_figures_are_fairlearns(seed, n, n_groups):
    region, y, score, pred = predictions(np.random.default_rng(seed), n, n_groups)
    ours = MetricFrame(y_true=y, y_pred=pred, score=score, sensitive_features={"region": region})
    for oracles, given_ in ((ORACLES, pred), (OF_SCORES, score)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            frame = theirs.MetricFrame(metrics=oracles, y_true=y, y_pred=given_, sensitive_features=region)
        for name in oracles:
            assert ours.by_group[name] == pytest.approx(frame.by_group[name].to_numpy(dtype=float), abs=1e-12)
            assert ours.overall[name] == pytest.approx(frame.overall[name], abs=1e-12)
            assert ours.group_min()[name] == pytest.approx(frame.group_min()[name], abs=1e-12)
            assert ours.group_max()[name] == pytest.approx(frame.group_max()[name], abs=1e-12)
            for method in ("between_groups", "to_overall"):
                for word in ("difference", "ratio"):
                    expected = getattr(frame, word)(method=method)[name]
                    assert getattr(ours, word)(method)[name] == pytest.approx(expected, abs=1e-12, nan_ok=True)
    assert [value for (value,) in ours.groups.values] == list(frame.by_group.index)


@settings(max_examples=25)  # fairlearn takes a third of a second for each
@given(st.integers(0, 2**32 - 1))
def test_parity_and_odds_are_fairlearns(seed):
    region, y, _, pred = predictions(np.random.default_rng(seed), 80, 4)
    for ours in (
        demographic_parity_difference,
        demographic_parity_ratio,
        equalized_odds_difference,
        equalized_odds_ratio,
    ):
        oracle = getattr(theirs, ours.__name__)
        for method in ("between_groups", "to_overall"):
            for options in ({}, {"agg": "mean"}) if "odds" in ours.__name__ else ({},):
                expected = oracle(y, pred, sensitive_features=region, method=method, **options)
                found = ours(y, pred, sensitive_features=region, method=method, **options)
                assert found == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_several_columns_are_crossed_as_fairlearn_crosses_them():
    rng = np.random.default_rng(0)
    region, y, _, pred = predictions(rng, 400, 3)
    sex = np.where(rng.random(len(y)) < 0.5, "f", "m")
    frame = theirs.MetricFrame(
        metrics=theirs.selection_rate,
        y_true=y,
        y_pred=pred,
        sensitive_features=pd.DataFrame({"region": region, "sex": sex}),
    )
    for columns in (
        {"region": region, "sex": sex},
        pa.table({"region": region, "sex": sex}),
        pd.DataFrame({"region": region, "sex": sex}),
    ):
        ours = MetricFrame(y_true=y, y_pred=pred, metrics=["selection_rate"], sensitive_features=columns)
        assert list(ours.groups.values) == list(frame.by_group.index)
        assert ours.by_group["selection_rate"] == pytest.approx(frame.by_group.to_numpy())
    assert ours.groups.word(1) == "region=r0, sex=m"


def test_what_a_group_cannot_show_is_nan_and_said():
    frame = MetricFrame(
        y_true=[1, 1, 0, 0, 0], y_pred=[1, 0, 0, 1, 0], sensitive_features=pa.array(["a", "a", "a", None, None])
    )
    assert frame.groups.values == (("a",), (None,))
    assert np.isnan(frame.by_group["recall"][1])
    assert frame.difference()["recall"] == 0
    apart = frame.disparity("recall")
    assert apart.left_out == ("group=null",)
    assert (apart.interval, apart.shown) == ((0.0, 0.0), False)
    plain = frame.to_dict()["metrics"]["recall"]
    assert plain["groups"][1] == {
        "group": {"group": None},
        "rows": 2,
        "support": 0,
        "value": None,
        "interval": [None, None],
    }


def test_groups_with_few_rows_are_left_out_only_when_asked():
    y, region = np.ones(103), np.repeat(["a", "b", "c"], [50, 50, 3])
    pred = np.ones(103)
    pred[-3:] = 0
    options = {"y_true": y, "y_pred": pred, "metrics": ["recall"], "sensitive_features": {"region": region}}
    assert MetricFrame(**options).difference()["recall"] == 1
    frame = MetricFrame(**options, min_rows=10)
    assert frame.difference()["recall"] == 0
    assert frame.disparity("recall").left_out == ("region=c",)


def test_a_difference_is_shown_where_rows_suffice():
    def frame(n, gap):
        rng = np.random.default_rng(1)
        region = np.arange(n) % 4
        pred = rng.random(n) < np.where(region == 0, 0.8 - gap, 0.8)
        return MetricFrame(y_true=np.ones(n), y_pred=pred, sensitive_features={"region": region})

    assert frame(8_000, 0.1).disparity("recall").shown
    assert not frame(8_000, 0.0).disparity("recall").shown
    few = frame(80, 0.1).disparity("recall")
    assert not few.shown
    assert few.interval[1] > 0.2
    assert frame(8_000, 0.1).disparity("recall").lowest == "region=0"


OK = {"y_true": [1, 0], "y_pred": [1, 0], "sensitive_features": ["a", "b"]}


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"y_true": [1, 2]}, InvalidInputError, "y_true says whether a row is of the class, .* got 2"),
        ({"y_true": ["yes", "no"]}, InvalidInputError, "got 'yes'"),
        ({"y_true": [1, np.nan]}, InvalidInputError, "got nan"),
        ({"y_pred": [1, 0, 0]}, InvalidInputError, "y_pred has 3 rows and y_true 2"),
        ({"y_true": [], "y_pred": [], "sensitive_features": []}, DataError, "0 rows"),
        ({"score": [0.5, np.nan]}, DataError, "got nan in row 1"),
        ({"score": [0.5, 1.5]}, DataError, "numbers from 0 to 1, got 1.5"),
        ({"score": ["a", "b"]}, InvalidInputError, "score must be numbers"),
        ({"metrics": ["accuracy"]}, InvalidInputError, "metrics must be of recall"),
        ({"metrics": ["brier"]}, InvalidInputError, "measured on score, which was not given"),
        ({"sensitive_features": {}}, InvalidInputError, "at least one column"),
        ({"sensitive_features": {"a": [1, 2], "b": [1]}}, InvalidInputError, "'b' has 1 rows, 'a' has 2"),
        ({"sensitive_features": np.array(["a", 1], dtype=object)}, InvalidInputError, "more than one type"),
        ({"sensitive_features": np.ones((2, 2))}, InvalidInputError, "array of 2 dimensions"),
    ],
)
def test_what_is_refused(changed, error, message):
    with pytest.raises(error, match=message):
        MetricFrame(**OK | changed)


def test_numbers_are_no_groups():
    n = 2000
    with pytest.raises(InvalidInputError, match="'amount' has 2000 values, of at most 1000: cut numbers into ranges"):
        MetricFrame(y_true=np.ones(n), y_pred=np.ones(n), sensitive_features={"amount": np.arange(n)})
    with pytest.raises(InvalidInputError, match="'a', 'b' make 2000 groups"):
        MetricFrame(
            y_true=np.ones(n), y_pred=np.ones(n), sensitive_features={"a": np.arange(n) // 40, "b": np.arange(n) % 40}
        )
    with pytest.raises(InvalidInputError, match="method must be one of"):
        MetricFrame(**OK).difference("to_all")


def test_equal_small_groups_differ_by_chance():
    """Twenty equal groups of 60 rows with 6 of the class expected, some with none or one."""
    shown = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        y = rng.random(1_200) < 0.1
        score = 1 / (1 + np.exp(4.2 - 2 * rng.normal(size=1_200) - 4 * y))
        frame = MetricFrame(
            y_true=y, score=score, sensitive_features={"site": np.repeat(np.arange(20), 60)}, metrics=["brier"]
        )
        shown += frame.disparity("brier").shown
    assert shown <= 10, "of 60; 3 are meant, and 20 came where a spread of 0 was taken for one"
