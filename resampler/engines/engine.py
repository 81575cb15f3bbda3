"""`Engine`: runs tasks somewhere, each at least once, in any order."""

from __future__ import annotations

import os
import sys
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Self

from resampler.engines.task import TaskError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from resampler.engines.settings import EngineSettings
    from resampler.engines.task import Task

ATTEMPTS = 3  # at a task whose worker dies


class Engine(ABC):
    """Runs tasks; a context manager, which ends the workers that it started.

    A subclass says how: `run`, and where it holds something `close`. It needs no order of its own: tasks that are given
    together do not depend on one another, and doing one twice does no harm (`resampler.engines.task.run_task`). What a
    task raises is raised by `run`; a task whose worker died is begun again, `ATTEMPTS` times in all.

    Parameters
    ----------
    settings : EngineSettings
        Address, workers, memory of a worker.
    """

    name: ClassVar[str]

    def __init__(self, settings: EngineSettings) -> None:
        self.settings = settings
        self.is_local = settings.engine_address is None  # whether its workers share the memory of this machine

    @property
    def workers(self) -> int:
        """How many tasks run at once, about: what work is cut by, where that decides no byte."""
        return self.settings.workers or os.cpu_count() or 1

    @abstractmethod
    def run(self, workplace: str, tasks: Sequence[Task]) -> Iterator[Task]:
        """Do tasks.

        Parameters
        ----------
        workplace : str
            Directory of their outputs.
        tasks : sequence of Task
            What is to be done.

        Yields
        ------
        Task
            Each as it is finished.

        Raises
        ------
        TaskError
            If the worker of a task died again and again.
        ResamplerError
            What a task raises.
        """

    def close(self) -> None:  # noqa: B027 - some engines start nothing
        """End what was started."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def died(task: Task, engine: Engine, why: str) -> TaskError:
    """Return the error of a task whose worker died too often.

    Parameters
    ----------
    task : Task
        Which.
    engine : Engine
        Where.
    why : str
        What is known of it.

    Returns
    -------
    TaskError
        To be raised.
    """
    return TaskError(
        f"task {task.name} was begun again and again on engine {engine.name}, and its worker died each time ({why}): "
        "it may need more memory than there is: use fewer workers, or larger ones; what is finished is kept"
    )


def unusable(engine: Engine, error: Exception) -> TaskError:
    """Return the error of workers that cannot begin a task at all.

    Parameters
    ----------
    engine : Engine
        Where.
    error : Exception
        What the engine's library raised.

    Returns
    -------
    TaskError
        To be raised.
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = next((line for line in lines if "No module named" in line), lines[-1] if lines else type(error).__name__)
    python = f"Python {sys.version_info.major}.{sys.version_info.minor}"
    return TaskError(
        f"engine {engine.name} cannot run tasks: {said}: its workers must be there, with {python} and this release of "
        "feast-resampler, as here"
    )
