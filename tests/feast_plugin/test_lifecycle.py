"""What can happen to a version later: verify, rebuild, diff, prune, forget."""

from __future__ import annotations

import dataclasses
import json
import shutil
import threading
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from feast_plugin import diff_snapshot, forget_entity, list_snapshots, prune_snapshot, rebuild_snapshot, verify_snapshot
from feast_plugin.notices import SnapshotWarning
from feast_plugin.retrieval import retrieval as retrieval_module
from feast_plugin.versions import forget as forget_module
from feast_plugin.versions.catalog import Catalog, survey
from feast_plugin.versions.storage import Location
from feast_plugin.versions.tombstones import Tombstones
from resampler.errors import CorruptStateError, DataError, GateError, InvalidInputError


def catalog(project, name="pay"):
    return Catalog(Location.parse(project.root), name)


def check(project, version=None):
    return verify_snapshot(project.reopened(), name="pay", root=project.root, version=version)


def files_of(snapshot):
    return {p.relative_to(snapshot.uri): p.read_bytes() for p in Path(snapshot.uri).rglob("*.parquet")}


def names(project):
    return sorted(d.name for d in project.reopened().list_saved_datasets())


@pytest.mark.parametrize("service", ["numbers", "all"])
def test_a_fresh_version_verifies(project, service):
    project.create(feature_service=service)
    assert check(project).problems == ()


@pytest.mark.parametrize("path", ["train/part-00000.parquet", "test/part-00000.parquet", "lineage.parquet"])
def test_verify_sees_a_changed_and_a_missing_file(project, path):
    file = Path(project.create().uri) / path
    file.write_bytes(file.read_bytes() + b"x")
    assert any(f"{path} has sha256" in problem for problem in check(project).problems)
    file.unlink()
    assert any(f"{path} is missing" in problem for problem in check(project).problems)


def test_a_changed_manifest_is_refused(project):
    path = Path(project.create().uri) / "manifest.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps(manifest | {"seed": 99}))
    with pytest.raises(CorruptStateError, match="was changed: it says digest"):
        check(project)
    path.write_text(json.dumps(manifest | {"counts": {}}))
    with pytest.raises(CorruptStateError, match=r"was changed: it says counts \{\}"):
        check(project)
    path.write_text("{")
    with pytest.raises(CorruptStateError, match="is not a manifest"):
        check(project)


def test_verify_sees_what_happened_to_the_registry(project):
    snapshot = project.create()
    store = project.reopened()
    dataset = store.registry.get_saved_dataset(snapshot.datasets["test"], store.project)
    dataset.tags["resampler.seed"] = "99"
    store.registry.apply_saved_dataset(dataset, store.project)
    store.registry.delete_saved_dataset(snapshot.datasets["train"], store.project)
    problems = "\n".join(check(project).problems)
    assert "pay_v0001_train is not in the registry" in problems
    assert "pay_v0001_test: tags is" in problems
    with pytest.raises(CorruptStateError, match="another dataset 'pay_v0001_test'"):
        project.create(seed=2)
    assert catalog(project).numbers() == [1]


def test_verify_sees_a_parent_outside_training(project):
    """A lineage that lies, under a manifest that was made to match it."""
    snapshot = project.create()
    path = Path(snapshot.uri) / "lineage.parquet"
    lineage = pq.read_table(path)
    n_real = snapshot.manifest.splits["train"].real
    outside = pa.array(np.full(lineage.num_rows, n_real + 1))
    pq.write_table(lineage.set_column(1, "base_row", outside), path)
    manifest = snapshot.manifest
    stored = dataclasses.replace(manifest.lineage, sha256=Location.parse(path).sha256())
    lying = dataclasses.replace(manifest, lineage=stored)
    (Path(snapshot.uri) / "manifest.json").write_text(lying.to_json())
    assert any("parent outside the training split" in problem for problem in check(project).problems)


