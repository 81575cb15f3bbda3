"""`ProcessMetrics`: processor time and memory of the worker's process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import ProcessCollector
from prometheus_client.registry import Collector

from resampler.monitoring.catalog import WORKER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client import CollectorRegistry
    from prometheus_client.metrics_core import Metric

PROCESS = tuple(name for name in WORKER if name.startswith("process_"))


class ProcessMetrics(Collector):
    """Those of `prometheus_client.ProcessCollector` that the catalogue has; none where there is no ``/proc``.

    Parameters
    ----------
    registry : CollectorRegistry
        Where they are registered.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._all = ProcessCollector(registry=None)
        self._wanted = {WORKER[name].family: WORKER[name].help for name in PROCESS}
        registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """Read them.

        Yields
        ------
        Metric
            With the words of the catalogue.
        """
        for metric in self._all.collect():
            if (words := self._wanted.get(metric.name)) is not None:
                metric.documentation = words
                yield metric
