"""Whether tasks can have the memory that they need, asked before any of them is begun."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resampler.budget import BudgetError, available_bytes, in_units, memory_bytes
from resampler.notices import warn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from resampler.engines.engine import Engine
    from resampler.engines.task import Task

WORKER_BYTES = 320 * 2**20  # what a worker holds before it does anything: the interpreter, Numba, Arrow, kernels
SPARE = 1.05  # what a remedy adds to an estimate


def check_memory(engine: Engine, tasks: Sequence[Task]) -> None:
    """Refuse tasks that need more memory than a worker may have; warn where it has no limit, but the machine has.

    Parameters
    ----------
    engine : Engine
        With the limit of a worker in its settings.
    tasks : sequence of Task
        That are to be done.

    Raises
    ------
    BudgetError
        If a task needs more than `EngineSettings.worker_memory`.
    """
    if not tasks:
        return
    task = max(tasks, key=lambda one: one.memory)
    if not task.memory:
        return
    held = (memory_bytes() or 0) if engine.name == "inline" else WORKER_BYTES
    need, limit = held + task.memory, engine.settings.worker_memory
    why = f"about {in_units(task.memory)}, beside {in_units(held)} that its process holds"
    if limit is not None:
        if need > limit:
            raise BudgetError(
                f"worker_memory={in_units(limit)} is too little for task {task.name}: {why}: allow "
                f"{in_units(need * SPARE)} (--worker-memory), with fewer workers where the machine has no more"
            )
        return
    left, at_once = available_bytes() if engine.is_local else None, min(engine.workers, len(tasks))
    new = at_once * (task.memory if engine.name == "inline" else need)
    if left is not None and new > left:
        warn(
            f"{at_once} workers need about {in_units(new)} for tasks like {task.name} ({why}), and this machine has "
            f"{in_units(left)} left: use fewer workers, or a larger machine; worker_memory refuses instead",
            UserWarning,
        )
