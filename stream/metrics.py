"""Prometheus metrics in a registry of their own: importing Feast would turn the default one into mapped files."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from resampler.buffer import BufferStats
    from resampler.online import OnlineStats
    from resampler.provenance import MicroBatch
    from stream.formats import Reject

MAX_FEATURES = 128  # with series of their own, a shard
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Metrics:
    """All metrics of a worker.

    Parameters
    ----------
    stream : str
        Name of the stream, the label of every series.
    """

    def __init__(self, stream: str) -> None:
        self.registry = CollectorRegistry()
        self._stream = stream
        shard = ("stream", "shard")

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(name, text, (*shard, *labels), registry=self.registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(name, text, (*shard, *labels), registry=self.registry)

        def histogram(name: str, text: str) -> Histogram:
            return Histogram(name, text, shard, registry=self.registry, buckets=_SECONDS)

        self.rows = counter("resampler_rows", "Real rows committed.", "class")
        self.samples = counter("resampler_samples_generated", "Synthetic rows committed.", "class")
        self.ratio = gauge("resampler_synthetic_ratio", "Synthetic rows : all rows since the stream began.")
        self.buffer = gauge("resampler_buffer_rows", "Rows that synthetic rows are made from.", "class")
        self.recall = gauge(
            "resampler_buffer_recall", "Share of true neighbours among those kept, of a sample.", "class"
        )
        self.distance = gauge(
            "resampler_neighbor_distance",
            "Median distance of a kept row to its nearest neighbour, in units of scale.",
            "class",
        )
        self.lag = gauge("resampler_stream_lag_rows", "Rows in the input that are not committed yet.")
        self.commit = histogram("resampler_commit_seconds", "Time of one commit.")
        self.latency = histogram(
            "resampler_batch_latency_seconds", "From the read of a batch's last row to its commit."
        )
        self.dead = counter("resampler_dead_letters", "Rows that broke the contract.", "reason")
        self.shard_owned = gauge(
            "resampler_shard_owned", "1 while this worker owns the shard; summed over workers, 0 is an alarm."
        )
        self.psi = gauge(
            "resampler_drift_stability_index",
            "Population stability index of a feature in the newest window, against the reference version.",
            "feature",
        )
        self.moved = gauge(
            "resampler_drift_distance",
            "Kolmogorov-Smirnov distance of a feature in the newest window; of a category total variation.",
            "feature",
        )
        self.most_moved = gauge(
            "resampler_drift_distance_max", "The greatest distance of any feature in the newest window."
        )
        self.window_rows = gauge("resampler_drift_window_rows", "Rows counted in the newest window.")
        self.windows = counter("resampler_drift_windows", "Windows of counts against the reference version.")
        self.replays = counter("resampler_replayed_rows", "Rows replayed silently to restore the state.")

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
        return ShardMetrics(self, self._stream, name)


class ShardMetrics:
    """The series of one shard.

    Parameters
    ----------
    metrics : Metrics
        Holds the registry.
    stream, shard : str
        Labels.
    """

    def __init__(self, metrics: Metrics, stream: str, shard: str) -> None:
        self._metrics = metrics
        self._labels = (stream, shard)
        self._features: dict[str, tuple[Gauge, ...]] = {}

    def committed(
        self, batch: MicroBatch, rejects: Iterable[Reject], stats: OnlineStats, commit_s: float, latency_s: float
    ) -> None:
        """Count one commit.

        Parameters
        ----------
        batch : MicroBatch
            The rows written.
        rejects : iterable of Reject
            The dead letters written.
        stats : OnlineStats
            After it.
        commit_s : float
            Seconds that the commit took.
        latency_s : float
            Seconds from the read of its last row to its end.
        """
        metrics, labels = self._metrics, self._labels
        for family, mask in ((metrics.rows, ~batch.is_synthetic), (metrics.samples, batch.is_synthetic)):
            for label, count in zip(*np.unique(batch.y[mask], return_counts=True), strict=True):
                family.labels(*labels, str(label)).inc(int(count))
        for reject in rejects:
            metrics.dead.labels(*labels, reject.reason.value).inc(reject.n_rows)
        for label, held in stats.buffer_rows.items():
            metrics.buffer.labels(*labels, str(label)).set(held)
        metrics.ratio.labels(*labels).set(stats.synthetic_ratio)
        metrics.commit.labels(*labels).observe(commit_s)
        metrics.latency.labels(*labels).observe(latency_s)

    def measured(self, buffers: Mapping[int, BufferStats]) -> None:
        """Set what was measured of the buffers.

        Parameters
        ----------
        buffers : mapping of int to BufferStats
            By class; those that hold too few rows to be measured are left out.
        """
        for label, stats in buffers.items():
            if not np.isnan(stats.recall):
                self._metrics.recall.labels(*self._labels, str(label)).set(stats.recall)
                self._metrics.distance.labels(*self._labels, str(label)).set(stats.neighbor_distance)

    def counted(self, windows: int, rows: int, moved: Mapping[str, tuple[float, float]]) -> None:
        """Set how far the newest window lies from the version that it is counted against.

        Parameters
        ----------
        windows : int
            How many came with this commit.
        rows : int
            Counted in the newest.
        moved : mapping of str to (float, float)
            By feature: population stability index and distance. Of a wider contract than `MAX_FEATURES` the first ones
            have series of their own.
        """
        metrics, labels = self._metrics, self._labels
        metrics.windows.labels(*labels).inc(windows)
        metrics.window_rows.labels(*labels).set(rows)
        metrics.most_moved.labels(*labels).set(max(distance for _, distance in moved.values()))
        for feature, (psi, distance) in islice(moved.items(), MAX_FEATURES):
            if feature not in self._features:
                self._features[feature] = tuple(of.labels(*labels, feature) for of in (metrics.psi, metrics.moved))
            for series, value in zip(self._features[feature], (psi, distance), strict=True):
                series.set(value)

    def lag(self, rows: float) -> None:
        """Set the lag.

        Parameters
        ----------
        rows : float
            Rows that wait in the input.
        """
        self._metrics.lag.labels(*self._labels).set(rows)

    def owned(self, owned: bool) -> None:
        """Set whether this worker owns the shard.

        Parameters
        ----------
        owned : bool
            Whether it does.
        """
        self._metrics.shard_owned.labels(*self._labels).set(owned)

    def replayed(self, rows: int) -> None:
        """Count rows replayed.

        Parameters
        ----------
        rows : int
            How many.
        """
        self._metrics.replays.labels(*self._labels).inc(rows)
