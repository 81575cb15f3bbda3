"""What a worker of any engine does: one task at a time, on one core."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resampler.engines.task import run_task

if TYPE_CHECKING:
    from resampler.engines.task import Task


def work(workplace: str, task: Task) -> None:
    """Do a task in a process that others work beside.

    Parameters
    ----------
    workplace : str
        Directory of its outputs.
    task : Task
        What is to be done.
    """
    import pyarrow as pa
    from numba import config

    config.NUMBA_NUM_THREADS = 1  # what `resampler.neighbors.in_chunks` goes by
    pa.set_cpu_count(1)
    run_task(workplace, task)
