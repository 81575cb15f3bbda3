"""`Dask`: tasks on a cluster of Dask, or on one of this machine alone."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import dask
from distributed import Client, Future, KilledWorker, LocalCluster, default_client
from distributed import wait as await_futures
from distributed.client import FutureCancelledError

from resampler.engines.engine import ATTEMPTS, unusable
from resampler.engines.submitting import Submitting, WorkerDiedError
from resampler.engines.task import TaskError
from resampler.engines.worker import work

if TYPE_CHECKING:
    from collections.abc import Sequence

    from resampler.engines.settings import EngineSettings
    from resampler.engines.task import Task


class Dask(Submitting):
    """Tasks on Dask: on the cluster of this process's client, that of an address, or one of its own.

    Parameters
    ----------
    settings : EngineSettings
        Address: ``tcp://host:8786``; by default that of the current `distributed.Client`, and where there is none,
        workers of this machine.
    """

    name = "dask"
    ahead = 1  # Dask blames the death of a worker on all tasks that it has

    def __init__(self, settings: EngineSettings) -> None:
        super().__init__(settings)
        self._cluster: LocalCluster | None = None
        self._is_own = True
        if settings.engine_address is not None:
            self._client = Client(settings.engine_address, set_as_default=False)
            return
        try:
            self._client = default_client()
            self._is_own = self.is_local = False
        except ValueError:  # there is none
            self._cluster = self._start()
            self._client = Client(self._cluster, set_as_default=False)

    def _start(self) -> LocalCluster:
        try:
            with dask.config.set({"distributed.scheduler.allowed-failures": ATTEMPTS - 1}):
                return LocalCluster(
                    n_workers=super().workers,
                    threads_per_worker=1,
                    memory_limit=0,  # Dask counts mapped pages as a worker's own, and would kill it for them
                    dashboard_address=None,
                    silence_logs=logging.CRITICAL,
                )
        except RuntimeError as error:
            raise TaskError(
                f"engine dask could not start its workers: {error}: where a script calls it, it must do so under "
                "`if __name__ == '__main__':`, as multiprocessing asks"
            ) from error

    @property
    def workers(self) -> int:
        """How many tasks run at once: what the cluster has now, where nothing is said."""
        return self.settings.workers or max(sum(self._client.nthreads().values()), 1)

    def begin(self, workplace: str, task: Task) -> Future:
        """Hand a task to Dask, as `Submitting.begin`.

        Parameters
        ----------
        workplace, task
            As there.

        Returns
        -------
        distributed.Future
            Of its outcome.
        """
        return self._client.submit(work, workplace, task, pure=False)

    def ended(self, handles: Sequence[Future]) -> list[Any]:
        """Wait for one, as `Submitting.ended`.

        Parameters
        ----------
        handles
            As there.

        Returns
        -------
        list of distributed.Future
            As there.
        """
        try:
            with self._client.as_current():
                return list(await_futures(handles, return_when="FIRST_COMPLETED").done)
        except FutureCancelledError:  # the scheduler has lost some
            return [one for one in handles if one.cancelled()]

    def outcome(self, handle: Future) -> bytes | None:
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
            found: bytes | None = handle.result()
        except FutureCancelledError as error:
            raise WorkerDiedError(str(error)) from error
        except KilledWorker as error:  # as often as the scheduler lets it
            raise WorkerDiedError("Dask says KilledWorker", again=False) from error
        except Exception as error:  # what a task raises is handed back: it was not begun
            raise unusable(self, error) from error
        return found

    def cancel(self, handles: Sequence[Future]) -> None:
        """Give up what waits, as `Submitting.cancel`; what runs is left to end where the cluster is another's.

        Parameters
        ----------
        handles
            As there.
        """
        if handles:
            self._client.cancel(list(handles))

    def close(self) -> None:
        """Leave the cluster, and end it where it was started here."""
        if self._is_own:
            self._client.close()
        if self._cluster is not None:
            self._cluster.close()
