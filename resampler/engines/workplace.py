"""`Workplace`: where tasks leave what others go on with; a run that died goes on behind what is there."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from resampler.engines.memory import check_memory
from resampler.engines.task import UNFINISHED, Result, Task, TaskError, run_task

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from resampler.engines.engine import Engine
    from resampler.engines.task import Output

SHOWN_WITHIN_S = (0.1, 1.0, 4.0)  # how long a shared mount may take to show what another machine has written


class Workplace:
    """Outputs of tasks, and the engine that does them.

    Parameters
    ----------
    folder : str or Path
        A directory that all workers see; made where it is not there. It must be of these inputs alone: what a task of
        the same name left is not made again.
    engine : Engine
        Does what is not done yet.
    """

    def __init__(self, folder: str | Path, engine: Engine) -> None:
        self.folder = Path(folder).absolute()
        self.engine = engine
        self.folder.mkdir(parents=True, exist_ok=True)
        self.cpu_seconds = 0.0
        self.peak_memory_bytes: int | None = None
        self.between: Callable[[str | None], None] | None = None  # told of each task that is finished, and what is next
        self._above: Workplace | None = None

    def run(self, tasks: Sequence[Task], say: str | None = None) -> list[Result]:
        """Do tasks that are not done, and return what all of them left.

        Parameters
        ----------
        tasks : sequence of Task
            Their names differ, and none needs what another one of them leaves.
        say : str, optional
            What is being done, beside a bar of progress.

        Returns
        -------
        list of Result
            In the order of `tasks`.

        Raises
        ------
        BudgetError
            If one needs more memory than a worker may have; none is begun.
        ResamplerError
            What a task raises; or `TaskError` if the worker of one died again and again.
        """
        self._clear(tasks)
        left = self._left(tasks)
        check_memory(self.engine, left)
        n_before, hidden = len(tasks) - len(left), True if say is None else None  # None shows it on a terminal alone
        with tqdm(total=len(tasks), initial=n_before, desc=say, unit="task", disable=hidden) as bar:
            for n_done, _ in enumerate(self.engine.run(str(self.folder), left), 1):
                bar.update()
                if self.between is not None:
                    self.between(say or "the next task" if n_done < len(left) else None)
        results = [self._read(task) for task in tasks]
        self._clear(tasks)
        self._count(results)
        return results

    def check(self, memory: Mapping[str, int]) -> None:
        """Refuse stages to come, so that nobody waits for those before them in vain.

        Parameters
        ----------
        memory : mapping of str to int
            Bytes that a task of each takes; of one that has begun its tasks are checked when they are run.

        Raises
        ------
        BudgetError
            If a worker may not have as much.
        """
        to_come = [stage for stage in memory if not (self.folder / stage).exists()]
        check_memory(self.engine, [Task(stage, _save, memory=memory[stage]) for stage in to_come])

    def _left(self, tasks: Sequence[Task]) -> list[Task]:
        return [task for task in tasks if Result.read(self.folder / task.name) is None]

    def _clear(self, tasks: Sequence[Task]) -> None:
        """Remove what killed attempts have left: nobody else is at work here before, or after, tasks are run."""
        for stage in {(self.folder / task.name).parent for task in tasks}:
            for attempt in stage.glob(f"*{UNFINISHED}"):
                shutil.rmtree(attempt, ignore_errors=True)

    def _read(self, task: Task) -> Result:
        folder = self.folder / task.name
        for wait_s in (0, *SHOWN_WITHIN_S):
            time.sleep(wait_s)
            if wait_s and folder.parent.is_dir():
                list(folder.parent.iterdir())  # a mount that remembers that there was no such file looks again
            found = Result.read(folder)
            if found is not None:
                return found
        raise TaskError(
            f"{folder} is not there though its task has ended on engine {self.engine.name}: all workers must see the "
            f"workplace {self.folder} under that name: give a directory on a mount that they share (--workplace)"
        )

    def save(self, name: str, arrays: Mapping[str, NDArray[Any]]) -> Result:
        """Leave arrays of this process, as a task would, for tasks to map.

        Parameters
        ----------
        name : str
            As of a task.
        arrays : mapping of str to ndarray
            By name.

        Returns
        -------
        Result
            What is there; if it was there before, that.
        """
        return self.here(Task(name, _save, {"arrays": arrays}))

    def here(self, task: Task) -> Result:
        """Do a task in this process, unless it is done.

        Parameters
        ----------
        task : Task
            What can be given to no worker.

        Returns
        -------
        Result
            What it left.
        """
        run_task(str(self.folder), task)
        found = Result.read(self.folder / task.name)
        assert found is not None  # noqa: S101 - it was just written
        return found

    def forget(self, stage: str) -> None:
        """Remove what tasks of a stage left, when nobody needs it any more.

        Parameters
        ----------
        stage : str
            The first part of their names.
        """
        shutil.rmtree(self.folder / stage, ignore_errors=True)

    def _count(self, results: Sequence[Result]) -> None:
        self.cpu_seconds += sum(one.cpu_seconds for one in results)
        peaks = [one.peak_memory_bytes for one in results if one.peak_memory_bytes is not None]
        self.peak_memory_bytes = max([*peaks, self.peak_memory_bytes or 0]) or None
        if self._above is not None:
            self._above._count(results)

    def room(self, name: str) -> Workplace:
        """Return a workplace within this one, for tasks that are called as others are.

        Parameters
        ----------
        name : str
            Of its folder.

        Returns
        -------
        Workplace
            On the same engine; what it costs is counted here, too.
        """
        found = Workplace(self.folder / name, self.engine)
        found._above = self
        found.between = self.between
        return found

    def cost(self) -> dict[str, Any]:
        """Say what its tasks have cost, in whatever process they ran.

        Returns
        -------
        dict
            Keys name of the engine, workers, cpu_seconds and peak_memory_bytes, the most that one worker held.
        """
        of_engine = {"name": self.engine.name, "workers": self.engine.workers}
        return of_engine | {"cpu_seconds": round(self.cpu_seconds, 2), "peak_memory_bytes": self.peak_memory_bytes}

    def remove(self) -> None:
        """Remove all outputs."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _save(output: Output, arrays: Mapping[str, NDArray[Any]]) -> None:
    for name, values in arrays.items():
        output.array(name, values)
