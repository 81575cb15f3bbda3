"""The stage of the game day: rules as they are committed, on a faster clock."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from pathlib import Path

import deployed
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import stage as stages
from prometheus import need_tool
from runbooks import commands, paste

WORKER = (
    *("--ratio", "0.3", "--window", "2000", "--capacity", "1000", "--drift-rows", "1000", "--drift-every", "1"),
    *("--feedback", "10"),  # five minutes on this clock
)


@pytest.fixture(scope="session")
def make_version():
    """Publish a version of rows as the traffic sends them."""

    def make(catalog, n):
        X, y = stages.rows(np.random.default_rng(n), n, 0.1)
        columns = dict(zip(stages.FEATURES, X.astype(np.float32).T, strict=True))
        rows = catalog.parent / f"rows-{n}.parquet"
        pq.write_table(pa.table({"id": np.arange(len(y)), **columns, stages.LABEL: y}), rows)
        command = ["snapshot", "create", "--catalog", catalog, "--name", stages.SNAPSHOT, "--label", stages.LABEL]
        deployed.resampler(*command, "--entity-df", rows, "--join-keys", "id", "--ratio", "0.3")

    return make


@pytest.fixture(scope="session")
def catalog(tmp_path_factory, make_version):
    """Return a catalogue with one version; the tools must be here."""
    for tool in ("prometheus", "alertmanager"):
        need_tool(tool)
    directory = tmp_path_factory.mktemp("catalogs") / "catalog"
    make_version(directory, 4_000)
    return directory


@pytest.fixture
def own_catalog(tmp_path, catalog):
    """Return a catalogue like `catalog`, that a test may write to."""
    return Path(shutil.copytree(catalog, tmp_path / "catalog"))


@pytest.fixture
def on_call(tmp_path, own_catalog):
    """Return the environment of someone who works through a runbook of snapshots."""
    return stages.environment(
        tmp_path,
        SNAPSHOT=stages.SNAPSHOT,
        CATALOG=own_catalog,
        PREDICTIONS=tmp_path / "predictions.parquet",
        POLICY=tmp_path / "policy.toml",
    )


@pytest.fixture
def export_ledgers(tmp_path, own_catalog):
    """Serve what `resampler metrics` knows of `own_catalog`; it is at ``host:port``."""

    @contextmanager
    def exported():
        program = stages.Program(tmp_path, "metrics", ["metrics", "--catalog", own_catalog])
        program.start()
        try:
            yield f"127.0.0.1:{program.port}"
        finally:
            program.stop()

    return exported


@pytest.fixture
def watch_ledgers(tmp_path, export_ledgers):
    """Watch them."""

    @contextmanager
    def watched(factor=deployed.FACTOR):
        with export_ledgers() as served:
            rules, route = deployed.rules(factor), deployed.route(factor)
            with stages.Watch(tmp_path, rules, route, {"resampler-ledgers": served}) as watch:
                watch.until(lambda: watch.prometheus.query("resampler_snapshot_version"), 60, "the first metrics")
                yield watch

    return watched


@pytest.fixture
def gate(tmp_path, on_call):
    """Judge predictions that find `recall` of the rare rows, and raise few false alarms, by the runbook's command."""
    runs = []
    (tmp_path / "policy.toml").write_text("[gate]\nrecall = 0.8\n")

    def run(recall):
        rng = np.random.default_rng(len(runs))
        y = (np.arange(2_000) % 10 == 0).astype(int)
        found = rng.random(len(y)) < np.where(y == 1, recall, 0.01)
        score = np.clip(np.where(found, 0.9, 0.1) + rng.normal(0, 0.03, len(y)), 0, 1)
        given = {"id": np.arange(len(y)) + 10**6, "y_true": y, "y_pred": found.astype(int), "score": score}
        pq.write_table(pa.table(given), on_call["PREDICTIONS"])
        runs.append(recall)
        (command,) = commands("ResamplerGateFailed", "Verify")
        done = paste(command, on_call, tmp_path)
        assert done.returncode == (0 if recall > 0.9 else 3), done.stdout + done.stderr

    return run


@pytest.fixture(scope="session")
def worker(catalog):
    """Return options of workers, whose kernels are compiled, as in an image: two minutes are an hour here."""
    deployed.resampler("warmup")
    return (*WORKER, "--reference", catalog / stages.SNAPSHOT / "v0001")


@pytest.fixture
def make_stage(tmp_path, worker):
    """Make stages for `with`."""

    def make(**options):
        return stages.Stage(tmp_path / "stage", deployed.rules(), deployed.route(), worker, **options)

    return make
