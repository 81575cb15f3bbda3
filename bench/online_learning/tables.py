"""Tables of what was measured: means over streams, with intervals over seeds."""

from __future__ import annotations

import numpy as np
from scipy.stats import t

Found = dict[tuple[str, str, int], list[float]]  # (stream, method, seed): measures


def interval(values: np.ndarray) -> float:
    """Return half the width of the 95 per cent interval of a mean by Student's t; NaN of one value."""
    n = len(values)
    return float(t.ppf(0.975, n - 1) * np.std(values, ddof=1) / np.sqrt(n)) if n > 1 else float("nan")


def mean_over(found: Found, streams: list[str], method: str, seeds: list[int]) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the mean of each measure over the streams, and its interval over the seeds; None if a run is missing.

    A stream without bursts does not count in the recall of bursts.
    """
    runs = [[found.get((stream, method, seed)) for stream in streams] for seed in seeds]
    if any(run is None for of_seed in runs for run in of_seed):
        return None
    measured = np.array(runs, dtype=np.float64)
    counted = ~np.isnan(measured).all(axis=(0, 1))
    of_seed = np.full((len(seeds), measured.shape[2]), np.nan)
    of_seed[:, counted] = np.nanmean(measured[:, :, counted], axis=1)
    return of_seed.mean(axis=0), np.array([interval(column) for column in of_seed.T])


def summary(found: Found, streams: list[str], methods: list[str], seeds: list[int], names: tuple[str, ...]) -> str:
    """Return a table of each method's means over the streams."""
    lines = ["| | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for method in methods:
        means = mean_over(found, streams, method, seeds)
        if means is not None:
            lines.append(f"| {method} | " + " | ".join(map(_with_interval, *means)) + " |")
    return "\n".join(lines)


def by_stream(found: Found, streams: list[str], methods: list[str], seeds: list[int]) -> str:
    """Return a table of G-mean / kappa of each method on each stream."""
    lines = ["| | " + " | ".join(streams) + " |", "|---" * (len(streams) + 1) + "|"]
    for method in methods:
        cells = [mean_over(found, [stream], method, seeds) for stream in streams]
        if all(cell is not None for cell in cells):
            shown = (" / ".join(map(_short, cell[0][:2])) for cell in cells)
            lines.append(f"| {method} | " + " | ".join(shown) + " |")
    return "\n".join(lines)


def _with_interval(value: float, half: float) -> str:
    if np.isnan(value):
        return "-"
    return _short(value) if np.isnan(half) or half < 0.0005 else f"{_short(value)} ±{_short(half)}"


def _short(value: float) -> str:
    return f"{value:.3f}".replace("0.", ".", 1)
