"""Measure the minority buffer against hnswlib, usearch and faiss: a full buffer, one row in and one out, graph kept.

One process, one thread, clustered rows of intrinsic dimension 8 whose clusters drift. hnswlib and usearch keep no
graph: a synthetic row costs them one search. faiss has no cheap deletion by age: only its search of held rows is shown.

    python bench/bench_buffer.py [--rows 100000] [--features 8 32 128] [--churn 0.1] [--uniform]

`--churn 3` is the full protocol (three capacities of churn); peers need some minutes for it. Compare ratios within
one run, never times of different runs. Times are of the processor, so that other work on the machine disturbs less.
"""

# ruff: noqa: ARG002 - the peers share one interface
from __future__ import annotations

import argparse
import datetime as dt
import platform
import time
from typing import Protocol

import faiss
import hnswlib
import numpy as np
import usearch.index

from resampler import FeatureSchema, MinorityBuffer, OnlineResampler

K = 5
BATCH = 256


class Peer(Protocol):
    def fill(self, X: np.ndarray) -> None: ...
    def turn_over(self, X: np.ndarray, first: int, capacity: int) -> None: ...
    def neighbors(self, X: np.ndarray, ids: np.ndarray) -> np.ndarray: ...


class Ours:
    def __init__(self, capacity: int, d: int) -> None:
        self.buffer = MinorityBuffer(d, capacity, K, index="graph")

    def fill(self, X):
        self.turn_over(X, 0, len(X))

    def turn_over(self, X, first, capacity):
        for a in range(0, len(X), BATCH):
            part = X[a : a + BATCH]
            self.buffer.insert(part, np.arange(first + a, first + a + len(part)))

    def neighbors(self, X, ids):
        held, found, _ = self.buffer.graph()
        return found[np.searchsorted(held, ids)]

    def emit(self, X, n):
        self.buffer.sample(n, seed=1)


class Hnswlib:
    def __init__(self, capacity: int, d: int) -> None:
        self.index = hnswlib.Index("l2", d)
        self.index.init_index(max_elements=capacity + 1, M=16, ef_construction=64, allow_replace_deleted=True)
        self.index.set_num_threads(1)
        self.index.set_ef(24)

    def fill(self, X):
        self.index.add_items(X, np.arange(len(X)))

    def turn_over(self, X, first, capacity):
        for i in range(len(X)):
            self.index.mark_deleted(first + i - capacity)
            self.index.add_items(X[i : i + 1], [first + i], replace_deleted=True)

    def neighbors(self, X, ids):
        return self.index.knn_query(X, k=K + 1)[0].astype(np.int64)

    def emit(self, X, n):
        for i in range(n):
            self.index.knn_query(X[i % len(X)], k=K + 1)


class Usearch:
    def __init__(self, capacity: int, d: int) -> None:
        self.index = usearch.index.Index(
            ndim=d, metric="l2sq", dtype="f32", connectivity=16, expansion_add=64, expansion_search=64
        )

    def fill(self, X):
        self.index.add(np.arange(len(X)), X, threads=1)

    def turn_over(self, X, first, capacity):
        for i in range(len(X)):
            self.index.remove(first + i - capacity)
            self.index.add(first + i, X[i], threads=1)

    def neighbors(self, X, ids):
        return self.index.search(X, K + 1, threads=1).keys.astype(np.int64)

    def emit(self, X, n):
        for i in range(n):
            self.index.search(X[i % len(X)], K + 1, threads=1)


def make_rows(n: int, d: int, *, uniform: bool) -> np.ndarray:
    rng = np.random.default_rng(0)
    if uniform:
        return rng.random((n, d), dtype=np.float32)
    clusters, intrinsic = 64, min(d, 8)
    start, end = rng.normal(size=(2, clusters, d)) * 3
    directions = rng.normal(size=(clusters, intrinsic, d)) / np.sqrt(intrinsic)
    labels = rng.integers(0, clusters, n)
    moved = np.linspace(0, 0.5, n)[:, None]
    X = np.empty((n, d), dtype=np.float32)
    for c in range(clusters):
        at = labels == c
        local = rng.normal(size=(at.sum(), intrinsic)) @ directions[c]
        X[at] = start[c] + moved[at] * (end[c] - start[c]) + local + 0.05 * rng.normal(size=local.shape)
    return X


def recall(peer: Peer, X: np.ndarray, first: int, n_queries: int = 300) -> float:
    """Share of the true neighbours that the peer finds, of rows first .. first + len(X) - 1 that it holds."""
    exact = faiss.IndexFlatL2(X.shape[1])
    exact.add(X)
    at = np.random.default_rng(1).choice(len(X), n_queries, replace=False)
    true = exact.search(X[at], K + 1)[1] + first
    found = peer.neighbors(X[at], at + first)
    hits = 0
    for i in range(n_queries):
        own = at[i] + first
        hits += len(set(true[i][true[i] != own][:K]) & set(found[i][found[i] != own][:K]))
    return hits / (n_queries * K)


def rate(n: int, call, *arguments) -> float:
    started = time.process_time()
    call(*arguments)
    return n / (time.process_time() - started)


