"""Measure the minority buffer against hnswlib, usearch and faiss: a full buffer, one row in and one out, graph kept.

One process, one thread, clustered rows of intrinsic dimension 8 whose clusters drift. hnswlib and usearch keep no
graph: a synthetic row costs them one search. faiss has no cheap deletion by age: only its search of held rows is shown.

    python bench/bench_buffer.py [TABLE ...] [--rows 100000] [--features 8 32 128] [--churn 3]

Tables: churn (against the peers), shapes (duplicates, uniform rows, k=10, a million rows), crossover (exact or graph),
emission, stream, threads; by default all. `--churn` counts capacities; usearch, whose removal takes milliseconds, gets
10,000 rows of it. Ours aims at a recall no lower than the peers'. Compare ratios within one run, never times of
different runs. Times are of the processor, so that other work on the machine disturbs less; only the threads' are of
the clock. A line that begins with "headline" goes into the README.
"""

# ruff: noqa: ARG002 - the peers share one interface
from __future__ import annotations

import argparse
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import faiss
import hnswlib
import numpy as np
import usearch.index

from resampler import FeatureSchema, MinorityBuffer, OnlineResampler

K = 5
BATCH = 256
RECALL = {8: 0.997, 32: 0.965}  # what ours aims at, by columns: there the peers are better than the default
LIMIT = {"usearch": 10_000}  # rows of churn
MIXED = 10 * BATCH  # rows that come while synthetic ones are made, four a row


class Peer(Protocol):
    def fill(self, X: np.ndarray) -> None: ...
    def turn_over(self, X: np.ndarray, first: int, capacity: int) -> None: ...
    def neighbors(self, X: np.ndarray, ids: np.ndarray) -> np.ndarray: ...
    def emit(self, X: np.ndarray, n: int) -> None: ...


class Ours:
    def __init__(self, capacity: int, d: int, k: int = K) -> None:
        self.buffer = MinorityBuffer(d, capacity, k, index="graph", recall=RECALL.get(d, 0.95))

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


PEERS = {"hnswlib": Hnswlib, "usearch": Usearch}


def make_rows(n: int, d: int, *, uniform: bool = False) -> np.ndarray:
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


def recall(peer: Peer, X: np.ndarray, first: int, n_queries: int = 1_000) -> float:
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


def churn_and_emit(peer: Peer, X: np.ndarray, first: int, capacity: int) -> None:
    """Let the rows behind the first `capacity` come, a batch at a time, and make four synthetic rows for each."""
    for a in range(capacity, len(X), BATCH):
        peer.turn_over(X[a : a + BATCH], first + a, capacity)
        peer.emit(X[a + BATCH - capacity : a + BATCH], 4 * BATCH)


def churn_table(options: argparse.Namespace) -> None:
    columns = "index", "churn rows/s", "recall@5", "synthetic rows/s", "with 4 synthetic, rows/s"
    print(f"| rows x features | {' | '.join(columns)} | ratios; bytes a row (above 2.5x raw) |")
    print("|---|---|---|---|---|---|---|")
    for d in options.features:
        churn_rows(options.rows, d, options.churn, options.peers)


