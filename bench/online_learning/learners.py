"""Learners, and test-then-train: each row is predicted first, then come its lessons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
from river import base, imblearn, linear_model, multiclass, preprocessing, tree

from .lessons import Lessons, plain
from .logistic import blank, logistic

if TYPE_CHECKING:
    from collections.abc import Callable

MODELS = {
    "logistic": lambda _: preprocessing.StandardScaler() | linear_model.LogisticRegression(),
    "tree": lambda seed: tree.HoeffdingAdaptiveTreeClassifier(seed=seed),
}
LEARNERS = tuple(MODELS)


class Learner(Protocol):
    """Goes on with each call where it was."""

    def learn(self, X: np.ndarray, lessons: Lessons) -> np.ndarray:
        """Return the scores of shape (n_rows, n_classes) that it gave each row before the row's lessons."""


class Logistic:
    """river's logistic regression on standardised columns, compiled."""

    def __init__(self, n_features: int, n_classes: int) -> None:
        self.state = blank(n_features, n_classes)

    def learn(self, X: np.ndarray, lessons: Lessons) -> np.ndarray:
        return logistic(self.state, X.astype(np.float64), *lessons)


class OneByOne:
    """A model of river's."""

    def __init__(self, model: base.Classifier, n_classes: int) -> None:
        self.model, self.n_classes = model, n_classes

    def learn(self, X: np.ndarray, lessons: Lessons) -> np.ndarray:
        scores = np.zeros((len(X), self.n_classes))
        starts, taught, labels = lessons.starts.tolist(), lessons.X.tolist(), lessons.y.tolist()
        weights = lessons.weights.tolist()
        for i, values in enumerate(X.tolist()):
            for c, p in self.model.predict_proba_one(dict(enumerate(values))).items():
                scores[i, int(c)] = p
            for a in range(starts[i], starts[i + 1]):
                x = dict(enumerate(taught[a]))
                if weights[a] == 1:  # river's hard sampling takes no weight
                    self.model.learn_one(x, labels[a])
                else:
                    self.model.learn_one(x, labels[a], w=weights[a])
        return scores


def new(learner: str, n_features: int, n_classes: int, seed: int) -> Learner:
    """Return a learner that knows nothing."""
    if learner == "logistic":
        return Logistic(n_features, n_classes)
    return OneByOne(MODELS[learner](seed), n_classes)


def learn_hard(learner: str, X: np.ndarray, y: np.ndarray, n_classes: int, seed: int) -> np.ndarray:
    """Return the scores under river's hard sampling, which chooses lessons by what the learner makes of them."""
    model = MODELS[learner](seed)
    if learner == "logistic" and n_classes > 2:
        model = multiclass.OneVsRestClassifier(model)
    hard = imblearn.HardSamplingClassifier(model, size=40, p=0.1, seed=seed)
    return OneByOne(hard, n_classes).learn(X, plain(X, y, seed))


def learn_together(learners: list[Learner], X: np.ndarray, taught: Callable[[int], Lessons]) -> np.ndarray:
    """Return the mean scores of an ensemble, each member of which has lessons of its own."""
    return np.mean([one.learn(X, taught(member)) for member, one in enumerate(learners)], axis=0)