def churn_table(capacity: int, d: int, churn: float, *, uniform: bool) -> None:
    n = int(capacity * churn)
    X = make_rows(capacity + n, d, uniform=uniform)
    base = {}
    for name, make in (("hnswlib", Hnswlib), ("usearch", Usearch), ("ours", Ours)):
        peer = make(capacity, d)
        peer.fill(X[:capacity])
        churned = rate(n, peer.turn_over, X[capacity:], capacity, capacity)
        quality = recall(peer, X[n:], n)
        n_emit = 2_000 if name != "ours" else 200_000
        peer.emit(X[n:], 100)
        emitted = rate(n_emit, peer.emit, X[n:], n_emit)
        four = 1 / (1 / churned + 4 / emitted)
        base[name] = churned, four
        note = ""
        if name == "ours":
            ratios = [f"{churned / base[p][0]:.1f}x / {four / base[p][1]:.1f}x {p}" for p in ("hnswlib", "usearch")]
            stats = peer.buffer.stats()
            extra = (stats.nbytes - 2.5 * 4 * d * capacity) / capacity
            size = f"{stats.nbytes / capacity:.0f} B ({extra:+.0f})"
            note = f"{', '.join(ratios)}; budget {stats.budget}; {size}"
        print(f"| {capacity} x {d} | {name} | {churned:,.0f} | {quality:.3f} | {emitted:,.0f} | {four:,.0f} | {note} |")
    quantizer = faiss.IndexFlatL2(d)
    ivf = faiss.IndexIVFFlat(quantizer, d, 512)
    held = X[n:]
    ivf.train(held[:: max(1, capacity // 50_000)])
    ivf.add(held)
    ivf.nprobe = 8
    searched = rate(5_000, ivf.search, held[:5_000], K + 1)
    print(f"| {capacity} x {d} | faiss IVF512, search only | - | - | {searched:,.0f} | - | |")


def emission_table(capacity: int, d: int) -> None:
    buffer = MinorityBuffer(d, capacity, K, index="graph")
    buffer.insert(make_rows(capacity, d, uniform=False), np.arange(capacity))
    n = 200_000
    X, rng = buffer.ring.graph.rows.X, np.random.default_rng(0)
    neighbors = buffer.graph()[1]  # ids are slots: the buffer was filled once

    def by_numpy():
        base = rng.integers(0, capacity, n)
        other = neighbors[base, rng.integers(0, K, n)]
        return X[base] + rng.random((n, 1), dtype=np.float32) * (X[other] - X[base])

    def gather():
        base, other = rng.integers(0, capacity, (2, n))
        started = time.process_time()
        np.take(X, base, axis=0, out=room[0])
        np.take(X, other, axis=0, out=room[1])
        return time.process_time() - started

    room = np.empty((2, n, d), dtype=np.float32)
    for warm in (lambda: buffer.sample(n, 0), by_numpy, gather):
        warm()
    seconds = [(1 / rate(1, buffer.sample, n, 1), 1 / rate(1, by_numpy), gather()) for _ in range(5)]
    ours, numpy_ns, gather_ns = (min(times) * 1e9 / n for times in zip(*seconds, strict=True))
    print(
        f"| emission {capacity} x {d} | {ours:.0f} ns a row | {ours / gather_ns:.1f}x a gather of two rows | "
        f"{numpy_ns / ours:.1f}x faster than NumPy |"
    )


def stream_table() -> None:
    rng = np.random.default_rng(0)
    warm, n, d = 256_000, 404_480, 32  # whole batches: a row comes once
    y, ids = (rng.random(n) < 0.05).astype(np.int64), np.arange(n)
    for kind in ("clustered", "uniform"):
        X = make_rows(n, d, uniform=kind == "uniform")
        online = OnlineResampler(FeatureSchema.numeric([f"f{j}" for j in range(d)]), ratio=0.2)

        def run(first, last, X=X, online=online):
            for a in range(first, last, BATCH):
                online.process(X[a : a + BATCH], y[a : a + BATCH], ids[a : a + BATCH])

        run(0, warm)
        print(f"| process, 5% minority, buffer 10k x {d}, {kind} | {rate(n - warm, run, warm, n):,.0f} rows/s | |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--features", type=int, nargs="+", default=[8, 32, 128])
    parser.add_argument("--churn", type=float, default=0.1)
    parser.add_argument("--uniform", action="store_true")
    options = parser.parse_args()
    faiss.omp_set_num_threads(1)
    machine = platform.processor() or platform.machine()
    print(f"{dt.datetime.now(tz=dt.UTC).date()}, {machine}, Python {platform.python_version()}\n")
    columns = "index", "churn rows/s", "recall@5", "synthetic rows/s", "with 4 synthetic, rows/s"
    print(f"| rows x features | {' | '.join(columns)} | ratios; bytes a row (above 2.5x raw) |")
    print("|---|---|---|---|---|---|---|")
    for d in options.features:
        churn_table(options.rows, d, options.churn, uniform=options.uniform)
    print()
    emission_table(options.rows, 32)
    stream_table()


if __name__ == "__main__":
    main()
