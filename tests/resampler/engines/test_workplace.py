"""Tasks on engines: outputs are whole or not there, what is done is not done again, what dies is begun again."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from resampler.engines.catalog import open_engine
from resampler.engines.settings import EngineSettings
from resampler.engines.task import Task, TaskError
from resampler.engines.workplace import Workplace
from resampler.errors import DataError

if TYPE_CHECKING:
    from resampler.engines.task import Output

BUILT_IN = ("inline", "processes")


def squares(output: Output, first: int, last: int, log: str) -> dict[str, int]:
    """Leave the squares of a range, and say in a file that it was done."""
    values = np.arange(first, last) ** 2
    output.array("squares", values)
    with Path(log).open("a") as file:
        file.write(f"{first}\n")
    return {"sum": int(values.sum())}


def refused(output: Output) -> None:
    """Raise what a user can mend."""
    raise DataError("column 'a' must have no null")


def killed_once(output: Output, flag: str) -> None:
    """Kill the worker the first time."""
    if not Path(flag).exists():
        Path(flag).touch()
        output.array("half", np.arange(3))
        os.kill(os.getpid(), signal.SIGKILL)


def killed(output: Output) -> None:
    """Kill the worker every time."""
    os.kill(os.getpid(), signal.SIGKILL)


def tasks_of(log: Path, n: int = 5) -> list[Task]:
    return [Task(f"squares/{at}", squares, {"first": at, "last": at + 3, "log": str(log)}) for at in range(n)]


@pytest.mark.parametrize("engine", BUILT_IN)
def test_a_finished_task_is_not_done_again_and_results_come_in_order(engine: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with open_engine(EngineSettings(engine=engine, workers=2)) as running:
        place = Workplace(tmp_path / "work", running)
        place.run(tasks_of(log, 2))
        results = place.run(tasks_of(log))
    assert [one.data["sum"] for one in results] == [5, 14, 29, 50, 77]
    assert results[4].array("squares").tolist() == [16, 25, 36]
    assert sorted(log.read_text().split()) == ["0", "1", "2", "3", "4"]
    assert place.cost()["peak_memory_bytes"] > 0


@pytest.mark.parametrize("engine", BUILT_IN)
def test_what_a_task_raises_is_raised_and_leaves_nothing(engine: str, tmp_path: Path) -> None:
    with open_engine(EngineSettings(engine=engine, workers=1)) as running:
        place = Workplace(tmp_path / "work", running)
        with pytest.raises(DataError, match="must have no null"):
            place.run([Task("refused/0", refused)])
    assert list((tmp_path / "work").rglob("*.json")) == []
    assert list((tmp_path / "work").rglob("*.unfinished")) == []


def test_a_task_whose_worker_dies_is_begun_again(tmp_path: Path) -> None:
    with open_engine(EngineSettings(engine="processes", workers=2)) as running:
        place = Workplace(tmp_path / "work", running)
        place.run([Task("killed/0", killed_once, {"flag": str(tmp_path / "flag")}), *tasks_of(tmp_path / "log", 2)])
        with pytest.raises(TaskError, match="killed/1 was begun again and again on engine processes"):
            place.run([Task("killed/1", killed)])
