"""An alias follows a version, for readers who know Feast alone, and is what keeps the version from being pruned."""

from __future__ import annotations

import json
import multiprocessing
import subprocess
import sys
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from feast import FeatureStore

from feast_plugin import (
    alias_snapshot,
    create_snapshot,
    forget_entity,
    prune_snapshot,
    rollback_snapshot,
    verify_snapshot,
)
from feast_plugin.notices import SnapshotWarning
from feast_plugin.versions.files.aliases import Alias, Move
from resampler.errors import CorruptStateError, DataError, GateError, InvalidInputError

sys.path.insert(0, str(Path(__file__).parents[1]))
import crash_child

SQL = "registry:\n  registry_type: sql\n  path: sqlite:///{path}\n  cache_ttl_seconds: 0"
SPLITS = ("train", "validation", "test")
READER = """
import json, sys
from feast import FeatureStore
assert not any(name.split(".")[0] in ("resampler", "feast_plugin") for name in sys.modules)
store = FeatureStore(repo_path=sys.argv[1])
print(json.dumps({name: len(store.get_saved_dataset(name).to_df()) for name in sys.argv[2:]}))
"""


class Feast:
    """A project whose registry is a file or a database."""

    def __init__(self, make, home, kind):
        self.kind = kind
        self.project = make(registry=SQL.format(path=home / "registry.sqlite") if kind == "sql" else None)
        self.place, self.root = self.project.path, self.project.root

    @property
    def store(self):
        return FeatureStore(repo_path=str(self.place))

    def create(self, seed, **options):
        return self.project.create(seed=seed, **options)

    def entries(self):
        """By alias dataset, the file that it stands for, and its window of time."""
        return {
            one.name: (one.storage.file_options.uri, one.min_event_timestamp, one.max_event_timestamp)
            for one in self.store.list_saved_datasets()
        }


class Directory:
    """A plain directory."""

    def __init__(self, make, home, kind):
        self.kind, self.place, self.root = kind, make().path, home / "catalog"
        self.store = str(self.root)

    def create(self, seed, **options):
        table = pq.read_table(self.place / "payments.parquet", columns=[*crash_child.COLUMNS, "amount", "score"])
        keys = {"join_keys": ["customer_id"], "timestamp": "event_timestamp"}
        defaults = {"name": "pay", "label": "fraud", "ratio": 0.5, "k_neighbors": 3, "entity_df": table}
        return create_snapshot(self.root, seed=seed, **(defaults | keys | options))

    def entries(self):
        file = self.root / "pay" / "datasets.json"
        found = json.loads(file.read_text())["datasets"]
        return {
            name: (str(self.root / "pay" / one["path"]), one["first_event"], one["last_event"])
            for name, one in found.items()
        }


HOMES = {"file": Feast, "sql": Feast, "directory": Directory}


@pytest.fixture(params=HOMES)
def home(make, tmp_path, request):
    return HOMES[request.param](make, tmp_path, request.param)


def point(home, version=None, alias="prod", **options):
    return alias_snapshot(home.store, name="pay", root=home.root, alias=alias, version=version, **options)


def back(home, alias="prod"):
    return rollback_snapshot(home.store, name="pay", root=home.root, alias=alias).version


def assert_stands_for(home, version, alias="prod"):
    """Each split of the alias is that of the version, in the registry, to the microsecond of its window."""
    entries = home.entries()
    own = {name: entry for name, entry in entries.items() if name.startswith(f"pay_{alias}_")}
    if version is None:
        assert own == {}
        return
    same = {
        name.replace(f"v{version:04d}", alias): entry for name, entry in entries.items() if f"v{version:04d}" in name
    }
    assert own == same
    assert verify_snapshot(home.store, name="pay", root=home.root, version=version).problems == ()


def windows(home, make_versions=3):
    """Versions whose datasets differ in rows and in windows of time."""
    for seed in range(1, make_versions + 1):
        home.create(seed, split=f"time:{0.4 + seed / 10:.1f},0.1,{0.5 - seed / 10:.1f}")


