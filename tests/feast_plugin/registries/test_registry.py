"""What every registry promises, tried on each kind: a new kind adds itself to `KINDS` and inherits the suite."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from feast_plugin.notices import SnapshotWarning
from feast_plugin.registries import REGISTRIES, registry_of
from feast_plugin.registries.directory import DirectoryRegistry
from feast_plugin.registries.feast import FeastRegistry
from feast_plugin.versions.registry import Dataset, datasets_named
from resampler.errors import CorruptStateError, InvalidInputError
from resampler.storage import Location

SPLITS = ("test", "validation", "train")


class FeastKind:
    """Datasets of a Feast project, each read anew from its registry."""

    def __init__(self, home, make):
        self.project = make()
        self.root = Location.parse(home / "snapshots")

    def registry(self):
        return FeastRegistry(self.project.reopened())

    def tag(self, name, key, value):
        store = self.project.reopened()
        dataset = store.registry.get_saved_dataset(name, store.project)
        dataset.tags[key] = value
        store.registry.apply_saved_dataset(dataset, store.project)


class DirectoryKind:
    """Datasets of a plain directory."""

    def __init__(self, home, _make):
        self.root = Location.parse(home / "catalog")

    def registry(self):
        return DirectoryRegistry(self.root.path)

    def tag(self, name, key, value):
        file = Path(self.root.path) / "pay" / "datasets.json"
        data = json.loads(file.read_text())
        data["datasets"][name]["tags"][key] = value
        file.write_text(json.dumps(data))


KINDS = {"repo": FeastKind, "catalog": DirectoryKind}


@pytest.fixture(params=KINDS)
def kind(make, tmp_path, request):
    return KINDS[request.param](tmp_path, make)


def version(kind, number=1, **changes):
    """The datasets of a version, as its manifest would describe them."""
    directory = kind.root / "pay" / f"v{number:04d}"
    return [
        Dataset(
            name=f"pay_v{number:04d}_{split}",
            snapshot="pay",
            directory=directory,
            path=f"{split}/part-00000.parquet",
            features=("view:amount", "resampler:fraud", "resampler:is_synthetic"),
            join_keys=("customer_id",),
            tags={"resampler.split": split, "resampler.seed": "7"} | changes.get("tags", {}),
            first=1_700_000_000_000_001,
            last=1_700_000_100_000_000,
        )
        for split in SPLITS
    ]


def problems(kind, datasets):
    return [line for dataset in datasets for line in kind.registry().differences(dataset)]


def test_every_kind_is_in_the_suite():
    assert set(KINDS) == set(REGISTRIES)


def test_what_is_registered_is_there_and_registering_it_again_changes_nothing(kind):
    first, second = version(kind), version(kind, 2)
    assert len(problems(kind, first)) == 3
    kind.registry().register(first)
    assert problems(kind, first) == []
    kind.registry().register(second)
    kind.registry().register(first)
    assert problems(kind, first + second) == []


def test_a_lost_entry_is_written_again(kind):
    datasets = version(kind)
    kind.registry().register(datasets)
    kind.registry().unregister(datasets[:1])
    assert [line.split(" ")[0] for line in problems(kind, datasets)] == ["pay_v0001_test"]
    kind.registry().register(datasets)
    assert problems(kind, datasets) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("features", ("view:other",)),
        ("join_keys", ("shop_id",)),
        ("tags", {"resampler.seed": "8"}),
        ("first", 1_600_000_000_000_000),
        ("last", None),
        ("path", "elsewhere.parquet"),
    ],
)
def test_a_name_is_never_given_to_other_rows(kind, field, value):
    datasets = version(kind)
    kind.registry().register(datasets)
    other = [dataclasses.replace(dataset, **{field: value}) for dataset in datasets]
    assert len(problems(kind, other)) == 3
    with pytest.raises(CorruptStateError, match="another dataset"):
        kind.registry().register(other)
    assert problems(kind, datasets) == []


def test_a_version_goes_by_its_names_alone_and_no_other_with_it(kind):
    first, second = version(kind), version(kind, 2)
    for datasets in (first, second):
        kind.registry().register(datasets)
    kind.registry().unregister(datasets_named("pay", 1, kind.root / "pay" / "v0001"))
    assert len(problems(kind, first)) == 3
    assert problems(kind, second) == []
    kind.registry().unregister(first)  # once more is no error


def test_an_entry_whose_files_lie_elsewhere_is_anothers(kind):
    datasets = version(kind)
    kind.registry().register(datasets)
    impostors = datasets_named("pay", 1, kind.root / "pay" / "v0009")
    assert list(kind.registry().uses(impostors)) == []
    with pytest.warns(SnapshotWarning, match="it stays"):
        kind.registry().unregister(impostors)
    assert problems(kind, datasets) == []


def test_a_tag_of_the_users_own_says_that_a_version_is_in_use_and_is_no_damage(kind):
    datasets = version(kind)
    kind.registry().register(datasets)
    assert list(kind.registry().uses(datasets)) == []
    kind.tag("pay_v0001_train", "model", "fraud-7")
    named = datasets_named("pay", 1, kind.root / "pay" / "v0001")
    for known in (datasets, named):
        assert list(kind.registry().uses(known)) == ["dataset pay_v0001_train is tagged model=fraud-7"]
    assert problems(kind, datasets) == []
    kind.registry().register(datasets)
    assert list(kind.registry().uses(datasets)) == ["dataset pay_v0001_train is tagged model=fraud-7"]


def test_a_store_means_its_registry(kind, tmp_path):
    registry = kind.registry()
    assert registry_of(registry) is registry
    assert isinstance(registry_of(str(tmp_path / "new")), DirectoryRegistry)
    with pytest.raises(InvalidInputError, match=r"store must be a feast\.FeatureStore or the directory"):
        registry_of(7)
