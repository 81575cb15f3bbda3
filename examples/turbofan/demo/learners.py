"""The learners that the demo compares, and how they are judged on engines that nobody trained on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from imblearn.metrics import geometric_mean_score
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import average_precision_score, f1_score, precision_score, recall_score
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

if TYPE_CHECKING:
    from numpy.typing import NDArray

CLASSES = np.array([0, 1])


@dataclass
class OnlineLearner:
    """Logistic regression by stochastic gradient descent over features standardised as they come."""

    class_weight: NDArray[np.float64] = field(default_factory=lambda: np.ones(2))
    scaler: StandardScaler = field(default_factory=StandardScaler)
    model: SGDClassifier = field(default_factory=lambda: SGDClassifier(loss="log_loss", random_state=0))

    def learn(self, X: NDArray[np.float32], y: NDArray[np.int64], is_synthetic: NDArray[np.bool_]) -> None:
        """Take in one micro-batch; means and deviations come from real rows only."""
        if not is_synthetic.all():
            self.scaler.partial_fit(X[~is_synthetic])
        self.model.partial_fit(self.scaler.transform(X), y, classes=CLASSES, sample_weight=self.class_weight[y])

    def scores(self, X: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the probability of failure of each row."""
        return self.model.predict_proba(self.scaler.transform(X))[:, 1]


def balanced_weight(y: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return scikit-learn's "balanced" weights, known from all of `y` before the first row: a generous baseline."""
    return len(y) / (2 * np.bincount(y, minlength=2))


def learn_online(
    X: NDArray[np.float32], y: NDArray[np.int64], learner: OnlineLearner, *, batch_rows: int
) -> OnlineLearner:
    """Train an online learner on real rows alone, in their order."""
    for start in range(0, len(y), batch_rows):
        part = slice(start, start + batch_rows)
        learner.learn(X[part], y[part], np.zeros(len(y[part]), dtype=np.bool_))
    return learner


def offline_scores(X: NDArray[np.float32], y: NDArray[np.int64], X_test: NDArray[np.float32]) -> NDArray[np.float64]:
    """Train gradient boosting on a whole table and score the held-out rows."""
    model = HistGradientBoostingClassifier(random_state=0, early_stopping=False)
    # On one thread: a second on 15,000 rows, where OpenMP's spinning threads take minutes on a busy machine.
    with threadpool_limits(1):
        return model.fit(X, y).predict_proba(X_test)[:, 1]


def judge(y: NDArray[np.int64], scores: NDArray[np.float64]) -> dict[str, float]:
    """Measure scores against the truth, the threshold being 0.5."""
    predicted = (scores >= 0.5).astype(np.int64)
    return {
        "recall": float(recall_score(y, predicted)),
        "precision": float(precision_score(y, predicted, zero_division=0)),
        "F1": float(f1_score(y, predicted)),
        "G-mean": float(geometric_mean_score(y, predicted)),
        "PR-AUC": float(average_precision_score(y, scores)),
    }
