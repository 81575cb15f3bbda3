"""Our estimators against imbalanced-learn's: same process, same rows, one thread each; ratios, not seconds, count.

python bench/bench_samplers.py [--rows 10000] [--big 100000] [--repeat 3] [--data clustered|isotropic]
"""

from __future__ import annotations

import argparse
import platform
import time
import tracemalloc
from functools import partial

import imblearn
import numba
import numpy as np
from imblearn import combine, over_sampling, under_sampling
from threadpoolctl import threadpool_limits

from resampler import samplers
from resampler.generate import build
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


def with_categories(make, *args):
    X, y = make(*args)
    X[:, CATEGORICAL] = np.random.default_rng(1).integers(0, 6, size=(len(X), len(CATEGORICAL)))
    return X, y


def best(run, repeat):
    """Return the least processor time: with one thread each, a busy machine distorts it less than the wall's."""
    times = []
    for _ in range(repeat):
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
    a, b = partial(ours.fit_resample, X, y), partial(theirs.fit_resample, X, y)
    ours.fit_resample(X[:: max(1, len(X) // 2000)], y[:: max(1, len(X) // 2000)])  # compiled before it is timed
    fast, slow = best(a, repeat), best(b, 1 if len(X) > 50_000 else repeat)
    recall = min(getattr(ours, "neighbors_recall_", {1: 1.0}).values(), default=1.0)
    extra = peak_over_output(a)
    print(f"{title:<46} {slow:8.2f} s {fast:8.3f} s {slow / fast:7.1f}x   {recall:.3f}   {extra:5.2f}", flush=True)


def generation(n, d, repeat):
    """Time the rows alone, given their neighbours: ours in turn order and in base order, theirs, and a plain copy."""
    X, _ = clustered(n, d, "float32", majority=0)
    nn = nearest_rows(X, 5, method="approximate").indices
    rng = np.random.default_rng(0)
    base = np.repeat(np.arange(n), 5)
    neighbor, step = nn[base, rng.integers(0, 5, len(base))], rng.random(len(base), dtype=np.float32)
    shuffle = rng.permutation(len(base))
    out = np.empty((len(base), d), dtype=np.float32)
    theirs = over_sampling.SMOTE(random_state=0)
    y_type = 1
    slow = best(lambda: theirs._make_samples(X, int, y_type, X, nn, len(base)), repeat)
    copied = np.empty_like(out)
    copy = best(lambda: np.copyto(copied, out), repeat)
    ordered = best(lambda: build(X, base, neighbor, step, out), repeat)
    turns = base[shuffle], neighbor[shuffle], step[shuffle]
    mixed = best(lambda: build(X, *turns, out), repeat)
    print(
        f"generation alone, {len(base)} x {d} float32: imbalanced-learn {slow * 1e3:.0f} ms, ours by base "
        f"{ordered * 1e3:.0f} ms ({slow / ordered:.1f}x; {ordered / copy:.1f} x copyto), in turn order "
        f"{mixed * 1e3:.0f} ms ({slow / mixed:.1f}x)"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000, help="minority rows of the table")
    parser.add_argument(
        "--big", type=int, default=100_000, help="minority rows of SMOTE's own lines; 0 leaves them out"
    )
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--data", choices=("clustered", "isotropic"), default="clustered")
    args = parser.parse_args()
    make = clustered if args.data == "clustered" else isotropic
    numba.config.NUMBA_NUM_THREADS = 1
    n, repeat = args.rows, args.repeat
    print(f"imbalanced-learn {imblearn.__version__}, {platform.machine()}, one thread, {args.data} rows")
    print("synthetic = 5 x minority, majority = 6 x; processor seconds")
    print(f"{'':<46} {'theirs':>10} {'ours':>10} {'ratio':>8}   recall   extra memory / output")
    seeded = {"random_state": 0}
    with threadpool_limits(1):
        if args.big:
            X, y = make(args.big, 32, "float32")
            for how in ("approximate", "exact"):
                title = f"SMOTE {args.big} x 32 float32, {how}"
                compare(title, samplers.SMOTE(neighbors=how, **seeded), over_sampling.SMOTE(**seeded), X, y, 1)
            del X, y
        for d in (8, 32):
            for dtype in ("float32", "float64"):
                X, y = make(n, d, dtype)
                compare(
                    f"SMOTE {n} x {d} {dtype}", samplers.SMOTE(**seeded), over_sampling.SMOTE(**seeded), X, y, repeat
                )
            for name in ("BorderlineSMOTE", "ADASYN"):
                ours, theirs = getattr(samplers, name)(**seeded), getattr(over_sampling, name)(**seeded)
                compare(f"{name} {n} x {d}", ours, theirs, X, y, repeat)
            for name in ("TomekLinks", "EditedNearestNeighbours"):
                compare(f"{name} {n} x {d}", getattr(samplers, name)(), getattr(under_sampling, name)(), X, y, repeat)
            compare(f"SMOTEENN {n} x {d}", samplers.SMOTEENN(**seeded), combine.SMOTEENN(**seeded), X, y, 1)
            X, y = with_categories(make, n, d, "float64")
            ours, theirs = samplers.SMOTENC(CATEGORICAL, **seeded), over_sampling.SMOTENC(CATEGORICAL, **seeded)
            compare(f"SMOTENC {n} x {d}, 4 categorical", ours, theirs, X, y, 1)
        generation(max(args.big, args.rows), 32, repeat)


if __name__ == "__main__":
    main()
