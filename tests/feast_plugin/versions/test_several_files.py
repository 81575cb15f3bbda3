"""A split that is cut into several files: what is published, and all that reads it afterwards."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from feast_plugin import diff_snapshot, prune_snapshot, rebuild_snapshot, report_snapshot
from feast_plugin.opened import open_version
from feast_plugin.versions import outputs
from feast_plugin.versions.files.digests import content_of
from feast_plugin.versions.files.manifest import SEVERAL, Manifest
from resampler.identity import ContentDigest
from resampler.lineage.publication import open_publication
from resampler.profile.profile import Profile

CUT = 150


@pytest.fixture
def cut(monkeypatch):
    monkeypatch.setattr(outputs, "PART_ROWS", CUT)


def folder_of(snapshot) -> Path:
    return Path(snapshot.uri)


def rows_of(snapshot, split):
    return pa.concat_tables(
        pq.read_table(folder_of(snapshot) / file.path) for file in snapshot.manifest.splits[split].files
    )


def test_a_split_is_cut_after_so_many_rows_and_is_otherwise_the_same(project, monkeypatch):
    whole = project.create(feature_service="all", name="whole", clean="tomek")
    monkeypatch.setattr(outputs, "PART_ROWS", CUT)
    made = project.create(feature_service="all", clean="tomek")
    entry, uncut = made.manifest.splits["train"], whole.manifest.splits["train"]
    n = entry.real + entry.synthetic
    assert [file.rows for file in entry.files] == [CUT] * (n // CUT) + [n % CUT]
    assert rows_of(made, "train").equals(rows_of(whole, "train"))
    assert (entry.path, uncut.path) == ("train", "train/part-00000.parquet")
    assert made.manifest.splits["test"].path == "test/part-00000.parquet"
    assert made.manifest.splits["test"].sha256 == whole.manifest.splits["test"].sha256
    profiles = [Profile.from_json((folder_of(one) / "profile.json").read_bytes()) for one in (made, whole)]
    for name in profiles[0].cells:  # sums of floats follow row groups, which are whole in files of the usual size
        counts = [one.counts(name, "train", synthetic=True).tolist() for one in profiles]
        assert counts[0] == counts[1]
    assert pq.read_table(folder_of(made) / "lineage.parquet").equals(
        pq.read_table(folder_of(whole) / "lineage.parquet")
    )


def test_the_manifest_names_the_files_and_says_so_by_its_format(project, cut):
    made = project.create()
    stored = json.loads((folder_of(made) / "manifest.json").read_text())
    assert stored["format"] == SEVERAL
    assert [file["path"] for file in stored["splits"]["train"]["files"]][:2] == [
        "train/part-00000.parquet",
        "train/part-00001.parquet",
    ]
    assert "files" not in stored["splits"]["test"]
    assert stored["splits"]["test"]["file"]["rows"] <= CUT
    digests = []
    for file in made.manifest.splits["train"].files:
        table = pq.read_table(folder_of(made) / file.path)
        digest = ContentDigest(table.schema)
        digest.update(table)
        digests.append(digest.hexdigest())
    assert made.manifest.splits["train"].sha256 == content_of(digests)
    assert Manifest.from_json(json.dumps(stored), "here") == made.manifest


def test_where_no_split_is_that_large_the_manifest_is_as_it_was(project):
    stored = json.loads((folder_of(project.create()) / "manifest.json").read_text())
    assert stored["format"] == 4
    assert all("files" not in entry and "file" in entry for entry in stored["splits"].values())


@pytest.mark.parametrize("offline", ["dask", "duckdb"])
def test_feast_reads_all_of_it_back(make, cut, offline):
    project = make(offline=offline)
    made = project.create(feature_service="all")
    back = project.reopened().get_saved_dataset(made.datasets["train"]).to_arrow()
    expected = rows_of(made, "train")
    by = [("customer_id", "ascending"), ("event_timestamp", "ascending")]
    names = ["customer_id", "event_timestamp", "amount", "country", "is_synthetic"]
    assert back.num_rows == expected.num_rows
    values = [table.select(names).sort_by(by) for table in (back, expected)]
    assert values[0].drop_columns("event_timestamp").to_pylist() == (
        values[1].drop_columns("event_timestamp").to_pylist()
    )


@pytest.mark.parametrize("retain", ["full", "recipe"])
def test_it_is_verified_rebuilt_and_drawn_again(project, cut, retain, monkeypatch):
    made = project.create(retain=retain)
    assert project.check().ok
    monkeypatch.setattr(outputs, "PART_ROWS", 10 * CUT)  # another release may cut elsewhere
    files = made.manifest.splits["train"].files
    damaged = folder_of(made) / files[1].path
    if retain == "full":
        damaged.write_bytes(b"other bytes")
        assert any("part-00001" in one for one in project.check().problems)
    else:
        assert not damaged.exists()
    page = report_snapshot(name="pay", root=project.root) if retain == "recipe" else None
    done = rebuild_snapshot(project.reopened(), name="pay", root=project.root, entity_df=project.frame())
    assert damaged.name in {Path(one).name for one in done.restored}
    assert project.check().ok
    if page is not None:
        assert report_snapshot(name="pay", root=project.root) == page


def test_a_file_that_is_missing_or_of_another_order_is_found(project, cut):
    made = project.create()
    first, second = (folder_of(made) / file.path for file in made.manifest.splits["train"].files[:2])
    a, b = first.read_bytes(), second.read_bytes()
    first.write_bytes(b)
    second.write_bytes(a)
    assert not project.check().ok
    second.unlink()
    assert any("is missing" in one for one in project.check().problems)


def test_an_entity_is_forgotten_from_all_files(project, cut):
    made = project.create()
    customer = rows_of(made, "train")["customer_id"][CUT + 3].as_py()  # of the second file
    assert customer in project.customers(1)
    done = project.forget(customer)
    assert [(one.version, one.replaced_by) for one in done] == [(1, 2)]
    assert customer not in project.customers(2)
    assert len(project.catalog().load(2).splits["train"].files) > 1
    assert project.check(2).ok


def test_versions_of_one_and_of_several_files_are_compared(project, monkeypatch):
    project.create()
    monkeypatch.setattr(outputs, "PART_ROWS", CUT)
    project.create(seed=2)
    found = diff_snapshot(1, 2, name="pay", root=project.root)
    assert found["rows"]["changed"] == found["rows"]["added"] == found["rows"]["removed"] == 0
    assert found["synthetic"] is not None


def test_it_is_pruned_with_its_entries(project, cut):
    project.create()
    assert prune_snapshot(project.reopened(), name="pay", root=project.root, version=1) == [1]
    assert project.names() == []
    assert not list((project.root / "pay").glob("v0001/**/*.parquet"))


def test_what_reads_versions_reads_every_file(project, cut):
    made = project.create(audit_sample=5)
    opened = open_version("pay", None, repo=None, catalog=None, root=str(project.root))
    assert opened.read("train").equals(rows_of(made, "train"))
    assert opened.uri_of("train") == f"{made.uri}/train"
    assert opened.uri_of("test") == f"{made.uri}/test/part-00000.parquet"
    assert opened.columns("train") == rows_of(made, "train").column_names
    assert opened.real_training_rows().num_rows == made.manifest.splits["train"].real
    assert len(opened.sample.rows()) == 5
    said = open_publication("pay", root=str(project.root)).publication
    assert said.paths["train"] == "train"
    assert said.bytes["train"] == sum(file.bytes for file in made.manifest.splits["train"].files)


def test_a_run_that_was_stopped_goes_on_with_the_files_that_it_wrote(project, cut):
    from resampler.budget import StoppedError

    whole = project.create(name="whole")
    for _ in range(40):
        try:
            made = project.create(max_seconds=1e-6, resume="latest")
            break
        except StoppedError:
            continue
    assert made.digest == whole.digest
    files = [file.sha256 for file in made.manifest.splits["train"].files]
    assert files == [file.sha256 for file in whole.manifest.splits["train"].files]
    assert pc.sum(rows_of(made, "train")["is_synthetic"]).as_py() == made.manifest.splits["train"].synthetic
