"""Whose error grew is told from whose moved by chance."""

import numpy as np
import pytest

from resampler.errors import InvalidInputError
from resampler.quality.fairness import MetricFrame, changes


def frames(before, after, y=None, **other):
    n = len(before)
    y = np.ones(n) if y is None else y
    region = np.arange(n) % 3
    return [MetricFrame(y_true=y, y_pred=pred, sensitive_features={"region": region}) for pred in (before, after)]


def test_a_group_that_lost_recall_is_named_first():
    rng = np.random.default_rng(0)
    before = rng.random(3000) < 0.8
    after = before & ~((np.arange(3000) % 3 == 1) & (rng.random(3000) < 0.1))
    found = changes(*frames(before, after), "recall")
    assert found[0].group == "region=1"
    assert [one.grew for one in found] == [True, False, False]
    assert found[0].support == 1000
    assert found[1].before == found[1].after
    assert found[1].interval == pytest.approx((0, 0), abs=0.005)  # of a thousand, three by chance
    assert not any(one.grew for one in changes(*frames(after, before), "recall"))


@pytest.mark.parametrize("metric", ["recall", "precision", "f1", "fpr", "g_mean"])
def test_chance_is_no_growth(metric):
    rng = np.random.default_rng(0)
    grown = 0
    for _ in range(200):
        y = rng.random(600) < 0.5
        truth = rng.normal(size=600) + y  # both models see the same, each with noise of its own
        pair = [truth + 0.5 * rng.normal(size=600) > 0.5 for _ in range(2)]
        grown += any(one.grew for one in changes(*frames(*pair, y=y), metric))
    assert grown <= 10  # of 200 comparisons of three groups: one-sided at 2.5 % are 5


@pytest.mark.parametrize(("rows", "found", "lost"), [(100, 0.5, 0.02), (30, 0.8, 0.05), (400, 0.8, 0.02)])
def test_models_that_hardly_disagree_have_intervals_that_hold(rows, found, lost):
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(800), rows)
    before = rng.random(len(group)) < found
    after = before & (rng.random(len(group)) >= lost / found)
    pair = [
        MetricFrame(y_true=np.ones(len(group)), y_pred=one, sensitive_features={"g": group}, metrics=["recall"])
        for one in (before, after)
    ]
    changed = changes(*pair, "recall", level=1 - 0.05 * 800)  # 95 % each
    held = np.mean([one.interval[0] <= -lost <= one.interval[1] for one in changed])
    assert held >= 0.93  # of 800, so 0.95 within two and a half standard errors


@pytest.mark.parametrize("metric", ["brier", "average_precision", "calibration_error"])
def test_scores_that_lost_their_meaning_are_growth(metric):
    rng = np.random.default_rng(0)
    p = rng.random(6000)
    y = rng.random(6000) < p
    region = np.arange(6000) % 3
    worse = np.where(region == 2, 1 - p, p)
    pair = [MetricFrame(y_true=y, score=s, sensitive_features={"region": region}) for s in (p, worse)]
    found = changes(*pair, metric)
    assert found[0].group == "region=2"
    assert [one.grew for one in found] == [True, False, False]


def test_what_is_no_pair():
    a, b = frames(np.ones(6), np.ones(6)), frames(np.ones(6), np.ones(6), y=np.arange(6) % 2)
    with pytest.raises(InvalidInputError, match="predictions of the same rows"):
        changes(a[0], b[0], "recall")
    with pytest.raises(InvalidInputError, match="metric must be of"):
        changes(*a, "selection_rate")
    assert changes(*frames(np.ones(6), np.ones(6), y=np.zeros(6)), "recall") == []
