"""Test-then-train on imbalanced streams with drift: our strategies beside river's samplers.

Every row is first predicted, then learned. A resampler's output does not depend on the learner, so it is made first.
G-mean over the whole stream, G-mean with forgetting (0.999 a row), Cohen's kappa. All cores work, one cell (stream,
method, seed) a process; what is done stands in the file of results, and a run that was stopped goes on from there.

    python bench/prequential.py [--rows 30000] [--seeds 3] [--learner tree|logistic] [--data DIR] [--results FILE]

Elec2 and the weather of Bellevue are read from DIR/stream_elec2.parquet and DIR/stream_noaa_weather.parquet, and left
out without it. They have one order and run once; Shuttle has one too, and its seeds are those of the learner and the
resampler.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import time
from functools import cache
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

SETTINGS = {"ratio": 1.0, "window": 1_000, "capacity": 200, "burst": 32}  # what docs/streaming.md recommends
OURS = {
    "smote": {},
    "smote, Poisson": {"quota": "poisson"},
    "adasyn": {"strategy": "adasyn"},
    "borderline": {"strategy": "borderline"},
    "smote, clean": {"clean": True},
    "under 0.1, then smote": {"undersample": 0.1},
    "under 0.5 alone": {"undersample": 0.5, "ratio": 0.5},
}
RIVER = {
    "none": lambda model, _: model,
    "river over": lambda m, s: imblearn.RandomOverSampler(m, desired_dist={0: 0.5, 1: 0.5}, seed=s),
    "river under": lambda m, s: imblearn.RandomUnderSampler(m, desired_dist={0: 0.5, 1: 0.5}, seed=s),
    "river both": lambda m, s: imblearn.RandomSampler(m, desired_dist={0: 0.5, 1: 0.5}, seed=s),
    "river hard": lambda m, s: imblearn.HardSamplingClassifier(m, size=40, p=0.1, seed=s),
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
    resampler = OnlineResampler(schema, seed=seed, **(SETTINGS | parameters))
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


@cache
def streams(data: Path | None) -> dict[str, Callable[[int, int], Rows]]:
    """Return all streams that there are."""
    if data is None:
        return SIX
    return SIX | {
        "elec2": recorded(data / "stream_elec2.parquet", "class", 0),
        "weather": recorded(data / "stream_noaa_weather.parquet", "rain", 1),
    }


@cache  # a rare class takes many draws
def rows_of(data: Path | None, stream: str, n: int, seed: int) -> Rows:
    """Return a stream's rows."""
    return streams(data)[stream](n, seed)


def cell(task: tuple[Path | None, int, str, str, str, int]) -> dict:
    """Run one method on one stream."""
    data, rows, learner, stream, method, seed = task
    X, y = rows_of(data, stream, rows, seed)
    measured = prequential(X, y, method, learner, seed)
    return {"key": [rows, learner, stream, method, seed], "measured": measured}


@click.command()
@click.option("--rows", default=30_000, show_default=True)
@click.option("--seeds", default=3, show_default=True)
@click.option("--learner", type=click.Choice(list(LEARNERS)), default="tree", show_default=True)
@click.option("--data", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--results", type=click.Path(path_type=Path, dir_okay=False), default=Path(".cache/prequential.jsonl"))
@click.option("--minutes", type=float, default=1e9, help="Stop after about so long.")
def main(rows: int, seeds: int, learner: str, data: Path | None, results: Path, minutes: float) -> None:
    """Print G-mean / G-mean with forgetting / kappa of each method on each stream, and the mean over the six."""
    started = time.monotonic()
    names = list(streams(data))
    results.parent.mkdir(parents=True, exist_ok=True)
    done = [json.loads(line) for line in results.open()] if results.exists() else []
    found = {tuple(one["key"]): one["measured"] for one in done}
    keys = {
        (m, n): [(rows, learner, n, m, s) for s in range(1, 1 + (seeds if n in SIX else 1))]
        for m in METHODS
        for n in names
    }
    wanted = [key for of_cell in keys.values() for key in of_cell]
    left = [(data, *key) for key in wanted if key not in found]
    with multiprocessing.Pool() as pool, results.open("a") as out, tqdm(total=len(left), disable=None) as bar:
        for one in pool.imap_unordered(cell, left):
            print(json.dumps(one), file=out, flush=True)
            found[tuple(one["key"])] = one["measured"]
            bar.update()
            if time.monotonic() - started > 60 * minutes:
                break
    print(f"| {learner} | {' | '.join((*names, 'mean of six'))} |")
    print("|---" * (len(names) + 2) + "|")
    for method in METHODS:
        if any(key not in found for n in names for key in keys[method, n]):
            continue
        cells = [np.mean([found[key] for key in keys[method, n]], axis=0) for n in names]
        cells.append(np.mean([cells[names.index(n)] for n in SIX], axis=0))
        shown = (" / ".join(f"{v:.3f}".replace("0.", ".", 1) for v in c) for c in cells)
        print(f"| {method} | {' | '.join(shown)} |")
    print(f"{learner}, {rows} rows, {seeds} seeds, {time.monotonic() - started:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
