"""Rows that an engine reads: the version of one process, however they are cut, and whoever is killed meanwhile."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from feast_plugin import create_snapshot
from feast_plugin.notices import SnapshotWarning
from feast_plugin.versions import create
from feast_plugin.versions.inputs import ordered, pieces
from feast_plugin.versions.inputs.tombstones import ForgottenMeanwhileError, Tombstones
from resampler.budget import BudgetError
from resampler.engines.inline import Inline
from resampler.errors import CorruptStateError, InvalidInputError
from resampler.storage import Location
from resampler.unfinished import FOLDER, unfinished

CHILD = Path(__file__).parent / "engine_child.py"
N = 1_200
CLEANED = {"clean": "tomek", "ratio": 0.5, "engine": "processes", "resume": "latest"}  # as the child has it


def table():
    rng = np.random.default_rng(3)
    rare = np.arange(N) % 11 == 0
    at = np.datetime64("2026-01-01", "us") + rng.permutation(N).astype("m8[h]")
    return pa.table(
        {
            "id": rng.permutation(N),
            "at": pa.array(at, pa.timestamp("us", "UTC")),
            "shop": pa.array([f"s{i % 3}" for i in range(N)]),
            "amount": rng.normal(size=N) + 2 * rare,
            "visits": pa.array([None if i % 17 == 0 else int(i) for i in rng.integers(0, 50, N)]),
            "y": pa.array(np.where(rare, "rare", "usual").tolist()),
        }
    )


def make(root, given, **options):
    asked = {"name": "pay", "label": "y", "join_keys": ["id"], "timestamp": "at", "ratio": 0.5}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SnapshotWarning)
        return create_snapshot(root, entity_df=given, **asked | options)


def said(made):
    data = json.loads(made.manifest.to_json())
    return made.digest, data["inputs"], data["splits"], data["lineage"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return said(make(tmp_path_factory.mktemp("whole"), table(), engine="inline"))


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "rows.parquet"
    pq.write_table(table(), path, row_group_size=200)
    return path


@pytest.fixture
def here(monkeypatch):
    """Tasks of an engine in this process."""
    monkeypatch.setattr(create, "open_engine", Inline)
    monkeypatch.setattr(pieces, "PIECE_ROWS", 200)


@pytest.mark.parametrize("cut", [1, 7, 64])
def test_cuts_workers_and_order_decide_nothing(cut, whole, tmp_path, monkeypatch):
    monkeypatch.setattr(pieces, "PIECE_ROWS", N // cut)
    given = table().take(np.random.default_rng(cut).permutation(N))
    path = tmp_path / "rows"
    path.mkdir()
    for at in range(cut):
        pq.write_table(given.slice(at * N // cut, (at + 1) * N // cut - at * N // cut), path / f"{at:02}.parquet")
    assert said(make(tmp_path / "catalog", path, engine="processes", workers={1: 1, 7: 2, 64: 3}[cut])) == whole


def test_a_workplace_elsewhere_is_of_this_run_and_goes_with_it(whole, path, here, tmp_path):
    place = tmp_path / "place"
    assert said(make(tmp_path / "catalog", path, engine="processes", workplace=place)) == whole
    assert list(place.iterdir()) == []


@pytest.mark.parametrize(
    ("stage", "when"), [("reading", "before"), ("reading", "after"), ("canonical", "after"), ("digest", "after")]
)
def test_a_driver_that_is_killed_as_rows_are_read_goes_on(stage, when, path, here, tmp_path):
    root = tmp_path / "catalog"
    done = subprocess.run(
        [sys.executable, str(CHILD), str(root), str(path), stage, when],
        env=os.environ | {"PYTHONWARNINGS": "ignore"},
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert not list((root / "pay").glob("v*/manifest.json"))
    with pytest.raises(InvalidInputError, match="go on with --resume"):
        make(root, path, **CLEANED | {"resume": None})
    gone_on = make(root, path, **CLEANED)
    assert said(gone_on) == said(make(tmp_path / "alone", path, clean="tomek"))
    assert not (root / "pay" / FOLDER / "tasks").exists()


def test_a_worker_that_is_killed_is_replaced(whole, path, tmp_path, monkeypatch):
    monkeypatch.setattr(pieces, "PIECE_ROWS", 200)
    monkeypatch.setattr(ordered, "type_piece", dying)
    dying.marks = None
    monkeypatch.setenv("READING_TEST_MARK", str(tmp_path / "died"))
    assert said(make(tmp_path / "catalog", path, engine="processes", workers=2)) == whole
    assert (tmp_path / "died").exists()


def dying(output, piece, asked):
    """Die once, then read."""
    from feast_plugin.versions.inputs.typed import type_piece

    mark = Path(os.environ["READING_TEST_MARK"])
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return type_piece(output, piece, asked)


def test_an_entity_that_is_forgotten_meanwhile_stops_the_run(path, here, tmp_path, monkeypatch):
    genuine = ordered.read_by_parts

    def forgetting(*args, **kwargs):
        found = genuine(*args, **kwargs)
        Tombstones.read(Location.parse(tmp_path / "catalog" / "pay")).add([{"id": pa.scalar(7)}])
        return found

    monkeypatch.setattr("feast_plugin.versions.inputs.table.read_by_parts", forgetting)
    with pytest.raises(ForgottenMeanwhileError):
        make(tmp_path / "catalog", path, engine="processes")
    assert unfinished(Location.parse(tmp_path / "catalog" / "pay")) == []
    monkeypatch.undo()
    made = make(tmp_path / "catalog", path, engine="processes", workers=1)
    assert made.manifest.inputs["rows"] == N - 1


def test_rows_that_were_damaged_since_are_not_gone_on_with(path, here, tmp_path, monkeypatch):
    def dead(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(create, "assign", dead)
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path / "catalog", path, engine="processes")
    [file] = (tmp_path / "catalog").glob(f"pay/{FOLDER}/*/tasks/canonical/*/00000/rows.arrow")
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    with pytest.raises(CorruptStateError, match="are damaged, and it was removed"):
        make(tmp_path / "catalog", path, engine="processes", resume="latest")


def test_what_is_wrong_with_rows_leaves_nothing_to_go_on_with(path, here, tmp_path):
    wrong = table().set_column(0, "id", pa.array([1] * N))
    with pytest.raises(Exception, match="each key must stand once"):
        make(tmp_path / "catalog", wrong.drop(["at"]), timestamp=None, engine="processes")
    assert unfinished(Location.parse(tmp_path / "catalog" / "pay")) == []


def test_a_worker_that_may_not_have_what_reading_takes_is_refused_before_it(path, here, tmp_path):
    with pytest.raises(BudgetError, match=r"worker_memory=1.0 MiB is too little for task reading/.*: allow .* [MG]iB"):
        make(tmp_path / "catalog", path, engine="processes", worker_memory="1MiB")
    with pytest.raises(BudgetError, match=r"max_memory=1.0 MiB is too little for reading: .* for the keys, labels and"):
        make(tmp_path / "catalog", path, engine="processes", max_memory="1MiB", resume="latest")
