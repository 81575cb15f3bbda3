"""kill -9 at every step leaves the old state or the new one; writers at once never harm each other."""

from __future__ import annotations

import json
import multiprocessing
import sys
from pathlib import Path

import pytest

from feast_plugin import verify_snapshot
from feast_plugin.versions.files.catalog import Catalog
from resampler.storage import Location

sys.path.insert(0, str(Path(__file__).parent))
import crash_child

SQL = "registry:\n  registry_type: sql\n  path: sqlite:///{path}\n  cache_ttl_seconds: 0"


@pytest.fixture(scope="module")
def context():
    """Processes that are forked from one that has imported Feast and nothing else."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["feast_plugin.registries.feast", "feast_plugin.versions.create"])
    return context


class Feast:
    """A project whose registry is a file or a database."""

    def __init__(self, make, home, kind):
        self.kind = kind
        self.project = make(registry=SQL.format(path=home / "registry.sqlite") if kind == "sql" else None)
        self.place, self.root = self.project.path, self.project.root
        self.debris = {".lock", "ledger", "v0001", "v0002"}

    def create(self, seed):
        return self.project.create(seed=seed)

    def check(self, version):
        return self.project.check(version)

    def assert_others_whole(self):
        store = self.project.reopened()
        assert sorted(v.name for v in store.list_feature_views()) == ["mixed", "numbers", "vectors"]
        assert sorted(s.name for s in store.list_feature_services()) == ["all", "numbers"]

    def names(self):
        return self.project.names()


class Directory:
    """A plain directory, with versions of the same table."""

    def __init__(self, make, home, kind):
        self.kind, self.place, self.root = kind, make().path, home / "catalog"
        self.debris = {".lock", "ledger", "v0001", "v0002", "datasets.json"}

    def create(self, seed):
        crash_child.create(self.kind, str(self.place), str(self.root), seed)
        return Catalog(Location.parse(self.root), "pay").load()

    def check(self, version):
        return verify_snapshot(self.root, name="pay", version=version)

    def assert_others_whole(self):
        pass  # nothing but datasets of this name stands in a file of its own

    def names(self):
        file = self.root / "pay" / "datasets.json"
        return sorted(json.loads(file.read_text())["datasets"]) if file.exists() else []


HOMES = {"file": Feast, "sql": Feast, "directory": Directory}


@pytest.fixture(params=HOMES)
def home(make, tmp_path, request):
    return HOMES[request.param](make, tmp_path, request.param)


def datasets(*versions):
    return sorted(f"pay_v{v:04d}_{split}" for v in versions for split in ("train", "validation", "test"))


def assert_sound(home, *versions):
    assert home.names() == datasets(*versions)
    home.assert_others_whole()
    assert Catalog(Location.parse(home.root), "pay").numbers() == list(versions)
    for version in versions:
        assert home.check(version).problems == ()


# Where to kill: module, function, which of its calls, and whether after it did its work.
STEPS = {
    "read": ("feast_plugin.retrieval.retrieval", "retrieve", 1, True),
    "directory made": ("feast_plugin.versions.files.parquet", "ParquetFile.__init__", 1, True),
    "a file is half written": ("feast_plugin.versions.files.parquet", "ParquetFile._flush", 2, False),
    "files written": ("feast_plugin.versions.publish", "write_version", 1, True),
    "page published": ("resampler.storage", "Location.write_at_once", 1, True),
    "manifest half published": ("resampler.storage", "Location.create_parent", 6, True),
    "manifest published": ("resampler.storage", "Location.write_at_once", 2, True),
    "first entry applied": ("registry", "apply_saved_dataset", 1, True),
    "last entry applied": ("registry", "apply_saved_dataset", 3, True),
    "registry file half written": ("feast_plugin.registries.guarded", "os.fsync", 1, False),
    "registered": ("feast_plugin.registries.feast", "FeastRegistry.register", 1, True),
}
OF_A_DIRECTORY = {
    "read": ("feast_plugin.versions.inputs.table", "TableSource.rows", 1, True),
    "first entry applied": ("feast_plugin.registries.directory", "_entry", 1, True),
    "last entry applied": ("feast_plugin.registries.directory", "_entry", 3, True),
    "registry file half written": ("resampler.storage", "Location.create_parent", 7, True),
    "registered": ("feast_plugin.registries.directory", "DirectoryRegistry.register", 1, True),
}


@pytest.mark.parametrize("step", STEPS)
def test_a_killed_writer_leaves_the_old_state_or_the_new(home, context, step):
    sql = home.kind == "sql"
    module, name, call, after = (STEPS | OF_A_DIRECTORY if home.kind == "directory" else STEPS)[step]
    if name == "os.fsync" and sql:  # a database writes its own files; its half is a source without its dataset
        module, name, call = "registry", "apply_data_source", 2
    if module == "registry":
        module = f"feast.infra.registry.{'sql' if sql else 'registry'}"
        name = f"{'Sql' if sql else ''}Registry.{name}"
    arguments = (home.kind, str(home.place), str(home.root), 1, module, name, call)
    child = context.Process(target=crash_child.create_and_die, args=arguments, kwargs={"after": after})
    child.start()
    child.join(120)
    assert child.exitcode == -9
    assert not (home.root / "survived").exists()
    home.assert_others_whole()
    # Each statement of a database is a step of its own: some entries may be there, each of them whole.
    found = home.names()
    assert found in ([], datasets(1)) or (sql and set(found) < set(datasets(1)))

    again = home.create(2)
    assert_sound(home, *range(1, again.version + 1))
    assert {p.name for p in (home.root / "pay").iterdir()} <= home.debris


def test_writers_at_once(home, context):
    seeds = [1, 2, 3, 1]
    barrier = context.Barrier(len(seeds))
    children = [
        context.Process(
            target=crash_child.create_when, args=(home.kind, str(home.place), str(home.root), seed, barrier)
        )
        for seed in seeds
    ]
    for child in children:
        child.start()
    for child in children:
        child.join(240)
    assert [child.exitcode for child in children] == [0, 0, 0, 0]
    assert_sound(home, 1, 2, 3)
