"""Feast 0.67 has traps for whoever keeps training sets in it: a test for each that we must not step into."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feast import FeatureService, FeatureView, Field, FileSource
from feast.data_format import DeltaFormat
from feast.infra.offline_stores.file_source import SavedDatasetFileStorage
from feast.on_demand_feature_view import on_demand_feature_view
from feast.type_map import pa_to_feast_value_type
from feast.types import Float32, Float64

from feast_plugin.registries import guarded
from resampler.errors import ContractError, CorruptStateError

STORES = ["dask", "duckdb"]
VERSIONS = Path(__file__).parents[1] / "versions"


def read_back(project, snapshot, split):
    with pytest.warns(RuntimeWarning, match="experimental"):
        return project.reopened().get_saved_dataset(snapshot.datasets[split]).to_df()


def on_disk(snapshot, split):
    return pq.read_table(f"{snapshot.uri}/{split}/part-00000.parquet")


@pytest.mark.parametrize("offline", STORES)
def test_1_the_label_of_an_entity_frame_survives_the_read_back(make, offline):
    project = make(offline=offline)
    snapshot = project.create()
    for split in snapshot.datasets:
        back = read_back(project, snapshot, split)
        assert back["fraud"].sum() == on_disk(snapshot, split)["fraud"].to_numpy().sum()
        assert back["is_synthetic"].sum() == on_disk(snapshot, split)["is_synthetic"].to_numpy().sum()


@pytest.mark.parametrize("offline", STORES)
def test_2_a_name_is_never_given_to_other_rows(make, offline):
    """The file registry would keep the first window of time and hide the rows outside it."""
    project = make(offline=offline)
    frame = project.frame()
    early = frame.sort_by("event_timestamp").slice(0, 200)
    first, second = project.create(entity_df=early), project.create(entity_df=frame)
    assert not set(first.datasets.values()) & set(second.datasets.values())
    for snapshot in (first, second):
        assert len(read_back(project, snapshot, "test")) == snapshot.manifest.counts["test"]["rows"]


def test_3_every_path_is_absolute(make, monkeypatch, tmp_path):
    project = make(offline="duckdb")
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    snapshot = project.create(root="snapshots")
    monkeypatch.chdir(tmp_path / "there")
    assert Path(snapshot.uri) == tmp_path / "here" / "snapshots" / "pay" / "v0001"
    assert len(read_back(project, snapshot, "train")) == snapshot.manifest.counts["train"]["rows"]


@pytest.mark.parametrize("lost", [1, 99])
def test_4_a_registry_that_loses_entries_is_written_again(make, monkeypatch, lost):
    """Another process, without our lock, puts back what it had read before."""
    project = make()
    file = project.path / "registry.db"
    before, genuine, calls = file.read_bytes(), guarded.AtomicFile._write_registry, [0]

    def write(self, proto):
        genuine(self, proto)
        calls[0] += 1
        if calls[0] <= lost:
            file.write_bytes(before)

    monkeypatch.setattr(guarded.AtomicFile, "_write_registry", write)
    if lost == 1:
        project.create()
        assert len(project.reopened().list_saved_datasets()) == 3
    else:
        with pytest.raises(CorruptStateError, match="5 times while it was written"):
            project.create()
        assert not list(project.root.rglob("part-*"))


def test_5_no_storage_of_our_own(make):
    """A custom storage class would make every plug-in-free listing fail."""
    project = make()
    project.create()
    for dataset in project.reopened().list_saved_datasets():
        assert type(dataset.storage) is SavedDatasetFileStorage


@pytest.mark.parametrize("offline", STORES)
def test_6_no_row_falls_out_of_the_window_of_time(make, offline):
    project = make(offline=offline)
    table = project.table
    times = table["event_timestamp"].to_numpy().copy()
    times[times == times.max()] += np.timedelta64(999_999, "us")
    index = table.schema.get_field_index("event_timestamp")
    table = table.set_column(index, "event_timestamp", pa.array(times, pa.timestamp("us", "UTC")))
    pq.write_table(table, project.source, use_compliant_nested_type=False)
    snapshot = project.create(entity_df=table.select(["customer_id", "event_timestamp", "fraud"]))
    for split in snapshot.datasets:
        stored = on_disk(snapshot, split)
        assert stored.schema.field("event_timestamp").type == pa.timestamp("us", "UTC")
        back = read_back(project, snapshot, split)
        assert len(back) == stored.num_rows
        assert sorted(pd.to_datetime(back["event_timestamp"], utc=True)) == sorted(
            stored["event_timestamp"].to_pandas()
        )


CREATE = """
import sys
sys.path.insert(0, sys.argv[1])
import crash_child
crash_child.create("file", sys.argv[2], sys.argv[3], 1)
"""


def test_7_neither_hash_seed_nor_threads_nor_process_reach_the_bytes(make, tmp_path):
    project = make()
    here = project.create()
    for seed in ("1", "2"):
        project, root = make(f"repo{seed}"), tmp_path / f"root{seed}"
        environment = {"PYTHONHASHSEED": seed, "NUMBA_NUM_THREADS": seed, "OMP_NUM_THREADS": seed}
        subprocess.run(
            [sys.executable, "-c", CREATE, str(VERSIONS), str(project.path), str(root)],
            env=os.environ | environment, check=True, cwd="/",
        )  # fmt: skip
        for file in here.manifest.stored:
            assert (root / "pay" / "v0001" / file.path).read_bytes() == (Path(here.uri) / file.path).read_bytes()


def test_8_types_are_the_contracts_whatever_an_engine_made_of_them(make):
    digests = set()
    for offline in STORES:
        project = make(offline, offline=offline)
        visits = project.table["visits"].to_pylist()
        normal = np.flatnonzero(project.table["fraud"].to_numpy() == 0)[:5]
        for row in normal:
            visits[row] = None
        index = project.table.schema.get_field_index("visits")
        table = project.table.set_column(index, "visits", pa.array(visits, pa.int64()))
        pq.write_table(table, project.source, use_compliant_nested_type=False)
        snapshot = project.create(feature_service="all")
        stored = pa.concat_tables([on_disk(snapshot, split) for split in snapshot.datasets])
        assert stored.schema.field("visits").type == pa.int64()
        assert stored["visits"].null_count == 5
        assert max(v for v in stored["visits"].to_pylist() if v) > 2**40
        digests.add(snapshot.digest)
    assert len(digests) == 1


@pytest.mark.parametrize("offline", STORES)
def test_9_feast_can_type_every_column(make, offline):
    project = make(offline=offline)
    snapshot = project.create(feature_service="all")
    source = FileSource(path=f"{snapshot.uri}/train/part-00000.parquet", timestamp_field="event_timestamp")
    types = dict(source.get_table_column_names_and_types(project.store.config))
    assert types["emb"] == "list<item: float>"
    for kind in types.values():
        pa_to_feast_value_type(kind)
    back = read_back(project, snapshot, "train")
    assert {len(v) for v in back["emb"]} == {3}


@pytest.mark.parametrize("offline", STORES)
def test_10_on_demand_features_are_computed_and_kept(make, offline):
    project = make(offline=offline)
    store = project.reopened()
    numbers = store.get_feature_view("numbers")

    @on_demand_feature_view(sources=[numbers], schema=[Field(name="double_amount", dtype=Float64)])
    def doubled(inputs: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"double_amount": inputs["amount"] * 2})

    store.apply([doubled, FeatureService(name="derived", features=[numbers, doubled])])
    snapshot = project.create(feature_service="derived")
    real = on_disk(snapshot, "test")
    np.testing.assert_allclose(real["double_amount"].to_numpy(), 2 * real["amount"].to_numpy())
    assert "double_amount" in read_back(project, snapshot, "train").columns


def test_11_a_delta_table_is_refused_where_its_log_would_be_ignored(make):
    project = make()
    source = FileSource(path=str(project.path / "delta"), timestamp_field="event_timestamp", file_format=DeltaFormat())
    view = FeatureView(
        name="lake",
        entities=[project.store.get_entity("customer")],
        ttl=timedelta(days=1),
        schema=[Field(name="score", dtype=Float32)],
        source=source,
        online=False,
    )
    registry_ = project.store.registry
    registry_.apply_feature_view(view, project.store.project)
    with pytest.raises(ContractError, match="Delta table, whose log the Dask offline store ignores"):
        project.create(feature_service=None, features=["lake:score"])


def test_12_removing_a_version_removes_it(make):
    """`feast delete` says that a dataset is gone and leaves it; see also test_lifecycle."""
    from feast_plugin import prune_snapshot

    project = make()
    snapshot = project.create()
    prune_snapshot(project.reopened(), name="pay", root=project.root, version=1)
    assert project.reopened().list_saved_datasets() == []
    assert not Path(snapshot.uri).exists()


def test_13_nothing_of_ours_is_left_for_feast_apply_to_import(make):
    project = make()
    before = set(project.path.rglob("*.py"))
    project.create(root=project.path / "snapshots")
    assert set(project.path.rglob("*.py")) == before


def test_14_feast_needs_no_class_of_ours_and_the_command_is_our_own(make):
    project = make()
    project.create()
    assert "feast_plugin" not in (project.path / "feature_store.yaml").read_text()
    assert b"feast_plugin" not in (project.path / "registry.db").read_bytes()
    (point,) = entry_points(group="resampler.commands", name="snapshot")
    assert point.load().name == "snapshot"


def test_a_service_that_promises_what_its_view_no_longer_has_is_refused(make):
    project = make()
    view = project.store.get_feature_view("numbers")
    source = view.batch_source
    changed = FeatureView(
        name="numbers",
        entities=[project.store.get_entity("customer")],
        ttl=timedelta(days=1),
        schema=[Field(name="amount", dtype=Float32), Field(name="score", dtype=Float32)],
        source=source,
        online=False,
    )
    project.store.registry.apply_feature_view(changed, project.store.project)
    with pytest.raises(ContractError, match="numbers:amount as Float64, the view now has Float32"):
        project.create()
