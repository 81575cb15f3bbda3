"""How near the worker comes to Redis itself: run `python bench/bench_stream.py`; every figure is a ratio of one run.

Ceiling: an XREAD drain that parses nothing. Naive: a plain redis-py loop that makes the same output entries, with this
project's engine inside; once as `pip install redis` gives it, once with hiredis.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import redis
from redis._parsers import _RESP2Parser

from resampler import FeatureSchema
from resampler.profile.cells import Cells
from resampler.profile.counts import Counts, Part
from resampler.profile.profile import Profile
from stream import EmbeddedServer, Settings, encode_batch, encode_row
from stream.drift.reference import Reference
from stream.formats import OutputFormat, encode_output
from stream.metrics import Metrics
from stream.redis.connection import connect, raw_command
from stream.redis.keys import ShardKeys
from stream.redis.resp import EntryReader
from stream.shard.commit import Commit, Committer
from stream.shard.lease import Lease, owner_name
from stream.shard.shard import Shard

FEATURES = 32
SCHEMA = FeatureSchema.numeric([f"feature_{j}" for j in range(FEATURES)])
CHUNK = 4_096
CAPACITY = 256  # small, so that the stream is measured and not the search for neighbours


def rows(n, seed=0, n_features=FEATURES):
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < 0.05).astype(np.int64)
    return (rng.normal(size=(n, n_features)) + y[:, None]).astype(np.float32), y


def fields(kind, X, y, per_entry=256, schema=SCHEMA):
    if kind == "text":
        for x, label in zip(X, y, strict=True):
            yield dict(zip(schema.names, map(str, x), strict=True)) | {"label": int(label)}
    elif kind == "row":
        for x, label in zip(X, y, strict=True):
            yield encode_row(x, label)
    elif kind == "json":
        for x, label in zip(X, y, strict=True):
            yield {"json": json.dumps(dict(zip(SCHEMA.names, map(float, x), strict=True)) | {"label": int(label)})}
    else:
        for i in range(0, len(y), per_entry):
            yield encode_batch(X[i : i + per_entry], y[i : i + per_entry])


def fill(client, key, entries, n_features=FEATURES):
    """Add entries at a live stream's pace of IDs: many in a millisecond."""
    pipe = client.pipeline(transaction=False)
    for i, entry in enumerate(entries):
        pipe.xadd(key, entry, id=f"{1_000 + i // 64}-{i % 64}")
        if i % 1_000 == 999:
            pipe.execute()
    # One row of a much later time: without it the worker would have to wait whether the last batch still grows.
    pipe.xadd(key, encode_row(np.zeros(n_features), 0), id=f"{10**9}-0")
    pipe.execute()


class _Counting:
    """A socket that counts what it hands out."""

    def __init__(self, sock):
        self._sock, self.received = sock, 0

    def recv_into(self, view):
        n = self._sock.recv_into(view)
        self.received += n
        return n


def measured(client, work):
    """Return wall seconds, and the CPU seconds of this process and of the server, that `work` takes."""

    def server_cpu():
        used = client.info("cpu")
        return used["used_cpu_user"] + used["used_cpu_sys"]

    before, server = (time.perf_counter(), time.process_time()), server_cpu()
    work()
    after = (time.perf_counter(), time.process_time())
    return np.array([after[0] - before[0], after[1] - before[1], server_cpu() - server])


def drain(client, key):
    """Return what an XREAD drain that parses nothing takes."""
    connection = client.connection_pool.get_connection()
    sock = connection._sock
    sock.settimeout(10)

    def ask(position):
        connection.send_command("XREAD", "COUNT", CHUNK, "STREAMS", key, position)

    position, plan = "0-0", []
    while True:  # once with a parser, to know where each answer ends
        counting = _Counting(sock)
        ask(position)
        entries = EntryReader(counting).read_entries(CHUNK)
        if not len(entries):
            break
        plan.append((position, counting.received))
        position = entries.id(-1)
    buffer = bytearray(1 << 20)

    def work():
        for position, size in plan:
            ask(position)
            while size:
                size -= sock.recv_into(buffer)

    took = measured(client, work)
    connection.disconnect()
    return took


def plain(client):
    """Return a client that parses in Python, as redis-py does where hiredis is not installed."""
    options = client.connection_pool.connection_kwargs | {"parser_class": _RESP2Parser}
    pool = redis.ConnectionPool(connection_class=client.connection_pool.connection_class, **options)
    return redis.Redis(connection_pool=pool)


