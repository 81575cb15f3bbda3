"""What a table [gate] may say."""

import pytest
from predicted import rules

from resampler.errors import InvalidInputError
from resampler.quality.gate.figures import Figure
from resampler.quality.gate.judged import judge
from resampler.quality.gate.limits import Limit
from resampler.quality.gate.rules import GateRules


def test_a_number_is_the_least_or_the_most():
    found = rules(recall=0.8, fpr=0.01, pr_auc={"min": 0.1, "max": 0.9}, f1=[0.2, 0.3], synthetic_ratio=[0.1, 0.5])
    assert found.limits() == {
        "recall": Limit(low=0.8),
        "f1": Limit(0.2, 0.3),
        "fpr": Limit(high=0.01),
        "average_precision": Limit(0.1, 0.9),
    }
    assert [str(limit) for limit in found.limits().values()] == [
        "at least 0.8",
        "0.2 to 0.3",
        "at most 0.01",
        "0.1 to 0.9",
    ]
    assert found.synthetic_ratio == Limit(0.1, 0.5)
    assert not found.is_guide
    assert GateRules.of(None).is_guide


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"recal": 0.8}, r"\[gate\] of the policy has no setting 'recal': it has recall, precision"),
        ({"recall": 80}, "recall must be a number, 0 to 1, got 80"),
        ({"recall": "0.8"}, "recall must be a number, 0 to 1, got '0.8'"),
        ({"recall": True}, "recall must be a number, 0 to 1, got True"),
        ({"recall": float("nan")}, "recall must be a number, 0 to 1, got nan"),
        ({"recall": {"least": 0.8}}, "recall must have min, max or both"),
        ({"recall": {"min": 0.9, "max": 0.8}}, "must not have a least above its most"),
        ({"synthetic_ratio": 0.5}, r"synthetic_ratio must be \[least, most\], 0 to 1, or a table"),
        ({"pr_auc": 0.5, "average_precision": 0.5}, "pr_auc and average_precision are one measure"),
        ({"average_precision": 0.5, "pr_auc": 0.5}, "are one measure"),
        ({"slices": 3}, "slices must be names of columns, got 3"),
        ({"slices": {"region": 3}}, "slices.region must be a table of limits, got 3"),
        ({"slices": {"region": {"recal": 1}}}, r"\[gate.slices.region\] has no setting 'recal'"),
        ({"slices": {"region": {"ratio": {"r2": 0.1}}}}, "ratio has no measure 'r2': it has recall"),
        ({"slices": {"region": {"ratio": 0.1}}}, r"ratio must be a table such as \{recall = 0.1\}, got 0.1"),
        ({"baseline": 0.1}, r"baseline must be a table such as \[gate.baseline\] with f1 = 0.02, got 0.1"),
        ({"baseline": {"recall": -0.1}}, r"\[gate.baseline\]: recall must be a number, 0 to 1, got -0.1"),
        ({"min_rows": 0}, "min_rows must be an integer of at least 1, got 0"),
        ({"threshold": 1.5}, "threshold must be a number, 0 to 1, got 1.5"),
        ({"positive": 1.5}, "positive must be a class: text, an integer or a boolean, got 1.5"),
        ({"y_true": ""}, "y_true must be a column's name, got ''"),
        ({"keys": ["id", 3]}, "keys must be a column's name, got 3"),
        ({"baseline": {"version": 3}}, r"\[gate.baseline\]: version must be NAME:VERSION or NAME:ALIAS, got 3"),
        ({"y_pred": "y_true"}, "y_true and y_pred must be two columns, got 'y_true' for both"),
        ({"is_guide": True}, "has no setting 'is_guide'"),
    ],
)
def test_what_a_policy_cannot_say(table, message):
    with pytest.raises(InvalidInputError, match=message) as found:
        rules(**table)
    assert "\n" not in str(found.value)


@pytest.mark.parametrize(
    ("figure", "limit", "verdict"),
    [
        ((0.90, 0.85, 0.95, 100), Limit(low=0.8), "pass"),  # clear
        ((0.70, 0.65, 0.75, 100), Limit(low=0.8), "no"),
        ((0.82, 0.75, 0.90, 100), Limit(low=0.8), "pass"),  # narrowly
        ((0.78, 0.70, 0.85, 100), Limit(low=0.8), "no"),
        ((0.82, 0.60, 0.95, 100), Limit(low=0.8), "unknown"),  # wider than .2
        ((0.99, 0.90, 1.00, 20), Limit(low=0.8), "unknown"),  # too few rows to pass
        ((0.10, 0.02, 0.30, 20), Limit(low=0.8), "no"),  # but not to say no
        ((0.008, 0.004, 0.012, 900), Limit(high=0.01), "pass"),
        ((0.004, 0.001, 0.016, 900), Limit(high=0.01), "unknown"),
        ((0.3, 0.3, 0.3, 900), Limit(0.1, 0.5), "pass"),
        ((0.6, 0.6, 0.6, 900), Limit(0.1, 0.5), "no"),
        ((1.0, 0.99, 1.0, 900), Limit(low=1.0), "pass"),  # no sample shows that all are found
        ((float("nan"), 0.0, 1.0, 0), Limit(low=0.8), "unknown"),
    ],
)
def test_what_becomes_of_a_figure(figure, limit, verdict):
    found = judge("recall", Figure(*figure), limit, min_rows=30)
    assert found.verdict == verdict
    assert found.why
    assert Figure.from_dict(found.to_dict()) == pytest.approx(Figure(*figure), nan_ok=True)