@pytest.mark.parametrize("retain", ["full", "sample", "recipe"])
@pytest.mark.parametrize("service", ["numbers", "all"])
def test_rebuild_makes_the_same_bytes(project, retain, service):
    full = project.create(name="full", feature_service=service)
    snapshot = project.create(retain=retain, feature_service=service)
    assert snapshot.digest == full.digest
    train = Path(snapshot.uri) / "train" / "part-00000.parquet"
    assert train.exists() == (retain == "full")
    assert check(project).ok
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
    assert check(project).ok
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


def test_diff_names_what_changed(project):
    project.create(feature_service="all")
    project.create(feature_service="all", seed=2, ratio=0.7)
    found = diff_snapshot(1, 2, name="pay", root=project.root)
    assert found["equal"] is False
    assert found["parameters"] == {"seed": [1, 2], "ratio": [0.5, 0.7]}
    assert found["contract"] == {}
    assert found["counts"]["train"][0]["synthetic"] < found["counts"]["train"][1]["synthetic"]
    assert found["distributions"]["test"] == dict.fromkeys(["amount", "score", "visits", "night", "country", "emb"], 0)
    assert found["distributions"]["train"]["amount"] > 0.05
    assert 0 < found["distributions"]["train"]["country"] < 1
    with pytest.raises(InvalidInputError, match="no version 9"):
        diff_snapshot(1, 9, name="pay", root=project.root)


def test_prune_removes_files_and_entries_and_no_number_comes_back(project):
    for seed in (1, 2, 3):
        project.create(seed=seed)
    assert prune_snapshot(project.reopened(), name="pay", root=project.root, keep=1) == [1, 2]
    assert catalog(project).numbers() == [3]
    assert names(project) == [f"pay_v0003_{s}" for s in ("test", "train", "validation")]
    assert not any("v0001" in s.name for s in project.reopened().list_data_sources())
    assert prune_snapshot(project.reopened(), name="pay", root=project.root, version=3) == [3]
    assert names(project) == []
    assert project.create().version == 4


@pytest.mark.parametrize("damage", ["", "[" * 100_000, "[]", '{"format": 99}', "\x00"])
def test_a_version_whose_manifest_cannot_be_read_is_named_and_can_be_pruned(project, damage):
    snapshot = project.create(seed=1)
    project.create(seed=2)
    (Path(snapshot.uri) / "manifest.json").write_text(damage)
    remedy = "or remove the version: resampler snapshot prune --name pay --version 1"
    for blocked in (
        lambda: project.create(seed=3),
        lambda: forget(project, "7"),
        lambda: list_snapshots(project.root),
        lambda: prune_snapshot(project.reopened(), name="pay", root=project.root, keep=1),
    ):
        with pytest.raises(CorruptStateError, match=remedy):
            blocked()
    broken, whole = survey(project.root)
    assert (broken.name, broken.version, whole.version) == ("pay", 1, 2)
    assert prune_snapshot(project.reopened(), name="pay", root=project.root, version=1) == [1]
    assert names(project) == [f"pay_v0002_{s}" for s in ("test", "train", "validation")]
    assert not any("v0001" in s.name for s in project.reopened().list_data_sources())
    assert catalog(project).numbers() == [2]
    assert project.create(seed=3).version == 3


def test_a_version_in_use_is_spared_without_its_manifest_too(project):
    snapshot = project.create()
    store = project.reopened()
    dataset = store.registry.get_saved_dataset("pay_v0001_train", store.project)
    dataset.tags["model"] = "fraud-7"
    store.registry.apply_saved_dataset(dataset, store.project)
    (Path(snapshot.uri) / "manifest.json").write_text("{")
    with pytest.raises(GateError, match="tagged model=fraud-7"):
        prune_snapshot(project.reopened(), name="pay", root=project.root, version=1)


