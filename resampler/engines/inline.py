"""`Inline`: tasks one after another in this process, each on all its threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resampler.engines.engine import Engine
from resampler.engines.task import run_task

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from resampler.engines.task import Task


class Inline(Engine):
    """Tasks in this process."""

    name = "inline"

    @property
    def workers(self) -> int:
        """One."""
        return 1

    def run(self, workplace: str, tasks: Sequence[Task]) -> Iterator[Task]:
        """Do tasks, as `Engine.run`.

        Parameters
        ----------
        workplace, tasks
            As there.

        Yields
        ------
        Task
            In their order.
        """
        for task in tasks:
            run_task(workplace, task)
            yield task
