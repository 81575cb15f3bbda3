"""`Workplace`: where tasks leave what others go on with; a run that died goes on behind what is there."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from resampler.engines.task import Result, Task, run_task

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from resampler.engines.engine import Engine
    from resampler.engines.task import Output


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
        ResamplerError
            What a task raises; or `TaskError` if the worker of one died again and again.
        """
        left = [task for task in tasks if Result.read(self.folder / task.name) is None]
        done = tqdm(total=len(tasks), initial=len(tasks) - len(left), desc=say, unit="task", disable=None)
        with done if say is not None else tqdm(disable=True) as bar:
            for n_done, _ in enumerate(self.engine.run(str(self.folder), left), 1):
                bar.update()
                if self.between is not None:
                    self.between(say or "the next task" if n_done < len(left) else None)
        found = [Result.read(self.folder / task.name) for task in tasks]
        results = [one for one in found if one is not None]
        if len(results) < len(tasks):
            missing = next(task.name for task, one in zip(tasks, found, strict=True) if one is None)
            raise FileNotFoundError(
                f"{self.folder / missing} is not there though its task ended: is it on a disk that all workers see?"
            )
        self._count(results)
        return results

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
            Keys cpu_seconds and peak_memory_bytes, the most that one worker held.
        """
        return {"cpu_seconds": round(self.cpu_seconds, 2), "peak_memory_bytes": self.peak_memory_bytes}

    def remove(self) -> None:
        """Remove all outputs."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _save(output: Output, arrays: Mapping[str, NDArray[Any]]) -> None:
    for name, values in arrays.items():
        output.array(name, values)
