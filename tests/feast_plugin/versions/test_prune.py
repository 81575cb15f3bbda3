"""Versions go with their entries, never one in use; no number comes back."""

from __future__ import annotations

from pathlib import Path

import pytest

from feast_plugin import list_snapshots, prune_snapshot
from feast_plugin.notices import SnapshotWarning
from feast_plugin.versions.files.catalog import survey
from resampler.errors import CorruptStateError, GateError, InvalidInputError


def test_prune_removes_files_and_entries_and_no_number_comes_back(project):
    for seed in (1, 2, 3):
        project.create(seed=seed)
    assert prune_snapshot(project.reopened(), name="pay", root=project.root, keep=1) == [1, 2]
    assert project.catalog().numbers() == [3]
    assert project.names() == [f"pay_v0003_{s}" for s in ("test", "train", "validation")]
    assert not any("v0001" in s.name for s in project.reopened().list_data_sources())
    assert prune_snapshot(project.reopened(), name="pay", root=project.root, version=3) == [3]
    assert project.names() == []
    assert project.create().version == 4


@pytest.mark.parametrize("damage", ["", "[" * 100_000, "[]", '{"format": 99}', "\x00"])
def test_a_version_whose_manifest_cannot_be_read_is_named_and_can_be_pruned(project, damage):
    snapshot = project.create(seed=1)
    project.create(seed=2)
    (Path(snapshot.uri) / "manifest.json").write_text(damage)
    remedy = "or remove the version: resampler snapshot prune --name pay --version 1"
    for blocked in (
        lambda: project.create(seed=3),
        lambda: project.forget("7"),
        lambda: list_snapshots(project.root),
        lambda: prune_snapshot(project.reopened(), name="pay", root=project.root, keep=1),
    ):
        with pytest.raises(CorruptStateError, match=remedy):
            blocked()
    broken, whole = survey(project.root)
    assert (broken.name, broken.version, whole.version) == ("pay", 1, 2)
    assert prune_snapshot(project.reopened(), name="pay", root=project.root, version=1) == [1]
    assert project.names() == [f"pay_v0002_{s}" for s in ("test", "train", "validation")]
    assert not any("v0001" in s.name for s in project.reopened().list_data_sources())
    assert project.catalog().numbers() == [2]
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
    assert project.check().ok  # a tag of the user's own is no damage
    project.create(seed=2)
    with pytest.raises(GateError, match="tagged model=fraud-7"):
        prune_snapshot(project.reopened(), name="pay", root=project.root, version=1)
    with pytest.warns(SnapshotWarning, match="version 1 is kept beside the newest, for it is in use: .*model=fraud-7"):
        assert prune_snapshot(project.reopened(), name="pay", root=project.root, keep=1) == []
    with pytest.raises(InvalidInputError, match="either a version or"):
        prune_snapshot(project.reopened(), name="pay", root=project.root)
