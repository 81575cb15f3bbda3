"""Tables of what was measured: means over streams, with intervals over seeds."""

from __future__ import annotations

import numpy as np
from scipy.stats import t

Found = dict[tuple[str, str, int], list[float]]  # (stream, method, seed): measures


def interval(values: np.ndarray) -> float:
    """Return half the width of the 95 per cent interval of a mean by Student's t; NaN of one value."""
    n = len(values)
    return float(t.ppf(0.975, n - 1) * np.std(values, ddof=1) / np.sqrt(n)) if n > 1 else float("nan")


def seeds_of(found: Found, streams: list[str], *methods: str) -> list[int]:
    """Return the seeds with which the methods ran on all the streams."""
    seeds = sorted({seed for _, method, seed in found if method == methods[0]})
    return [s for s in seeds if all((stream, method, s) in found for stream in streams for method in methods)]


def over_streams(found: Found, streams: list[str], method: str, seeds: list[int]) -> np.ndarray:
    """Return each measure's mean over the streams, of shape (n_seeds, n_measures).

    A stream without bursts does not count in the recall of bursts.
    """
    measured = np.array([[found[stream, method, seed] for stream in streams] for seed in seeds], dtype=np.float64)
    n = (~np.isnan(measured)).sum(axis=1)
    return np.where(n > 0, np.nansum(measured, axis=1) / np.maximum(n, 1), np.nan)


def summary(found: Found, streams: list[str], methods: list[str], names: tuple[str, ...]) -> str:
    """Return a table of each method's means over the streams, of as many seeds as ran."""
    lines = []
    for method in methods:
        seeds = seeds_of(found, streams, method)
        if seeds:
            of_seed = over_streams(found, streams, method, seeds)
            cells = map(_with_interval, of_seed.mean(axis=0), map(interval, of_seed.T))
            lines.append([method, *cells, str(len(seeds))])
    return _table([*names, "seeds"], lines)


def by_stream(found: Found, streams: list[str], methods: list[str]) -> str:
    """Return a table of G-mean / kappa of each method on each stream."""
    lines = []
    for method in methods:
        seeds = seeds_of(found, streams, method)
        if seeds:
            of_stream = [over_streams(found, [stream], method, seeds).mean(axis=0) for stream in streams]
            lines.append([method, *(f"{_short(g_mean)} / {_short(kappa)}" for g_mean, kappa, *_ in of_stream)])
    return _table(streams, lines)


def differences(found: Found, groups: dict[str, list[str]], method: str, other: str, names: tuple[str, ...]) -> str:
    """Return a table of what a method has more than another, seed by seed, as means over groups of streams."""
    lines = []
    for group, streams in groups.items():
        seeds = seeds_of(found, streams, method, other)
        if seeds and streams:
            more = over_streams(found, streams, method, seeds) - over_streams(found, streams, other, seeds)
            cells = map(_difference, more.mean(axis=0), map(interval, more.T))
            lines.append([group, *cells, str(len(seeds))])
    return _table([*names, "seeds"], lines)


def _table(heads: list[str], lines: list[list[str]]) -> str:
    rows = [["", *heads], ["---"] * (len(heads) + 1), *lines]
    return "\n".join(f"| {' | '.join(row)} |" if row[0] else f"| {' | '.join(row).lstrip()} |" for row in rows)


def _with_interval(value: float, half: float) -> str:
    if np.isnan(value):
        return "-"
    return _short(value) if np.isnan(half) or half < 0.0005 else f"{_short(value)} ±{_short(half)}"


def _difference(value: float, half: float) -> str:
    if np.isnan(value):
        return "-"
    return f"{'-' if value < 0 else '+'}{_with_interval(abs(value), half)}"


def _short(value: float) -> str:
    return f"{value:.3f}".replace("0.", ".", 1)
