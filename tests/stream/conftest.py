"""One real server for the session; every test has streams of its own."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys

import numpy as np
import pytest

from resampler import FeatureSchema
from stream import EmbeddedServer, Settings, Worker
from stream.connection import connect, raw_command
from stream.keys import shard_keys

NAMES = ("a", "b", "c")
_serial = itertools.count()


@pytest.fixture(scope="session")
def server():
    with EmbeddedServer() as running:
        yield running


@pytest.fixture
def client(server):
    with connect(server.url) as connected:
        yield connected


@pytest.fixture
def name():
    return f"test-{os.getpid()}-{next(_serial)}"


@pytest.fixture(scope="session")
def schema():
    return FeatureSchema.numeric(NAMES)


@pytest.fixture(scope="session")
def make_rows():
    def make(n, n_features=3, seed=0, minority=0.1):
        rng = np.random.default_rng(seed)
        y = (rng.random(n) < minority).astype(np.int64)
        return (rng.normal(size=(n, n_features)) + y[:, None]).astype(np.float32), y

    return make


@pytest.fixture(scope="session")
def add_text():
    """Add text rows under explicit IDs ``first + i - 0``."""

    def add(client, key, X, y, first=1, names=NAMES):
        pipe = client.pipeline(transaction=False)
        for i, (x, label) in enumerate(zip(X, y, strict=True)):
            fields = dict(zip(names, map(str, x), strict=True)) | {"label": int(label)}
            pipe.xadd(key, fields, id=f"{first + i}-0")
        pipe.execute()

    return add


@pytest.fixture(scope="session")
def read_raw():
    """Return an output stream as Redis holds it."""

    def read(client, name, shards=1):
        return [raw_command(client, "XRANGE", keys.output, "-", "+") for keys in shard_keys(name, shards)]

    return read


@pytest.fixture
def run_worker(server, schema):
    def run(name, shards=1, until_idle_s=0.15, settings=None, **parameters):
        worker = Worker(
            server.url,
            name,
            settings or Settings(schema, **{"seed": 1, "ratio": 0.5} | parameters),
            shards=shards,
            until_idle_s=until_idle_s,
        )
        worker.run()
        return worker

    return run


@pytest.fixture
def start_cli(server):
    """Start `resampler stream ...` as a process."""
    started = []

    def start(*arguments, url=None, **options):
        process = subprocess.Popen(
            [sys.executable, "-c", "from resampler.cli import main; main()", "stream", *map(str, arguments)],
            env=os.environ | {"RESAMPLER_REDIS_URL": url or server.url},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
