"""Are an online learner's probabilities put right by the counts of the rows that it has seen?

python bench/calibration_stream.py DIR [--streams elec2,weather,bank] [--windows 1000,10000]

Real streams in their order, each batch of 100 rows first predicted, then learned: without resampling, and from what
`OnlineResampler` emits under the preset `online-learning`, as it is and corrected by a `ClassWindow`. Brier score and
log-loss; differences to the learner without resampling with 95 % intervals over blocks of 1,000 rows, since rows near
each other are alike.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import click
import numpy as np
import pandas as pd
from river import linear_model, preprocessing, tree
from scipy.stats import t
from sklearn.linear_model import SGDClassifier
from sklearn.preprocessing import StandardScaler

from resampler import ClassWindow, FeatureSchema, OnlineResampler, preset

STREAMS = {
    "elec2": ("stream_elec2", "class", "0"),
    "weather": ("stream_noaa_weather", "rain", "1"),
    "bank": ("bank_additional_full", "y", "yes"),
}
LEAKS = {"duration"}  # known only when the call is over
BATCH = 100
FIRST = 1_000  # rows whose spread gives the units of distance, not scored
BLOCK = 1_000
NEAREST = 1e-6


def load(directory, name):
    file, label, positive = STREAMS[name]
    table = pd.read_parquet(directory / f"{file}.parquet")
    y = (table[label].astype(str) == positive).to_numpy(dtype=np.int64)
    X = table.drop(columns=[label, *(LEAKS & {*table.columns})]).select_dtypes("number").to_numpy(dtype=np.float64)
    spread = X[:FIRST].std(axis=0)
    X = (X - X[:FIRST].mean(axis=0)) / np.where(spread > 0, spread, 1)
    return np.clip(X, -1e3, 1e3).astype(np.float32), y


class Sgd:
    def __init__(self):
        self.scaler = StandardScaler()
        self.model = SGDClassifier(loss="log_loss", alpha=1e-4, learning_rate="constant", eta0=0.01, random_state=0)

    def learn(self, X, y):
        scaled = self.scaler.partial_fit(X).transform(X)
        self.model.partial_fit(scaled, y, classes=[0, 1])

    def predict(self, X):
        if not hasattr(self.model, "coef_"):
            return np.full(len(X), 0.5)
        return self.model.predict_proba(self.scaler.transform(X))[:, 1]


class River:
    def __init__(self, model):
        self.model = model

    def learn(self, X, y):
        for row, label in zip(X.tolist(), y.tolist(), strict=True):
            self.model.learn_one(dict(enumerate(row)), label)

    def predict(self, X):
        return np.array([self.model.predict_proba_one(dict(enumerate(row))).get(1, 0.5) for row in X.tolist()])


LEARNERS = {
    "sklearn SGD": Sgd,
    "river logistic": lambda: River(preprocessing.StandardScaler() | linear_model.LogisticRegression()),
    "river tree": lambda: River(tree.HoeffdingAdaptiveTreeClassifier(seed=0)),
}


def run(X, y, make, windows, resampled):
    """Return the probabilities of every row before it was learned, and those corrected by each window."""
    learner = make()
    schema = FeatureSchema.numeric([f"f{j}" for j in range(X.shape[1])])
    online = OnlineResampler(schema, **preset("online-learning"))
    counts = {n: ClassWindow(n) for n in windows}
    found = {name: np.empty(len(y)) for name in ("as it is", *windows)}
    ids = np.arange(len(y))
    for start in range(0, len(y), BATCH):
        part = slice(start, start + BATCH)
        raw = np.clip(learner.predict(X[part]), 0, 1)
        found["as it is"][part] = raw
        for n, window in counts.items():
            found[n][part] = window.correct(raw)
        if resampled:
            batch = online.process(X[part], y[part], ids[part])
            learner.learn(batch.X, batch.y)
            for window in counts.values():
                window.update(batch)
        else:
            learner.learn(X[part], y[part])
    return found


def losses(p, y):
    near = np.clip(p, NEAREST, 1 - NEAREST)
    return {"Brier": (p - y) ** 2, "log-loss": -np.log(np.where(y == 1, near, 1 - near))}


def interval(difference):
    blocks = difference[: len(difference) // BLOCK * BLOCK].reshape(-1, BLOCK).mean(axis=1)
    return f"{difference.mean():+.4f} ±{t.ppf(0.975, len(blocks) - 1) * blocks.std(ddof=1) / len(blocks) ** 0.5:.4f}"


@click.command()
@click.argument("directory", type=click.Path(exists=True, path_type=Path))
@click.option("--streams", default=",".join(STREAMS))
@click.option("--windows", default="1000,10000")
def main(directory: Path, streams: str, windows: str) -> None:
    """Print a row for each stream, learner and score."""
    warnings.simplefilter("ignore")
    sizes = [int(n) for n in windows.split(",")]
    heads = " | ".join(["as it is", *(f"window {n:,}" for n in sizes)])
    print(f"{'stream':8} {'learner':14} {'score':8} nothing  difference to it: {heads}")
    for name in streams.split(","):
        X, y = load(directory, name)
        scored = slice(FIRST, None)
        for learner, make in LEARNERS.items():
            plain = losses(run(X, y, make, [], resampled=False)["as it is"][scored], y[scored])
            found = {kind: losses(p[scored], y[scored]) for kind, p in run(X, y, make, sizes, resampled=True).items()}
            for score, base in plain.items():
                cells = " | ".join(interval(one[score] - base) for one in found.values())
                print(f"{name:8} {learner:14} {score:8} {base.mean():7.4f}  {cells}", flush=True)
        print(f"# {len(y):,} rows, {y.mean():.1%} positive", flush=True)


if __name__ == "__main__":
    main()
