"""What is measured of a stream's predictions."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import average_precision_score, cohen_kappa_score, recall_score

UNSCORED = 500  # first rows: every learner is blank there
SCORED_CLASS = 50  # rows that a class must have to count in the G-mean of several
QUIET = 500  # rows without the class before a burst
BURST = 100  # rows of its beginning, in which there are at least
IN_BURST = 10  # rows of the class

NAMES = ("G-mean", "kappa", "PR-AUC", "recall in a burst's first 100 rows")


def measure(y: np.ndarray, predicted: np.ndarray, scores: np.ndarray | None) -> tuple[float, float, float, float]:
    """Return G-mean, Cohen's kappa, area under precision and recall, and recall at the beginning of bursts.

    The last two are of class 1 where there are two classes, means over the rare ones where there are more; NaN without
    scores of shape (n_rows, n_classes) or without bursts.
    """
    bursts = [recall_in_bursts(y, predicted, c) for c in range(1, y.max() + 1)]
    y, predicted = y[UNSCORED:], predicted[UNSCORED:]
    counts = np.bincount(y)
    counted = np.flatnonzero(counts >= min(SCORED_CLASS, np.sort(counts)[-2]))
    recalls = recall_score(y, predicted, labels=counted, average=None, zero_division=0)
    areas = [average_precision_score(y == c, scores[UNSCORED:, c]) for c in counted if c > 0 and scores is not None]
    found = [recall for recall in bursts if not np.isnan(recall)]
    return (
        float(np.prod(recalls) ** (1 / len(recalls))),
        float(cohen_kappa_score(y, predicted)),
        float(np.mean(areas)) if areas else float("nan"),
        float(np.mean(found)) if found else float("nan"),
    )


def recall_in_bursts(y: np.ndarray, predicted: np.ndarray, c: int) -> float:
    """Return class c's recall in the first rows of all bursts: what is learned of a storm while it lasts."""
    rows = [np.arange(start, min(start + BURST, len(y))) for start in starts_of_bursts(y, c)]
    if not rows:
        return float("nan")
    in_bursts = np.concatenate(rows)
    return float(np.mean(predicted[in_bursts[y[in_bursts] == c]] == c))


def starts_of_bursts(y: np.ndarray, c: int) -> list[int]:
    """Return the rows with which bursts of class c begin: few came before, many come at once."""
    of_class = np.concatenate([[0], np.cumsum(y == c)])
    starts, after = [], UNSCORED
    for i in np.flatnonzero(y == c).tolist():
        before = of_class[i] - of_class[max(0, i - QUIET)]
        if i >= after and before <= IN_BURST // 4 and of_class[min(i + BURST, len(y))] - of_class[i] >= IN_BURST:
            starts.append(i)
            after = i + QUIET
    return starts
