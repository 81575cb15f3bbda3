"""The stage of the game day: rules as they are committed, on a faster clock."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from pathlib import Path

import deployed
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import report
import stage as stages
from prometheus import need_tool

from stream import EmbeddedServer

WORKER = ("--ratio", "0.3", "--window", "2000", "--capacity", "1000", "--drift-rows", "1000", "--drift-every", "1")


@pytest.fixture(scope="session")
def catalog(tmp_path_factory):
    """Return a catalogue with one version, of rows as the traffic sends them; the tools must be here."""
    for tool in ("prometheus", "alertmanager"):
        need_tool(tool)
    directory = tmp_path_factory.mktemp("catalog")
    X, y = stages.rows(np.random.default_rng(5), 4_000, 0.1)
    columns = dict(zip(stages.FEATURES, X.astype(np.float32).T, strict=True))
    pq.write_table(pa.table({"id": np.arange(len(y)), **columns, stages.LABEL: y}), directory / "rows.parquet")
    command = ["snapshot", "create", "--catalog", directory / "c", "--name", "payments_train", "--label", stages.LABEL]
    command += ["--entity-df", directory / "rows.parquet", "--join-keys", "id", "--ratio", "0.3"]
    deployed.resampler(*command)
    return directory / "c"


@pytest.fixture
def own_catalog(tmp_path, catalog):
    """Return a catalogue like `catalog`, that a test may write to."""
    return Path(shutil.copytree(catalog, tmp_path / "catalog"))


@pytest.fixture
def watch_ledgers(tmp_path, own_catalog):
    """Watch what `resampler metrics` serves of `own_catalog`."""

    @contextmanager
    def watched(factor=deployed.FACTOR):
        program = stages.Program(tmp_path, "metrics", ["metrics", "--catalog", own_catalog])
        program.start()
        try:
            served = {"resampler-ledgers": f"127.0.0.1:{program.port}"}
            with stages.Watch(tmp_path, deployed.rules(factor), deployed.route(factor), served) as watch:
                watch.until(lambda: watch.prometheus.query("resampler_snapshot_version"), 60, "the first metrics")
                yield watch
        finally:
            program.stop()

    return watched


@pytest.fixture(scope="session")
def worker(catalog):
    """Return options of workers, whose kernels are compiled: an image has them, and a minute is an hour here."""
    options = (*WORKER, "--reference", catalog / "payments_train" / "v0001")
    with EmbeddedServer() as server:
        traffic = stages.Traffic(server.url)
        traffic.send(2_000)
        command = stages.worker_command(*options, "--until-idle", "1", "--metrics-port", "0")
        deployed.resampler(*command, env=os.environ | {"RESAMPLER_REDIS_URL": server.url})
    return options


@pytest.fixture
def make_stage(tmp_path, worker):
    """Make stages for `with`."""

    def make(**options):
        return stages.Stage(tmp_path / "stage", deployed.rules(), deployed.route(), worker, **options)

    return make


@pytest.fixture(scope="session")
def timings():
    """Collect what the long form measures, and write it down at the end."""
    measured = []
    yield measured
    if measured:
        report.write(measured)
