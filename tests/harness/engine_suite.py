"""What every engine must do. Inherit `EngineSuite` and `StartsSuite`, name the engine: they run on it, with workers."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pytest

from resampler.engines.catalog import open_engine
from resampler.engines.settings import EngineSettings
from resampler.engines.task import Task, TaskError
from resampler.engines.worker import search_path
from resampler.engines.workplace import Workplace
from resampler.errors import DataError
from resampler.kernels.batch.cells import CELL_ROWS
from resampler.methods.oversample import oversample
from resampler.methods.table import Table
from resampler.partitioned import search as parted
from resampler.partitioned.search import PartedSearch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from resampler.engines.engine import Engine
    from resampler.engines.task import Output

LONG = pytest.mark.skipif(os.environ.get("ENGINES") != "long", reason="takes minutes: make test-engines")
MARK = "ENGINE_SUITE_MARK"  # of a driver and all that it has started, in their environment
N_CELLS = 64  # of the class that grows
METHODS = ("smote", "smotenc", "borderline-1", "adasyn")


def squares(output: Output, first: int, log: str) -> dict[str, int]:
    """Leave three squares, and say in a file that it was done."""
    values = np.arange(first, first + 3) ** 2
    output.array("squares", values)
    with Path(log).open("a") as file:
        file.write(f"{first}\n")
    return {"sum": int(values.sum())}


def refused(output: Output) -> None:
    """Raise what a user can mend."""
    raise DataError("column 'a' must have no null")


def full(output: Output) -> None:
    """Raise what a full disk does."""
    raise OSError(28, "No space left on device", str(output.path("rows.npy")))


def killed_once(output: Output, flag: str) -> None:
    """Kill the worker the first time, with an output half written."""
    if not Path(flag).exists():
        Path(flag).touch()
        output.array("half", np.arange(3))
        os.kill(os.getpid(), signal.SIGKILL)


def killed(output: Output) -> None:
    """Kill the worker every time."""
    os.kill(os.getpid(), signal.SIGKILL)


def slow(output: Output, log: str, seconds: float) -> None:
    """Take a while, and say in a file that it was done."""
    time.sleep(seconds)
    with Path(log).open("a") as file:
        file.write(f"{output.folder.name.partition('.')[0]}\n")


def squares_of(log: Path, n: int = 5) -> list[Task]:
    return [Task(f"squares/{at}", squares, {"first": at, "log": str(log)}) for at in range(n)]


def slow_tasks(folder: Path) -> list[Task]:
    """Two that end at once, and four that take longer than anybody waits."""
    log, go = str(folder / "log"), (folder / "go").exists()
    return [Task(f"slow/{at}", slow, {"log": log, "seconds": 60 * (at > 1) * (not go)}) for at in range(6)]


def drive(engine: str, folder: str) -> None:
    """Run tasks until somebody kills this process; what a driver of the tests does."""
    with open_engine(EngineSettings(engine=engine, workers=None if engine == "inline" else 2)) as running:
        Workplace(Path(folder) / "work", running).run(slow_tasks(Path(folder)))


def marked(mark: str, but: tuple[str, ...]) -> list[int]:
    """Return the processes that a driver has started, itself included, but for those that have ended or are named."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            is_ours = f"{MARK}={mark}".encode() in (process / "environ").read_bytes().split(b"\0")
            if is_ours and not (process / "cmdline").read_text().startswith(but):
                found.append(int(process.name))
        except OSError:
            continue
    return found


def until(said: str, wait_s: float, true) -> None:
    """Wait for a condition."""
    end = time.monotonic() + wait_s
    while not true():
        assert time.monotonic() < end, said
        time.sleep(0.05)


