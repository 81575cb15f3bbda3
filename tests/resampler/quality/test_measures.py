"""Measures are scikit-learn's and imbalanced-learn's, to the last digits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from imblearn.metrics import geometric_mean_score
from sklearn import metrics

from resampler.quality.measures import MEASURES, Confusion, calibration_error


@given(st.integers(0, 2**32 - 1), st.integers(1, 300), st.sampled_from([1, 3, 1000]))
def test_measures_are_their_libraries_own(seed, n, levels):
    rng = np.random.default_rng(seed)
    y = rng.random(n) < 0.3
    score = np.round(rng.random(n) * levels) / levels
    pred = score > 0.5
    theirs = {
        "precision": metrics.precision_score(y, pred, zero_division=0),
        "f1": metrics.f1_score(y, pred, zero_division=0),
        "brier": metrics.brier_score_loss(y, score, pos_label=True, labels=[False, True]) if n else np.nan,
    }
    if y.any():
        theirs["recall"] = metrics.recall_score(y, pred)
        theirs["average_precision"] = metrics.average_precision_score(y, score)
    if 0 < y.sum() < n:
        theirs["g_mean"] = geometric_mean_score(y, pred, pos_label=True, labels=[False, True])
        theirs["fpr"] = metrics.confusion_matrix(y, pred, normalize="true")[0, 1]
    for name, expected in theirs.items():
        measure = MEASURES[name]
        found = measure.compute(y, pred if measure.of == "prediction" else score)
        assert found == pytest.approx(expected, abs=1e-12), name


def test_calibration_error_is_the_mean_gap_of_bins():
    rng = np.random.default_rng(0)
    score = rng.random(3000)
    y = rng.random(3000) < score**2
    order = np.argsort(score)
    naive = sum(abs(score[part].mean() - y[part].mean()) * len(part) for part in np.array_split(order, 15)) / 3000
    assert calibration_error(y, score) == pytest.approx(naive, abs=1e-12)
    assert calibration_error(y, np.full(3000, 0.25)) == pytest.approx(abs(y.mean() - 0.25))


def test_what_cannot_be_measured_is_nan_and_never_a_warning():
    empty = np.zeros(0)
    assert np.isnan(
        [measure.compute(empty > 0, empty) for name, measure in MEASURES.items() if measure.of == "score"]
    ).all()
    none = Confusion.of([False, False], [False, True])
    assert np.isnan(none.recall)
    assert none.precision == 0
    assert np.isnan(none.g_mean)
