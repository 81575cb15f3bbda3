"""`Metrics`: all metrics of a worker, in a registry of their own: importing Feast turns the default one into files."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from stream.metrics.families import Families
from stream.metrics.process import ProcessMetrics
from stream.metrics.shard import ShardMetrics

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from stream.settings import Settings


class ShardState(StrEnum):
    """Who owns a shard, as a worker sees it."""

    OWNED = "owned"  # by this worker
    ELSEWHERE = "elsewhere"  # by another one
    UNOWNED = "unowned"
    UNKNOWN = "unknown"  # the server does not answer


class Metrics:
    """All metrics of a worker.

    Parameters
    ----------
    stream : str
        Name of the stream, the label of every series.
    """

    def __init__(self, stream: str) -> None:
        self.registry = CollectorRegistry()
        self._families = Families(self.registry)
        ProcessMetrics(self.registry)
        self._stream = stream
        self._maintenance = self._families.gauges["resampler_maintenance"].labels(stream, "stream")

    def introduce(self, settings: Settings, run: str, version: str) -> None:
        """Set what stays the same for as long as the process lives.

        Parameters
        ----------
        settings : Settings
            The worker's. Of a secret key nothing is exported.
        run : str
            Name of the process: what a lease's owner ends in.
        version : str
            Of the package.
        """
        labels = {"run": run, "version": version, "contract": settings.schema.hash[:12], "seed": str(settings.seed)}
        self._families.gauges["resampler_worker_info"].labels(stream=self._stream, **labels).set(1)

    def watch(self, states: Callable[[], Sequence[ShardState]], hanging: Callable[[], Sequence[str]]) -> None:
        """Count shards by their state, and threads that hang, at each scrape.

        Parameters
        ----------
        states : callable
            Returns the state of each shard; it does not wait.
        hanging : callable
            Returns a line for each thread that hangs; it does not wait.
        """
        gauges = self._families.gauges
        gauges["resampler_hanging_threads"].labels(self._stream).set_function(lambda: len(hanging()))

        def _count(state: ShardState) -> float:
            return states().count(state)

        for state in ShardState:
            self._families.gauges["resampler_shards"].labels(self._stream, state).set_function(partial(_count, state))

    def maintenance(self, declared: bool) -> None:
        """Set whether a window of maintenance is declared for the stream.

        Parameters
        ----------
        declared : bool
            Whether one is.
        """
        self._maintenance.set(declared)

    def shard(self, name: str) -> ShardMetrics:
        """Return the series of one shard.

        Parameters
        ----------
        name : str
            Its input stream.

        Returns
        -------
        ShardMetrics
            Writes to this registry.
        """
        return ShardMetrics(self._families, self._stream, name)