def cut_into(n_tasks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every search of a small table be divided among so many tasks, which its own rule would not do."""
    for name in ("CELLS_A_TASK", "_LEAST_CELLS"):
        monkeypatch.setattr(parted, name, -(-N_CELLS // n_tasks))


def digest(method: str, place: Workplace | None) -> str:
    """Return the digest of what a method makes of a small table, by tasks or in this process."""
    rng = np.random.default_rng(7)
    n = 2 * N_CELLS * CELL_ROWS
    X = rng.normal(size=(n, 6))
    y = (np.arange(n) % 2).astype(np.int64)
    X[y == 1, 0] += 0.7
    categorical = None
    if method == "smotenc":
        X[:, 4], X[:, 5] = rng.integers(0, 4, n), rng.integers(0, 30, n)
        categorical = np.array([False] * 4 + [True] * 2)
    table = Table(X, y, rng.permutation(n), categorical, np.full(6, 0.5))
    made = oversample(table, method, {1: 1_500}, seed=11, search=place and PartedSearch(place)).provenance
    arrays = [made.base, made.neighbor, made.step]
    return hashlib.sha256(b"".join(np.ascontiguousarray(one).tobytes() for one in arrays)).hexdigest()


class EngineSuite:
    """Tests of an engine whose workers are started once."""

    engine: ClassVar[str]
    has_workers: ClassVar[bool] = True  # processes of their own, which can die

    @pytest.fixture(scope="class")
    @classmethod
    def running(cls) -> Iterator[Engine]:
        with open_engine(EngineSettings(engine=cls.engine, workers=2 if cls.has_workers else None)) as found:
            yield found

    @pytest.fixture
    def place(self, running: Engine, tmp_path: Path) -> Workplace:
        return Workplace(tmp_path / "work", running)

    def test_a_finished_task_is_not_done_again_and_results_come_in_order(self, place: Workplace) -> None:
        log = place.folder / "log"
        place.run(squares_of(log, 2))
        results = place.run(squares_of(log)[::-1])[::-1]
        assert [one.data["sum"] for one in results] == [5, 14, 29, 50, 77]
        assert results[4].array("squares").tolist() == [16, 25, 36]
        assert sorted(log.read_text().split()) == ["0", "1", "2", "3", "4"]
        assert place.cost()["peak_memory_bytes"] > 0

    def test_what_a_task_raises_is_raised_and_leaves_nothing(self, place: Workplace) -> None:
        with pytest.raises(DataError) as caught:
            place.run([Task("refused/0", refused), *squares_of(place.folder / "log")])
        assert str(caught.value) == "column 'a' must have no null"
        with pytest.raises(
            TaskError, match=f"the workplace {place.folder} has no room for what task full/0 leaves: make"
        ):
            place.run([Task("full/0", full)])
        assert not (place.folder / "refused/0").exists()
        assert not list(place.folder.glob("full/*"))
        assert len(place.run(squares_of(place.folder / "log"))) == 5  # its workers go on

    def test_a_task_whose_worker_dies_is_begun_again_and_the_others_are_not_lost(self, place: Workplace) -> None:
        if not self.has_workers:
            pytest.skip("its tasks run in this process")
        log = place.folder / "log"
        task = Task("killed/0", killed_once, {"flag": str(place.folder / "flag")})
        results = place.run([task, *squares_of(log)])
        assert [one.data.get("sum") for one in results] == [None, 5, 14, 29, 50, 77]
        assert not (results[0].folder / "half.npy").exists()
        with pytest.raises(TaskError, match=f"killed/1 was begun again and again on engine {self.engine}, and its"):
            place.run([*squares_of(log), Task("killed/1", killed)])
        assert len(place.run(squares_of(log, 7))) == 7
        assert sorted(set(log.read_text().split())) == list("0123456")

    def test_killed_attempts_are_removed_when_the_run_goes_on(self, place: Workplace) -> None:
        left = place.folder / "squares/3.0123abcd.unfinished"
        left.mkdir(parents=True)
        (left / "squares.npy").write_bytes(b"half")
        place.run(squares_of(place.folder / "log"))
        assert sorted(one.name for one in (place.folder / "squares").iterdir()) == list("01234")

    @pytest.mark.parametrize("n_tasks", [1, 7, 64])
    def test_what_is_made_is_that_of_one_process_however_many_tasks(
        self, running: Engine, tmp_path: Path, n_tasks: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for method in METHODS if n_tasks == 7 else METHODS[:1]:
            cut_into(n_tasks, monkeypatch)
            assert digest(method, Workplace(tmp_path / method, running)) == digest(method, None)
        assert len(list((tmp_path / "smote/search/000/found").rglob("result.json"))) == n_tasks


class StartsSuite:
    """Tests of an engine that start workers of their own."""

    engine: ClassVar[str]
    workers: ClassVar[tuple[int, ...]] = (1, 3)
    signals: ClassVar[tuple[int, ...]] = (signal.SIGKILL,)  # that its driver is sent
    lingering: ClassVar[tuple[str, ...]] = ()  # commands of processes of the library that do no task, and end later

    def test_what_is_made_is_that_of_one_process_however_many_workers(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cut_into(7, monkeypatch)
        for workers in self.workers:
            with open_engine(EngineSettings(engine=self.engine, workers=workers)) as running:
                assert running.workers == workers
                assert digest("smote", Workplace(tmp_path / str(workers), running)) == digest("smote", None)

    def test_a_driver_that_is_killed_leaves_no_worker_and_the_next_one_does_what_is_left(self, tmp_path: Path) -> None:
        for signum in self.signals:
            folder = tmp_path / str(signum)
            folder.mkdir()
            mark, log = f"{os.getpid()}-{signum}", folder / "log"
            driver = subprocess.Popen(
                [sys.executable, "-m", "engine_suite", self.engine, str(folder)],
                env=os.environ | {"PYTHONPATH": search_path(), MARK: mark},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            done = [folder / "work/slow" / name / "result.json" for name in "01"]
            until("the driver's tasks are not done", 90, lambda done=done: all(one.exists() for one in done))
            time.sleep(0.3)  # the next ones have been begun
            driver.send_signal(signum)
            assert driver.communicate(timeout=60)[0] == b""  # stdout is the command's own
            assert driver.returncode != 0
            until("workers are left", 30, lambda mark=mark: not marked(mark, self.lingering))
            assert sorted(log.read_text().split()) == ["0", "1"]
            (folder / "go").touch()
            with open_engine(EngineSettings(engine="inline")) as here:
                Workplace(folder / "work", here).run(slow_tasks(folder))
            assert sorted(log.read_text().split()) == list("012345")
            assert sorted(one.name for one in (folder / "work/slow").iterdir()) == list("012345")


if __name__ == "__main__":
    import engine_suite  # so that workers find its functions by that name

    engine_suite.drive(*sys.argv[1:])