def test_prune_spares_what_is_in_use(project):
    project.create()
    store = project.reopened()
    dataset = store.registry.get_saved_dataset("pay_v0001_train", store.project)
    dataset.tags["model"] = "fraud-7"
    store.registry.apply_saved_dataset(dataset, store.project)
    assert check(project).ok  # a tag of the user's own is no damage
    project.create(seed=2)
    with pytest.raises(GateError, match="tagged model=fraud-7"):
        prune_snapshot(project.reopened(), name="pay", root=project.root, version=1)
    with pytest.warns(SnapshotWarning, match="version 1 is kept beside the newest, for it is in use: .*model=fraud-7"):
        assert prune_snapshot(project.reopened(), name="pay", root=project.root, keep=1) == []
    with pytest.raises(InvalidInputError, match="either a version or"):
        prune_snapshot(project.reopened(), name="pay", root=project.root)


def test_forget_leaves_no_row_of_an_entity_and_none_that_descends_from_it(project):
    first, _ = project.create(), project.create(seed=2)
    table = pq.read_table(Path(first.uri) / "train" / "part-00000.parquet")
    parent = pq.read_table(Path(first.uri) / "lineage.parquet")["base_row"][0].as_py()
    victim = table["customer_id"][parent].as_py()

    done = forget_entity(project.reopened(), name="pay", root=project.root, entity=str(victim))
    assert [(one.version, one.rows, one.replaced_by) for one in done] == [(1, 10, 3), (2, 10, 4)]
    assert catalog(project).numbers() == [3, 4]
    assert not any(n.startswith(("pay_v0001", "pay_v0002")) for n in names(project))
    for version in (3, 4):
        assert check(project, version).ok
        splits = [pq.read_table(p) for p in (project.root / "pay" / f"v{version:04d}").glob("*/part-*.parquet")]
        assert not any(victim in t["customer_id"].to_pylist() for t in splits)
        assert sum(t.num_rows - t["is_synthetic"].to_numpy().sum() for t in splits) == 390
    assert forget_entity(project.reopened(), name="pay", root=project.root, entity=f"+{victim}") == []
    with pytest.raises(DataError, match="cannot be a join key"):
        forget(project, f"0_{victim}")
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
    assert catalog(project).numbers() == []


def forget(project, entity):
    return forget_entity(project.reopened(), name="pay", root=project.root, entity=entity)


def test_an_unknown_entity_is_an_error_and_leaves_no_tombstone(project):
    with pytest.raises(DataError, match="snapshot 'pay' has no version at all"):
        forget(project, "7")
    assert not (project.root / "pay").exists()
    project.create()
    with pytest.raises(DataError, match=r"entity 'Anna' cannot be a join key of pay: customer_id \(int64\)"):
        forget(project, "Anna")
    for entity in ("\u00b2", "0_7", " 7", "customer_id= 7", "+-7", "\u0667", "7" * 5000):  # Python reads some as 7
        with pytest.raises(DataError, match=r"cannot be a join key of pay: customer_id \(int64\)"):
            forget(project, entity)
    for entity in ("900", "customer_id=900", "-1"):  # the last one is a synthetic row's
        with pytest.raises(DataError, match=rf"'{entity}' is unknown: no version of pay \(1\) holds it") as caught:
            forget(project, entity)
        assert caught.value.exit_code == 1
    assert not (project.root / "pay" / "forgotten.json").exists()
    assert catalog(project).numbers() == [1]


@pytest.mark.parametrize("entity", ["7", "customer_id=7", "+007"])
def test_create_leaves_a_forgotten_entity_out_and_says_so(project, entity, tmp_path):
    first = project.create()
    assert [one.rows for one in forget(project, entity)] == [10]
    file = project.root / "pay" / "forgotten.json"
    told = json.loads(file.read_text())
    assert list(told["hashes"]) == ["customer_id"]
    assert len(told["hashes"]["customer_id"]) == 1
    assert "7" not in told["hashes"]["customer_id"]
    assert file.stat().st_mode & 0o077 == 0
    for other in ("--5", "+-7", "-", "\u00b2"):  # signs and digits that are no number
        assert not Tombstones.read(catalog(project).home).keys_of(other)

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
        forget(project, "7")
        return rows

    monkeypatch.setattr(retrieval_module, "retrieve", retrieve)
    with pytest.raises(DataError, match="10 rows are of an entity that was forgotten while they were read"):
        project.create(seed=5)
    assert catalog(project).numbers() == [2]


