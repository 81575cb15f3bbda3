"""A client that has only the addresses of a registry server and an offline server reads every split whole."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from feast import FeatureStore

from feast_plugin import alias_snapshot, verify_snapshot

FEAST = Path(sys.executable).with_name("feast")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def server(repo: Path, *words: str, port: int):
    log = (repo / f"{words[0]}.log").open("w")
    process = subprocess.Popen([FEAST, *words], cwd=repo, stdout=log, stderr=log)
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None, Path(log.name).read_text()
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(30)
        log.close()


@pytest.mark.slow
@pytest.mark.parametrize("offline", ["dask", "duckdb"])
def test_read_back_through_remote_servers(make, tmp_path, offline):
    project = make(offline=offline)
    snapshot = project.create(feature_service="all")
    alias_snapshot(project.reopened(), name="pay", root=project.root, alias="prod")
    registry_port, offline_port = free_port(), free_port()
    client = tmp_path / "client"
    client.mkdir()
    (client / "feature_store.yaml").write_text(
        f"project: shop\nprovider: local\n"
        f"registry:\n  registry_type: remote\n  path: 127.0.0.1:{registry_port}\n"
        f"offline_store:\n  type: remote\n  host: 127.0.0.1\n  port: {offline_port}\n"
        "online_store:\n  type: sqlite\n  path: online.db\nentity_key_serialization_version: 3\n"
    )
    with (
        server(project.path, "serve_registry", "--port", str(registry_port), port=registry_port),
        server(project.path, "serve_offline", "--host", "127.0.0.1", "--port", str(offline_port), port=offline_port),
    ):
        store = FeatureStore(repo_path=str(client))
        found = {d.name: d for d in store.list_saved_datasets(tags={"resampler.snapshot": "pay"})}
        aliased = {split: f"pay_prod_{split}" for split in snapshot.datasets}
        assert sorted(found) == sorted([*snapshot.datasets.values(), *aliased.values()])
        for split, name in [*snapshot.datasets.items(), *aliased.items()]:
            stored = pq.read_table(f"{snapshot.uri}/{split}/part-00000.parquet")
            with pytest.warns(RuntimeWarning, match="experimental"):
                back = store.get_saved_dataset(name).to_arrow().select(stored.column_names)
            order = [("event_timestamp", "ascending"), ("customer_id", "ascending")]
            assert back.cast(stored.schema).sort_by(order).to_pylist() == stored.sort_by(order).to_pylist()
            assert found[name].tags["resampler.seed"] == "1"


@pytest.mark.slow
def test_create_through_servers_gives_the_same_version(make):
    """From a frame, and from a span of time. Feast's offline server serves no label views, so the label is no such."""
    project = make()
    span = {"entity_df": None, "start_date": "2024-01-01", "label": "mixed:night", "ratio": 0.9}
    here = project.create(name="here", feature_service="all"), project.create(name="here", **span)
    registry_port, offline_port = free_port(), free_port()
    with (
        server(project.path, "serve_registry", "--port", str(registry_port), port=registry_port),
        server(project.path, "serve_offline", "--host", "127.0.0.1", "--port", str(offline_port), port=offline_port),
    ):
        config = project.path / "feature_store.yaml"
        own = config.read_text()
        config.write_text(
            own.replace(
                "registry: registry.db", f"registry:\n  registry_type: remote\n  path: 127.0.0.1:{registry_port}"
            ).replace("type: dask", f"type: remote\n  host: 127.0.0.1\n  port: {offline_port}")
        )
        there = project.create(name="there", feature_service="all"), project.create(name="there", **span)
        assert verify_snapshot(project.reopened(), name="there", root=project.root).problems == ()
        config.write_text(own)
    assert [made.digest for made in there] == [made.digest for made in here]
    assert len(project.reopened().list_saved_datasets(tags={"resampler.snapshot": "there"})) == 6
