"""A version's files are made again, byte for byte."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from feast_plugin import rebuild_snapshot
from resampler.errors import CorruptStateError, InvalidInputError


def files_of(snapshot):
    return {p.relative_to(snapshot.uri): p.read_bytes() for p in Path(snapshot.uri).rglob("*.parquet")}


@pytest.mark.parametrize("retain", ["full", "sample", "recipe"])
@pytest.mark.parametrize("service", ["numbers", "all"])
def test_rebuild_makes_the_same_bytes(project, retain, service):
    full = project.create(name="full", feature_service=service)
    snapshot = project.create(retain=retain, feature_service=service)
    assert snapshot.digest == full.digest
    train = Path(snapshot.uri) / "train" / "part-00000.parquet"
    assert train.exists() == (retain == "full")
    assert project.check().ok
    if retain == "recipe":
        kept = pq.read_table(Path(snapshot.uri) / "kept.parquet")
        assert not kept["is_synthetic"].to_numpy().any()
    else:
        (Path(snapshot.uri) / "lineage.parquet").unlink(missing_ok=True)
    made = rebuild_snapshot(project.reopened(), name="pay", root=project.root)
    assert made.source == "version"
    assert "lineage.parquet" in made.restored
    ours, theirs = files_of(snapshot), files_of(full)
    assert {path: ours[path] for path in theirs} == theirs
    assert project.check().ok
    assert not list(Path(snapshot.uri).glob(".rebuild*"))


def test_rebuild_retrieves_again_what_the_files_no_longer_hold(project, tmp_path):
    frame = tmp_path / "frame.parquet"
    pq.write_table(project.frame(), frame)
    snapshot = project.create(entity_df=frame)
    before = files_of(snapshot)
    (Path(snapshot.uri) / "train" / "part-00000.parquet").unlink()
    made = rebuild_snapshot(project.reopened(), name="pay", root=project.root)
    assert (made.source, made.restored) == ("store", ("train/part-00000.parquet",))
    assert files_of(snapshot) == before

    (Path(snapshot.uri) / "train" / "part-00000.parquet").unlink()
    amount = project.table["amount"].to_numpy() + 1
    table = project.table.set_column(project.table.schema.get_field_index("amount"), "amount", pa.array(amount))
    pq.write_table(table, project.source, use_compliant_nested_type=False)
    with pytest.raises(CorruptStateError, match="have changed since"):
        rebuild_snapshot(project.reopened(), name="pay", root=project.root)


def test_rebuild_without_rows_or_frame_is_refused(project):
    snapshot = project.create()
    (Path(snapshot.uri) / "test" / "part-00000.parquet").unlink()
    with pytest.raises(InvalidInputError, match="knows no entity frame"):
        rebuild_snapshot(project.reopened(), name="pay", root=project.root)


def test_an_undersampled_version_drops_majority_rows_and_rebuilds(project, tmp_path):
    frame = tmp_path / "frame.parquet"
    pq.write_table(project.frame(), frame)
    plain = project.create()
    snapshot = project.create(undersample=0.25, ratio=0.5, entity_df=frame)
    before, after = (s.manifest.counts["train"]["classes"] for s in (plain, snapshot))
    assert after["0"]["real"] == 4 * after["1"]["real"] < before["0"]["real"]
    assert after["1"]["real"] == before["1"]["real"]
    assert after["1"]["real"] + after["1"]["synthetic"] == after["0"]["real"] // 2
    assert snapshot.manifest.splits["test"].sha256 == plain.manifest.splits["test"].sha256
    assert project.check().ok
    bytes_before = files_of(snapshot)
    assert rebuild_snapshot(project.reopened(), name="pay", root=project.root).source == "version"
    (Path(snapshot.uri) / "train" / "part-00000.parquet").unlink()
    assert rebuild_snapshot(project.reopened(), name="pay", root=project.root).source == "store"
    assert files_of(snapshot) == bytes_before
