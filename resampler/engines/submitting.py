"""`Submitting`: an engine that is handed one task at a time, and says which of them have ended."""

from __future__ import annotations

import pickle
from abc import abstractmethod
from collections import Counter, deque
from typing import TYPE_CHECKING, Any

from resampler.engines.engine import ATTEMPTS, Engine, died

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Sequence

    from resampler.engines.task import Task


class WorkerDiedError(Exception):
    """Raise within an engine when the worker of a task is gone.

    Parameters
    ----------
    why : str
        What is known of it.
    again : bool
        Whether it is begun again, unless it was too often.
    """

    def __init__(self, why: str, *, again: bool = True) -> None:
        super().__init__(why)
        self.again = again


class Submitting(Engine):
    """An engine of single tasks: a subclass says how one is begun and awaited, and this one how often.

    What a subclass calls a handle is whatever its library returns for a task that it was given.
    """

    ahead = 2  # tasks in flight a worker: one waits where it is done next

    @abstractmethod
    def begin(self, workplace: str, task: Task) -> Hashable:
        """Hand out a task.

        Parameters
        ----------
        workplace : str
            Directory of its outputs.
        task : Task
            For `resampler.engines.worker.work`.

        Returns
        -------
        handle
            Of the task.
        """

    @abstractmethod
    def ended(self, handles: Sequence[Any]) -> Iterable[Any]:
        """Wait until a task has ended, well or not.

        Parameters
        ----------
        handles : sequence
            Of all tasks in flight.

        Returns
        -------
        iterable
            One of them, or more.
        """

    @abstractmethod
    def outcome(self, handle: Any) -> bytes | None:
        """Say what came of a task that has ended.

        Parameters
        ----------
        handle : object
            Of the task.

        Returns
        -------
        bytes or None
            What `work` returned.

        Raises
        ------
        WorkerDiedError
            If its worker is gone.
        """

    @abstractmethod
    def cancel(self, handles: Sequence[Any]) -> None:
        """Give up tasks in flight, those that are being done too.

        Parameters
        ----------
        handles : sequence
            Of the tasks.
        """

    def run(self, workplace: str, tasks: Sequence[Task]) -> Iterator[Task]:
        """Do tasks, as `Engine.run`.

        Parameters
        ----------
        workplace, tasks
            As there.

        Yields
        ------
        Task
            As they are finished.

        Raises
        ------
        TaskError
            As there.
        ResamplerError
            As there.
        """
        begun: Counter[str] = Counter()
        waiting, running = deque(tasks), dict[Any, "Task"]()
        try:
            while waiting or running:
                while waiting and len(running) < self.ahead * self.workers:
                    task = waiting.popleft()
                    begun[task.name] += 1
                    running[self.begin(workplace, task)] = task
                for handle in self.ended(list(running)):
                    task = running.pop(handle)
                    try:
                        raised = self.outcome(handle)
                    except WorkerDiedError as error:
                        if begun[task.name] >= ATTEMPTS or not error.again:
                            raise died(task, self, str(error)) from error
                        waiting.appendleft(task)
                        continue
                    if raised is not None:
                        raise pickle.loads(raised)  # noqa: S301 - from a worker of ours
                    yield task
        finally:
            self.cancel(list(running))
