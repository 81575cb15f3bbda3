"""Streams by generators: the same rows for the same seed. Settings are chosen on these, and judged on recorded ones.

Each is a function of (number of rows, seed) that returns float32 rows and labels; class 0 is the frequent one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from river import datasets
from river.datasets import synth

Rows = tuple[np.ndarray, np.ndarray]
Draw = Callable[[int], tuple[dict, object]]


class Stream(NamedTuple):
    """A stream, and how many orders it has: one that was recorded is the same for every seed."""

    rows: Callable[[int, int], Rows]
    recorded: bool = False


def take(draw: Draw, rates: Callable[[float], list[float]], n: int, seed: int) -> Rows:
    """Draw n rows, of rare class c with probability ``rates(position in [0, 1))[c - 1]``, else of class 0."""
    rng = np.random.default_rng(seed)
    X, y = [], np.empty(n, dtype=np.int64)
    for i in range(n):
        y[i] = np.searchsorted(np.cumsum(rates(i / n)), rng.random(), side="right") + 1
        y[i] = 0 if y[i] > len(rates(i / n)) else y[i]
        while True:
            x, label = draw(i)
            if int(label) == y[i]:
                break
        X.append(list(x.values()))
    return np.array(X, dtype=np.float32), y


def _iterate(stream: object) -> Draw:
    rows: Iterator = iter(stream)
    return lambda _: next(rows)


def _switch(a: object, b: object, at: int, width: int, seed: int, swap: bool) -> Draw:
    first, second, rng = iter(a), iter(b), np.random.default_rng(seed)

    def draw(i: int) -> tuple[dict, object]:
        late = 1 / (1 + np.exp(-4 * np.clip((i - at) / width, -50, 50)))
        x, label = next(second if rng.random() < late else first)
        return x, 1 - int(label) if swap else label

    return draw


def _sea(n: int, seed: int) -> Draw:
    return _switch(synth.SEA(variant=0, seed=seed), synth.SEA(variant=3, seed=seed + 100), n // 2, 1, seed, swap=True)


def _hyperplane(seed: int) -> Draw:
    return _iterate(synth.Hyperplane(seed=seed, n_features=10, n_drift_features=4, mag_change=1e-4))


def _in_storms(quiet: float, storm: float) -> Callable[[float], list[float]]:
    """Return the rate of a class that comes in four storms, each a fiftieth of the stream long."""
    return lambda t: [storm if any(start <= t < start + 0.02 for start in (0.2, 0.4, 0.6, 0.8)) else quiet]


def sea(n: int, seed: int) -> Rows:
    return take(_sea(n, seed), lambda _: [0.05], n, seed)


def agrawal(n: int, seed: int) -> Rows:
    first = synth.Agrawal(classification_function=0, seed=seed)
    second = synth.Agrawal(classification_function=3, seed=seed + 100)
    return take(_switch(first, second, n // 2, n // 7, seed, swap=False), lambda _: [0.02], n, seed)


def rbf(n: int, seed: int) -> Rows:
    stream = synth.RandomRBFDrift(seed, seed + 1, 2, 10, 30, change_speed=1e-4, n_drift_centroids=30)
    return take(_iterate(stream), lambda _: [0.05], n, seed)


def hyperplane(n: int, seed: int) -> Rows:
    return take(_hyperplane(seed), lambda _: [0.01], n, seed)


def sine(n: int, seed: int) -> Rows:
    return take(_iterate(synth.Sine(0, seed=seed)), lambda t: [0.01] if t < 0.5 else [0.1], n, seed)


def shuttle(n: int, seed: int) -> Rows:  # noqa: ARG001 - a data set has one order
    rows = list(datasets.Shuttle())[:n]
    return np.array([list(x.values()) for x, _ in rows], dtype=np.float32), np.array([int(y) for _, y in rows])


def sea_storms(n: int, seed: int) -> Rows:
    return take(_sea(n, seed), _in_storms(0.002, 0.3), n, seed)


def hyperplane_storms(n: int, seed: int) -> Rows:
    return take(_hyperplane(seed), _in_storms(0.002, 0.3), n, seed)


def three_rare(n: int, seed: int) -> Rows:
    stream = synth.RandomRBFDrift(seed, seed + 1, 4, 10, 30, change_speed=1e-4, n_drift_centroids=30)
    return take(_iterate(stream), lambda _: [0.05, 0.02, 0.01], n, seed)


def returning(n: int, seed: int) -> Rows:
    """Two rare classes, of which each is absent for a third of the stream and comes back."""
    stream = synth.RandomRBF(seed, seed + 1, 3, 10, 20)
    return take(_iterate(stream), lambda t: [0.0 if 1 / 3 < t < 2 / 3 else 0.03, 0.0 if t > 2 / 3 else 0.02], n, seed)


def in_turn(n: int, seed: int) -> Rows:
    """Five rare classes, each of which comes in two storms and hardly between them."""

    def rates(t: float) -> list[float]:
        starts = [(0.08 + 0.08 * c, 0.55 + 0.08 * c) for c in range(5)]
        return [0.35 if any(start <= t < start + 0.04 for start in of_class) else 0.002 for of_class in starts]

    return take(_iterate(synth.RandomRBF(seed, seed + 1, 6, 10, 30)), rates, n, seed)


STEADY = (sea, agrawal, rbf, hyperplane, sine, shuttle)
BURSTS = (sea_storms, hyperplane_storms)
SEVERAL = (three_rare, returning, in_turn)
GENERATED = {f.__name__: Stream(f, recorded=f is shuttle) for f in (*STEADY, *BURSTS, *SEVERAL)}
