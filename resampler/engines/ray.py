"""`Ray`: tasks on a Ray cluster, or on one of this machine alone."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

# Read when Ray is imported: it asks nobody's server, and says of dead workers on stdout what is raised too.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", "worker died or was killed|killed due to .*memory")
import ray
from ray.exceptions import (
    NodeDiedError,
    ObjectLostError,
    OutOfMemoryError,
    RayTaskError,
    WorkerCrashedError,
)

from resampler.engines.answering import check_answers
from resampler.engines.engine import unusable
from resampler.engines.submitting import Submitting, WorkerDiedError
from resampler.engines.worker import search_path, work

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from resampler.engines.settings import EngineSettings
    from resampler.engines.task import Task

LOCAL_STORE_BYTES = 80 * 2**20  # of a cluster of this machine: tasks leave what they make in files


class Ray(Submitting):
    """Tasks on Ray: on the cluster that this process is connected with, that of an address, or one of its own.

    Parameters
    ----------
    settings : EngineSettings
        Address: ``host:6379``, ``ray://host:10001``, or ``auto`` for the cluster that this machine is part of; by
        default that of ``RAY_ADDRESS``, and where it is not set, workers of this machine.
    """

    name = "ray"

    def __init__(self, settings: EngineSettings) -> None:
        super().__init__(settings)
        self._is_own = not ray.is_initialized()
        self.is_local = False
        if self._is_own:
            address = settings.engine_address or os.environ.get("RAY_ADDRESS")
            quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
            if address:
                if settings.engine_address is None:  # else that was looked at
                    check_answers(address, "ray")
                ray.init(address, **quiet)
            else:
                self.is_local = True
                with _path_for_workers():
                    ray.init("local", **quiet, **self._local())
        # `Submitting` counts how often a task is begun
        self._work = ray.remote(num_cpus=1, memory=settings.worker_memory, max_retries=0)(work)

    def _local(self) -> dict[str, Any]:
        found = {
            "num_cpus": super().workers,
            "include_dashboard": False,
            "_node_ip_address": "127.0.0.1",
            "object_store_memory": LOCAL_STORE_BYTES,
        }
        if self.settings.worker_memory is not None:
            found["_memory"] = super().workers * self.settings.worker_memory
        return found

    @property
    def workers(self) -> int:
        """How many tasks run at once: what the cluster has now, where nothing is said."""
        return self.settings.workers or max(int(ray.cluster_resources().get("CPU", 1)), 1)

    def begin(self, workplace: str, task: Task) -> ray.ObjectRef[Any]:
        """Hand a task to Ray, as `Submitting.begin`.

        Parameters
        ----------
        workplace, task
            As there.

        Returns
        -------
        ray.ObjectRef
            Of its outcome.
        """
        return self._work.options(name=task.name).remote(workplace, task)

    def ended(self, handles: Sequence[ray.ObjectRef[Any]]) -> list[Any]:
        """Wait for one, as `Submitting.ended`.

        Parameters
        ----------
        handles
            As there.

        Returns
        -------
        list of ray.ObjectRef
            As there.
        """
        return ray.wait(list(handles), num_returns=1, fetch_local=False)[0]

    def outcome(self, handle: ray.ObjectRef[Any]) -> bytes | None:
        """Return it, as `Submitting.outcome`.

        Parameters
        ----------
        handle
            As there.

        Returns
        -------
        bytes or None
            As there.

        Raises
        ------
        WorkerDiedError
            As there.
        TaskError
            If it could not be begun.
        """
        try:
            found: bytes | None = ray.get(handle)
        except RayTaskError as error:  # what a task raises is handed back: it was not begun
            raise unusable(self, error) from error
        except (WorkerCrashedError, OutOfMemoryError, NodeDiedError, ObjectLostError) as error:
            raise WorkerDiedError(str(error).partition("\n")[0]) from error
        return found

    def cancel(self, handles: Sequence[ray.ObjectRef[Any]]) -> None:
        """Kill what runs, as `Submitting.cancel`.

        Parameters
        ----------
        handles
            As there.
        """
        for handle in handles:
            ray.cancel(handle, force=True)

    def close(self) -> None:
        """Leave the cluster, and end it where it was started here."""
        if self._is_own:
            ray.shutdown()


@contextlib.contextmanager
def _path_for_workers() -> Iterator[None]:
    """Let workers that are started find what this process does; a runtime environment of Ray would take seconds."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = search_path()
    try:
        yield
    finally:
        del os.environ["PYTHONPATH"]
        if before is not None:
            os.environ["PYTHONPATH"] = before