def naive(client, key, kind, n_rows):
    """Return seconds a row of a plain redis-py worker with the same output entries."""
    resampler = Settings(SCHEMA, seed=1, capacity=CAPACITY).new_resampler()
    position, seen = "0-0", 0
    started = time.perf_counter()
    while seen < n_rows:
        ((_, entries),) = client.xread({key: position}, count=256 if kind != "rows" else 1)
        blocks = []
        for _, entry in entries:
            if kind == "text":
                blocks.append(([[float(entry[name.encode()]) for name in SCHEMA.names]], [int(entry[b"label"])]))
            elif kind == "json":
                row = json.loads(entry[b"json"])
                blocks.append(([[row[name] for name in SCHEMA.names]], [row["label"]]))
            else:
                payload = entry[b"rows" if kind == "rows" else b"row"]
                n = len(payload) // (4 * FEATURES + 8)
                X = np.frombuffer(payload, "<f4", n * FEATURES).reshape(n, FEATURES)
                blocks.append((X, np.frombuffer(payload, "<i8", offset=X.nbytes)))
        X = np.concatenate([np.asarray(block[0], dtype=np.float32) for block in blocks])
        y = np.concatenate([np.asarray(block[1]) for block in blocks])
        batch = resampler.process(X, y, np.arange(seen, seen + len(y)))
        position = entries[-1][0]
        pipe = client.pipeline()
        items = encode_output(batch, SCHEMA, OutputFormat.PACKED)
        pipe.xadd(f"{key}-naive", dict(zip(items[::2], items[1::2], strict=True)))
        pipe.hset(f"{key}-naive-cursor", mapping={"cursor": position})
        pipe.execute()
        seen += len(y)
    return (time.perf_counter() - started) / n_rows


def worker(client, key, n_rows, schema=SCHEMA, **parameters):
    """Return what this project's worker takes, from acquiring the shard to the outcome of the last commit."""
    settings = Settings(schema, **{"seed": 1, "capacity": CAPACITY, "snapshot_rows": 10**9} | parameters)
    shard = Shard(client, ShardKeys(key), settings, owner_name(), Metrics(key).shard(key), quiet_s=0.0)
    shard.acquire()

    def work():
        while shard.owned.writer.checkpoint.rows < n_rows:
            shard.step()
        shard.release()

    return measured(client, work)


def throughput(client, kind, n_rows, repeats):
    X, y = rows(n_rows)
    key = f"{kind}-input"
    fill(client, key, fields(kind, X, y))
    drains, workers = [], []
    for _ in range(repeats):
        client.delete(*(name for name in client.scan_iter(f"*{key}*") if name != key.encode()), "none")
        drains.append(drain(client, key))
        workers.append(worker(client, key, n_rows))
    ceiling, ours = np.min(drains, axis=0) / n_rows, np.min(workers, axis=0) / n_rows
    by_python, by_hiredis = (naive(c, key, kind, min(n_rows, 20_000)) for c in (plain(client), client))
    client.delete(key)
    print(
        f"{kind:5s} ceiling {1 / ceiling[0]:>10,.0f}  worker {1 / ours[0]:>9,.0f}  naive {1 / by_python:>8,.0f} "
        f"rows/s  of ceiling {ceiling[0] / ours[0]:.2f}  x naive {by_python / ours[0]:.1f}, with hiredis "
        f"{by_hiredis / ours[0]:.1f} (the ceiling: {by_hiredis / ceiling[0]:.1f})  "
        f"CPU us/row: ceiling {ceiling[1] * 1e6:.2f} + server {ceiling[2] * 1e6:.2f}, "
        f"worker {ours[1] * 1e6:.2f} + server {ours[2] * 1e6:.2f}"
    )


