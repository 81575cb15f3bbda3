"""Versions in MLflow: runs, models that are explained and rolled back, and servers that do not answer."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from chaos import free_port
from publications import publication
from publications import told_of as waiting_event

from feast_plugin import alias_snapshot, create_snapshot, forget_entity
from feast_plugin.registries import registry_of
from feast_plugin.versions.publication import holds, told_of
from resampler.ledger import Ledger
from resampler.lineage import tracking
from resampler.lineage.outbox import PUBLISHED, Event, Outbox
from resampler.lineage.sender import send
from resampler.lineage.settings import MLflow, Settings
from resampler.storage import Location

pytestmark = pytest.mark.xdist_group("mlflow")  # one place, not one a process
PASSWORD = "s3cret-of-the-tracking-server"
TRAIN = """
import mlflow, sys
from mlflow import MlflowClient
from resampler.lineage.tracking import training_input
with mlflow.start_run() as run:
    mlflow.log_input(training_input(), context="training")
client = MlflowClient()
if sys.argv[1] == "1":
    client.create_registered_model("fraud-model")
    client.create_registered_model("other")
    client.create_model_version("other", "file:///nowhere", mlflow.start_run().info.run_id)
made = client.create_model_version("fraud-model", "file:///nowhere", run.info.run_id)
client.set_registered_model_alias("fraud-model", "champion", made.version)
"""
READ = """
import json
from mlflow import MlflowClient
client = MlflowClient()
runs = client.search_runs([client.get_experiment_by_name("resampler").experiment_id])
print(json.dumps([
    {
        "name": run.info.run_name, "status": run.info.status, "params": run.data.params, "metrics": run.data.metrics,
        "tags": run.data.tags, "artifacts": sorted(one.path for one in client.list_artifacts(run.info.run_id)),
        "inputs": [
            {"name": one.dataset.name, "digest": one.dataset.digest, "tags": {t.key: t.value for t in one.tags}}
            for one in run.inputs.dataset_inputs
        ],
    }
    for run in runs
]))
"""


def run(*words, uri="", code=0, **environment):
    """Run a command in a process of its own."""
    found = subprocess.run(
        [sys.executable, "-P", *words],
        env=os.environ | {"MLFLOW_TRACKING_URI": uri} | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert found.returncode == code, (found.stdout, found.stderr)
    return found


def resampler(*words, **more):
    return run("-m", "resampler", *words, **more)


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    table = {"id": np.arange(400), "a": rng.normal(size=400), "b": rng.normal(size=400), "y": rng.random(400) < 0.2}
    return pa.table(table)


@pytest.fixture(scope="module")
def place(tmp_path_factory, rows):
    """A catalogue of two versions that MLflow, on SQLite, was told of, and a model of each."""
    folder = tmp_path_factory.mktemp("mlflow")
    pq.write_table(rows, folder / "rows.parquet")
    uri = f"sqlite:///{folder}/mlflow.db"
    catalog = folder / "c"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)  # where MLflow keeps artifacts
        patch.setenv("MLFLOW_TRACKING_URI", uri)
        for seed in (1, 2):
            made = create_snapshot(
                catalog, name="fraud", entity_df=folder / "rows.parquet", label="y", join_keys=["id"], seed=seed,
                ratio=0.5,
            )  # fmt: skip
            resampler("lineage", "send", "--catalog", str(catalog), uri=uri)
            alias_snapshot(catalog, name="fraud", alias="champion", version=seed)
            environment = {
                "RESAMPLER_SNAPSHOT": "fraud",
                "RESAMPLER_DIGEST": made.digest,
                "RESAMPLER_TRAIN_PATH": f"{made.uri}/{made.manifest.splits['train'].file.path}",
            }
            run("-c", TRAIN, str(seed), uri=uri, **environment)
    return catalog, uri


def test_a_run_has_what_made_the_version(place):
    catalog, uri = place
    second, first = json.loads(run("-c", READ, uri=uri).stdout)
    assert (first["name"], second["name"]) == ("fraud version 1", "fraud version 2")
    assert {one["status"] for one in (first, second)} == {"FINISHED"}
    manifest = json.loads((catalog / "fraud" / "v0001" / "manifest.json").read_text())
    assert (first["params"]["seed"], first["params"]["ratio"], first["params"]["method"]) == ("1", "0.5", "smote")
    counts = manifest["counts"]["train"]
    assert (first["metrics"]["train.real"], first["metrics"]["train.synthetic"]) == (
        counts["real"],
        counts["synthetic"],
    )
    assert first["metrics"]["ratio_reached"] == pytest.approx(0.5, abs=0.02)
    assert first["artifacts"] == ["publication.json", "report.html"], "no audit was made"
    (dataset,) = first["inputs"]
    assert (dataset["name"], dataset["digest"]) == ("fraud_train", manifest["digest"][:36])
    assert dataset["tags"]["mlflow.data.context"] == "training"
    assert first["tags"]["resampler.digest"] == manifest["digest"]


def test_a_event_that_comes_twice_is_one_run(place):
    catalog, uri = place
    home = Location.parse(catalog / "fraud")
    outbox = Outbox(home)
    versions = registry_of(catalog).catalog("fraud")
    manifest = versions.load(1)
    told = told_of(manifest, versions.directory(1))
    outbox.confirm(outbox.stage([Event.of("mlflow", PUBLISHED, told, holds(manifest))]))
    resampler("lineage", "send", "--catalog", str(catalog), uri=uri)
    assert outbox.waiting.events == 0
    assert len(json.loads(run("-c", READ, uri=uri).stdout)) == 2


def test_names_of_any_letters_and_length_are_told_and_what_is_refused_stops_no_other(place, tmp_path, monkeypatch):
    _, uri = place
    long = "c" * 400
    names = (f"{long}1", f"{long}2", "a/../b", "ünï\n{{x}}", "/etc", "..")
    hostile = publication(
        1,
        quality={f"detectability.{name}": 0.5 for name in names} | dict.fromkeys(names, 0.5),
        inputs=[{"kind": "feature view", "name": "v" * 60 + str(i)} for i in range(200)],
        columns={f"{i}{'x' * 90}": "float64" for i in range(12_000)},
        method="'\"\\\n{{ .X }}",
    ).to_dict()
    outbox = Outbox(Location.parse(tmp_path / "fraud"))

    def sent(*events):
        for event, more in events:
            event.about["publication"].update(more)
            outbox.confirm(outbox.stage([event]))
        done = send(outbox.home, Settings(None, MLflow("hostile", uri)))
        return done.sent, len(done.refused), outbox.waiting.events

    monkeypatch.chdir(tmp_path)
    assert sent((waiting_event(1, to="mlflow"), hostile)) == (1, 0, 0)
    monkeypatch.setattr(tracking, "_name", str)
    refused = {"quality": {long: 0.5}}
    assert sent((waiting_event(2, to="mlflow"), refused), (waiting_event(3, to="mlflow"), {})) == (1, 1, 0)


def test_a_model_is_explained_by_its_version(place):
    catalog, uri = place
    said = json.loads(resampler("explain", "models:/fraud-model/champion", "--json", uri=uri).stdout)
    assert (said["name"], said["version"], said["seed"]) == ("fraud", 2, 2), "and its run says where"
    assert said["model"] == {
        "model": "fraud-model",
        "version": "2",
        "aliases": ["champion"],
        "run": said["model"]["run"],
    }
    words = resampler("explain", "models:/fraud-model/1", "--catalog", str(catalog), uri=uri).stdout
    assert "was trained on fraud version 1" in words
    assert "ResamplerSnapshotStale" in words
    assert "MLflow knows no models:/nobody/prod" in resampler("explain", "models:/nobody/prod", uri=uri, code=1).stderr
    assert "was trained on no version" in resampler("explain", "models:/other/1", uri=uri, code=1).stderr


def test_both_aliases_go_back_or_neither(place):
    catalog, uri = place
    words = ["rollback", "snapshot:fraud:champion", "--model", "fraud-model", "--catalog", str(catalog)]
    planned = resampler(*words, "--dry-run", "--json", uri=uri)
    done = json.loads(planned.stdout)
    assert (done["before"], done["after"], done["model_before"], done["model_after"]) == (2, 1, "2", "1")
    assert "other" in resampler(*words[:3], "other", *words[4:], uri=uri, code=1).stderr, (
        "not trained on it: nothing moves"
    )
    (catalog / "fraud" / "aliases.json.part").mkdir()  # the file of aliases cannot be written
    assert "was put back: nothing has changed" in resampler(*words, uri=uri, code=1).stderr
    (catalog / "fraud" / "aliases.json.part").rmdir()
    again = json.loads(resampler(*words, "--dry-run", "--json", uri=uri).stdout)
    assert again == done, "what could not be done as a whole was not done"

    resampler(*words, uri=uri)
    after = json.loads(resampler("explain", "models:/fraud-model/champion", "--json", uri=uri).stdout)
    assert (after["version"], after["aliases"]) == (1, ["champion"])
    kept = Ledger(catalog / "fraud" / "ledger").last("alias")
    assert (kept.outcome, kept.details["before"], kept.details["model_after"]) == ("pass", 2, "1")
    page = catalog / "fraud" / "v0002" / "report.html"
    drawn = page.read_bytes()
    page.write_text("changed")
    refused = resampler(*words, "--to", "2", uri=uri, code=1).stderr
    assert "does not verify, and champion stays where it is" in refused
    page.write_bytes(drawn)


def test_of_a_forgotten_version_no_run_is_left(place, monkeypatch):
    catalog, uri = place
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    forget_entity(catalog, name="fraud", entity=7)
    resampler("lineage", "send", "--catalog", str(catalog), uri=uri)
    runs = json.loads(run("-c", READ, uri=uri).stdout)
    left = {int(name.name[1:]) for name in (catalog / "fraud").glob("v*")}
    assert {one["name"] for one in runs} == {f"fraud version {number}" for number in left}
    assert not {1, 2} & left, "each held the entity"


# Servers that do not answer


@contextlib.contextmanager
def slow(port):
    """A way to a server on which a byte takes a second."""
    listening = socket.create_server(("127.0.0.1", 0))

    def _carry(near, far):
        with contextlib.suppress(OSError):
            while data := near.recv(1):
                time.sleep(1)
                far.sendall(data)

    def _serve():
        with contextlib.suppress(OSError):
            while True:
                near, _ = listening.accept()
                far = socket.create_connection(("127.0.0.1", port))
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=_carry, args=(one, other), daemon=True).start()

    threading.Thread(target=_serve, daemon=True).start()
    yield listening.getsockname()[1]
    listening.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """MLflow's own server."""
    folder, port = tmp_path_factory.mktemp("server"), free_port()
    words = ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", str(folder)]
    with (folder / "log").open("w") as log:
        started = subprocess.Popen(
            [sys.executable, "-P", "-m", "mlflow", "server", *words, "--port", str(port), "--workers", "1"],
            stdout=log, stderr=log, start_new_session=True, cwd=folder,
            env=os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
        )  # fmt: skip
    until = time.monotonic() + 300
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=20).close()
            break
        except OSError:
            assert started.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < until
            time.sleep(0.2)
    yield port, started.pid
    with contextlib.suppress(ProcessLookupError):
        os.killpg(started.pid, signal.SIGKILL)
    started.wait()


