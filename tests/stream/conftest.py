"""One real server for the session; every test has streams of its own."""

from __future__ import annotations

import itertools
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress

import numpy as np
import pyarrow as pa
import pytest

from resampler import FeatureSchema
from resampler.profile.cells import Cells
from resampler.profile.counts import Counts, Part
from resampler.profile.profile import Profile
from stream import EmbeddedServer, Settings, Worker
from stream.drift.reference import Reference
from stream.redis.connection import connect, raw_command
from stream.redis.keys import shard_keys

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
def profile_of():
    """Make the profile of a training split; what is no float is a category."""

    def make(columns, y):
        table = {name: pa.chunked_array([pa.array(values)]) for name, values in columns.items()}
        cells = {n: Cells.fitted(v, categorical=not pa.types.is_floating(v.type)) for n, v in table.items()}
        parts = []
        for label in np.unique(y):
            mine = pa.array(np.flatnonzero(y == label))
            counts = {n: Counts(tuple(cells[n].count(v.take(mine))[0].tolist())) for n, v in table.items()}
            parts.append(Part("train", False, str(label), len(mine), counts))
        return Profile(cells, tuple(parts))

    return make


@pytest.fixture(scope="session")
def reference(schema, profile_of, make_rows):
    """Return a version of rows as `make_rows` makes them."""
    X, y = make_rows(4_000, seed=77)
    return Reference.matched("fraud version 3", profile_of(dict(zip(NAMES, X.T, strict=True)), y), schema)


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


@pytest.fixture
def free_port():
    """Return a port that nobody has, with room for the bus of a Cluster 10,000 above."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            if (port := probe.getsockname()[1]) <= 55_000:
                return port


@pytest.fixture
def proxy():
    """Lead to a real server by a way on which answers come late, or connections break at a command.

    `delay_s` passes before each piece of an answer; a connection breaks in place of passing on `breaks_at`.
    """

    @contextmanager
    def proxied(server, *, delay_s=0.0, breaks_at=b""):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            arguments = (listener, server.socket_path, delay_s, breaks_at)
            threading.Thread(target=_accept, args=arguments, daemon=True).start()
            yield f"redis://127.0.0.1:{listener.getsockname()[1]}"

    return proxied


def _accept(listener, path, delay_s, breaks_at):
    with suppress(OSError):
        while True:
            near, _ = listener.accept()
            far = socket.socket(socket.AF_UNIX)
            far.connect(str(path))
            threading.Thread(target=_pass_on, args=(near, far, 0.0, breaks_at), daemon=True).start()
            threading.Thread(target=_pass_on, args=(far, near, delay_s, b""), daemon=True).start()


def _pass_on(source, target, delay_s, breaks_at):
    with suppress(OSError):
        while data := source.recv(1 << 16):
            if breaks_at and breaks_at in data:
                break
            time.sleep(delay_s)
            target.sendall(data)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="session")
def wait_for():
    """Wait for a condition; it must come about within a deadline that allows for a compiler and others beside it."""

    def wait(condition, seconds=240):
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "did not come about"
            time.sleep(0.01)

    return wait


@pytest.fixture
def serving():
    """Start workers that end with the test."""
    started = []

    def serve(url, name, settings, **options):
        worker = Worker(url, name, settings, **options)
        thread = threading.Thread(target=worker.run)
        thread.start()
        started.append((worker, thread))
        return worker

    yield serve
    for worker, thread in started:
        worker.stop()
        thread.join()
