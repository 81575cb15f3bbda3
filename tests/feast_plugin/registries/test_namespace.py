"""Datasets stand in the namespace that was asked for, and that changes nothing else."""

from __future__ import annotations

import pytest

from feast_plugin import alias_snapshot
from feast_plugin.notices import SnapshotWarning
from feast_plugin.printing.versions import shown
from feast_plugin.registries import feast as feast_registry
from feast_plugin.registries import saved
from resampler.errors import InvalidInputError


def namespaces(project):
    return {
        dataset.name: (dataset.namespace, dataset.collection) for dataset in project.reopened().list_saved_datasets()
    }


def test_a_namespace_is_part_of_no_digest(make):
    plain, grouped = make("plain"), make("grouped")
    here, there = plain.create(), grouped.create(namespace="team-a")
    assert there.digest == here.digest
    assert set(namespaces(plain).values()) == {("resampler", "pay")}
    assert set(namespaces(grouped).values()) == {("team-a", "pay")}
    alias_snapshot(grouped.reopened(), name="pay", root=grouped.root, alias="prod")
    assert namespaces(grouped)["pay_prod_train"] == ("team-a", "pay")
    assert ["namespace", "team-a"] in [line.split() for line in shown(there.manifest, there.uri)]
    with pytest.warns(SnapshotWarning, match="version 1 is reused, and stays in namespace 'team-a'"):
        assert grouped.create(namespace="team-b").reused
    grouped.forget(7)
    assert set(namespaces(grouped).values()) == {("team-a", "pay")}
    assert grouped.check().problems == ()


def test_an_entry_that_was_lost_comes_back_in_its_namespace(project):
    project.create(namespace="team-a")
    store = project.reopened()
    store.registry.delete_saved_dataset("pay_v0001_test", store.project)
    project.create()
    assert namespaces(project)["pay_v0001_test"] == ("team-a", "pay")


def test_a_feast_without_namespaces_is_named_and_does_without(project, monkeypatch):
    for module in (feast_registry, saved):
        monkeypatch.setattr(module, "GROUPS", False)
    with pytest.raises(InvalidInputError, match="namespace needs a Feast whose saved datasets have one"):
        project.create(namespace="team-a")
    project.create()
    assert set(namespaces(project).values()) == {("", "")}
    monkeypatch.undo()
    with pytest.raises(InvalidInputError, match="namespace must be a name, got ''"):
        project.create(namespace="")
