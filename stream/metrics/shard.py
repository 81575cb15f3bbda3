"""`ShardMetrics`: what is known of one shard.

What counts stays for as long as the process lives, as Prometheus asks: a shard that comes back goes on counting. What
says how things are now is there while the shard is owned, and goes with it; its next owner says it then.
"""

from __future__ import annotations

import logging
import time
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from stream.formats.rejects import Reason
from stream.metrics.families import Families, Series
from stream.metrics.refusal import Refusal
from stream.metrics.standing import Standing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from resampler.buffer import BufferStats
    from resampler.online import OnlineStats
    from resampler.provenance import MicroBatch
    from stream.formats import Reject

logger = logging.getLogger(__name__)

MAX_FEATURES = 128  # with series of their own, a shard
MAX_FEEDS = 128


class ShardMetrics:
    """The series of one shard.

    Parameters
    ----------
    families : Families
        All metrics.
    stream, shard : str
        Labels.
    """

    def __init__(self, families: Families, stream: str, shard: str) -> None:
        self._series = Series(families, stream, shard)
        self._shard = shard
        self._owned = families.gauges["resampler_shard_owned"].labels(stream, shard)
        self._server_up = partial(families.gauges["resampler_server_up"].labels, stream, shard)
        self._said: set[str] = set()  # of what there is too much for series of its own
        series = self._series
        for refusal in Refusal:
            series.counter("resampler_refused_commits_total", refusal)
        for reason in Reason:
            series.counter("resampler_dead_letters_total", reason)
        for name in (
            "resampler_reconnects_total",
            "resampler_drift_windows_total",
            "resampler_replayed_rows_total",
        ):
            series.counter(name)

    def owned(self, owned: bool) -> None:
        """Set whether this worker owns the shard.

        Parameters
        ----------
        owned : bool
            Whether it does; where not, all that says how the shard is now is dropped.
        """
        self._owned.set(owned)
        series = self._series
        if not owned:
            series.drop()
            return
        for name in ("resampler_commit_seconds", "resampler_batch_latency_seconds"):
            series.histogram(name)

    def restored(self, stats: OnlineStats, committed_s: float | None) -> None:
        """Set what is known of a shard when it is taken.

        Parameters
        ----------
        stats : OnlineStats
            Of what was restored.
        committed_s : float or None
            When the last commit succeeded, Unix time; None where that is not known, and then now counts.
        """
        self._series.gauge("resampler_last_commit_timestamp_seconds").set(
            time.time() if committed_s is None else committed_s
        )
        for label in stats.real:
            for name in ("resampler_rows_total", "resampler_samples_generated_total"):
                self._series.counter(name, str(label))
        self._made(stats)

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
        series = self._series
        for label in stats.real:
            mine = batch.y == label
            synthetic = np.count_nonzero(mine & batch.is_synthetic)
            real = np.count_nonzero(mine) - synthetic
            for name, count in (("resampler_rows_total", real), ("resampler_samples_generated_total", synthetic)):
                if count:
                    series.counter(name, str(label)).inc(int(count))
        for reject in rejects:
            series.counter("resampler_dead_letters_total", reject.reason.value).inc(reject.n_rows)
        self._made(stats)
        series.histogram("resampler_commit_seconds").observe(commit_s)
        series.histogram("resampler_batch_latency_seconds").observe(latency_s)
        series.gauge("resampler_last_commit_timestamp_seconds").set(time.time())

    def _made(self, stats: OnlineStats) -> None:
        series = self._series
        for label, held in stats.buffer_rows.items():
            series.gauge("resampler_buffer_rows", str(label)).set(held)
        series.keep("resampler_buffer_rows", [str(label) for label in stats.buffer_rows])
        series.gauge("resampler_synthetic_ratio").set(stats.synthetic_ratio)

    def measured(self, buffers: Mapping[int, BufferStats]) -> None:
        """Set what was measured of the buffers.

        Parameters
        ----------
        buffers : mapping of int to BufferStats
            By class; those that hold too few rows to be measured are left out.
        """
        series = self._series
        known = {str(label): stats for label, stats in buffers.items() if not np.isnan(stats.recall)}
        for label, stats in known.items():
            series.gauge("resampler_buffer_recall", label).set(stats.recall)
            series.gauge("resampler_neighbor_distance", label).set(stats.neighbor_distance)
        for name in ("resampler_buffer_recall", "resampler_neighbor_distance"):
            series.keep(name, known)

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
        series = self._series
        series.counter("resampler_drift_windows_total").inc(windows)
        series.gauge("resampler_drift_window_rows").set(rows)
        series.gauge("resampler_drift_distance_max").set(max(distance for _, distance in moved.values()))
        if len(moved) > MAX_FEATURES:
            rest = "the greatest distance is that of all"
            self._say_once("features", len(moved), f"the first {MAX_FEATURES} have series of their drift; {rest}")
        for feature, (psi, distance) in islice(moved.items(), MAX_FEATURES):
            series.gauge("resampler_drift_stability_index", feature).set(psi)
            series.gauge("resampler_drift_distance", feature).set(distance)

    def examined(
        self, lag_rows: float, feeds: Mapping[str, int], dead_letter_entries: int, clock_skew_s: float
    ) -> None:
        """Set what was found when the shard was examined.

        Parameters
        ----------
        lag_rows : float
            Rows that wait in the input.
        feeds : mapping of str to int
            Output rows that each feed has not confirmed. Of more than `MAX_FEEDS` the first ones by name have series.
        dead_letter_entries : int
            In the stream of dead letters.
        clock_skew_s : float
            This machine's clock less the server's.
        """
        series = self._series
        series.gauge("resampler_stream_lag_rows").set(lag_rows)
        series.gauge("resampler_dead_letter_entries").set(dead_letter_entries)
        series.gauge("resampler_clock_skew_seconds").set(clock_skew_s)
        shown = sorted(feeds)[:MAX_FEEDS]
        if len(shown) < len(feeds):
            remedy = "; delete the fields of those that are gone from the stream's key of feeds"
            self._say_once("feeds", len(feeds), f"the first {MAX_FEEDS} by name have series of their lag{remedy}")
        for feed in shown:
            series.gauge("resampler_feed_lag_rows", feed).set(feeds[feed])
        series.keep("resampler_feed_lag_rows", shown)

    def _say_once(self, what: str, count: int, rule: str) -> None:
        if what not in self._said:
            self._said.add(what)
            logger.warning("%s: %d %s, of which %s", self._shard, count, what, rule)

    def paused(self, paused: bool) -> None:
        """Set whether the shard is paused.

        Parameters
        ----------
        paused : bool
            Whether synthetic rows are not made for now.
        """
        self._series.gauge("resampler_paused").set(paused)

    def reported(self, standing: Standing) -> None:
        """Set what became of the learner's last report.

        Parameters
        ----------
        standing : Standing
            How the shard stands to the learner.
        """
        for one in Standing:
            self._series.gauge("resampler_feedback", one).set(one is standing)

    def asked(self, ratios: Mapping[int, float], weights: Mapping[int, float]) -> None:
        """Set how many rows each class is to have.

        Parameters
        ----------
        ratios : mapping of int to float
            Class : largest class that the quotas ask for now, by class; the largest one is left out.
        weights : mapping of int to float
            Of its ratio what a learner's recall leaves a class; empty where no learner is to be followed.
        """
        for name, values in (("resampler_class_target_ratio", ratios), ("resampler_class_weight", weights)):
            for label, value in values.items():
                self._series.gauge(name, str(label)).set(value)
            self._series.keep(name, [str(label) for label in values])

    def idle(self, idle: bool) -> None:
        """Set whether hardly any synthetic row was made for long, and not because that was asked for.

        Parameters
        ----------
        idle : bool
            Whether it is so; `resampler stream status` says why.
        """
        self._series.gauge("resampler_idle").set(idle)

    def refused(self, refusal: Refusal) -> None:
        """Count a commit, or an attempt to take the shard, that was refused.

        Parameters
        ----------
        refusal : Refusal
            Why.
        """
        self._series.counter("resampler_refused_commits_total", refusal).inc()

    def answers(self, answers: bool) -> None:
        """Set whether the server answers, whoever owns the shard.

        Parameters
        ----------
        answers : bool
            Whether it does, be it with a refusal.
        """
        self._server_up().set(answers)

    def reconnecting(self) -> None:
        """Count an attempt to connect again."""
        self._series.counter("resampler_reconnects_total").inc()

    def replayed(self, rows: int) -> None:
        """Count rows replayed.

        Parameters
        ----------
        rows : int
            How many.
        """
        self._series.counter("resampler_replayed_rows_total").inc(rows)
