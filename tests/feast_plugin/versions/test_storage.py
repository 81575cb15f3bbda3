"""Snapshots on S3, against a server in a process of its own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pyarrow import fs

from feast_plugin import create_snapshot, forget_entity, prune_snapshot, rebuild_snapshot, verify_snapshot
from feast_plugin.versions.files.catalog import Catalog
from resampler.budget import StoppedError
from resampler.errors import InvalidInputError
from resampler.storage import Location

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


@pytest.fixture(scope="module")
def bucket(tmp_path_factory):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = (tmp_path_factory.mktemp("moto") / "log").open("w")
    server = subprocess.Popen(
        [Path(sys.executable).with_name("moto_server"), "-H", "127.0.0.1", "-p", str(port)],
        stdout=log, stderr=log,
    )  # fmt: skip
    before = {key: os.environ.get(key) for key in CREDENTIALS}
    os.environ.update(CREDENTIALS)
    try:
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert server.poll() is None, Path(log.name).read_text()
            time.sleep(0.1)
        s3 = fs.S3FileSystem(endpoint_override=f"127.0.0.1:{port}", scheme="http", allow_bucket_creation=True)
        s3.create_dir("shop")
        yield f"s3://shop/{{}}?endpoint_override=127.0.0.1:{port}&scheme=http"
    finally:
        server.terminate()
        server.wait(30)
        log.close()
        for key, value in before.items():
            os.environ.pop(key) if value is None else os.environ.update({key: value})


def test_a_version_on_s3_is_the_same_and_is_read_back_by_feast(make, bucket):
    project = make()
    root = bucket.format("first")
    here, there = project.create(name="here"), project.create(root=root)
    assert there.digest == here.digest
    assert there.uri == "s3://shop/first/pay/v0001"
    assert [f.sha256 for f in there.manifest.stored] == [f.sha256 for f in here.manifest.stored]
    frame = Location.parse(bucket.format("frame.parquet"))
    pq.write_table(project.frame(), frame.path, filesystem=frame.filesystem)
    assert project.create(root=root, entity_df=bucket.format("frame.parquet")).reused
    assert verify_snapshot(project.reopened(), name="pay", root=root).problems == ()
    for split, name in there.datasets.items():
        with pytest.warns(RuntimeWarning, match="experimental"):
            back = project.reopened().get_saved_dataset(name).to_df()
        assert len(back) == there.manifest.counts[split]["rows"]
        assert back["is_synthetic"].sum() == there.manifest.counts[split]["synthetic"]


def test_the_life_of_a_version_on_s3(make, bucket):
    project = make()
    root = bucket.format("second/deep")
    made = project.create(root=root, retain="recipe")
    location = Location.parse(root)
    catalog = Catalog(location, "pay")
    train = location / "pay" / "v0001" / "train" / "part-00000.parquet"
    assert not train.exists()
    restored = rebuild_snapshot(project.reopened(), name="pay", root=root).restored
    assert set(restored) == {"train/part-00000.parquet", "lineage.parquet"}
    assert train.sha256() == made.manifest.splits["train"].file.sha256
    assert verify_snapshot(project.reopened(), name="pay", root=root).ok
    assert forget_entity(project.reopened(), name="pay", root=root, entity="7")[0].replaced_by == 2
    assert prune_snapshot(project.reopened(), name="pay", root=root, version=2) == [2]
    assert project.create(root=root).version == 3
    assert catalog.numbers() == [3]


def test_a_plain_catalogue_on_s3_lives_the_same_life(make, bucket):
    table = make().table.select(["customer_id", "event_timestamp", "amount", "fraud"])
    root = bucket.format("catalog")
    options = {
        "name": "pay", "entity_df": table, "label": "fraud", "join_keys": ["customer_id"], "ratio": 0.5,
        "timestamp": "event_timestamp", "k_neighbors": 3,
    }  # fmt: skip
    made = create_snapshot(root, **options)
    index = json.loads((Location.parse(root) / "pay" / "datasets.json").read())["datasets"]
    assert sorted(index) == sorted(made.datasets.values())
    assert create_snapshot(root, **options).reused
    assert verify_snapshot(root, name="pay").problems == ()
    assert forget_entity(root, name="pay", entity="7")[0].replaced_by == 2
    assert prune_snapshot(root, name="pay", version=2) == [2]
    assert json.loads((Location.parse(root) / "pay" / "datasets.json").read())["datasets"] == {}


def test_a_version_on_s3_is_stopped_and_gone_on_with(make, bucket):
    table = make().table.select(["customer_id", "event_timestamp", "amount", "fraud"])
    options = {
        "name": "pay", "entity_df": table, "label": "fraud", "join_keys": ["customer_id"], "ratio": 0.5,
        "timestamp": "event_timestamp", "k_neighbors": 3,
    }  # fmt: skip
    whole, root, stops, made = create_snapshot(bucket.format("whole"), **options), bucket.format("parts"), 0, None
    while made is None:
        try:
            made = create_snapshot(root, **options, max_seconds=1e-3, resume="latest")
        except StoppedError:
            stops += 1
    assert stops >= 5
    assert made.digest == whole.digest
    assert [file.sha256 for file in made.manifest.stored] == [file.sha256 for file in whole.manifest.stored]
    assert verify_snapshot(root, name="pay").problems == ()
    assert (Location.parse(root) / "pay" / "unfinished").files() == []


def test_debris_of_a_killed_writer_is_no_version(make, bucket):
    project = make()
    root = bucket.format("third")
    debris = Location.parse(root) / "pay" / "v0001" / "train" / "part-00000.parquet"
    debris.write_at_once(b"half a file")
    catalog = Catalog(Location.parse(root), "pay")
    assert catalog.numbers() == []
    assert project.create(root=root).version == 1
    assert verify_snapshot(project.reopened(), name="pay", root=root).ok


@pytest.mark.parametrize("root", ["ftp://host/x", "s3://shop/x?no_such_option=1", "s3://"])
def test_a_root_that_cannot_be_used_is_refused(root):
    with pytest.raises(InvalidInputError, match="cannot be used"):
        Location.parse(root)


def test_a_bucket_of_google_is_addressed_by_its_url():
    """No server of theirs is at hand: what is asked for is the right file system, and Feast is told no S3 endpoint."""
    location = Location.parse("gs://anonymous@shop/deep/er?endpoint_override=127.0.0.1:9&scheme=http") / "pay"
    assert isinstance(location.filesystem, fs.GcsFileSystem)
    assert (location.path, location.uri, location.endpoint) == ("shop/deep/er/pay", "gs://shop/deep/er/pay", None)