def test_it_follows_and_goes_back_and_keeps_its_history(home):
    windows(home)
    assert point(home, 1).version == 1
    assert_stands_for(home, 1)
    assert point(home).version == 3  # the newest
    assert_stands_for(home, 3)
    point(home, 2)
    assert point(home, 2).history[-1].before == 3  # once more changes nothing
    assert [back(home), back(home)] == [3, 1]
    assert_stands_for(home, 1)
    with pytest.raises(DataError, match="'prod' of pay has pointed nowhere before version 1"):
        back(home)
    point(home, 2)
    assert back(home) == 1
    kept = json.loads((Path(home.root) / "pay" / "aliases.json").read_text())["aliases"]["prod"]
    assert [(move["why"], move["before"], move["after"]) for move in kept] == [
        ("alias", None, 1), ("alias", 1, 3), ("alias", 3, 2), ("rollback", 2, 3), ("rollback", 3, 1), ("alias", 1, 2),
        ("rollback", 2, 1),
    ]  # fmt: skip
    assert all(move["by"] and move["at"].endswith("+00:00") for move in kept)
    point(home, 3, alias="canary")
    assert_stands_for(home, 3, alias="canary")
    assert_stands_for(home, 1)
    assert point(home, remove=True).version is None
    assert_stands_for(home, None)
    assert_stands_for(home, 3, alias="canary")
    assert back(home) == 1


def test_a_split_that_a_version_has_not_is_not_left_behind(home):
    windows(home, 1)
    home.create(2, split="time:0.7,0,0.3")
    point(home, 1)
    assert "pay_prod_validation" in home.entries()
    point(home, 2)
    assert_stands_for(home, 2)
    assert "pay_prod_validation" not in home.entries()


def test_prune_spares_it_and_forget_takes_it_along(home):
    windows(home)
    point(home, 1)
    with pytest.raises(GateError, match="version 1 is in use: alias 'prod' points to it; point it to another"):
        prune_snapshot(home.store, name="pay", root=home.root, version=1)
    with pytest.warns(SnapshotWarning, match="version 1 is kept beside the newest, for it is in use: alias 'prod'"):
        assert prune_snapshot(home.store, name="pay", root=home.root, keep=1) == [2]
    with pytest.warns(SnapshotWarning, match="'prod' of pay pointed to version 1, and now points to 4, which replaces"):
        done = forget_entity(home.store, name="pay", root=home.root, entity="customer_id=7")
    assert [(one.version, one.replaced_by) for one in done] == [(1, 4), (3, 5)]
    assert_stands_for(home, 4)
    point(home, 5)
    assert back(home) == 4
    point(home, 5)
    assert prune_snapshot(home.store, name="pay", root=home.root, version=4) == [4]
    with pytest.raises(DataError, match="pointed to version 4 before, which is gone: point it to one of 5"):
        back(home)


def test_what_a_lost_alias_points_to_is_not_pruned(home):
    """As where `aliases.json` was deleted, for it could not be read, and not every alias was set again."""
    windows(home, 2)
    point(home, 1)
    (Path(home.root) / "pay" / "aliases.json").unlink()
    with pytest.warns(SnapshotWarning, match=r"kept beside the newest.*pay_prod_\w+, which points to it, is tagged"):
        assert prune_snapshot(home.store, name="pay", root=home.root, keep=1) == []
    with pytest.raises(GateError, match=r"resampler\.alias=prod, of an alias that aliases.json has lost"):
        prune_snapshot(home.store, name="pay", root=home.root, version=1)
    point(home, 2)
    assert prune_snapshot(home.store, name="pay", root=home.root, version=1) == [1]
    assert_stands_for(home, 2)


def test_it_goes_back_to_what_replaces_a_version_that_was_forgotten_meanwhile(home):
    windows(home, 2)
    point(home, 1)
    point(home, 2)
    with pytest.warns(SnapshotWarning, match="now points to 4, which replaces it"):
        forget_entity(home.store, name="pay", root=home.root, entity="customer_id=7")
    with pytest.warns(SnapshotWarning, match="pointed to version 1 before, and now points to 3, which replaces it"):
        assert back(home) == 3
    assert_stands_for(home, 3)
    with pytest.raises(DataError, match="pointed nowhere before version 3"):
        back(home)


