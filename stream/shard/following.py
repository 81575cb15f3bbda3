"""`Following`: weighing a shard's quotas by the recall that a trainer reports, for the shard's owner."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from resampler.errors import InvalidInputError
from resampler.ledger import now
from resampler.quotas import weights_of
from stream.metrics.standing import Standing
from stream.redis.connection import server_ms
from stream.shard.asking import Asking
from stream.shard.changes import Feedback
from stream.shard.report import Report, read_report

if TYPE_CHECKING:
    from stream.shard.context import ShardContext
    from stream.shard.writing import Writer

logger = logging.getLogger(__name__)

APART_S = 10.0  # between two changes, at least: each is a commit with a saved state
LEAST_CHANGE = 0.05  # of a class's weight that is worth such a commit


class Following(Asking[Feedback]):
    """Follow a learner while its reports are fresh.

    A report that would hardly change a weight makes no change; it is fresh all the same. A report that is too old is
    followed no longer: every class has its whole ratio again.

    Parameters
    ----------
    context : ShardContext
        The shard.
    writer : Writer
        Has its resampler and its checkpoint.
    """

    EVERY_S = 1.0

    def __init__(self, context: ShardContext, writer: Writer) -> None:
        super().__init__(context, writer)
        self._free = context.clock()
        self._said: str | int = ""

    def _wanted(self) -> Feedback | None:
        stored, followed = self._writer.checkpoint, self._writer.resampler.recall
        last = stored.changes.followed
        before = Report(last.reported_ms, last.model, last.recall) if last and last.recall else None
        if self._context.settings.feedback is None:
            stored.report = stored.report and {}
            why = "follows no learner any more: --feedback was not given"
            return Feedback("", {}, now(), before.at_ms, why) if before else None
        report, refused = self._read()
        report = report or before
        standing, why = self._judge(report)
        if report is not None and standing is Standing.FOLLOWED:
            wanted = Feedback("", report.recall, now(), report.at_ms, report.model)
            due = self._context.clock() >= self._free and _change(followed, report.recall) >= LEAST_CHANGE
        else:
            wanted = Feedback("", {}, now(), report.at_ms if report else 0, why)
            due = bool(followed)
        if refused:
            self._stand(Standing.REFUSED, refused, refused)
        else:
            self._stand(standing, why, report.at_ms if report else "", silent=due)  # the change says it
        return wanted if due else None

    def _changed(self, change: Feedback) -> None:
        self._free = self._context.clock() + APART_S
        words = ", ".join(f"{code}: {weight:.2f}" for code, weight in weights_of(change.recall).items())
        model = change.model or "a model without a name"
        what = f"follows {model}, weights {words or 'all 1'}" if change.recall else change.model
        level = logging.INFO if change.recall else logging.WARNING
        logger.log(level, "%s: %s, behind %s", self._context.keys.input, what, change.cursor)

    def _read(self) -> tuple[Report | None, str]:
        """Read the report; None and why if it cannot be followed."""
        context = self._context
        try:
            return read_report(context.client, context.keys, context.settings.schema), ""
        except InvalidInputError as error:
            return None, str(error)

    def _judge(self, report: Report | None) -> tuple[Standing, str]:
        """Say whether a report is to be followed, and if not, why."""
        longest_s = self._context.settings.feedback
        if longest_s is None or report is None:
            return Standing.NONE, ""
        age_s = (server_ms(self._context.client) - report.at_ms) / 1000
        none = f"follows no learner{' any more' if self._writer.resampler.recall else ''}"
        if age_s > longest_s:
            return Standing.STALE, (
                f"{none}: the last report is {age_s:.0f} s old, --feedback {longest_s:g} s: "
                "see that the trainer reports, or allow for more"
            )
        if age_s < -longest_s:  # it would be fresh for as long
            return Standing.AHEAD, (
                f"{none}: the last report is {-age_s:.0f} s ahead of the server's clock, --feedback {longest_s:g} s: "
                "report with stream.Feed.report_recall, which takes the server's time"
            )
        return Standing.FOLLOWED, ""

    def _stand(self, standing: Standing, why: str, of: str | int, *, silent: bool = False) -> None:
        """Show how the shard stands to its learner; say why what was reported is not followed, once of each report."""
        stored = self._writer.checkpoint
        self._context.metrics.reported(standing)
        stored.report = {"standing": standing, "words": why} if why else stored.report and {}
        if why and of != self._said:
            self._said = of
            if not silent:
                logger.warning("%s: %s", self._context.keys.input, why)


def _change(followed: dict[int, float | None], wanted: dict[int, float | None]) -> float:
    """Return by how much the weight of a class changes, at most; 1 where nothing was followed."""
    if not followed:
        return 1.0
    before, after = weights_of(followed), weights_of(wanted)
    return max((abs(before.get(code, 1.0) - after.get(code, 1.0)) for code in before | after), default=0.0)
