"""A trainer that reports its recall, and a stream that makes more of what it misses."""

from __future__ import annotations

import numpy as np

from .learners import new
from .lessons import resampled, resampler_of

EVERY = 500  # rows between two reports
OF_LAST = 1_000  # rows whose recall is reported


def predict_with_reports(learner: str, X: np.ndarray, y: np.ndarray, n_classes: int, seed: int) -> np.ndarray:
    """Return the scores that a learner gave each row, which reports its recall by class as it goes."""
    model, resampler = new(learner, X.shape[1], n_classes, seed), resampler_of(X, seed)
    scores = np.zeros((len(y), n_classes))
    for first in range(0, len(y), EVERY):
        part = slice(first, first + EVERY)
        scores[part] = model.learn(X[part], resampled(resampler, X[part], y[part], first))
        last = slice(max(0, first + EVERY - OF_LAST), first + EVERY)
        resampler.recall = recall_by_class(y[last], scores[last].argmax(axis=1), n_classes)
    return scores


def recall_by_class(y: np.ndarray, predicted: np.ndarray, n_classes: int) -> dict[int, float | None]:
    """Return the share of each class's rows that were recognised; None of a class without rows."""
    of_class = [predicted[y == c] == c for c in range(n_classes)]
    return {c: float(right.mean()) if len(right) else None for c, right in enumerate(of_class)}