def test_a_forgotten_version_that_nothing_replaces_leaves_the_alias_pointing_nowhere(home):
    table = pq.read_table(home.place / "payments.parquet", columns=[*crash_child.COLUMNS, "amount", "score"])
    of_one = pc.equal(table["customer_id"], 7).cast("int64")
    table = table.set_column(table.schema.get_field_index("fraud"), "fraud", of_one)
    rows = table if home.kind == "directory" else table.select(crash_child.COLUMNS)
    home.create(1, entity_df=rows, split="stratified:0.7,0.15,0.15")
    point(home, 1)
    with pytest.warns(SnapshotWarning, match="pointed to version 1, and now points nowhere, for nothing replaces that"):
        (done,) = forget_entity(home.store, name="pay", root=home.root, entity="customer_id=7")
    assert done.replaced_by is None
    assert_stands_for(home, None)


def test_what_is_no_alias_is_refused(home):
    with pytest.raises(DataError, match="has no version"):
        point(home, 1)
    home.create(1)
    for name in ("v1", "v0003", "a_b", "", "9a", "a" * 64):
        with pytest.raises(InvalidInputError, match="alias must be a letter"):
            point(home, 1, alias=name)
    with pytest.raises(DataError, match="has no version 2"):
        point(home, 2)
    for verb in (back, lambda home: point(home, remove=True)):
        with pytest.raises(DataError, match="has no alias 'prod'; it has none: set it first"):
            verb(home)
    with pytest.raises(InvalidInputError, match="not both"):
        point(home, 1, remove=True)
    (Path(home.root) / "pay" / "aliases.json").write_text("{")
    with pytest.raises(CorruptStateError, match="lists no aliases"):
        point(home, 1)
    (problem,) = verify_snapshot(home.store, name="pay", root=home.root).problems
    assert "lists no aliases" in problem


def test_verify_sees_an_alias_that_was_bent(home):
    windows(home, 2)
    point(home, 2)
    if home.kind == "directory":
        file = home.root / "pay" / "datasets.json"
        data = json.loads(file.read_text())
        data["datasets"]["pay_prod_train"]["path"] = data["datasets"]["pay_v0001_train"]["path"]
        file.write_text(json.dumps(data))
    else:
        store = home.store
        store.registry.delete_saved_dataset("pay_prod_train", store.project)
    (problem,) = verify_snapshot(home.store, name="pay", root=home.root, version=2).problems
    assert problem.startswith("alias 'prod': pay_prod_train")
    point(home, 2)
    assert_stands_for(home, 2)


@pytest.mark.parametrize(("offline", "registry"), [("dask", "file"), ("duckdb", "sql")])
def test_a_process_without_this_package_reads_what_it_points_to(make, tmp_path, offline, registry):
    sql = SQL.format(path=tmp_path / "registry.sqlite") if registry == "sql" else None
    project = make(offline=offline, registry=sql)
    made = [project.create(seed=seed, ratio=seed / 4) for seed in (1, 2)]
    store = project.reopened()
    dataset = store.registry.get_saved_dataset("pay_v0001_train", store.project)
    for version in (2, 1):
        alias_snapshot(project.reopened(), name="pay", root=project.root, alias="prod", version=version)
        names = [f"pay_prod_{split}" for split in SPLITS]
        done = subprocess.run(
            [sys.executable, "-c", READER, project.path, *names],
            capture_output=True, text=True, cwd="/", env={"PATH": "", "HOME": str(tmp_path)},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        counts = made[version - 1].manifest.counts
        assert json.loads(done.stdout.splitlines()[-1]) == {
            f"pay_prod_{split}": counts[split]["rows"] for split in SPLITS
        }
    found = project.reopened().registry.get_saved_dataset("pay_prod_train", store.project)
    assert found.tags["resampler.alias"] == "prod"
    assert found.features == dataset.features
    assert len(project.reopened().list_data_sources()) == 1 + 6  # none of an alias's own


def test_a_users_tag_on_it_stays_and_anothers_dataset_is_not_touched(make):
    home = Feast(make, None, "file")
    windows(home, 2)
    point(home, 1)
    store = home.store
    dataset = store.registry.get_saved_dataset("pay_prod_train", store.project)
    dataset.tags["model"] = "fraud-7"
    store.registry.apply_saved_dataset(dataset, store.project)
    point(home, 2)
    assert store.registry.get_saved_dataset("pay_prod_train", store.project).tags["model"] == "fraud-7"
    mine = store.registry.get_saved_dataset("pay_v0001_train", store.project)
    mine.name = "pay_canary_train"
    store.registry.apply_saved_dataset(mine, store.project)
    with pytest.raises(CorruptStateError, match="the registry has another dataset 'pay_canary_train'"):
        point(home, 1, alias="canary")


def test_of_two_that_were_taken_back_the_third_is_left():
    def history(*steps):
        return Alias("a", tuple(Move("", "", why, before, after) for why, before, after in steps))

    assert history(("alias", None, 1)).earlier is None
    assert history(("alias", None, 1), ("alias", 1, 2)).earlier == 1
    assert history(("alias", None, 1), ("alias", 1, 2), ("rollback", 2, 1)).earlier is None
    moved = history(("alias", None, 1), ("alias", 1, 2), ("forget", 2, 4), ("alias", 4, 5))
    assert moved.earlier == 4
    assert history(("alias", None, 1), ("remove", 1, None)).earlier == 1


@pytest.fixture(scope="module")
def context():
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["feast_plugin.registries.feast", "feast_plugin.versions.create"])
    return context


