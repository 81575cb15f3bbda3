"""Measures of `bench/prequential.py` are the field's; its compiled learner is river's."""

from __future__ import annotations

import numpy as np
import pytest
from river import linear_model, multiclass, preprocessing
from scipy.stats import t
from sklearn.metrics import average_precision_score, cohen_kappa_score, recall_score

from bench.online_learning.feedback import recall_by_class
from bench.online_learning.lessons import bagged
from bench.online_learning.logistic import blank, logistic
from bench.online_learning.measures import UNSCORED, measure, recall_in_bursts, starts_of_bursts
from bench.online_learning.tables import by_stream, differences, interval, summary


def test_measures_are_the_fields():
    rng = np.random.default_rng(0)
    y, scores = (rng.random(2_000) < 0.1).astype(int), rng.random((2_000, 2))
    predicted = scores.argmax(axis=1)
    g_mean, kappa, area, in_bursts = measure(y, predicted, scores)
    truth, guess = y[UNSCORED:], predicted[UNSCORED:]
    assert g_mean == pytest.approx(np.sqrt(np.prod(recall_score(truth, guess, average=None))))
    assert kappa == cohen_kappa_score(truth, guess)
    assert area == average_precision_score(truth, scores[UNSCORED:, 1])
    assert np.isnan(in_bursts)
    assert np.isnan(measure(y, predicted, None)[2])


def test_classes_too_rare_to_score_are_left_out():
    y = np.repeat([0, 1, 2], [2_000, 100, 3])
    predicted = np.where(y == 1, 1, 0)
    assert measure(y, predicted, None)[0] == 1
    assert measure(y, np.zeros_like(y), None)[0] == 0


def test_a_burst_begins_where_few_rows_came_and_many_come():
    y = np.zeros(5_000, dtype=int)
    y[[100, 1_500]] = 1  # rows that come alone
    y[2_000:2_300:2] = 1
    y[4_000:4_009] = 1  # too few
    assert starts_of_bursts(y, 1) == [2_000]
    predicted = np.zeros_like(y)
    predicted[2_000:2_060] = 1
    assert recall_in_bursts(y, predicted, 1) == pytest.approx(30 / 50)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_compiled_learner_is_rivers(n_classes):
    rng = np.random.default_rng(1)
    X = np.float64(np.float32(rng.normal(size=(300, 3)) * [1, 100, 0]))
    y = rng.integers(0, n_classes, 300)
    taught, labels = np.repeat(X, 2, axis=0), np.repeat(y, 2)
    weights, starts = rng.choice([1.0, 40.0], 600), np.arange(0, 601, 2)
    learner = linear_model.LogisticRegression()
    model = preprocessing.StandardScaler() | (learner if n_classes == 2 else multiclass.OneVsRestClassifier(learner))
    wanted = np.zeros((300, n_classes))
    for i, x in enumerate(X.tolist()):
        for c, p in model.predict_proba_one(dict(enumerate(x))).items():
            wanted[i, int(c)] = p
        for a in range(2 * i, 2 * i + 2):
            model.learn_one(dict(enumerate(x)), int(labels[a]), w=float(weights[a]))
    state = blank(3, n_classes)
    lessons = taught, labels, weights
    scores = np.concatenate(
        [
            logistic(state, X[:150], *(of[:300] for of in lessons), starts[:151]),
            logistic(state, X[150:], *(of[300:] for of in lessons), starts[150:] - 300),
        ]
    )
    if n_classes > 2:
        scores /= np.maximum(scores.sum(axis=1, keepdims=True), 1e-300)
    np.testing.assert_allclose(scores, wanted, rtol=1e-9, atol=1e-12)


def test_online_bagging_teaches_rows_by_decayed_shares():
    y = (np.arange(4_000) % 20 == 0).astype(int)
    X = np.arange(4_000, dtype=np.float32)[:, None]
    more, fewer = (bagged(X, y, seed=3, target=target) for target in ("largest", "smallest"))
    for lessons in (more, fewer):
        times = np.diff(lessons.starts)
        assert lessons.X[:, 0].tolist() == np.repeat(np.arange(4_000), times).tolist()
        assert lessons.y.tolist() == np.repeat(y, times).tolist()
    assert np.diff(more.starts)[y == 1].mean() == pytest.approx(0.886 / 0.114, abs=0.6)
    assert np.diff(more.starts)[y == 0].mean() == pytest.approx(1, abs=0.1)
    assert np.diff(fewer.starts)[y == 1].mean() == pytest.approx(1, abs=0.2)
    assert np.diff(fewer.starts)[y == 0].mean() < 0.5


def test_a_class_without_rows_has_no_recall():
    assert recall_by_class(np.array([0, 0, 2]), np.array([0, 1, 2]), 3) == {0: 0.5, 1: None, 2: 1.0}


def test_tables():
    values = np.array([0.7, 0.8, 0.75])
    assert interval(values) == pytest.approx(t.ppf(0.975, 2) * values.std(ddof=1) / np.sqrt(3))
    nan = float("nan")
    found = {("a", "m", s): [v, 0.1, 0.2, nan] for s, v in enumerate(values)}
    found |= {("b", "m", s): [v + 0.1, 0.1, 0.2, 0.9] for s, v in enumerate(values)}
    found |= {(stream, "n", s): [0.7, 0.2, 0.2, nan] for stream in "ab" for s in (1, 2, 3)}
    found["a", "unfinished", 0] = [0.9, 0.9, 0.9, 0.9]
    names = "G-mean", "kappa", "PR-AUC", "burst"
    written = summary(found, ["a", "b"], ["m", "n", "unfinished"], names)
    assert written.splitlines()[2:] == [
        "| m | .800 ±.124 | .100 | .200 | .900 | 3 |",
        "| n | .700 | .200 | .200 | - | 3 |",
    ]
    assert by_stream(found, ["a", "b"], ["m"]).splitlines()[2:] == ["| m | .750 / .100 | .850 / .100 |"]
    more = differences(found, {"both": ["a", "b"], "none": []}, "m", "n", names)
    assert more.splitlines()[2:] == ["| both | +.125 ±.318 | -.100 | +.000 | - | 2 |"]
