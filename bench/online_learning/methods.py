"""The methods that are compared: lessons, a learner, and how scores become predictions."""

from __future__ import annotations

from functools import partial

import numpy as np

from resampler import preset
from resampler.presets import describe

from .feedback import predict_with_reports
from .learners import learn_hard, learn_together, new
from .lessons import RIVER, bagged, ours, plain, recent_shares, river, shares_so_far, weighted

NOTHING, HARD = "nothing done", "river hard"
OURS, REPORTS = "ours", "ours, with feedback"
THRESHOLDS = {"threshold, last 1,000 rows": recent_shares, "threshold, all rows": shares_so_far}
EMITS = {f"ours, {emit}": partial(ours, emit=emit) for emit in ("owed", "arrival")}
LESSONS = (
    {NOTHING: plain, "class weights": weighted}
    | {name: partial(river, sampler=sampler) for name, sampler in RIVER.items()}
    | {OURS: ours}
    | EMITS
)
MEMBERS = 10
BAGS = {"MOOB, 10 learners": "largest", "MUOB, 10 learners": "smallest"}
METHODS = (*THRESHOLDS, *LESSONS, REPORTS, HARD, *BAGS)


def settings_of(method: str) -> str:
    """Return the parameters of our preset where a method depends on them: results of others are of another method."""
    return describe(preset("online-learning")) if method in (OURS, REPORTS, *EMITS) else ""


def predict(method: str, learner: str, X: np.ndarray, y: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return predicted labels and scores, each made before the row was learned.

    Under a moving threshold nothing is resampled, and the class is predicted whose score, over its share of the rows
    before, is the highest: of two classes the rare one where its probability exceeds its share.
    """
    n_classes = int(y.max()) + 1
    scores = _scores(method, learner, X, y, n_classes, seed)
    if method not in THRESHOLDS:
        return scores.argmax(axis=1), scores
    shares = np.ones((len(y), n_classes))
    shares[1:] = THRESHOLDS[method](y)[:-1]
    if n_classes == 2:
        return (scores[:, 1] > shares[:, 1]).astype(np.int64), scores
    return np.where(shares > 0, scores / np.maximum(shares, 1e-9), 0).argmax(axis=1), scores


def _scores(method: str, learner: str, X: np.ndarray, y: np.ndarray, n_classes: int, seed: int) -> np.ndarray:
    if method == HARD:
        return learn_hard(learner, X, y, n_classes, seed)
    if method == REPORTS:
        return predict_with_reports(learner, X, y, n_classes, seed)
    if method in BAGS:
        members = [new(learner, X.shape[1], n_classes, 100 * seed + member) for member in range(MEMBERS)]
        return learn_together(members, X, lambda member: bagged(X, y, 100 * seed + member, BAGS[method]))
    lessons = LESSONS[NOTHING if method in THRESHOLDS else method](X, y, seed)
    return new(learner, X.shape[1], n_classes, seed).learn(X, lessons)
