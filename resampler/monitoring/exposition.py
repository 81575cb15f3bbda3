"""Samples as Prometheus reads them: served, in a file, or as text."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, generate_latest, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from resampler.errors import InvalidInputError, ResamplerError
from resampler.monitoring.catalog import LEDGER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from resampler.monitoring.exporter import Exporter
    from resampler.monitoring.sample import Sample

SUFFIX = ".prom"  # of files that node_exporter's textfile collector reads
MODE = 0o644  # node_exporter is another user


class _Collected(Collector):
    """What an exporter sees when it is asked; one scrape at a time."""

    def __init__(self, exporter: Exporter) -> None:
        self._exporter, self._lock = exporter, threading.Lock()

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        with self._lock:
            samples = self._exporter.look(time.time())
        return families(samples)


def families(samples: list[Sample]) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
    """Sort samples into the families of the catalogue.

    Parameters
    ----------
    samples : list of Sample
        Of metrics of `LEDGER`.

    Yields
    ------
    prometheus_client.core.Metric
        Each family of the catalogue once, those without a sample too.
    """
    by_metric: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        by_metric[sample.metric].append(sample)
    if unknown := sorted(set(by_metric) - set(LEDGER)):
        raise KeyError(f"{unknown[0]} is no metric of the catalogue")
    for metric in LEDGER.values():
        kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
        family = kind(metric.family, metric.help, labels=metric.labels)
        for sample in by_metric[metric.name]:
            family.add_metric(sample.labels, sample.value)
        yield family


def registry_of(exporter: Exporter) -> CollectorRegistry:
    """Make a registry of an exporter.

    Parameters
    ----------
    exporter : Exporter
        That is asked at each scrape.

    Returns
    -------
    prometheus_client.CollectorRegistry
        Of its own, so that nothing else is exported.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collected(exporter))
    return registry


def as_text(exporter: Exporter) -> bytes:
    """Look once.

    Parameters
    ----------
    exporter : Exporter
        Looks.

    Returns
    -------
    bytes
        Prometheus' text format.
    """
    return generate_latest(registry_of(exporter))


def write(exporter: Exporter, path: Path) -> None:
    """Look once, and write a file for node_exporter's textfile collector.

    Parameters
    ----------
    exporter : Exporter
        Looks.
    path : Path
        Of the file, which ends in ``.prom``: whole or as it was before, whoever reads it when.

    Raises
    ------
    InvalidInputError
        If it has another name, or its directory is not there.
    """
    if path.suffix != SUFFIX:
        raise InvalidInputError(
            f"--textfile must end in {SUFFIX}, or node_exporter does not read it, got {str(path)!r}"
        )
    if not path.parent.is_dir():
        raise InvalidInputError(f"--textfile {str(path)!r} has no directory to stand in: make {str(path.parent)!r}")
    content = as_text(exporter)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            os.fchmod(stream.fileno(), MODE)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def serve(exporter: Exporter, host: str, port: int) -> tuple[Any, int]:
    """Serve ``/metrics`` in a thread.

    Parameters
    ----------
    exporter : Exporter
        Looks at each scrape.
    host : str
        Address to listen on.
    port : int
        0 for one that is free.

    Returns
    -------
    server : http.server.HTTPServer
        To be shut down.
    port : int
        That it listens on.

    Raises
    ------
    ResamplerError
        If it cannot listen there.
    """
    try:
        server, _ = start_http_server(port, addr=host, registry=registry_of(exporter))
    except OSError as error:
        raise ResamplerError(
            f"--port {port} of {host} cannot be listened on: {error.strerror}: name another"
        ) from error
    return server, server.server_port
