"""Our estimators against imbalanced-learn's: same process, same rows, one thread each; ratios, not seconds, count.

python bench/bench_samplers.py [--rows 10000] [--twice 20000] [--big 100000] [--repeat 3] [--data clustered|isotropic]

The same comparisons are pytest-benchmark cases, a group each, of 10,000 rows or BENCH_ROWS:

    pytest bench/bench_samplers.py -o python_files='bench_*.py' --benchmark-enable [-k "SMOTENC and clustered"]
"""

from __future__ import annotations

import argparse
import os
import platform
import time
import tracemalloc
from functools import partial
from typing import NamedTuple

import imblearn
import numba
import numpy as np
import pytest
from imblearn import combine, over_sampling, under_sampling
from threadpoolctl import threadpool_limits

from resampler import samplers
from resampler.methods.place import build
from resampler.methods.provenance import Provenance
from resampler.neighbors import nearest_rows

CATEGORICAL = [0, 1, 2, 3]


def clustered(n_minority, d, dtype, majority=6, seed=0):
    """Mixture of Gaussians of a quarter of the dimensions, as measured data have fewer degrees than columns."""
    rng = np.random.default_rng(seed)
    n = n_minority * (1 + majority)
    centers, axes = rng.normal(size=(20, d)) * 4, rng.normal(size=(20, max(2, d // 4), d))
    which = rng.integers(0, 20, n)
    X = centers[which] + np.einsum("nq,nqd->nd", rng.normal(size=(n, axes.shape[1])), axes[which])
    X += 0.1 * rng.normal(size=X.shape)
    return X.astype(dtype), np.repeat([1, 0], [n_minority, n - n_minority])


def isotropic(n_minority, d, dtype, majority=6, seed=0):
    """Independent normal columns: the hard case, where no search can leave anything out."""
    rng = np.random.default_rng(seed)
    n = n_minority * (1 + majority)
    return rng.normal(size=(n, d)).astype(dtype), np.repeat([1, 0], [n_minority, n - n_minority])


DATA = {"clustered": clustered, "isotropic": isotropic}
SEEDED = {"random_state": 0}
BAR = 4.0  # times imbalanced-learn's speed, that no line of the table should be below
WITHOUT_STRUCTURE = ("SMOTEENN", "EditedNearestNeighbours", "BorderlineSMOTE", "ADASYN")  # on twice as many rows, too
LONG = 5.0  # seconds
COMPILED_BY = 8_000  # rows that are enough to compile what more rows run


class Comparison(NamedTuple):
    """One method on one width of rows."""

    name: str
    d: int
    dtype: str = "float64"
    neighbors: str | None = None  # how they are sought; by default exactly, here

    def __str__(self):
        more = [", 4 categorical"] if self.name == "SMOTENC" else []
        more += [f", {self.neighbors}"] if self.neighbors else []
        return f"{self.name} x {self.d} {self.dtype}{''.join(more)}"

    def rows(self, make, n_minority):
        X, y = make(n_minority, self.d, self.dtype)
        if self.name == "SMOTENC":
            X[:, CATEGORICAL] = np.random.default_rng(1).integers(0, 6, size=(len(X), len(CATEGORICAL)))
        return X, y

    def samplers(self):
        """Return our estimator and theirs."""
        theirs = next(m for m in (over_sampling, under_sampling, combine) if hasattr(m, self.name))
        settings = {} if self.name in ("TomekLinks", "EditedNearestNeighbours") else SEEDED
        if self.name == "SMOTENC":
            settings = {**SEEDED, "categorical_features": CATEGORICAL}
        ours = {"neighbors": self.neighbors} if self.neighbors else {}
        return getattr(samplers, self.name)(**settings, **ours), getattr(theirs, self.name)(**settings)


COMPARISONS = [
    Comparison(name, d, dtype)
    for d in (8, 32)
    for name, dtype in (
        ("SMOTE", "float32"),
        ("SMOTE", "float64"),
        ("BorderlineSMOTE", "float64"),
        ("ADASYN", "float64"),
        ("TomekLinks", "float64"),
        ("EditedNearestNeighbours", "float64"),
        ("SMOTEENN", "float64"),
        ("SMOTENC", "float64"),
    )
]


@pytest.fixture
def one_thread(monkeypatch):
    monkeypatch.setattr("numba.config.NUMBA_NUM_THREADS", 1)
    with threadpool_limits(1):
        yield


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("whose", ["ours", "imbalanced-learn"])
@pytest.mark.parametrize("comparison", COMPARISONS, ids=str)
@pytest.mark.usefixtures("one_thread")
def test_fit_resample(benchmark, comparison, whose, data):
    X, y = comparison.rows(DATA[data], int(os.environ.get("BENCH_ROWS", "10000")))
    sampler = comparison.samplers()[whose != "ours"]
    benchmark.group = f"{comparison}, {data}"
    _, y_new = benchmark.pedantic(sampler.fit_resample, (X, y), rounds=3, warmup_rounds=1)
    assert set(y_new) == {0, 1}


@pytest.mark.parametrize("whose", ["by base", "in turn order", "imbalanced-learn", "copyto"])
@pytest.mark.usefixtures("one_thread")
def test_generation(benchmark, whose):
    benchmark.group = "generation alone x 32 float32"
    run = generations(int(os.environ.get("BENCH_ROWS", "10000")), 32)[whose]
    benchmark.pedantic(run, rounds=5, warmup_rounds=1)


def best(run, repeat):
    """Return the least processor time: with one thread each, a busy machine distorts it less than the wall's.

    What takes long is less distorted: after `LONG` seconds it is not run again.
    """
    times = []
    while len(times) < repeat and sum(times) < LONG:
        started = time.process_time()
        run()
        times.append(time.process_time() - started)
    return min(times)


def peak_over_output(run):
    """Peak of what NumPy allocated meanwhile, less the result itself, as a multiple of the result."""
    tracemalloc.start()
    result = run()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    size = result[0].nbytes
    return (peak - size) / size if size else float("nan")


def compare(title, ours, theirs, X, y, repeat):
    """Print a line of the table; return the ratio and the title."""
    a, b = partial(ours.fit_resample, X, y), partial(theirs.fit_resample, X, y)
    few = slice(None, None, max(1, len(X) // COMPILED_BY))
    ours.fit_resample(X[few], y[few])  # compiled before it is timed
    fast, slow = best(a, repeat), best(b, repeat)
    recall = min(getattr(ours, "neighbors_recall_", {1: 1.0}).values(), default=1.0)
    extra = peak_over_output(a)
    print(f"{title:<46} {slow:8.2f} s {fast:8.3f} s {slow / fast:7.1f}x   {recall:.3f}   {extra:5.2f}", flush=True)
    return slow / fast, title


def generations(n, d):
    """Return runs that make rows alone, given their neighbours: ours in two orders, theirs, and a plain copy."""
    X, _ = clustered(n, d, "float32", majority=0)
    nn = nearest_rows(X, 5, method="approximate").indices
    rng = np.random.default_rng(0)
    base = np.repeat(np.arange(n), 5)
    parents = base, nn[base, rng.integers(0, 5, len(base))], rng.random(len(base), dtype=np.float32)
    shuffle = rng.permutation(len(base))
    none = np.empty((len(base), 0), dtype=np.int64)
    by_base = Provenance(np.ones(len(base)), *parents, none, none[0])
    in_turn = by_base.take(shuffle)
    out = np.empty((len(base), d), dtype=np.float32)
    copied = np.zeros_like(out)
    y_type = 1
    return {
        "by base": lambda: build(X, by_base, out),
        "in turn order": lambda: build(X, in_turn, out),
        "imbalanced-learn": lambda: over_sampling.SMOTE(random_state=0)._make_samples(X, int, y_type, X, nn, len(base)),
        "copyto": lambda: np.copyto(copied, out),
    }


def generation(n, d, repeat):
    runs = generations(n, d)
    ms = {whose: best(run, repeat) * 1e3 for whose, run in runs.items()}
    theirs = ms["imbalanced-learn"]
    print(
        f"generation alone, {5 * n} x {d} float32: imbalanced-learn {theirs:.0f} ms, by base {ms['by base']:.0f} ms "
        f"({theirs / ms['by base']:.1f}x; {ms['by base'] / ms['copyto']:.1f} x copyto), in turn order "
        f"{ms['in turn order']:.0f} ms ({theirs / ms['in turn order']:.1f}x)"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000, help="minority rows of the table")
    parser.add_argument(
        "--twice", type=int, default=20_000, help="minority rows of 32 independent columns; 0 leaves them out"
    )
    parser.add_argument(
        "--big", type=int, default=100_000, help="minority rows of SMOTE's own lines; 0 leaves them out"
    )
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--data", choices=tuple(DATA), nargs="+", default=list(DATA))
    args = parser.parse_args()
    numba.config.NUMBA_NUM_THREADS = 1
    print(f"imbalanced-learn {imblearn.__version__}, {platform.machine()}, one thread, processor seconds")
    print(
        "clustered rows have a quarter as many degrees of freedom as columns, isotropic ones have independent columns"
    )
    print("synthetic = 5 x minority, majority = 6 x")
    ratios = []
    with threadpool_limits(1):
        for data in args.data:
            print(f"\n{data:<46} {'theirs':>10} {'ours':>10} {'ratio':>8}   recall   extra memory / output")
            if args.big and data == "clustered":
                for how in (None, "approximate"):
                    big = Comparison("SMOTE", 32, "float32", how)
                    title = str(big).replace(" x", f" {args.big} x", 1)
                    ratios.append(compare(title, *big.samplers(), *big.rows(clustered, args.big), args.repeat))
            lines = [(comparison, args.rows) for comparison in COMPARISONS]
            if args.twice and data == "isotropic":
                lines += [(Comparison(name, 32, "float64"), args.twice) for name in WITHOUT_STRUCTURE]
            for comparison, n in lines:
                title = str(comparison).replace(" x", f" {n} x", 1)
                one = compare(title, *comparison.samplers(), *comparison.rows(DATA[data], n), args.repeat)
                ratios.append((one[0], f"{title}, {data}"))
        generation(max(args.big, args.rows), 32, args.repeat)
    worst, title = min(ratios)
    print(f"worst ratio {worst:.1f}x (bar {BAR:g}x): {title}; {sum(r < BAR for r, _ in ratios)} lines below the bar")


if __name__ == "__main__":
    main()
