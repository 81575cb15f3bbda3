"""A detector is what scikit-learn's searches can be put around, and what is tested stays as it is."""

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, make_scorer
from sklearn.model_selection import StratifiedKFold, TunedThresholdClassifierCV
from sklearn.svm import LinearSVC

from resampler.quality.comparison.detector import Detector
from resampler.quality.comparison.learners import Learner
from resampler.quality.comparison.remedies import remedy

MASK = np.zeros(2, dtype=bool)


def rows(counts=(400, 40), seed=0):
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(len(counts)), counts)
    return rng.normal(size=(len(y), 2)) + y[:, None], y


def detector(learner, name, *, code=1, n_classes=2):
    return Detector(
        Learner.of(learner), remedy(name, MASK), mask=MASK, code=code, n_classes=n_classes, ratio=1.0, seed=0
    )


def test_nothing_is_the_learner_alone():
    X, y = rows()
    found = detector("logistic", "nothing").fit(X, y)
    scaled = (X - X.mean(axis=0)) / X.std(axis=0)
    alone = LogisticRegression(max_iter=1000).fit(scaled, y)
    np.testing.assert_allclose(found.scores(X)[0], alone.predict_proba(scaled)[:, 1], atol=1e-6)
    np.testing.assert_array_equal(found.scores(X)[0], found.scores(X)[1])
    np.testing.assert_array_equal(found.predict(X), found.scores(X)[0] > 0.5)


@pytest.mark.parametrize("name", ["weights", "undersample", "random", "smote"])
def test_the_real_prior_comes_back(name):
    X, y = rows((4000, 400))
    found = detector("logistic", name).fit(X, y)
    own, corrected = found.scores(X)
    assert own.mean() > 0.2
    assert corrected.mean() == pytest.approx(400 / 4400, abs=0.015)
    assert (np.diff(corrected[np.argsort(own)]) >= 0).all()


def test_many_classes_are_learned_as_they_are():
    X, y = rows((300, 60, 30))
    found = detector("logistic", "smote", code=2, n_classes=3).fit(X, (y == 2).astype(int), codes=y)
    assert found.model_.classes_.tolist() == [0, 1, 2]
    proba = found.model_.predict_proba(found.prepare_.transform(X))
    naive = proba * np.array([300, 60, 30]) / 300  # after smote there are 300 of each
    np.testing.assert_allclose(found.scores(X)[1], (naive / naive.sum(axis=1, keepdims=True))[:, 2], atol=1e-12)
    np.testing.assert_array_equal(found.predict(X), proba.argmax(axis=1) == 2)


def test_what_only_ranks():
    X, y = rows((300, 60, 30))
    found = detector(LinearSVC(), "nothing", code=0, n_classes=3).fit(X, y == 0, codes=y)
    assert found.decision_function(X)[y == 0].mean() > found.decision_function(X)[y != 0].mean()
    two = detector(LinearSVC(), "nothing", code=0).fit(X[:360], y[:360] == 0, codes=y[:360])
    assert two.decision_function(X[:360])[:300].mean() > two.decision_function(X[:360])[300:].mean()


class Witness(ClassifierMixin, BaseEstimator):
    """Keeps what it was given to learn from, and asked about."""

    seen: list = []  # noqa: RUF012 - all that there are share it

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.seen.append(("fit", X.copy()))
        return self

    def predict_proba(self, X):
        self.seen.append(("ask", X.copy()))
        chance = 1 / (1 + np.exp(-X[:, 0]))
        return np.column_stack([1 - chance, chance])

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def test_thresholds_are_moved_on_rows_that_are_real_and_not_learned_from():
    X, y = rows((200, 50))
    Witness.seen.clear()
    inner = list(StratifiedKFold(3, shuffle=True, random_state=0).split(X, y))
    tuned = TunedThresholdClassifierCV(detector(Witness(), "smote"), scoring=make_scorer(f1_score), cv=inner)
    with config_context(enable_metadata_routing=True):
        tuned.fit(X, y, codes=y)
    scaled = (X - X.mean(axis=0)) / X.std(axis=0)
    first = Witness.seen.pop(0)
    assert first[0] == "fit"
    assert len(first[1]) == 400
    np.testing.assert_allclose(first[1][:250], scaled, atol=1e-12)
    assert len(Witness.seen) == 6
    for (learned, tested), (_, given), (_, asked) in zip(inner, Witness.seen[::2], Witness.seen[1::2], strict=True):
        mean, deviation = X[learned].mean(axis=0), X[learned].std(axis=0)
        assert len(given) > len(learned)  # with synthetic rows
        np.testing.assert_allclose(given[: len(learned)], (X[learned] - mean) / deviation, atol=1e-12)
        np.testing.assert_allclose(asked, (X[tested] - mean) / deviation, atol=1e-12)  # without


def test_it_can_be_cloned():
    one = detector("logistic", "smote")
    other = clone(one)
    assert other is not one
    assert other.learner.name == one.learner.name
    assert other.remedy.name == "smote"
