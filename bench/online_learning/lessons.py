"""What a learner is taught after each row: by our resampler, by river's samplers, by weights, by online bagging.

None of these looks at the learner, so that one list of lessons serves all learners. river's hard sampling looks at it,
and is in `learners`; so does a stream that hears of the learner's recall, in `feedback`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from river import base, imblearn

from resampler import FeatureSchema, OnlineResampler, preset

WEIGHED_BY = 1_000  # last rows, by whose shares classes are weighed and thresholds moved
DECAY = 0.9  # of the shares that online bagging counts by, as published


class Lessons(NamedTuple):
    """Row i is followed by the lessons from ``starts[i]`` to ``starts[i + 1] - 1``."""

    X: np.ndarray
    y: np.ndarray
    weights: np.ndarray
    starts: np.ndarray


def plain(X: np.ndarray, y: np.ndarray, seed: int) -> Lessons:  # noqa: ARG001
    return Lessons(X, y, np.ones(len(y)), np.arange(len(y) + 1))


def weighted(X: np.ndarray, y: np.ndarray, seed: int) -> Lessons:  # noqa: ARG001
    """Weigh each row as if its class had its part of the last rows."""
    shares = recent_shares(y)
    present = (shares > 0).sum(axis=1)
    return Lessons(X, y, 1 / (present * shares[np.arange(len(y)), y]), np.arange(len(y) + 1))


def recent_shares(y: np.ndarray) -> np.ndarray:
    """Return each class's share of the last rows, the row itself among them."""
    counts = np.cumsum(np.eye(y.max() + 1)[y], axis=0)
    counts[WEIGHED_BY:] -= counts[:-WEIGHED_BY].copy()
    return counts / counts.sum(axis=1, keepdims=True)


def shares_so_far(y: np.ndarray) -> np.ndarray:
    """Return each class's share of the rows up to and with each row."""
    return np.cumsum(np.eye(y.max() + 1)[y], axis=0) / np.arange(1, len(y) + 1)[:, None]


def resampler_of(X: np.ndarray, seed: int, **settings: object) -> OnlineResampler:
    """Return our resampler under its preset; units of distance are the spread of the first rows."""
    scale = X[:500].std(axis=0)
    schema = FeatureSchema.numeric([f"x{j}" for j in range(X.shape[1])]).with_scale(np.where(scale > 0, scale, 1.0))
    return OnlineResampler(schema, seed=seed, **preset("online-learning", **settings))


def resampled(resampler: OnlineResampler, X: np.ndarray, y: np.ndarray, first: int = 0) -> Lessons:
    """Return what our resampler makes of the next rows, of which `first` came before."""
    batch, starts = resampler.process_traced(X, y, np.arange(first, first + len(y)))
    return Lessons(batch.X, batch.y, np.ones(len(batch.y)), starts)


def ours(X: np.ndarray, y: np.ndarray, seed: int, **settings: object) -> Lessons:
    return resampled(resampler_of(X, seed, **settings), X, y)


def bagged(X: np.ndarray, y: np.ndarray, seed: int, target: str) -> Lessons:
    """Teach a member of an ensemble each row as often as online bagging draws it.

    Wang, Minku and Yao, Dealing with multiple classes in online class imbalance learning, IJCAI 2016: Poisson of the
    largest class's share over the row's own (``target="largest"``, oversampling: MOOB) or of the smallest's
    (undersampling: MUOB), where shares decay with each row.
    """
    rng = np.random.default_rng(seed)
    shares, times = np.zeros(y.max() + 1), np.empty(len(y), dtype=np.int64)
    for i, label in enumerate(y.tolist()):
        shares *= DECAY
        shares[label] += 1 - DECAY
        of_target = shares.max() if target == "largest" else shares[shares > 0].min()
        times[i] = rng.poisson(of_target / shares[label])
    rows = np.repeat(np.arange(len(y)), times)
    return Lessons(X[rows], y[rows], np.ones(len(rows)), np.concatenate([[0], np.cumsum(times)]))


class _Recorder(base.Classifier):
    """A learner that keeps what it is taught."""

    def __init__(self) -> None:
        self.rows: list[int] = []

    def learn_one(self, x: dict, y: int) -> None:  # noqa: ARG002
        self.rows.append(x["row"])

    def predict_proba_one(self, x: dict) -> dict:  # noqa: ARG002
        return {}


def river(X: np.ndarray, y: np.ndarray, seed: int, sampler: type) -> Lessons:
    """Aim at equal classes."""
    labels = np.unique(y).tolist()
    model = sampler(_Recorder(), desired_dist=dict.fromkeys(labels, 1 / len(labels)), seed=seed)
    starts = np.zeros(len(y) + 1, dtype=np.int64)
    for i, label in enumerate(y.tolist()):
        model.learn_one({"row": i}, label)
        starts[i + 1] = len(model.classifier.rows)
    rows = np.array(model.classifier.rows, dtype=np.int64)
    return Lessons(X[rows], y[rows], np.ones(len(rows)), starts)


RIVER = {
    "river over": imblearn.RandomOverSampler,
    "river under": imblearn.RandomUnderSampler,
    "river both": imblearn.RandomSampler,
}
