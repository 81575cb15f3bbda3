"""Lineage in Feast: its own consumer, running, shows versions that our events tell of."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest
import yaml
from chaos import free_port
from click.testing import CliRunner

from feast_plugin import alias_snapshot, forget_entity, prune_snapshot
from resampler.cli import resampler
from resampler.lineage.outbox import Outbox

KEY = "k3y-of-the-lineage-server"


def get(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/lineage/openlineage/{path}", timeout=20) as answer:
        return json.load(answer)


@pytest.fixture(scope="module")
def port():
    return free_port()


@pytest.fixture
def told(project, port):
    """A project whose lineage goes to its own consumer."""
    path = project.path / "feature_store.yaml"
    config = yaml.safe_load(path.read_text())
    config["openlineage"] = {
        "enabled": True,
        "transport_type": "http",
        "transport_url": f"http://127.0.0.1:{port}",
        "api_key": KEY,
        "consumer": {
            "enabled": True,
            "api_key": KEY,
            "connection_string": f"sqlite:///{project.path}/lineage.db",
        },
    }
    path.write_text(yaml.safe_dump(config))
    return project


@pytest.fixture
def server(told, port):
    """Feast's own server of lineage; its registry server has the same routes."""
    log = (told.path / "server.log").open("w")
    feast = [sys.executable, "-m", "feast.cli.cli", "-c", str(told.path)]
    words = [*feast, "serve_lineage", "--host", "127.0.0.1", "--port", str(port)]
    started = subprocess.Popen(words, stdout=log, stderr=log, start_new_session=True)
    until = time.monotonic() + 300
    while True:
        try:
            get(port, "namespaces")
            break
        except (urllib.error.URLError, ConnectionError):
            assert started.poll() is None, (told.path / "server.log").read_text()
            assert time.monotonic() < until, "Feast's server does not answer"
            time.sleep(0.2)
    yield told
    os.killpg(started.pid, signal.SIGKILL)
    started.wait()


def send(project):
    result = CliRunner().invoke(resampler, ["lineage", "send", "--repo", str(project.path), "--json"])
    assert result.exit_code == 0, (result.output, result.exception)
    return json.loads(result.stdout)


def test_feast_lists_two_versions_after_two_creates_and_what_became_of_them(server, port):
    first = server.create(seed=1)
    server.create(seed=2)
    assert server.create(seed=2).reused
    send(server)
    assert Outbox(server.catalog().home).waiting.events == 0

    found = get(port, "datasets/shop/pay_train/versions")
    assert found["total"] == 2, "a version that is reused is no other"
    newest, oldest = (one["facets"] for one in found["versions"])
    assert [one["version"]["datasetVersion"] for one in (oldest, newest)] == ["1", "2"]
    assert oldest["symlinks"]["identifiers"] == [{"namespace": "shop", "name": "pay_v0001_train", "type": "TABLE"}]
    ours = oldest["resampler_version"]
    made = first.manifest
    assert (ours["seed"], ours["ratio"], ours["digest"]) == (1, 0.5, made.digest)
    assert (ours["parents"]["split"], ours["parents"]["real"]) == ("train", made.splits["train"].real)
    assert {one["name"] for one in oldest["schema"]["fields"]} >= {"customer_id", "amount", "score", "fraud"}

    graph = get(port, "graph/dataset/shop/pay_train?direction=upstream")
    assert {"numbers", "snapshot_pay"} <= {one["name"] for one in graph["nodes"]}, "Feast's own names"

    alias_snapshot(server.reopened(), name="pay", alias="prod", version=2)
    alias_snapshot(server.reopened(), name="pay", alias="prod", version=1)
    alias_snapshot(server.reopened(), name="pay", alias="prod", version=2)
    prune_snapshot(server.reopened(), name="pay", version=1)
    send(server)
    moves = get(port, "datasets/shop/pay_prod_train/versions")["versions"]
    assert [one["facets"]["version"]["datasetVersion"] for one in moves] == ["2", "1", "2"], "the latest first"
    states = {one["dataset_name"]: one["lifecycle_state"] for one in get(port, "datasets")["datasets"]}
    assert (states["pay_v0001_train"], states["pay_train"]) == ("DROP", "CREATE")


def test_a_dead_server_costs_a_publication_two_seconds_at_most_and_loses_nothing(told, port, monkeypatch):
    monkeypatch.setenv("OPENLINEAGE_DISABLED", "true")
    told.create(seed=9)  # compiles
    began = time.monotonic()
    told.create(seed=8)
    usual = time.monotonic() - began
    monkeypatch.delenv("OPENLINEAGE_DISABLED")
    began = time.monotonic()
    with pytest.warns(match="resampler lineage send"):
        told.create(seed=1)
    assert time.monotonic() - began < 2 * usual + 2, "twice, for other tests run beside this one"
    outbox = Outbox(told.catalog().home)
    assert outbox.waiting.events == 1
    words = (outbox.directory / outbox.names()[0]).read().decode()
    assert KEY not in words


def test_what_was_not_sent_of_a_forgotten_version_is_not_sent(told):
    with pytest.warns(match="resampler lineage send"):
        told.create(seed=1)
    customer = max(told.customers(1))
    told_of = Outbox(told.catalog().home)
    with pytest.warns(match="resampler lineage send"):
        forget_entity(told.reopened(), name="pay", root=told.root, entity=customer)
    events = [told_of.read(name) for name in told_of.names()]
    assert [(one.what, one.about["version"]) for one in events] == [("published", 2), ("removed", 1)]
    assert "counts" not in json.dumps(events[1].about)