# Where to kill: module, function, which of its calls, and whether after it did its work.
STEPS = {
    "file half written": ("resampler.storage", "Location.create_parent", 1, True),
    "file written": ("resampler.storage", "Location.write_at_once", 1, True),
    "first entry removed": ("registry", "delete_saved_dataset", 1, True),
    "first entry applied": ("registry", "apply_saved_dataset", 1, True),
    "last entry applied": ("registry", "apply_saved_dataset", 3, True),
    "registry file half written": ("feast_plugin.registries.guarded", "os.fsync", 1, False),
    "registered": ("feast_plugin.registries.feast", "FeastRegistry.point", 1, True),
}
OF_A_DIRECTORY = {
    "first entry applied": ("feast_plugin.registries.directory", "_entry", 1, True),
    "registry file half written": ("resampler.storage", "Location.create_parent", 2, True),
    "registered": ("feast_plugin.registries.directory", "DirectoryRegistry.point", 1, True),
}


def tried(kind, step):
    """Leave out what a kind has not: a directory no entries to remove, a database no file, and no entry to make way."""
    if kind == "directory":
        return step in OF_A_DIRECTORY or STEPS[step][0] == "resampler.storage"
    return kind == "file" or step not in ("registry file half written", "first entry removed")


@pytest.mark.parametrize(("kind", "step"), [(kind, step) for kind in HOMES for step in STEPS if tried(kind, step)])
def test_a_killed_move_is_completed_by_the_next_call(make, tmp_path, context, kind, step):
    home = HOMES[kind](make, tmp_path, kind)
    module, name, call, after = (STEPS | OF_A_DIRECTORY if home.kind == "directory" else STEPS)[step]
    if module == "registry":
        module = f"feast.infra.registry.{'sql' if home.kind == 'sql' else 'registry'}"
        name = f"{'Sql' if home.kind == 'sql' else ''}Registry.{name}"
    windows(home, 2)
    point(home, 1)
    arguments = (home.kind, str(home.place), str(home.root), 2, module, name, call)
    child = context.Process(target=crash_child.alias_and_die, args=arguments, kwargs={"after": after})
    child.start()
    child.join(120)
    assert child.exitcode == -9
    entries = home.entries()
    of = {entries[name][0].split("/pay/")[1][:5] for name in entries if name.startswith("pay_prod_")}
    assert of <= {"v0001", "v0002"}
    assert home.kind == "sql" or len(of) == 1  # all old or all new: each statement of a database is a step of its own
    moved = step != "file half written"
    home.create(2, split="time:0.6,0.1,0.3")  # an equal version is reused, and every alias followed
    assert_stands_for(home, 2 if moved else 1)
