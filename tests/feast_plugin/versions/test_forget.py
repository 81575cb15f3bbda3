"""No version holds a forgotten entity, or what descends from it, whatever is killed or runs beside."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from feast_plugin import forget_entity, rebuild_snapshot
from feast_plugin.notices import SnapshotWarning
from feast_plugin.retrieval import retrieval as retrieval_module
from feast_plugin.versions import forget as forget_module
from feast_plugin.versions.inputs.tombstones import Tombstones
from resampler.errors import CorruptStateError, DataError, InvalidInputError


def test_forget_leaves_no_row_of_an_entity_and_none_that_descends_from_it(project):
    first, _ = project.create(), project.create(seed=2)
    table = pq.read_table(Path(first.uri) / "train" / "part-00000.parquet")
    parent = pq.read_table(Path(first.uri) / "lineage.parquet")["base_row"][0].as_py()
    victim = table["customer_id"][parent].as_py()

    done = forget_entity(project.reopened(), name="pay", root=project.root, entity=str(victim))
    assert [(one.version, one.rows, one.replaced_by) for one in done] == [(1, 10, 3), (2, 10, 4)]
    assert project.catalog().numbers() == [3, 4]
    assert not any(n.startswith(("pay_v0001", "pay_v0002")) for n in project.names())
    for version in (3, 4):
        assert project.check(version).ok
        splits = [pq.read_table(p) for p in (project.root / "pay" / f"v{version:04d}").glob("*/part-*.parquet")]
        assert not any(victim in t["customer_id"].to_pylist() for t in splits)
        assert sum(t.num_rows - t["is_synthetic"].to_numpy().sum() for t in splits) == 390
    assert forget_entity(project.reopened(), name="pay", root=project.root, entity=f"+{victim}") == []
    with pytest.raises(DataError, match="cannot be a join key"):
        project.forget(f"0_{victim}")
    with pytest.raises(InvalidInputError, match="cannot be a join key"):
        forget_entity(project.reopened(), name="pay", root=project.root, entity="Anna")


def test_forget_removes_a_version_that_cannot_do_without(project):
    """Deletion wins: a class that loses its last neighbours takes the version with it."""
    fraud = project.table["fraud"].to_numpy()
    customer = project.table["customer_id"].to_numpy()
    worst = int(np.bincount(customer[fraud == 1]).argmax())
    frame = project.frame().filter(pa.array((fraud == 0) | (customer == worst)))
    rows = frame.append_column("side", pa.array(["train"] * frame.num_rows))
    project.create(entity_df=rows, split="column:side", k_neighbors=1)
    done = forget_entity(project.reopened(), name="pay", root=project.root, entity=str(worst))
    assert [one.replaced_by for one in done] == [None]
    assert "two classes" in done[0].reason
    assert project.catalog().numbers() == []


def test_an_unknown_entity_is_an_error_and_leaves_no_tombstone(project):
    with pytest.raises(DataError, match="snapshot 'pay' has no version under"):
        project.forget("7")
    assert not (project.root / "pay").exists()
    project.create()
    with pytest.raises(DataError, match=r"entity 'Anna' cannot be a join key of pay: customer_id \(int64\)"):
        project.forget("Anna")
    for entity in ("\u00b2", "0_7", " 7", "customer_id= 7", "+-7", "\u0667", "7" * 5000):  # Python reads some as 7
        with pytest.raises(DataError, match=r"cannot be a join key of pay: customer_id \(int64\)"):
            project.forget(entity)
    for entity in ("900", "customer_id=900", "-1"):  # the last one is a synthetic row's
        with pytest.raises(DataError, match=rf"'{entity}' is unknown: no version of pay \(1\) holds it") as caught:
            project.forget(entity)
        assert caught.value.exit_code == 1
    assert not (project.root / "pay" / "forgotten.json").exists()
    assert project.catalog().numbers() == [1]


@pytest.mark.parametrize("entity", ["7", "customer_id=7", "+007"])
def test_create_leaves_a_forgotten_entity_out_and_says_so(project, entity, tmp_path):
    first = project.create()
    assert [one.rows for one in project.forget(entity)] == [10]
    file = project.root / "pay" / "forgotten.json"
    told = json.loads(file.read_text())
    assert list(told["hashes"]) == ["customer_id"]
    assert len(told["hashes"]["customer_id"]) == 1
    assert "7" not in told["hashes"]["customer_id"]
    assert file.stat().st_mode & 0o077 == 0
    for other in ("--5", "+-7", "-", "\u00b2"):  # signs and digits that are no number
        assert not Tombstones.read(project.catalog().home).keys_of(other)

    with pytest.warns(SnapshotWarning, match=r"10 rows .* were forgotten \(by customer_id\) were left out"):
        again = project.create()
    assert again.digest != first.digest
    others = project.frame().filter(pc.not_equal(project.table["customer_id"], 7))
    assert again.digest == project.create(name="others", entity_df=others).digest
    rows = [pq.read_table(p)["customer_id"].to_pylist() for p in Path(again.uri).glob("*/part-*.parquet")]
    assert sum(7 in part for part in rows) == 0
    with pytest.warns(SnapshotWarning, match="10 rows"):
        span = project.create(label="verdicts:verdict", entity_df=None, end_date="2030-01-01T00:00:00Z")
    assert span.manifest.inputs["rows"] == 390

    only = project.frame().filter(pc.equal(project.table["customer_id"], 7))
    with pytest.raises(DataError, match="no row is left: 10 rows of entities that were forgotten"):
        project.create(entity_df=only)
    frame = tmp_path / "frame.parquet"
    pq.write_table(project.frame(), frame)
    (Path(again.uri) / "train" / "part-00000.parquet").unlink()
    with pytest.warns(SnapshotWarning, match="10 rows"):
        made = rebuild_snapshot(
            project.reopened(), name="pay", root=project.root, version=again.version, entity_df=frame
        )
    assert made.source == "store"


def test_a_version_that_was_being_made_cannot_bring_the_entity_back(project, monkeypatch):
    """Forgotten between the retrieval and the publication."""
    project.create()
    genuine = retrieval_module.retrieve

    def retrieve(*args, **options):
        rows = genuine(*args, **options)
        project.forget("7")
        return rows

    monkeypatch.setattr(retrieval_module, "retrieve", retrieve)
    with pytest.raises(DataError, match="10 rows are of an entity that was forgotten while they were read"):
        project.create(seed=5)
    assert project.catalog().numbers() == [2]


def test_damaged_tombstones_stop_a_create(project):
    project.create()
    project.forget("7")
    (project.root / "pay" / "forgotten.json").write_text("{}")
    for again in (project.create, lambda: project.forget("7")):
        with pytest.raises(CorruptStateError, match=r"forgotten.json holds no tombstones: KeyError"):
            again()


def test_a_version_without_a_forgotten_entity_is_no_copy_of_a_retrieval(project):
    project.create()
    project.forget("7")
    (project.root / "pay" / "v0002" / "train" / "part-00000.parquet").unlink()
    with pytest.raises(CorruptStateError, match="are those of version 1, which is gone, without a forgotten entity"):
        rebuild_snapshot(project.reopened(), name="pay", root=project.root, entity_df=project.frame())


def test_forget_leaves_out_what_another_forget_did_not_finish(project):
    project.create()
    project.bury("customer_id", 9)
    assert [(one.version, one.rows, one.replaced_by) for one in project.forget("7")] == [(1, 20, 2)]
    assert not project.customers(2) & {7, 9}
    assert project.check().ok


def test_verify_sees_what_a_killed_forget_left(project):
    project.create(clean="tomek")
    project.bury("customer_id", 9)
    assert any("10 rows are of an entity that was forgotten" in problem for problem in project.check().problems)
    assert [one.replaced_by for one in project.forget("9")] == [2]
    assert project.check().ok
    (project.root / "pay" / "forgotten.json").write_text("{}")
    assert any("holds no tombstones" in problem for problem in project.check().problems)


def test_no_version_comes_between_the_list_and_the_tombstone(project, monkeypatch):
    """A writer that starts while a forget reads the versions: it waits, and is refused."""
    project.create()
    genuine, told = forget_module.check_files, []

    def write():
        try:
            told.append(project.create(seed=2).version)
        except DataError as error:
            told.append(str(error))

    writer = threading.Thread(target=write)

    def check_files(*args):
        if not writer.ident:
            writer.start()
            writer.join(5)  # time enough to publish, if nothing holds it
        return genuine(*args)

    monkeypatch.setattr(forget_module, "check_files", check_files)
    assert [one.replaced_by for one in project.forget("7")] == [2]
    writer.join()
    assert project.catalog().numbers() == [2]
    assert "forgotten while they were read" in told[0]


def test_a_version_that_comes_past_the_lock_is_replaced_too(project, make, monkeypatch):
    """An object store's lock does not reach other machines: one of them publishes while the first is replaced."""
    project.create()
    far = make("far")
    for seed in (1, 2, 3):
        far.create(seed=seed)
    genuine = forget_module.remove_version

    def remove_version(registry, versions, version, datasets, why):
        genuine(registry, versions, version, datasets, why)
        if version == 1:
            shutil.copytree(far.root / "pay" / "v0003", project.root / "pay" / "v0003")

    monkeypatch.setattr(forget_module, "remove_version", remove_version)
    assert [(one.version, one.replaced_by) for one in project.forget("7")] == [(1, 2), (3, 4)]
    assert not any(7 in project.customers(version) for version in project.catalog().numbers())


def test_two_forgets_at_once(project):
    for seed in (1, 2):
        project.create(seed=seed)
    told = []
    runs = [threading.Thread(target=lambda e=entity: told.append(project.forget(e))) for entity in ("7", "9", "9")]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert len(told) == 3
    assert [] in told  # the second that asked for 9
    assert all(not project.customers(version) & {7, 9} and project.check(version).ok for version in (5, 6))
    assert project.catalog().numbers() == [5, 6]
