"""Test-then-train on imbalanced streams with drift: our strategies beside river's samplers.

Every row is first predicted, then learned; the resampler's output does not depend on the learner, so it is made
first. Reported: G-mean over the whole stream, G-mean with forgetting (0.999 a row), Cohen's kappa.

    python bench/prequential.py [--rows 30000] [--seeds 3] [--learner tree|logistic] [--data DIR]

Elec2 and the weather of Bellevue are read from DIR/stream_elec2.parquet and DIR/stream_noaa_weather.parquet, and left
out without it.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np
import pyarrow.parquet as pq
from river import datasets, imblearn, linear_model, preprocessing, tree
from river.datasets import synth
from tqdm import tqdm

from resampler import FeatureSchema, OnlineResampler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FORGETTING = 0.999

Rows = tuple[np.ndarray, np.ndarray]


def take(draw: Callable[[int], tuple[dict, object]], rate: Callable[[float], float], n: int, seed: int) -> Rows:
    """Draw n rows, of the minority (class 1) with probability ``rate(position in [0, 1))``."""
    rng = np.random.default_rng(seed)
    X, y = [], np.empty(n, dtype=np.int64)
    for i in range(n):
        y[i] = rng.random() < rate(i / n)
        while True:
            x, label = draw(i)
            if int(label) == y[i]:
                break
        X.append(list(x.values()))
    return np.array(X, dtype=np.float32), y


def _iterate(stream: object) -> Callable[[int], tuple[dict, object]]:
    rows: Iterator = iter(stream)
    return lambda _: next(rows)


def _switch(a: object, b: object, at: int, width: int, seed: int, swap: bool) -> Callable[[int], tuple[dict, object]]:
    first, second, rng = iter(a), iter(b), np.random.default_rng(seed)

    def draw(i: int) -> tuple[dict, object]:
        late = 1 / (1 + np.exp(-4 * np.clip((i - at) / width, -50, 50)))
        x, label = next(second if rng.random() < late else first)
        return x, 1 - int(label) if swap else label

    return draw


def sea(n: int, seed: int) -> Rows:
    streams = synth.SEA(variant=0, seed=seed), synth.SEA(variant=3, seed=seed + 100)
    return take(_switch(*streams, n // 2, 1, seed, swap=True), lambda _: 0.05, n, seed)


def agrawal(n: int, seed: int) -> Rows:
    streams = (
        synth.Agrawal(classification_function=0, seed=seed),
        synth.Agrawal(classification_function=3, seed=seed + 100),
    )
    return take(_switch(*streams, n // 2, n // 7, seed, swap=False), lambda _: 0.02, n, seed)


def rbf(n: int, seed: int) -> Rows:
    stream = synth.RandomRBFDrift(seed, seed + 1, 2, 10, 30, change_speed=1e-4, n_drift_centroids=30)
    return take(_iterate(stream), lambda _: 0.05, n, seed)


def hyperplane(n: int, seed: int) -> Rows:
    stream = synth.Hyperplane(seed=seed, n_features=10, n_drift_features=4, mag_change=1e-4)
    return take(_iterate(stream), lambda _: 0.01, n, seed)


def sine(n: int, seed: int) -> Rows:
    return take(_iterate(synth.Sine(0, seed=seed)), lambda t: 0.01 if t < 0.5 else 0.1, n, seed)


def shuttle(n: int, seed: int) -> Rows:  # noqa: ARG001 - a data set has one order
    rows = list(datasets.Shuttle())[:n]
    return np.array([list(x.values()) for x, _ in rows], dtype=np.float32), np.array([int(y) for _, y in rows])


def recorded(path: Path, label: str, positive: int) -> Callable[[int, int], Rows]:
    """Return a stream that was recorded: the same rows for every seed."""
    table = pq.read_table(path)
    columns = [table[c].to_numpy() for c in table.column_names if c != label]
    X = np.column_stack(columns).astype(np.float32)
    y = (table[label].to_numpy() == positive).astype(np.int64)
    return lambda n, _seed: (X[:n], y[:n])


SIX = {f.__name__: f for f in (sea, agrawal, rbf, hyperplane, sine, shuttle)}  # the mean is taken over these

OURS = {
    "plain 0.3": {"ratio": 0.3},
    "plain 0.5": {"ratio": 0.5},
    "plain 1": {"ratio": 1.0},
    "poisson 0.5": {"ratio": 0.5, "quota": "poisson"},
    "under 0.5": {"ratio": 0.5, "undersample": 0.5},
    "under 0.2 + plain 0.6": {"ratio": 0.6, "undersample": 0.2},
}
RIVER = {
    "none": lambda model, _: model,
    "river over 0.5": lambda m, s: imblearn.RandomOverSampler(m, desired_dist={0: 0.5, 1: 0.5}, seed=s),
    "river under 0.5": lambda m, s: imblearn.RandomUnderSampler(m, desired_dist={0: 0.5, 1: 0.5}, seed=s),
    "river both 0.5": lambda m, s: imblearn.RandomSampler(m, desired_dist={0: 0.5, 1: 0.5}, seed=s),
}
METHODS = [*RIVER, *OURS]
LEARNERS = {
    "tree": lambda seed: tree.HoeffdingAdaptiveTreeClassifier(seed=seed),
    "logistic": lambda _: preprocessing.StandardScaler() | linear_model.LogisticRegression(),
}


def lessons(X: np.ndarray, y: np.ndarray, parameters: dict, seed: int) -> list[list[tuple[dict, int]]]:
    """Return what the learner is taught after each row."""
    scale = X[:500].std(axis=0)
    schema = FeatureSchema.numeric([f"x{j}" for j in range(X.shape[1])]).with_scale(np.where(scale > 0, scale, 1.0))
    resampler = OnlineResampler(schema, window=1_000, capacity=500, burst=32, seed=seed, **parameters)
    taught: list[list[tuple[dict, int]]] = []
    for i in range(len(y)):
        batch = resampler.process(X[i : i + 1], y[i : i + 1], [i])
        taught.append([(dict(enumerate(x)), int(c)) for x, c in zip(batch.X.tolist(), batch.y, strict=True)])
    return taught


def prequential(X: np.ndarray, y: np.ndarray, method: str, learner: str, seed: int) -> tuple[float, float, float]:
    """Predict, then teach, row after row."""
    model = LEARNERS[learner](seed)
    taught = None
    if method in OURS:
        taught = lessons(X, y, OURS[method], seed)
    else:
        model = RIVER[method](model, seed)
    predicted = np.zeros(len(y), dtype=np.int64)
    for i, values in enumerate(X.tolist()):
        x = dict(enumerate(values))
        predicted[i] = int(model.predict_one(x) or 0)
        for row, label in taught[i] if taught else [(x, int(y[i]))]:
            model.learn_one(row, label)
    return measure(y, predicted)


def measure(y: np.ndarray, predicted: np.ndarray) -> tuple[float, float, float]:
    """Return G-mean, mean G-mean with forgetting, and kappa."""
    recalls = [np.mean(predicted[y == c] == c) for c in (0, 1)]
    hits, rows, decayed = np.zeros(2), np.zeros(2), []
    for truth, guess in zip(y, predicted, strict=True):
        hits[truth] = hits[truth] * FORGETTING + (guess == truth)
        rows[truth] = rows[truth] * FORGETTING + 1
        if rows.all():
            decayed.append(np.sqrt(np.prod(hits / rows)))
    agreed = np.mean(y == predicted)
    chance = sum(np.mean(y == c) * np.mean(predicted == c) for c in (0, 1))
    return float(np.sqrt(np.prod(recalls))), float(np.mean(decayed)), float((agreed - chance) / (1 - chance))


@click.command()
@click.option("--rows", default=30_000, show_default=True)
@click.option("--seeds", default=3, show_default=True)
@click.option("--learner", type=click.Choice(list(LEARNERS)), default="tree", show_default=True)
@click.option("--data", type=click.Path(path_type=Path, exists=True, file_okay=False))
def main(rows: int, seeds: int, learner: str, data: Path | None) -> None:
    """Print a table of G-mean / G-mean with forgetting / kappa, and the mean over the six streams."""
    started = time.monotonic()
    streams = dict(SIX)
    if data:
        streams["elec2"] = recorded(data / "stream_elec2.parquet", "class", 0)
        streams["weather"] = recorded(data / "stream_noaa_weather.parquet", "rain", 1)
    found: dict[tuple[str, str], np.ndarray] = {}
    with tqdm(total=len(streams) * len(METHODS) * seeds, disable=None) as bar:
        for name, make in streams.items():
            runs: dict[str, list] = {method: [] for method in METHODS}
            for seed in range(1, seeds + 1):
                X, y = make(rows, seed)
                for method in METHODS:
                    runs[method].append(prequential(X, y, method, learner, seed))
                    bar.update()
            for method in METHODS:
                found[name, method] = np.mean(runs[method], axis=0)
    print(f"{'':24}" + "".join(f"{name:>20}" for name in (*streams, "mean of six")))
    for method in METHODS:
        cells = [found[name, method] for name in streams]
        cells.append(np.mean([found[name, method] for name in SIX], axis=0))
        print(f"{method:24}" + "".join(f"{'/'.join(f'{v:.3f}' for v in cell):>20}" for cell in cells))
    print(f"{learner}, {rows} rows, {seeds} seeds, {time.monotonic() - started:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
