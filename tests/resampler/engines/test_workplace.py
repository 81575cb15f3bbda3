"""A workplace: what tasks leave there, what is done again, and what is refused before it is begun."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
from engine_suite import squares, squares_of

from resampler.budget import BudgetError
from resampler.engines import memory, task, workplace
from resampler.engines.catalog import open_engine
from resampler.engines.settings import EngineSettings
from resampler.engines.task import Task, TaskError, run_task
from resampler.engines.workplace import Workplace
from resampler.errors import CorruptStateError

if TYPE_CHECKING:
    from pathlib import Path


def place_of(folder: Path, engine: str = "inline", **settings) -> Workplace:
    return Workplace(folder / "work", open_engine(EngineSettings(engine=engine, **settings)))


def test_the_attempt_that_is_finished_first_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = place_of(tmp_path)
    [one] = squares_of(tmp_path / "log", 1)
    make = task.Output.array

    def overtaken(output, name, values) -> None:
        monkeypatch.undo()
        run_task(str(place.folder), Task(one.name, squares, {"first": 7, "log": str(tmp_path / "other")}))
        make(output, name, values)

    monkeypatch.setattr(task.Output, "array", overtaken)
    assert place.run([one])[0].array("squares").tolist() == [49, 64, 81]
    assert [found.name for found in (place.folder / "squares").iterdir()] == ["0"]


def test_what_cannot_be_read_is_said_with_the_folder_to_remove(tmp_path: Path) -> None:
    place = place_of(tmp_path)
    tasks = squares_of(tmp_path / "log")
    place.run(tasks)
    folder = place.folder / "squares/2"
    (folder / "result.json").write_text('{"data": {"sum"')
    with pytest.raises(CorruptStateError, match=f"remove {folder}, and the task is done again"):
        place.run(tasks)
    shutil.rmtree(folder)
    assert [one.data["sum"] for one in place.run(tasks)] == [5, 14, 29, 50, 77]
    assert (tmp_path / "log").read_text().split() == list("012342")


@pytest.mark.parametrize("damage", ["cut", "removed", "unsaid"])
def test_what_is_not_as_a_task_left_it_is_done_again(tmp_path: Path, damage: str) -> None:
    place = place_of(tmp_path)
    tasks = squares_of(tmp_path / "log")
    place.run(tasks)
    file = place.folder / "squares/2" / ("result.json" if damage == "unsaid" else "squares.npy")
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:-3])
    else:
        file.unlink()
    assert place.run(tasks)[2].array("squares").tolist() == [4, 9, 16]
    assert (tmp_path / "log").read_text().split() == list("012342")
    assert sorted(one.name for one in (place.folder / "squares").iterdir()) == list("01234")


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), OSError("800 requested and 96 written")])
def test_a_workplace_without_room_is_named_and_what_is_finished_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    place = place_of(tmp_path)
    tasks = squares_of(tmp_path / "log")
    place.run(tasks[:2])

    def full(*_given: object) -> None:
        raise error

    monkeypatch.setattr(task.Output, "array", full)
    with pytest.raises(TaskError, match=rf"workplace {place.folder} has no room for what task squares/2 leaves"):
        place.run(tasks)
    monkeypatch.undo()
    place.run(tasks)
    assert (tmp_path / "log").read_text().split()[:2] == ["0", "1"]
    assert sorted(one.name for one in (place.folder / "squares").iterdir()) == list("01234")


def test_what_is_saved_is_kept_once(tmp_path: Path) -> None:
    place = place_of(tmp_path)
    place.save("rows", {"a": np.arange(3)})
    assert place.save("rows", {"a": np.arange(9)}).array("a").tolist() == [0, 1, 2]


def test_a_workplace_that_a_worker_does_not_see_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = place_of(tmp_path)
    one = squares_of(tmp_path / "log", 1)
    shutil.rmtree(place.folder)
    with pytest.raises(TaskError, match=rf"workplace {place.folder} is not there on .* given task squares/0"):
        place.run(one)

    monkeypatch.setattr(workplace, "SHOWN_WITHIN_S", ())
    monkeypatch.setattr(place.engine, "run", lambda _folder, tasks: iter(tasks))  # as if done on another machine's disk
    with pytest.raises(TaskError, match=r"squares/0 is not there though its task has ended .* \(--workplace\)"):
        place.run(one)


def test_what_another_machine_has_written_may_show_late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = place_of(tmp_path)
    [one] = squares_of(tmp_path / "log", 1)
    monkeypatch.setattr(place.engine, "run", lambda _folder, tasks: iter(tasks))
    monkeypatch.setattr(workplace.time, "sleep", lambda wait_s: wait_s == 1.0 and run_task(str(place.folder), one))
    assert place.run([one])[0].data == {"sum": 5}


@pytest.mark.parametrize("engine", ["inline", "processes"])
def test_a_task_that_needs_more_than_a_worker_may_have_is_refused_before_any_is_begun(
    tmp_path: Path, engine: str
) -> None:
    log = tmp_path / "log"
    tasks = [*squares_of(log, 2), Task("large/0", squares, {"first": 0, "log": str(log)}, memory=2**30)]
    place = place_of(tmp_path, engine, worker_memory="1GiB")
    with pytest.raises(BudgetError, match=r"worker_memory=1.0 GiB is too little for task large/0: about 1.0 GiB, b"):
        place.run(tasks)
    assert not log.exists()
    assert len(place_of(tmp_path, engine, worker_memory="3GiB").run(tasks)) == 3


def test_tasks_for_which_the_machine_has_too_little_are_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Task("large/0", squares, {"first": 0, "log": str(tmp_path / "log")}, memory=2**30)
    monkeypatch.setattr(memory, "available_bytes", lambda: 2**29)
    with pytest.warns(UserWarning, match=r"1 workers need about 1.0 GiB for tasks like large/0 .* has 512 MiB left"):
        place_of(tmp_path).run([one])
