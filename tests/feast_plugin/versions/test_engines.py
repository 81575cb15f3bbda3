"""Versions that are made on an engine: the bytes that one process gives, and none before all tasks are done."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from feast_plugin import create_snapshot, rebuild_snapshot, verify_snapshot
from feast_plugin.notices import SnapshotWarning
from feast_plugin.printing.created import created
from feast_plugin.versions import create, outputs
from feast_plugin.versions.making import encoded, made
from resampler.budget import BudgetError, StoppedError
from resampler.engines.inline import Inline
from resampler.unfinished import FOLDER

CHILD = Path(__file__).parent / "engine_child.py"
KEY = "0123456789abcdef" * 4
FLOATS = ["amount", "score"]
CASES = {
    "smote": {"sampler": "smote", "features": [*FLOATS, "visits", "wide"]},
    "categories": {},
    "complete": {"missing": "complete", "grid": "off"},
    "relations": {"relations": "keep"},
    "borderline": {"sampler": "borderline", "features": FLOATS},
    "adasyn": {"sampler": "adasyn", "features": FLOATS, "missing": "complete", "undersample": 0.4},
    "svm": {"sampler": "svm", "features": FLOATS, "missing": "complete"},
    "kmeans": {"sampler": "kmeans", "features": FLOATS, "missing": "complete"},
    "smoothed": {"sampler": "random", "shrinkage": 0.5, "features": FLOATS, "missing": "complete"},
    "tomek": {"clean": "tomek"},
    "enn": {"clean": "enn", "retain": "sample"},
    "noise": {"exclude_noisy": True, "features": FLOATS},
    "subgroups": {"group_by": "shop", "retain": "recipe"},
    "proportional": {"group_by": "shop", "subgroups": "proportional"},
    "hardened": {"sampler": "hardened"},
    "audited": {"audit_sample": 5},
}


def rows(n=1200, seed=0):
    rng = np.random.default_rng(seed)
    y = np.where(rng.random(n) < 0.1, "rare", np.where(rng.random(n) < 0.2, "odd", "usual"))
    amount = np.round(rng.normal(size=n) + 2 * (y == "rare"), 2)
    visits = rng.integers(0, 50, n)
    return pa.table(
        {
            "id": np.arange(n),
            "at": pa.array(np.datetime64("2026-01-01", "us") + np.arange(n).astype("m8[h]"), pa.timestamp("us", "UTC")),
            "shop": pa.array([f"s{i % 3}" for i in range(n)]),
            "amount": pa.array(amount, mask=rng.random(n) < 0.1),
            "score": rng.random(n).astype(np.float32),
            "visits": visits,
            "twice": 2 * visits,
            "wide": rng.integers(2**60, 2**60 + 10**6, n),
            "pair": pa.FixedSizeListArray.from_arrays(pa.array(rng.normal(size=2 * n)), 2).cast(pa.list_(pa.float64())),
            "y": pa.array(y.tolist()),
        }
    )


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("rows") / "rows.parquet"
    pq.write_table(rows(), path)
    return path


@pytest.fixture
def tasks(monkeypatch):
    """Tasks of an engine in this process, so many that there are several of each kind."""
    monkeypatch.setattr(create, "open_engine", Inline)
    for module in (encoded, made):
        monkeypatch.setattr(module, "BATCH_ROWS", 100)
    monkeypatch.setattr(made, "MADE_ROWS", 150)


def make(root, table, **options):
    given = {"name": "pay", "label": "y", "join_keys": ["id"], "timestamp": "at", "ratio": 0.7}
    if options.get("sampler") == "hardened":
        given["secret_key"] = "ENGINE_TEST_KEY"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SnapshotWarning)
        return create_snapshot(root, entity_df=table, **given | options)


def same(a, b):
    """Whether two versions have the same rows in the same bytes, and the same counts."""
    assert a.digest == b.digest
    assert a.manifest.splits == b.manifest.splits
    assert a.manifest.stored == b.manifest.stored
    assert a.manifest.lineage == b.manifest.lineage
    assert a.manifest.profile == b.manifest.profile
    assert a.manifest.findings == b.manifest.findings
    assert a.manifest.contract == b.manifest.contract


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv("ENGINE_TEST_KEY", KEY)


@pytest.mark.parametrize("case", CASES)
def test_tasks_give_the_bytes_of_one_process(tmp_path, table, tasks, case):
    alone = make(tmp_path / "inline", table, **CASES[case])
    made_by_tasks = make(tmp_path / "tasks", table, **CASES[case], engine="processes")
    same(alone, made_by_tasks)
    assert verify_snapshot(tmp_path / "tasks", name="pay").ok
    assert not (tmp_path / "tasks" / "pay" / FOLDER).exists() or not list(
        (tmp_path / "tasks" / "pay" / FOLDER).iterdir()
    )


def test_several_files_a_split_are_written_by_tasks(tmp_path, table, tasks, monkeypatch):
    monkeypatch.setattr(outputs, "PART_ROWS", 250)
    alone = make(tmp_path / "inline", table, clean="tomek")
    made_by_tasks = make(tmp_path / "tasks", table, clean="tomek", engine="processes")
    assert len(alone.manifest.splits["train"].files) > 2
    same(alone, made_by_tasks)


def test_a_version_of_an_engine_is_rebuilt_with_none(tmp_path, table, tasks):
    done = make(tmp_path, table, retain="recipe", engine="processes")
    train = Path(done.uri) / done.manifest.splits["train"].path
    assert not train.exists()
    assert "train/part-00000.parquet" in rebuild_snapshot(tmp_path, name="pay").restored
    assert verify_snapshot(tmp_path, name="pay").ok
    assert make(tmp_path, table, retain="recipe").reused


@pytest.mark.parametrize(
    "engine",
    [
        pytest.param("processes"),
        pytest.param("ray", marks=pytest.mark.xdist_group("ray")),
        pytest.param("dask", marks=pytest.mark.xdist_group("dask")),
        pytest.param("spark", marks=pytest.mark.xdist_group("spark")),
    ],
)
def test_every_engine_gives_one_digest(tmp_path, table, engine, monkeypatch):
    library = {"dask": "distributed", "spark": "pyspark"}.get(engine, engine)
    if engine != "processes" and find_spec(library) is None:
        pytest.skip(f"{library} is not here: pip install 'feast-resampler[{engine}]'")
    monkeypatch.setattr(outputs, "PART_ROWS", 250)
    alone = make(tmp_path / "inline", table)
    same(alone, make(tmp_path / engine, table, engine=engine, workers=2))


def test_time_that_is_up_stops_between_tasks_and_the_same_version_comes_of_it(tmp_path, table, tasks):
    alone = make(tmp_path / "inline", table)
    root, stopped = tmp_path / "tasks", 0
    while True:
        try:
            done = make(root, table, engine="processes", max_seconds=1e-6, resume="latest")
            break
        except StoppedError:
            stopped += 1
            assert not list((root / "pay").glob("v*/manifest.json"))
    assert stopped > 10
    same(alone, done)


def test_memory_that_a_worker_has_not_is_said_before_it_starts(tmp_path, table, tasks):
    with pytest.raises(BudgetError, match=r"worker_memory=1\.0 MiB is too little for task"):
        make(tmp_path, table, engine="processes", worker_memory="1MiB")
    assert not list((tmp_path / "pay").glob("v*/manifest.json"))


def test_what_was_found_of_the_neighbours_asked_for_is_in_the_manifest(tmp_path, table, tasks):
    asked = {"sampler": "smote", "features": FLOATS, "recall": 0.5}
    alone = make(tmp_path / "inline", table, **asked)
    by_tasks = make(tmp_path / "tasks", table, **asked, engine="processes")
    same(alone, by_tasks)
    note = by_tasks.manifest.notes["recall"]
    assert note == alone.manifest.notes["recall"]
    assert note["asked"] == 0.5
    assert set(note["classes"]) == {"odd", "rare"}
    assert all(0.5 <= of["share"] <= 1 for of in note["classes"].values())
    assert "recall" not in make(tmp_path / "exact", table, sampler="smote", features=FLOATS).manifest.notes
    said = created(by_tasks)
    assert any("of the true neighbours of class rare in a sample" in line for line in said)
    assert any("1 worker of engine" in line for line in said)
    assert by_tasks.to_dict()["engine"] == by_tasks.manifest.notes["engine"]
    assert by_tasks.to_dict()["engine"]["workers"] == 1
    assert by_tasks.to_dict()["recall"] == note
    assert "in a sample" in (Path(by_tasks.uri) / "report.html").read_text()


@pytest.mark.parametrize(
    ("stage", "when"),
    [("matrix/rows", "before"), ("search", "after"), ("made/rows", "after"), ("cleaning", "after"), ("write", "after")],
)
def test_a_driver_that_is_killed_publishes_nothing_and_goes_on(tmp_path, table, stage, when):
    root = tmp_path / "tasks"
    done = subprocess.run(
        [sys.executable, str(CHILD), str(root), str(table), stage, when],
        env=os.environ | {"PYTHONWARNINGS": "ignore"},
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert not list((root / "pay").glob("v*/manifest.json"))
    alone = make(tmp_path / "inline", table, clean="tomek", ratio=0.5)
    gone_on = make(root, table, clean="tomek", ratio=0.5, engine="processes", workers=1, resume="latest")
    same(alone, gone_on)
