"""kill -9 at every step leaves the old state or the new one; writers at once never harm each other."""

from __future__ import annotations

import multiprocessing
import sys
from pathlib import Path

import pytest

from feast_plugin import verify_snapshot
from feast_plugin.versions.catalog import Catalog
from feast_plugin.versions.storage import Location

sys.path.insert(0, str(Path(__file__).parent))
import crash_child

SQL = "registry:\n  registry_type: sql\n  path: sqlite:///{path}\n  cache_ttl_seconds: 0"


@pytest.fixture(scope="module")
def context():
    """Processes that are forked from one that has imported Feast and nothing else."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["feast_plugin.registries.feast", "feast_plugin.versions.create"])
    return context


@pytest.fixture(params=["file", "sql"])
def project(make, tmp_path, request):
    registry = SQL.format(path=tmp_path / "registry.sqlite") if request.param == "sql" else None
    return make(registry=registry)


def entries(project):
    store = project.reopened()
    return {
        "datasets": sorted(d.name for d in store.list_saved_datasets()),
        "views": sorted(v.name for v in store.list_feature_views()),
        "services": sorted(s.name for s in store.list_feature_services()),
    }


def datasets(*versions):
    return sorted(f"pay_v{v:04d}_{split}" for v in versions for split in ("train", "validation", "test"))


def assert_sound(project, *versions):
    found = entries(project)
    assert found["datasets"] == datasets(*versions)
    assert found["views"] == ["mixed", "numbers", "vectors"]
    assert found["services"] == ["all", "numbers"]
    catalog = Catalog(Location.parse(project.root), "pay")
    assert catalog.numbers() == list(versions)
    for version in versions:
        assert verify_snapshot(project.reopened(), name="pay", root=project.root, version=version).problems == ()


STEPS = {
    "retrieved": ("feast_plugin.retrieval.retrieval", "retrieve", 1, True),
    "directory made": ("feast_plugin.versions.parquet", "ParquetFile.__init__", 1, True),
    "a file is half written": ("feast_plugin.versions.parquet", "ParquetFile._flush", 2, False),
    "files written": ("feast_plugin.versions.create", "write_version", 1, True),
    "page published": ("feast_plugin.versions.storage", "Location.publish", 1, True),
    "manifest half published": ("feast_plugin.versions.storage", "Location.create_parent", 6, True),
    "manifest published": ("feast_plugin.versions.storage", "Location.publish", 2, True),
    "first entry applied": ("registry", "apply_saved_dataset", 1, True),
    "last entry applied": ("registry", "apply_saved_dataset", 3, True),
    "registry file half written": ("feast_plugin.registries.feast", "os.fsync", 1, False),
    "registered": ("feast_plugin.registries.feast", "FeastRegistry.register", 1, True),
}


@pytest.mark.parametrize("step", STEPS)
def test_a_killed_writer_leaves_the_old_state_or_the_new(project, context, step):
    module, name, call, after = STEPS[step]
    sql = "registry_type: sql" in (project.path / "feature_store.yaml").read_text()
    if name == "os.fsync" and sql:  # a database writes its own files; its half is a source without its dataset
        module, name, call = "registry", "apply_data_source", 2
    if module == "registry":
        module = f"feast.infra.registry.{'sql' if sql else 'registry'}"
        name = f"{'Sql' if sql else ''}Registry.{name}"
    arguments = (str(project.path), str(project.root), 1, module, name, call)
    child = context.Process(target=crash_child.create_and_die, args=arguments, kwargs={"after": after})
    child.start()
    child.join(120)
    assert child.exitcode == -9
    assert not (project.root / "survived").exists()
    found = entries(project)
    assert found["views"] == ["mixed", "numbers", "vectors"]
    # Each statement of a database is a step of its own: some entries may be there, each of them whole.
    assert found["datasets"] in ([], datasets(1)) or (sql and set(found["datasets"]) < set(datasets(1)))

    again = project.create(seed=2)
    assert_sound(project, *range(1, again.version + 1))
    assert {p.name for p in (project.root / "pay").iterdir()} <= {".lock", "v0001", "v0002"}


def test_writers_at_once(project, context):
    seeds = [1, 2, 3, 1]
    barrier = context.Barrier(len(seeds))
    children = [
        context.Process(target=crash_child.create_when, args=(str(project.path), str(project.root), seed, barrier))
        for seed in seeds
    ]
    for child in children:
        child.start()
    for child in children:
        child.join(240)
    assert [child.exitcode for child in children] == [0, 0, 0, 0]
    assert_sound(project, 1, 2, 3)