def commit_latency(client, n=200):
    """Print the p50 of a commit of 256 rows beside a naive pipeline of row entries and WATCH + MULTI."""
    X, y = rows(256)
    batch = Settings(SCHEMA).new_resampler().process(X, y, np.arange(256))
    keys = ShardKeys("commit")
    lease = Lease(client, keys, owner_name(), 60_000)
    lease.acquire()
    committer = Committer(client, keys, lease)
    client.hset(keys.checkpoint, mapping={"cursor": "0-0"})
    for i in range(1, n + 1):
        client.xadd(keys.input, {"a": "1"}, id=f"{i}-0")
    ours, theirs = [], []
    for i in range(1, n + 1):
        started = time.perf_counter()
        items = encode_output(batch, SCHEMA, OutputFormat.PACKED)
        commit = Commit(f"{i - 1}-0" if i > 1 else "0-0", f"{i}-0", i, [(f"{i}-0", items)], [], {"rows": 256 * i})
        committer.write(commit)
        ours.append(time.perf_counter() - started)
    for _ in range(n // 4):
        started = time.perf_counter()
        pipe = client.pipeline()
        for j in range(len(batch)):
            pipe.xadd("naive-commit", {"x": batch.X[j].tobytes(), "y": int(batch.y[j])})
        pipe.set("naive-cursor", "1-0")
        pipe.execute()
        theirs.append(time.perf_counter() - started)
    a, b = (statistics.median(times) * 1_000 for times in (ours, theirs))
    print(f"commit of 256 rows, p50: {a:.3f} ms, naive pipeline {b:.3f} ms, ratio 1/{b / a:.1f}")


@contextmanager
def second_worker(server, rate, seconds):
    """Let a second worker, a process of its own, work at a stream of its own at `rate` rows/s."""
    name, client = "beside", connect(server.url)
    command = [sys.executable, "-c", "from resampler.cli import main; main()", "stream", "run", "--stream", name]
    command += ["--features", ",".join(SCHEMA.names), "--label", "label", "--metrics-port", "0"]
    process = subprocess.Popen(command, env=os.environ | {"RESAMPLER_REDIS_URL": server.url}, stdout=subprocess.DEVNULL)
    client.xadd(ShardKeys(name).input, encode_row(np.zeros(FEATURES), 0))
    while not int(client.hget(ShardKeys(name).checkpoint, "rows") or 0):
        time.sleep(0.05)
    producer = start_producer(server, rate, seconds, name)
    try:
        yield
    finally:
        producer.wait()
        process.terminate()
        process.wait()


def start_producer(server, rate, seconds, key):
    return subprocess.Popen([sys.executable, __file__, "--produce", server.url, str(rate), str(seconds), key])


def latency(server, key="latency", beside="", seconds=4.0, rate=20_000, linger_ms=5):
    """Print p50 and p99 from XADD to the feed, with packed rows at `rate` rows/s."""
    from stream import Feed, Worker

    client = connect(server.url)
    w = Worker(server.url, key, Settings(SCHEMA, capacity=CAPACITY, linger_ms=linger_ms, snapshot_rows=10**9))
    w.own_process = True  # as `resampler stream run` says
    thread = threading.Thread(target=w.run)
    thread.start()
    while not w.begun:  # it may have to compile
        time.sleep(0.01)
    producer = start_producer(server, rate, seconds, key)
    feed = Feed(server.url, key, idle_s=15)
    waits = []
    epoch = None
    for batch in feed:
        epoch = float(client.get(f"epoch-{key}")) if epoch is None else epoch
        now = time.time() * 1_000
        waits.append(now - epoch - batch.X[~batch.is_synthetic][:, 0].astype(np.float64))
    producer.wait()
    w.stop()
    thread.join()
    waits = np.concatenate(waits)
    waits = waits[len(waits) // 4 :]
    p50, p99 = np.percentile(waits, [50, 99])
    print(
        f"latency XADD to feed{beside}, linger {linger_ms} ms, {rate} rows/s asked, "
        f"{len(waits) * 4 / 3 / seconds:,.0f} reached: p50 {p50:.1f} ms, p99 {p99:.1f} ms"
    )


def memory(server, total=10_000_000, batch_rows=256):
    """Print the resident memory of a worker process while `total` packed rows pass through it."""
    command = [sys.executable, "-c", "from resampler.cli import main; main()", "stream", "run", "--stream", "memory"]
    command += ["--features", ",".join(SCHEMA.names), "--label", "label", "--metrics-port", "0", "--trim"]
    process = subprocess.Popen(command, env=os.environ | {"RESAMPLER_REDIS_URL": server.url})
    client, keys = connect(server.url), ShardKeys("memory")
    X, y = rows(64 * batch_rows)
    entries = list(fields("rows", X, y, batch_rows))
    page = os.sysconf("SC_PAGE_SIZE")
    sent, shown = 0, []
    while sent < total:
        pipe = client.pipeline(transaction=False)
        for entry in entries:
            pipe.xadd(keys.input, entry)
        pipe.execute()
        sent += len(y)
        client.xtrim(keys.output, maxlen=100, approximate=True)
        while sent - int(client.hget(keys.checkpoint, "rows") or 0) > 20 * len(y):
            time.sleep(0.001)
        if sent // (total // 10) > len(shown):
            shown.append(int(Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * page >> 20)
    process.terminate()
    process.wait()
    print(f"memory of a worker over {total:,} packed rows, MB at every tenth: {' '.join(map(str, shown))}")


def version(n_features):
    """Return a version of rows as `rows` makes them, to count against."""
    X, y = rows(20_000, seed=1, n_features=n_features)
    names = [f"feature_{j}" for j in range(n_features)]
    table = {name: pa.chunked_array([pa.array(x)]) for name, x in zip(names, X.T, strict=True)}
    cells = {name: Cells.fitted(values, categorical=False) for name, values in table.items()}
    counts = {name: Counts(tuple(cells[name].count(values)[0].tolist())) for name, values in table.items()}
    profile = Profile(cells, (Part("train", False, "0", len(y), counts),))
    schema = FeatureSchema.numeric(names)
    return schema, Reference.matched("the version", profile, schema)


def counting(client, n_rows, repeats):
    """Print what counts against a version cost the worker: pairs of runs, with and without, turn by turn."""
    for n_features in (8, FEATURES):
        schema, reference = version(n_features)
        for kind in ("text", "rows"):
            n = n_rows * (10 if kind == "rows" else 1)
            key = f"counted-{n_features}-{kind}"
            fill(client, key, fields(kind, *rows(n, n_features=n_features), schema=schema), n_features)
            ratios = []
            for turn in range(2 * repeats):
                took = []
                for given in (None, reference) if turn % 2 else (reference, None):
                    client.delete(*(name for name in client.scan_iter(f"*{key}*") if name != key.encode()), "none")
                    took.append(worker(client, key, n, schema=schema, reference=given)[:2])
                ratios.append(took[1] / took[0] if turn % 2 else took[0] / took[1])
            wall, cpu = (np.array(ratios)[2:] - 1).T * 100  # the first pair compiles
            print(
                f"counts against a version, {kind:5s} {n_features:2d} columns: {np.median(wall):+.1f} % of wall time "
                f"({np.percentile(wall, 25):+.1f} to {np.percentile(wall, 75):+.1f}), {np.median(cpu):+.1f} % of the "
                f"worker's CPU ({np.percentile(cpu, 25):+.1f} to {np.percentile(cpu, 75):+.1f}), {len(wall)} pairs"
            )
            client.delete(key)


def produce(url, rate, seconds, key):
    """Add packed rows whose first feature is the time in ms since `epoch`."""
    client = connect(url)
    epoch = time.time() * 1_000
    client.set(f"epoch-{key}", repr(epoch))
    X, y = rows(1_000)
    started, sent = time.perf_counter(), 0
    while (now := time.perf_counter() - started) < seconds:
        due = int(now * rate) - sent
        if due <= 0:
            time.sleep(0.0005)
            continue
        pipe = client.pipeline(transaction=False)
        for i in range(min(due, 100)):
            X[i, 0] = time.time() * 1_000 - epoch
            pipe.xadd(key, encode_row(X[i], int(y[i])))
        pipe.execute()
        sent += min(due, 100)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", default="text,json,row,rows,commit,latency,memory,counts")
    parser.add_argument("--produce", nargs=4)
    arguments = parser.parse_args()
    if arguments.produce:
        url, rate, seconds, key = arguments.produce
        produce(url, float(rate), float(seconds), key)
        return
    print(f"{platform.machine()}, Python {platform.python_version()}, {FEATURES} features, {arguments.rows} rows")
    with EmbeddedServer() as server:
        client = connect(server.url)
        print("server", raw_command(client, "INFO", "server").split(b"\r\n")[1].decode())
        X, y = rows(3_000)
        for kind in ("text", "json", "row", "rows"):  # compile
            fill(client, f"warm-{kind}", fields(kind, X, y))
            worker(client, f"warm-{kind}", 3_000)
        only = arguments.only.split(",")
        for kind in ("text", "json", "row", "rows"):
            if kind in only:
                n = arguments.rows * (10 if kind == "rows" else 3 if kind == "row" else 1)
                throughput(client, kind, n, arguments.repeats)
        client.flushall()
        if "commit" in only:
            commit_latency(client)
        if "counts" in only:
            counting(client, arguments.rows, 2 * arguments.repeats)
        if "latency" in only:
            latency(server)
            with second_worker(server, 20_000, 10.0):
                latency(server, "latency-beside", ", a second worker at as many rows/s beside it")
        if "memory" in only:
            memory(server)


if __name__ == "__main__":
    main()
