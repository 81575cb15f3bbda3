"""What a manifest says is checked: under checksums of its own, and in the registry; the old format is still read."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from feast_plugin import rebuild_snapshot, verify_snapshot
from feast_plugin.registries.feast import FeastRegistry
from feast_plugin.versions.files.catalog import Catalog
from feast_plugin.versions.files.manifest import Manifest
from feast_plugin.versions.registry import datasets_of
from resampler.errors import CorruptStateError
from resampler.storage import Location

FORMAT_1 = Path(__file__).parents[1] / "format1"
DERIVED = ("digest", "recipe", "counts", "datasets", "checksums")


def leaves(value, path=()):
    """Every value in a JSON document, with the way to it."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if items is None:
        yield path
        return
    for key, inner in items:
        yield from leaves(inner, (*path, key))


def changed(text, path):
    """The document with one value changed, and nothing else."""
    data = json.loads(text)
    at = data
    for key in path[:-1]:
        at = at[key]
    value = at[path[-1]]
    if isinstance(value, bool):
        at[path[-1]] = not value
    elif isinstance(value, int | float):
        at[path[-1]] = value * 2 + 1
    else:
        at[path[-1]] = f"{value}x"
    return json.dumps(data)


def test_no_value_of_a_manifest_can_be_changed_unseen(project):
    manifest = project.create(
        feature_service="all", ratio=0.9, clean="tomek", undersample=0.5, retain="sample"
    ).manifest
    text = manifest.to_json()
    assert Manifest.from_json(text, "m") == manifest
    paths = list(leaves(json.loads(text)))
    assert len(paths) > 100
    for path in paths:
        with pytest.raises(CorruptStateError):
            Manifest.from_json(changed(text, path), "m")
    data = json.loads(text)
    data["splits"]["holdout"] = data["splits"]["test"]
    with pytest.raises(CorruptStateError, match=r"m was changed: it has splits \['holdout'\]: restore it"):
        Manifest.from_json(json.dumps(data), "m")


@pytest.mark.parametrize(
    ("path", "named"),
    [
        (("contract", "features", 0, "scale"), "contract"),
        (("columns", "features", 0, "categorical"), "columns"),
        (("retain",), "retain"),
        (("notes", "incomplete_minority_rows"), "notes"),
    ],
)
def test_verify_and_rebuild_name_what_was_changed(project, path, named):
    file = Path(project.create().uri) / "manifest.json"
    file.write_text(changed(file.read_text(), path))
    for command in (verify_snapshot, rebuild_snapshot):
        with pytest.raises(CorruptStateError, match=rf"manifest.json was changed: {named} not as written: restore it"):
            command(project.reopened(), name="pay", root=project.root)


def test_a_manifest_with_new_checksums_contradicts_the_registry(project):
    """Whoever changes a manifest and all that follows from it: the registry has the old checksum."""
    snapshot = project.create()
    file = Path(snapshot.uri) / "manifest.json"
    data = json.loads(file.read_text())
    for name in DERIVED:
        data.pop(name)
    data["contract"]["features"][0]["scale"] *= 2
    data["format"] = 1  # which had no checksums
    written = {name: json.loads(file.read_text())[name] for name in DERIVED[:-1]}
    file.write_text(json.dumps(data | written))
    found = "\n".join(verify_snapshot(project.reopened(), name="pay", root=project.root).problems)
    assert "resampler.checksum" in found
    assert "scale of feature 'amount' is" in found


@pytest.fixture
def old(make):
    """A version that a release wrote before there were checksums, in a project of its own."""
    project = make()
    shutil.copytree(FORMAT_1, project.root / "pay" / "v0001")
    catalog = Catalog(Location.parse(project.root), "pay")
    FeastRegistry(project.reopened()).register(datasets_of(catalog.load(1), catalog.directory(1)))
    return project


def test_a_version_of_format_1_is_read_and_verified_as_it_is_beside_those_of_today(old):
    file = old.root / "pay" / "v0001" / "manifest.json"
    manifest = Manifest.from_json(file.read_text(), "m")
    assert (manifest.format, manifest.checksum) == (1, None)
    assert manifest.to_json() == file.read_text()
    assert verify_snapshot(old.reopened(), name="pay", root=old.root).problems == ()
    for dataset in old.reopened().list_saved_datasets():
        assert "resampler.checksum" not in dataset.tags
    options = {"entity_df": old.frame().slice(0, 120), "feature_service": "all", "full_feature_names": True}
    options |= {"missing": "complete", "grid": "off"}  # as versions were made then
    again = old.create(**options)
    assert (again.version, again.reused) == (2, False)  # whose synthetic rows are shuffled, at drawn times
    assert again.manifest.splits["test"].sha256 == manifest.splits["test"].sha256
    assert (old.create(**options).version, old.create(seed=2, **options).version) == (2, 3)
    assert verify_snapshot(old.reopened(), name="pay", root=old.root, version=1).ok


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (
            ("contract", "features", 0, "scale"),
            "scale of feature 'numbers__amount' is 257.0, its training rows give 128.0",
        ),
        (("contract", "features", 0, "categorical"), "says digest"),
        (
            ("columns", "features", 0, "categorical"),
            "categorical of feature 'numbers__amount' is True in columns, False",
        ),
        (("columns", "features", 5, "dtype"), "dtype of feature 'vectors__emb' is 'float32x' in columns"),
        (("columns", "features", 2, "name"), "columns have feature 'mixed__visitsx', which is not the contract's next"),
        (("columns", "features", 2, "reference"), "references are"),
        (("columns", "label"), "label is 'resampler__fraudx' in columns"),
        (("columns", "label_reference"), "references are"),
        (("columns", "join_keys", 0, "dtype"), "join key 'customer_id' has dtype 'int64x'"),
        (("seed",), "says digest"),
    ],
)
def test_what_decides_in_format_1_is_checked_against_what_it_follows_from(old, path, message):
    file = old.root / "pay" / "v0001" / "manifest.json"
    file.write_text(changed(file.read_text(), path))
    try:
        problems = "\n".join(verify_snapshot(old.reopened(), name="pay", root=old.root).problems)
    except CorruptStateError as error:
        problems = str(error)
    assert message in problems
    with pytest.raises(CorruptStateError, match="was changed"):
        rebuild_snapshot(old.reopened(), name="pay", root=old.root)


def test_a_manifest_of_a_later_release_says_so(project):
    file = Path(project.create().uri) / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"format": 7}))
    with pytest.raises(CorruptStateError, match="has format 7, this release reads 1, 2, 3, 4, 5, 6"):
        verify_snapshot(project.reopened(), name="pay", root=project.root)


def test_a_split_that_no_release_writes_is_named(project):
    data = json.loads(project.create().manifest.to_json())
    data["splits"]["holdout"] = data["splits"]["test"]
    with pytest.raises(CorruptStateError, match=r"m was changed: it has splits \['holdout'\]: restore it from a copy"):
        Manifest.from_json(json.dumps(data), "m")
