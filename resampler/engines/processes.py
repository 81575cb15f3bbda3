"""`Processes`: tasks in processes of this machine."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING

from resampler.engines.engine import ATTEMPTS, Engine, died
from resampler.engines.worker import work

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Future

    from resampler.engines.settings import EngineSettings
    from resampler.engines.task import Task


class Processes(Engine):
    """Tasks in processes that are started for them.

    Parameters
    ----------
    settings : EngineSettings
        Workers, by default one a core.
    """

    name = "processes"

    def __init__(self, settings: EngineSettings) -> None:
        super().__init__(settings)
        self._pool: ProcessPoolExecutor | None = None

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
        """
        begun: Counter[str] = Counter()
        waiting = list(tasks)[::-1]
        running: dict[Future[None], Task] = {}
        while waiting or running:
            while waiting and len(running) < self.workers:  # so that few are begun again when the pool breaks
                task = waiting.pop()
                begun[task.name] += 1
                running[self._open().submit(work, workplace, task)] = task
            for done in wait(running, return_when=FIRST_COMPLETED).done:
                task = running.pop(done)
                try:
                    done.result()
                except BrokenProcessPool as error:  # which one died is not said: all that ran are begun again
                    self.close()
                    if begun[task.name] >= ATTEMPTS:
                        raise died(task, self, str(error)) from error
                    waiting.append(task)
                else:
                    yield task

    def _open(self) -> ProcessPoolExecutor:
        if self._pool is None:  # not forked: threads of Numba and Arrow do not survive that
            self._pool = ProcessPoolExecutor(self.workers, mp_context=multiprocessing.get_context("spawn"))
        return self._pool

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None
