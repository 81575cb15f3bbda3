"""What a store retrieves is read by tasks: what its own workers wrote, or its table, put down; the digest is one."""

from __future__ import annotations

import shutil
from importlib.util import find_spec

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, ValueType
from feast.types import Float32, Float64

from feast_plugin.retrieval import exported
from feast_plugin.versions import create
from feast_plugin.versions.inputs import pieces
from resampler.engines.inline import Inline

ASKED = {"feature_service": "all", "split": "stratified:0.7,0.15,0.15"}


@pytest.fixture
def tasks(monkeypatch):
    """Tasks of an engine in this process, several of each kind."""
    monkeypatch.setattr(create, "open_engine", Inline)
    monkeypatch.setattr(pieces, "PIECE_ROWS", 90)


@pytest.fixture
def wrote(monkeypatch):
    """Whether stores wrote what they retrieved themselves, in order of the retrievals."""
    said = []
    genuine = exported._export

    def _export(output, make_job):
        found = genuine(output, make_job)
        said.append(found["paths"] is not None)
        return found

    monkeypatch.setattr(exported, "_export", _export)
    return said


def late(project):
    """A frame with rows that Dask drops: no view has a value as young as it asks for."""
    frame = project.frame()
    times = frame["event_timestamp"].to_numpy().copy()
    times[:30] += np.timedelta64(400, "D")
    return frame.set_column(1, "event_timestamp", pa.array(times, pa.timestamp("us", "UTC")))


@pytest.mark.parametrize("offline", ["dask", "duckdb"])
def test_a_store_without_workers_gives_its_table(offline, make, tasks, wrote):
    project = make(offline, offline=offline)
    frame = late(project)
    alone = project.create(entity_df=frame, **ASKED)
    parted = make(f"{offline}-by-parts", offline=offline).create(entity_df=frame, **ASKED, engine="processes")
    assert parted.digest == alone.digest
    assert parted.manifest.inputs == alone.manifest.inputs
    assert wrote == [False]


@pytest.mark.xdist_group("ray")
def test_ray_writes_what_it_retrieves_and_reads_back_what_was_published(make, tasks, wrote):
    pytest.importorskip("ray")
    alone = make("dask").create(**ASKED)
    project = make("by-ray")
    settings = project.path / "feature_store.yaml"
    ray = f"type: ray\n  storage_path: {project.path}/ray\n  ray_conf: {{num_cpus: 1, include_dashboard: false}}"
    settings.write_text(settings.read_text().replace("type: dask", ray))
    try:
        parted = project.create(**ASKED, engine="processes")
        assert parted.digest == alone.digest
        assert wrote == [True]
        train = project.reopened().get_saved_dataset(parted.datasets["train"]).to_df()
        assert len(train) == parted.manifest.counts["train"]["rows"]
    finally:
        import ray as library

        library.shutdown()


@pytest.mark.xdist_group("spark")
@pytest.mark.skipif(find_spec("pyspark") is None or shutil.which("java") is None, reason="needs PySpark and Java")
def test_spark_writes_what_it_retrieves_and_reads_back_what_was_published(make, tasks, wrote, tmp_path_factory):
    from feast.infra.offline_stores.contrib.spark_offline_store.spark_source import SparkSource

    dask = make("dask")
    alone = dask.create(feature_service="numbers", entity_df=dask.frame())
    path = tmp_path_factory.mktemp("spark")  # a table's name has no dot
    settings = {"spark.master": "local[1]", "spark.ui.enabled": "false", "spark.sql.session.timeZone": "UTC"}
    settings |= {"spark.driver.bindAddress": "127.0.0.1", "spark.sql.shuffle.partitions": "2"}
    listed = "".join(f"    {name}: '{value}'\n" for name, value in settings.items())
    (path / "feature_store.yaml").write_text(
        f"project: shop\nprovider: local\nregistry: {path}/registry.db\nentity_key_serialization_version: 3\n"
        f"offline_store:\n  type: spark\n  spark_conf:\n{listed}"
    )
    pq.write_table(dask.table, path / "payments.parquet")
    customer = Entity(name="customer", join_keys=["customer_id"], value_type=ValueType.INT64)
    source = SparkSource(
        name="payments", path=f"{path}/payments.parquet", file_format="parquet", timestamp_field="event_timestamp"
    )
    columns = [Field(name="amount", dtype=Float64), Field(name="score", dtype=Float32)]
    numbers = FeatureView(name="numbers", entities=[customer], source=source, schema=columns, online=False)
    store = FeatureStore(repo_path=str(path))
    store.apply([customer, numbers, FeatureService(name="numbers", features=[numbers])])
    project = type(dask)(path, store, dask.table)
    try:
        parted = project.create(feature_service="numbers", entity_df=dask.frame(), engine="processes")
        assert parted.manifest.inputs["sha256"] == alone.manifest.inputs["sha256"]
        assert parted.digest == alone.digest
        assert wrote == [True]
        train = project.reopened().get_saved_dataset(parted.datasets["train"]).to_df()
        assert len(train) == parted.manifest.counts["train"]["rows"]
    finally:
        from pyspark.sql import SparkSession

        SparkSession.builder.getOrCreate().stop()
