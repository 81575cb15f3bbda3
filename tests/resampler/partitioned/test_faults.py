"""Runs that are killed go on behind finished tasks; nothing is seen before the end; other runs are kept out."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from resampler.engines.settings import EngineSettings
from resampler.engines.task import TaskError
from resampler.errors import DataError, InvalidInputError, ResamplerError
from resampler.partitioned import publish, resample
from resampler.samplers import SMOTE, SMOTENC
from resampler.storage import Location


@pytest.fixture
def data(tmp_path):
    rng = np.random.default_rng(0)
    y = (rng.random(400) < 0.2).astype(np.int64)
    folder = tmp_path / "in"
    folder.mkdir()
    rows = pa.table({"a": rng.normal(size=400), "b": rng.normal(size=400), "city": rng.choice(["x", "z"], 400), "y": y})
    for at in range(2):
        pq.write_table(rows.slice(at * 200, 200), folder / f"{at}.parquet")
    return folder


def test_killed_at_every_stage_and_begun_again(data, tmp_path, monkeypatch):
    monkeypatch.setattr("resampler.partitioned.inputs.UNIT_ROWS", 200)
    plain = resample(data, SMOTENC(["city"], random_state=1), label="y", out=tmp_path / "plain", engine="inline")
    (tmp_path / "out").mkdir()
    script = Path(__file__).with_name("killed.py")
    printed = subprocess.run(
        [sys.executable, str(script), str(data), str(tmp_path / "out")],
        check=True, capture_output=True, text=True, env=os.environ | {"NUMBA_NUM_THREADS": "1"},
    )  # fmt: skip
    runs = [json.loads(line) for line in printed.stdout.splitlines()]
    assert len(runs) == 8
    for one in runs:
        assert (one["killed"], one["published"], one["ended"]) == (True, False, 0), one
        assert one["digest"] == plain.digest
        assert not set(one["before"]) & set(one["after"]), one
        assert not one["left"]
    assert not runs[-1]["after"]  # all that was left was to publish


def test_nothing_is_left_of_a_run_that_is_refused(data, tmp_path):
    rows = pq.read_table(data)
    values = rows["a"].to_pylist()
    values[rows["y"].to_pylist().index(1)] = None
    pq.write_table(rows.set_column(0, "a", pa.array(values)), tmp_path / "null.parquet")
    with pytest.raises(DataError, match="column 'a' has no value in 1 rows"):
        resample(tmp_path / "null.parquet", SMOTE(), label="y", carried=["city"], out=tmp_path / "o")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["in", "null.parquet"]


def test_nothing_is_left_of_a_run_whose_engine_does_not_answer(data, tmp_path):
    asked = {"label": "y", "carried": ["city"], "out": tmp_path / "o"}
    nobody = EngineSettings(engine="dask", engine_address="tcp://127.0.0.1:1")
    with pytest.raises(TaskError, match="does not answer"):
        resample(data, SMOTE(random_state=0), **asked, engine=nobody)
    assert [one.name for one in tmp_path.iterdir()] == ["in"]
    assert not resample(data, SMOTE(random_state=1), **asked).was_there  # with other parameters
    assert resample(data, SMOTE(random_state=1), **asked).was_there


def test_a_workplace_that_cannot_be_made_is_said(data, tmp_path):
    (tmp_path / "file").touch()
    for asked in ({"out": tmp_path / "file" / "o"}, {"out": tmp_path / "o", "engine": _at(tmp_path / "file" / "w")}):
        with pytest.raises(InvalidInputError, match=r"cannot be written \(.*\): give another out, or a workplace"):
            resample(data, SMOTE(), label="y", carried=["city"], **asked)


def _at(workplace):
    return EngineSettings(workplace=str(workplace))


def test_a_run_keeps_others_out(data, tmp_path):
    with (
        Location.parse(tmp_path / "out.unfinished").locked(0),
        pytest.raises(InvalidInputError, match="another run is at work"),
    ):
        resample(data, SMOTE(), label="y", carried=["city"], out=tmp_path / "out")


def test_inputs_that_change_are_refused_until_one_begins_anew(data, tmp_path):
    asked = {"label": "y", "carried": ["city"], "out": tmp_path / "out"}
    (tmp_path / "out.unfinished").mkdir()
    (tmp_path / "out.unfinished" / "run.json").write_text(json.dumps({"key": "of others", "seed": 0}))
    with pytest.raises(InvalidInputError, match="resume=False"):
        resample(data, SMOTE(random_state=0), **asked)
    done = resample(data, SMOTE(random_state=0), **asked, resume=False)
    assert not (tmp_path / "out.unfinished").exists()
    assert resample(data, SMOTE(random_state=0), **asked).said == done.said  # which is what it was
    with pytest.raises(InvalidInputError, match="give another directory"):
        resample(data, SMOTE(random_state=1), **asked)


def test_a_directory_of_something_else_is_left_alone(data, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").touch()
    with pytest.raises(InvalidInputError, match="holds something else"):
        resample(data, SMOTE(), label="y", carried=["city"], out=tmp_path / "out")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["in", "out"]


def test_a_disk_that_is_full_at_the_end_leaves_nothing_there(tmp_path, monkeypatch):
    (tmp_path / "whole").mkdir()

    def elsewhere(*_given):
        raise OSError(18, "Invalid cross-device link")

    def full(_source, target):
        target.mkdir()
        raise shutil.Error([("a", "b", "[Errno 28] No space left on device")])

    monkeypatch.setattr(publish.os, "rename", elsewhere)
    monkeypatch.setattr(publish.shutil, "copytree", full)
    with pytest.raises(ResamplerError, match=r"cannot be written: \[Errno 28\] No space left on device: make room"):
        publish._move(tmp_path / "whole", tmp_path / "out")
    assert [one.name for one in tmp_path.iterdir()] == ["whole"]
