"""The methods that are compared: lessons, a learner, and how scores become predictions."""

from __future__ import annotations

from functools import partial

import numpy as np

from .learners import learn, learn_hard
from .lessons import RIVER, ours, plain, recent_shares, river, shares_so_far, weighted

NOTHING = "nothing done"
THRESHOLDS = {"threshold, last 1,000 rows": recent_shares, "threshold, all rows": shares_so_far}
HARD = "river hard"
LESSONS = (
    {NOTHING: plain, "class weights": weighted}
    | {name: partial(river, sampler=sampler) for name, sampler in RIVER.items()}
    | {
        "ours, owed": partial(ours, emit="owed"),
        "ours, arrival": partial(ours, emit="arrival"),
        "ours, both": partial(ours, emit="both"),
    }
)
METHODS = (*THRESHOLDS, *LESSONS, HARD)


def predict(method: str, learner: str, X: np.ndarray, y: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return predicted labels and scores, each made before the row was learned.

    Under a moving threshold nothing is resampled, and the class is predicted whose score, over its share of the rows
    before, is the highest: of two classes the rare one where its probability exceeds its share.
    """
    n_classes = int(y.max()) + 1
    if method == HARD:
        scores = learn_hard(learner, X, y, n_classes, seed)
    else:
        lessons = LESSONS[NOTHING if method in THRESHOLDS else method](X, y, seed)
        scores = learn(learner, X, lessons, n_classes, seed)
    if method not in THRESHOLDS:
        return scores.argmax(axis=1), scores
    shares = np.ones((len(y), n_classes))
    shares[1:] = THRESHOLDS[method](y)[:-1]
    if n_classes == 2:
        return (scores[:, 1] > shares[:, 1]).astype(np.int64), scores
    return np.where(shares > 0, scores / np.maximum(shares, 1e-9), 0).argmax(axis=1), scores
