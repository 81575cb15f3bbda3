"""Measure the counts that drift is measured by, and the verdict on many columns against Evidently's.

    python bench/bench_drift.py [TABLE ...] [--rows 1000000] [--features 32] [--columns 100]

Tables: counts (nanoseconds of the processor a value, one thread), evidently (needs it; both sides are in memory, and
ours counts the later rows too); by default both. Compare ratios within one run, never times of different runs.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pyarrow as pa

from resampler.profile.cells import Cells
from resampler.profile.matrix import MatrixCounter
from resampler.quality.drift.measure import measure_drift

REPEATS = 3


def cpu(call):
    """Least seconds of the processor of some calls."""
    found = []
    for _ in range(REPEATS):
        began = time.process_time()
        call()
        found.append(time.process_time() - began)
    return min(found)


def counts(n, d):
    rng = np.random.default_rng(0)
    normal = rng.normal(size=(n, d))
    tied = np.round(normal * 2) / 2
    tied[rng.random((n, d)) < 0.3] = np.nan
    groups = rng.integers(0, 2, n)
    print(f"\ncounts of {n:,} x {d} values by 2 classes, ns a value")
    for name, rows in (("normal", normal), ("ties, 30 % null", tied)):
        for dtype in (np.float32, np.float64):
            X = rows.astype(dtype)
            cells = {
                str(j): Cells.fitted(pa.chunked_array([pa.array(X[:20_000, j])]), categorical=False) for j in range(d)
            }
            counter = MatrixCounter(cells, {}, n_groups=2, dtype=dtype)
            counter.add(X[:10], groups[:10])
            print(f"{name:16} {dtype.__name__:8} {cpu(lambda: counter.add(X, groups)) / n / d * 1e9:6.2f}")  # noqa: B023


def evidently(n_columns):
    sys.path[:0] = [str(Path(__file__).parents[1] / "tests" / "harness")]
    sys.path[:0] = [str(Path(__file__).parents[1] / "tests" / "resampler" / "quality" / "drift")]
    from profiles import later_of, reference_of
    from test_evidently import frames, theirs

    print(f"\nverdict on {n_columns} columns, seconds of the processor")
    for n in (900, 20_000):
        before, after = frames(n, 0, n_columns)
        arrow = [{name: pa.array(values) for name, values in side.items()} for side in (before, after)]
        reference, rows = reference_of(arrow[0]), arrow[1]
        mine = cpu(lambda: measure_drift(reference, later_of(reference, rows)))  # noqa: B023
        began = time.process_time()
        theirs(before, after)
        other = time.process_time() - began
        print(f"{n:8,} rows  ours {mine:7.3f}  evidently {other:7.2f}  {other / mine:6.0f} times")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="*", choices=[[], "counts", "evidently"])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--features", type=int, default=32)
    parser.add_argument("--columns", type=int, default=100)
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    if not asked.tables or "counts" in asked.tables:
        counts(asked.rows, asked.features)
    if not asked.tables or "evidently" in asked.tables:
        evidently(asked.columns)


if __name__ == "__main__":
    main()