def churn_rows(capacity: int, d: int, churn: float, peers: list[str]) -> None:
    X = make_rows(capacity + int(capacity * churn), d)
    base = {}
    for name in (*peers, "ours"):
        n = min(int(capacity * churn) - MIXED, LIMIT.get(name, len(X)))
        peer = Ours(capacity, d) if name == "ours" else PEERS[name](capacity, d)
        peer.fill(X[:capacity])
        churned = rate(n, peer.turn_over, X[capacity : capacity + n], capacity, capacity)
        held = X[n : capacity + n]
        quality = recall(peer, held, n)
        n_emit = 2_000 if name != "ours" else 200_000
        peer.emit(held, 100)
        emitted = max(rate(n_emit, peer.emit, held, n_emit) for _ in range(3))  # pages are taken by the first
        four = rate(MIXED, churn_and_emit, peer, X[n : capacity + n + MIXED], n, capacity)
        base[name] = churned, four, quality
        note = ""
        if name == "ours":
            ratios = [f"{churned / base[p][0]:.1f}x / {four / base[p][1]:.1f}x {p}" for p in peers]
            stats = peer.buffer.stats()
            extra = (stats.nbytes - 2.5 * 4 * d * capacity) / capacity
            size = f"{stats.nbytes / capacity:.0f} B ({extra:+.0f})"
            note = f"{', '.join(ratios)}; budget {stats.budget}; {size}"
        print(f"| {capacity} x {d} | {name} | {churned:,.0f} | {quality:.3f} | {emitted:,.0f} | {four:,.0f} | {note} |")
    quantizer = faiss.IndexFlatL2(d)
    ivf = faiss.IndexIVFFlat(quantizer, d, 512)
    ivf.train(held[:: max(1, capacity // 50_000)])
    ivf.add(held)
    ivf.nprobe = 8
    searched = rate(5_000, ivf.search, held[:5_000], K + 1)
    print(f"| {capacity} x {d} | faiss IVF512, search only | - | - | {searched:,.0f} | - | |")
    if "hnswlib" in base:
        print(
            f"headline | one row in, one out, neighbours kept: {capacity:,} x {d}, recall {base['ours'][2]:.3f} "
            f"against {base['hnswlib'][2]:.3f} | {base['ours'][0] / base['hnswlib'][0]:.1f}x hnswlib |"
        )
        print(
            f"headline | the same and 4 synthetic rows: {capacity:,} x {d} | "
            f"{base['ours'][1] / base['hnswlib'][1]:.1f}x hnswlib |"
        )


def shapes_table(options: argparse.Namespace) -> None:
    """Our buffer alone, where indexes have a hard time."""
    print("| rows x features | shape | k | churn rows/s | recall, sampled | budget | bytes a row |")
    print("|---|---|---|---|---|---|---|")
    n, rates = options.rows, {}
    for shape, capacity, d, k in (
        ("clustered", n, 32, 5),
        ("clustered", n, 32, 10),
        ("every tenth row a duplicate", n, 32, 5),
        ("uniform", n, 8, 5),
        ("uniform", n, 32, 5),
        ("clustered", 10 * n, 32, 5),
    ):
        churned = capacity // 2 if shape == "uniform" and d > 8 else int(capacity * options.churn)
        X = make_rows(capacity + churned, d, uniform=shape == "uniform")
        if "duplicate" in shape:
            X[::10] = X[5::10][: len(X[::10])]
        ours = Ours(capacity, d, k)
        ours.buffer = MinorityBuffer(d, capacity, k, index="graph")
        ours.fill(X[:capacity])
        rates[capacity, d, k, shape] = rate(churned, ours.turn_over, X[capacity:], capacity, capacity)
        stats = ours.buffer.stats()
        print(
            f"| {capacity} x {d} | {shape} | {k} | {rates[capacity, d, k, shape]:,.0f} | {stats.recall:.3f} | "
            f"{stats.budget} | {stats.nbytes / capacity:.0f} |"
        )
    share = rates[10 * n, 32, 5, "clustered"] / rates[n, 32, 5, "clustered"]
    print(f"headline | churn at {10 * n:,} x 32 | {share:.2f} of the rate at {n:,} |")


def crossover_table(options: argparse.Namespace) -> None:  # noqa: ARG001 - the tables share one interface
    """Exact search or a kept graph: microseconds an insertion into a full buffer."""
    print("| rows x features | clustered: exact, us | graph, us (recall) | uniform: exact, us | graph, us (recall) |")
    print("|---|---|---|---|---|")
    for capacity in (500, 1_000, 2_000, 4_000, 8_000):
        for d in (8, 32, 128):
            cells = []
            for uniform in (False, True):
                X = make_rows(capacity + 2_000, d, uniform=uniform)
                for index in ("exact", "graph"):
                    ours = Ours(capacity, d)
                    ours.buffer = MinorityBuffer(d, capacity, K, index=index)
                    ours.fill(X[:capacity])
                    each = 1e6 / rate(2_000, ours.turn_over, X[capacity:], capacity, capacity)
                    cells.append(f"{each:.1f}" + (f" ({ours.buffer.stats().recall:.3f})" if index == "graph" else ""))
            print(f"| {capacity} x {d} | {' | '.join(cells)} |")


def threads_table(options: argparse.Namespace) -> None:
    """Two buffers on two threads against the same two on one: by the clock, so it takes an idle machine."""
    capacity, d = options.rows // 4, 32
    X = make_rows(2 * capacity, d)

    def seconds(n_threads):
        shards = [Ours(capacity, d) for _ in range(2)]
        for shard in shards:
            shard.fill(X[:capacity])
        started = time.perf_counter()
        with ThreadPoolExecutor(n_threads) as pool:
            list(pool.map(lambda shard: shard.turn_over(X[capacity:], capacity, capacity), shards))
        return time.perf_counter() - started

    ratio = min(seconds(1) for _ in range(3)) / min(seconds(2) for _ in range(3))
    print(f"| two shards of {capacity} x {d} in one process | two threads: {ratio:.2f}x the rate of one |")
    for d in options.features:
        capacity, n = options.rows, options.rows // 5
        X, ids = make_rows(capacity + 3 * n, d), np.arange(capacity + 3 * n)
        times = {}
        for n_threads in (1, 2):
            buffer = MinorityBuffer(d, capacity, K, index="graph")
            buffer.insert(X[:capacity], ids[:capacity], n_threads=n_threads)
            times[n_threads] = []
            for first in range(capacity, len(X), n):
                started = time.perf_counter()
                part = slice(first, first + n)
                buffer.insert(X[part], ids[part], n_threads=n_threads)
                times[n_threads].append(time.perf_counter() - started)
        ratio = min(times[1]) / min(times[2])
        print(f"| one insertion of {n:,} rows, {capacity} x {d} | two threads: {ratio:.2f}x the rate of one |")


def emission_table(options: argparse.Namespace) -> None:
    capacity, d = options.rows, 32
    buffer = MinorityBuffer(d, capacity, K, index="graph")
    buffer.insert(make_rows(capacity, d), np.arange(capacity))
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
    print(
        f"headline | a synthetic row with its provenance: {capacity:,} x {d} | "
        f"{numpy_ns / ours:.1f}x NumPy's fancy indexing |"
    )


def stream_table(options: argparse.Namespace) -> None:  # noqa: ARG001
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


TABLES = {
    "churn": churn_table,
    "shapes": shapes_table,
    "crossover": crossover_table,
    "emission": emission_table,
    "stream": stream_table,
    "threads": threads_table,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="*", default=list(TABLES), metavar="TABLE", help=", ".join(TABLES))
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--features", type=int, nargs="+", default=[8, 32, 128])
    parser.add_argument("--churn", type=float, default=3)
    parser.add_argument("--peers", nargs="+", default=list(PEERS), choices=list(PEERS))
    options = parser.parse_args()
    if unknown := set(options.tables) - set(TABLES):
        parser.error(f"no table is called {min(unknown)!r}: have {', '.join(TABLES)}")
    faiss.omp_set_num_threads(1)
    for name in options.tables:
        print(f"\n{name}\n", flush=True)
        TABLES[name](options)


if __name__ == "__main__":
    main()
