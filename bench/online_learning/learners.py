"""Learners, and test-then-train: each row is predicted first, then come its lessons."""

from __future__ import annotations

import numpy as np
from river import base, imblearn, linear_model, multiclass, preprocessing, tree

from .lessons import Lessons, plain
from .logistic import logistic

MODELS = {
    "logistic": lambda _: preprocessing.StandardScaler() | linear_model.LogisticRegression(),
    "tree": lambda seed: tree.HoeffdingAdaptiveTreeClassifier(seed=seed),
}
LEARNERS = tuple(MODELS)


def learn(learner: str, X: np.ndarray, lessons: Lessons, n_classes: int, seed: int) -> np.ndarray:
    """Return the scores of shape (n_rows, n_classes) that the learner gave each row before its lessons."""
    if learner == "logistic":
        return logistic(X.astype(np.float64), *lessons, n_classes)
    return one_by_one(MODELS[learner](seed), X, lessons, n_classes)


def one_by_one(model: base.Classifier, X: np.ndarray, lessons: Lessons, n_classes: int) -> np.ndarray:
    """Return the same of a model of river's."""
    scores = np.zeros((len(X), n_classes))
    starts, taught, labels = lessons.starts.tolist(), lessons.X.tolist(), lessons.y.tolist()
    weights = lessons.weights.tolist()
    for i, values in enumerate(X.tolist()):
        for c, p in model.predict_proba_one(dict(enumerate(values))).items():
            scores[i, int(c)] = p
        for a in range(starts[i], starts[i + 1]):
            x = dict(enumerate(taught[a]))
            if weights[a] == 1:  # river's hard sampling takes no weight
                model.learn_one(x, labels[a])
            else:
                model.learn_one(x, labels[a], w=weights[a])
    return scores


def learn_hard(learner: str, X: np.ndarray, y: np.ndarray, n_classes: int, seed: int) -> np.ndarray:
    """Return the scores under river's hard sampling, which chooses lessons by what the learner makes of them."""
    model = MODELS[learner](seed)
    if learner == "logistic" and n_classes > 2:
        model = multiclass.OneVsRestClassifier(model)
    hard = imblearn.HardSamplingClassifier(model, size=40, p=0.1, seed=seed)
    return one_by_one(hard, X, plain(X, y, seed), n_classes)
