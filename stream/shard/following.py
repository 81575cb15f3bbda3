"""`Following`: weighing a shard's quotas by the recall that a trainer reports, for the shard's owner."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from resampler.errors import InvalidInputError
from resampler.ledger import now
from resampler.quotas import weights_of
from stream.redis.connection import server_ms
from stream.shard.feedback import Feedback
from stream.shard.report import Report, read_report

if TYPE_CHECKING:
    from stream.shard.context import ShardContext
    from stream.shard.writing import Writer

logger = logging.getLogger(__name__)

ASK_S = 1.0  # how often a report is looked for
EVERY_S = 10.0  # between two changes, at least: each is a commit with a saved state
LEAST_CHANGE = 0.05  # of a class's weight that is worth such a commit


class Following:
    """Follow a learner where the shard's cursor stands, while its reports are fresh.

    Parameters
    ----------
    context : ShardContext
        The shard.
    writer : Writer
        Has its resampler and its checkpoint.
    """

    def __init__(self, context: ShardContext, writer: Writer) -> None:
        self._context = context
        self._writer = writer
        self._next = self._free = context.clock()
        self._said: str | int = ""

    def follow_if_reported(self) -> None:
        """Look for a report unless that was done a short while ago, and follow it.

        A change is a commit of its own, from the cursor to the cursor, with a saved state, as a pause is. A report that
        would hardly change a weight makes none; it is fresh all the same. A report that is too old is followed no
        longer: every class has its whole ratio again.
        """
        context, writer = self._context, self._writer
        if context.clock() < self._next:
            return
        self._next = context.clock() + ASK_S
        followed = writer.resampler.recall
        report = self._read()
        if report is None and not followed:
            return
        wanted, why = self._wanted(report)
        if wanted and (context.clock() < self._free or _change(followed, wanted) < LEAST_CHANGE):
            return
        if wanted == followed:
            if report and not wanted:  # of another time already when it was found first
                self._say(why, report.at_ms)
            return
        writer.settle()
        reported_ms = report.at_ms if report else 0
        record = Feedback(writer.checkpoint.cursor, wanted, now(), reported_ms, why)
        writer.write_feedback(record)
        self._free = context.clock() + EVERY_S
        words = ", ".join(f"{code}: {weight:.2f}" for code, weight in weights_of(wanted).items())
        what = f"follows {why or 'a model without a name'}, weights {words or 'all 1'}" if wanted else why
        logger.log(
            logging.INFO if wanted else logging.WARNING, "%s: %s, behind %s", context.keys.input, what, record.cursor
        )

    def _read(self) -> Report | None:
        """Read the report; one that cannot be followed is said once, and what was followed before stays."""
        context = self._context
        last = next(iter(self._writer.checkpoint.feedback[-1:]), None)
        before = Report(last.reported_ms, last.model, last.recall) if last and last.recall else None
        if context.settings.feedback is None:
            return before
        try:
            return read_report(context.client, context.keys, context.settings.schema) or before
        except InvalidInputError as error:
            self._say(str(error))
            return before

    def _say(self, words: str, at_ms: int | None = None) -> None:
        """Say why what was reported is not followed, unless that was said last: of this report, or in these words."""
        if (at_ms or words) != self._said:
            self._said = at_ms or words
            logger.warning("%s: %s", self._context.keys.input, words)

    def _wanted(self, report: Report | None) -> tuple[dict[int, float | None], str]:
        """Return what is to be followed, and which model that is; or nothing, and why."""
        longest_s = self._context.settings.feedback
        if longest_s is None or report is None:
            return {}, "follows no learner any more: --feedback was not given"
        age_s = (server_ms(self._context.client) - report.at_ms) / 1000
        none = f"follows no learner{' any more' if self._writer.resampler.recall else ''}"
        if age_s > longest_s:
            return {}, (
                f"{none}: the last report is {age_s:.0f} s old, --feedback {longest_s:g} s: "
                "see that the trainer reports, or allow for more"
            )
        if age_s < -longest_s:  # it would be fresh for as long
            return {}, (
                f"{none}: the last report is {-age_s:.0f} s ahead of the server's clock, --feedback {longest_s:g} s: "
                "report with stream.Feed.report_recall, which takes the server's time"
            )
        return report.recall, report.model


def _change(followed: dict[int, float | None], wanted: dict[int, float | None]) -> float:
    """Return by how much the weight of a class changes, at most; 1 where nothing was followed."""
    if not followed:
        return 1.0
    before, after = weights_of(followed), weights_of(wanted)
    return max((abs(before.get(code, 1.0) - after.get(code, 1.0)) for code in before | after), default=0.0)
