"""What a worker of any engine does: one task at a time, on one core; what it raises is handed back, not thrown."""

from __future__ import annotations

import os
import pickle
import sys
import traceback
from typing import TYPE_CHECKING

from resampler.engines.task import run_task

if TYPE_CHECKING:
    from resampler.engines.task import Task


def work(workplace: str, task: Task) -> bytes | None:
    """Do a task in a process that others work beside.

    Parameters
    ----------
    workplace : str
        Directory of its outputs.
    task : Task
        What is to be done.

    Returns
    -------
    bytes or None
        What it raised, pickled: engines would wrap an error that is thrown, each in a type of its own.
    """
    import pyarrow as pa
    from numba import config

    config.NUMBA_NUM_THREADS = 1  # what `resampler.threads.in_chunks` goes by
    pa.set_cpu_count(1)
    try:
        run_task(workplace, task)
    except Exception as error:
        error.add_note(f"raised by task {task.name} in process {os.getpid()}:\n{traceback.format_exc()}")
        return _packed(error)
    finally:
        pa.default_memory_pool().release_unused()  # else what was freed counts beside the next task
    return None


def search_path() -> str:
    """Return where workers of this machine find modules: where this process does.

    Returns
    -------
    str
        The value of ``PYTHONPATH``.
    """
    return os.pathsep.join(entry or os.getcwd() for entry in sys.path)  # noqa: PTH109 - as it is looked up


def _packed(error: Exception) -> bytes:
    try:
        packed = pickle.dumps(error)
        pickle.loads(packed)  # noqa: S301 - some errors can be written, but not read
    except Exception:
        return pickle.dumps(RuntimeError(f"{type(error).__name__}: {error}"))
    return packed
