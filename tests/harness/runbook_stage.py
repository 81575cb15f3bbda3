"""What the commands of runbooks are run on: a server, a worker, a catalogue with a ledger, all of them real."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager, suppress

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from prometheus import ROOT, Webhook, free_port

from feast_plugin import alias_snapshot, create_snapshot
from stream import EmbeddedServer, Feed
from stream.redis.connection import connect

_POLICY = """\
[gate]
recall = 0.99

[drift]
enter = 0.5
"""


def rows(seed, n=1_500, move=0.0):
    """Return a table of rows with keys and a rare class."""
    rng = np.random.default_rng(seed)
    y = rng.random(n) < 0.1
    return pa.table(
        {
            "id": np.arange(n) + seed * n,
            "amount": rng.lognormal(y + move, 1).astype(np.float32),
            "age": rng.normal(40 + 5 * y + 10 * move, 10, n).astype(np.float32),
            "y": y.astype(np.int64),
        }
    )


def resampler(*words, environment=None):
    """Run the command line; return the finished process."""
    command = [sys.executable, "-m", "resampler", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)


@contextmanager
def stage(directory):
    """Set it up; yield the variables of the environment that runbooks name."""
    catalog = directory / "catalog"
    for seed in (0, 1):
        create_snapshot(
            catalog, name="fraud", entity_df=rows(seed, 800), label="y", join_keys=["id"], ratio=0.5, audit_sample=20
        )
        alias_snapshot(catalog, name="fraud", alias="prod", version=seed + 1)
    pq.write_table(rows(2, move=0.5), directory / "today.parquet")
    rng = np.random.default_rng(3)
    y = rng.random(2_000) < 0.1
    predictions = {
        "id": np.arange(2_000) + 10**6,
        "y_true": y,
        "score": np.clip(0.6 * y + 0.4 * rng.random(2_000), 0, 1),
    }
    pq.write_table(pa.table(predictions), directory / "predictions.parquet")
    (directory / "policy.toml").write_text(_POLICY)
    port = free_port()
    with EmbeddedServer() as server, Webhook() as lineage:
        environment = os.environ | {
            "RESAMPLER_REDIS_URL": server.url,
            "OPENLINEAGE_URL": lineage.url,
            "STREAM": "clicks",
            "WORKER": f"127.0.0.1:{port}",
            "SNAPSHOT": "fraud",
            "ALIAS": "prod",
            "CATALOG": str(catalog),
            "POLICY": str(directory / "policy.toml"),
            "TODAY": str(directory / "today.parquet"),
            "PREDICTIONS": str(directory / "predictions.parquet"),
            "PYTHONPATH": str(ROOT),
            "PATH": os.pathsep.join([str(_own_command(directory)), os.environ["PATH"]]),
        }
        worker = subprocess.Popen(
            [
                *(sys.executable, "-m", "resampler", "stream", "run", "--stream", "clicks", "--features", "amount,age"),
                *("--label", "y", "--ratio", "0.5", "--metrics-port", str(port), "--snapshot-rows", "500"),
                *(
                    "--feedback",
                    "10m",
                    "--reference",
                    "fraud:prod",
                    "--catalog",
                    str(catalog),
                    "--drift-rows",
                    "500",
                    "--drift-every",
                    "1",
                ),
            ],
            env=environment,
            stderr=(directory / "worker.log").open("w"),
        )
        try:
            _feed(server.url)
            _wait(port, worker, directory / "worker.log")
            feed = Feed(server.url, "clicks", name="train", idle_s=0.5)
            for _ in feed:
                feed.commit()
            yield environment
        finally:
            worker.send_signal(signal.SIGTERM)
            worker.wait(timeout=30)


def _own_command(directory):
    """Return a directory whose `resampler` is this checkout's."""
    bin_ = directory / "bin"
    bin_.mkdir()
    (bin_ / "resampler").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m resampler "$@"\n')
    (bin_ / "resampler").chmod(0o755)
    return bin_


def _feed(url):
    table = rows(4).to_pydict()
    with connect(url) as client:
        pipe = client.pipeline(transaction=False)
        for amount, age, y in zip(table["amount"], table["age"], table["y"], strict=True):
            pipe.xadd("clicks", {"amount": amount, "age": age, "y": y})
        pipe.xadd("clicks", {"amount": "nan", "age": 1, "y": 0})
        pipe.xadd("clicks", {"age": 1, "y": 0})
        pipe.execute()


def _wait(port, worker, log):
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        assert worker.poll() is None, log.read_text()
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            for line in answer.read().decode().splitlines():
                if (
                    line.startswith("resampler_dead_letters_total")
                    and 'reason="missing_field"' in line
                    and line.endswith(" 1.0")
                ):
                    return
        time.sleep(0.2)
    text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read().decode()
    raise AssertionError(log.read_text() + text)