def test_damaged_tombstones_stop_a_create(project):
    project.create()
    forget(project, "7")
    (project.root / "pay" / "forgotten.json").write_text("{}")
    for again in (project.create, lambda: forget(project, "7")):
        with pytest.raises(CorruptStateError, match=r"forgotten.json holds no tombstones: KeyError"):
            again()


def test_a_version_without_a_forgotten_entity_is_no_copy_of_a_retrieval(project):
    project.create()
    forget(project, "7")
    (project.root / "pay" / "v0002" / "train" / "part-00000.parquet").unlink()
    with pytest.raises(CorruptStateError, match="are those of version 1, which is gone, without a forgotten entity"):
        rebuild_snapshot(project.reopened(), name="pay", root=project.root, entity_df=project.frame())


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
    assert check(project).ok
    bytes_before = files_of(snapshot)
    assert rebuild_snapshot(project.reopened(), name="pay", root=project.root).source == "version"
    (Path(snapshot.uri) / "train" / "part-00000.parquet").unlink()
    assert rebuild_snapshot(project.reopened(), name="pay", root=project.root).source == "store"
    assert files_of(snapshot) == bytes_before


def bury(project, key, value):
    """Leave what a forget leaves that was killed behind its tombstone, before any version was replaced."""
    Tombstones.read(catalog(project).home).add([{key: pa.scalar(value)}])


def customers(project, version):
    files = (project.root / "pay" / f"v{version:04d}").glob("*/part-*.parquet")
    return {customer for file in files for customer in pq.read_table(file)["customer_id"].to_pylist()}


def test_forget_leaves_out_what_another_forget_did_not_finish(project):
    project.create()
    bury(project, "customer_id", 9)
    assert [(one.version, one.rows, one.replaced_by) for one in forget(project, "7")] == [(1, 20, 2)]
    assert not customers(project, 2) & {7, 9}
    assert check(project).ok


def test_verify_sees_what_a_killed_forget_left(project):
    project.create(clean="tomek")
    bury(project, "customer_id", 9)
    assert any("10 rows are of an entity that was forgotten" in problem for problem in check(project).problems)
    assert [one.replaced_by for one in forget(project, "9")] == [2]
    assert check(project).ok
    (project.root / "pay" / "forgotten.json").write_text("{}")
    assert any("holds no tombstones" in problem for problem in check(project).problems)


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
    assert [one.replaced_by for one in forget(project, "7")] == [2]
    writer.join()
    assert catalog(project).numbers() == [2]
    assert "forgotten while they were read" in told[0]


def test_a_version_that_comes_past_the_lock_is_replaced_too(project, make, monkeypatch):
    """An object store's lock does not reach other machines: one of them publishes while the first is replaced."""
    project.create()
    far = make("far")
    for seed in (1, 2, 3):
        far.create(seed=seed)
    genuine = forget_module.remove_version

    def remove_version(registry, versions, version, datasets):
        genuine(registry, versions, version, datasets)
        if version == 1:
            shutil.copytree(far.root / "pay" / "v0003", project.root / "pay" / "v0003")

    monkeypatch.setattr(forget_module, "remove_version", remove_version)
    assert [(one.version, one.replaced_by) for one in forget(project, "7")] == [(1, 2), (3, 4)]
    assert not any(7 in customers(project, version) for version in catalog(project).numbers())


def test_two_forgets_at_once(project):
    for seed in (1, 2):
        project.create(seed=seed)
    told = []
    runs = [threading.Thread(target=lambda e=entity: told.append(forget(project, e))) for entity in ("7", "9", "9")]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert len(told) == 3
    assert [] in told  # the second that asked for 9
    assert all(not customers(project, version) & {7, 9} and check(project, version).ok for version in (5, 6))
    assert catalog(project).numbers() == [5, 6]