def test_a_server_that_does_not_answer_delays_no_publication_by_two_seconds_and_loses_nothing(
    server, rows, tmp_path, monkeypatch
):
    port, pid = server
    options = {"name": "fraud", "entity_df": rows, "label": "y", "join_keys": ["id"], "ratio": 0.5}
    create_snapshot(tmp_path, **options, seed=0)  # compiles
    began = time.monotonic()
    create_snapshot(tmp_path, **options, seed=1)
    usual = time.monotonic() - began
    outbox = Outbox(Location.parse(tmp_path / "fraud"))
    assert not outbox.directory.exists(), "nobody is told"

    def _published(seed, at):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://me:{PASSWORD}@127.0.0.1:{at}")
        began = time.monotonic()
        with pytest.warns(match="resampler lineage send"):
            create_snapshot(tmp_path, **options, seed=seed)
        assert time.monotonic() - began < 2 * usual + 2, "twice, for other tests run beside this one"

    _published(2, free_port())
    os.killpg(pid, signal.SIGSTOP)
    _published(3, port)
    began = time.monotonic()
    uri = f"http://127.0.0.1:{port}"
    assert "does not answer" in resampler("explain", "models:/fraud/1", uri=uri, code=1).stderr
    os.killpg(pid, signal.SIGCONT)
    with slow(port) as through:
        _published(4, through)
    assert 1 <= outbox.waiting.events <= 3
    assert all(PASSWORD not in (outbox.directory / name).read().decode() for name in outbox.names())
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    resampler("lineage", "send", "--catalog", str(tmp_path), uri=uri)
    assert outbox.waiting.events == 0
    told = json.loads(run("-c", READ, uri=uri).stdout)
    assert sorted(one["name"] for one in told) == [f"fraud version {number}" for number in (3, 4, 5)]
    assert all(one["status"] == "FINISHED" for one in told)
    assert all(PASSWORD not in json.dumps(one) for one in told)


def test_nobody_there_is_said_at_once():
    began = time.monotonic()
    said = resampler("explain", "models:/fraud/champion", uri=f"http://me:{PASSWORD}@127.0.0.1:{free_port()}", code=1)
    assert "does not answer" in said.stderr
    assert PASSWORD not in said.stderr
    help_began = time.monotonic()
    resampler("--help")
    assert help_began - began < 4 * (time.monotonic() - help_began), "as long as a process takes to start"
