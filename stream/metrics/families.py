"""`Families`: the metrics of the catalogue as objects of prometheus_client; `Series`: those of one shard."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge, Histogram

from resampler.monitoring.catalog import WORKER
from stream.metrics.process import PROCESS

if TYPE_CHECKING:
    from collections.abc import Collection

    from prometheus_client import CollectorRegistry

# What it says where PROMETHEUS_MULTIPROC_DIR is set, of files that are read by another collector than ours.
warnings.filterwarnings("ignore", "Removal of labels has not been implemented", UserWarning)
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Families:
    """All metrics of a worker but those of its process, by name.

    Parameters
    ----------
    registry : CollectorRegistry
        Where they are registered.

    Attributes
    ----------
    counters, gauges, histograms : dict
        By name in the catalogue.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.counters: dict[str, Counter] = {}
        self.gauges: dict[str, Gauge] = {}
        self.histograms: dict[str, Histogram] = {}
        for name, one in WORKER.items():
            if name in PROCESS:
                continue
            if one.kind == "counter":
                self.counters[name] = Counter(one.family, one.help, one.labels, registry=registry)
            elif one.kind == "gauge":
                self.gauges[name] = Gauge(name, one.help, one.labels, registry=registry)
            else:
                self.histograms[name] = Histogram(name, one.help, one.labels, registry=registry, buckets=_SECONDS)


class Series:
    """The series of one shard; one thread at a time works with them.

    Parameters
    ----------
    families : Families
        Whose series they are.
    *labels : str
        The values of the first labels.
    """

    def __init__(self, families: Families, *labels: str) -> None:
        self._families = families
        self._labels = labels
        self._counters: dict[tuple[str, ...], Counter] = {}
        self._gauges: dict[tuple[str, ...], Gauge] = {}

    def counter(self, name: str, *labels: str) -> Counter:
        """Return a counter, which is there from now on.

        Parameters
        ----------
        name : str
            In the catalogue.
        *labels : str
            The values of its other labels.

        Returns
        -------
        Counter
            At 0 if it is new.
        """
        key = (name, *labels)
        if (found := self._counters.get(key)) is None:
            found = self._counters[key] = self._families.counters[name].labels(*self._labels, *labels)
        return found

    def gauge(self, name: str, *labels: str) -> Gauge:
        """Return a gauge, which is there until it is dropped.

        Parameters
        ----------
        name : str
            In the catalogue.
        *labels : str
            The values of its other labels.

        Returns
        -------
        Gauge
            At 0 if it is new.
        """
        key = (name, *labels)
        if (found := self._gauges.get(key)) is None:
            found = self._gauges[key] = self._families.gauges[name].labels(*self._labels, *labels)
        return found

    def histogram(self, name: str) -> Histogram:
        """Return a histogram, which is there from now on.

        Parameters
        ----------
        name : str
            In the catalogue.

        Returns
        -------
        Histogram
            Empty if it is new.
        """
        return self._families.histograms[name].labels(*self._labels)

    def keep(self, name: str, labels: Collection[str]) -> None:
        """Drop the gauges of one name but those of some labels.

        Parameters
        ----------
        name : str
            In the catalogue.
        labels : collection of str
            The values of its one other label that stay.
        """
        for key in [key for key in self._gauges if key[0] == name and key[1] not in labels]:
            self._drop(key)

    def drop(self) -> None:
        """Drop all gauges: what they say is no longer known."""
        for key in list(self._gauges):
            self._drop(key)

    def _drop(self, key: tuple[str, ...]) -> None:
        del self._gauges[key]
        self._families.gauges[key[0]].remove(*self._labels, *key[1:])
