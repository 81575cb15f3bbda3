"""Items about runs on a version: whether they ran, what they came to, and when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from resampler.doctor.item import FAIL, PASS, UNKNOWN, Answer, Item
from resampler.runs.latest import newest

if TYPE_CHECKING:
    from typing import Any

RECENT = timedelta(days=90)  # after which attacks, and what a model sees, may have moved on


def _passed(step: str, asked: Any) -> Answer:
    version = asked.version
    run = newest(version.home, version.digest, step)
    if run is None:
        return Answer(FAIL, f"no run on {version} is in its ledger")
    when = f"on {run.at[:10]}"
    if run.outcome == "pass":
        return Answer(PASS, f"passed {when}")
    if run.outcome == "unknown":
        return Answer(UNKNOWN, f"had too few rows to tell {when}")
    return Answer(FAIL, f"said {run.outcome} {when}")


def _recent(asked: Any) -> Answer:
    version = asked.version
    run = newest(version.home, version.digest, "privacy")
    if run is None:
        return Answer(FAIL, f"{version} was never audited")
    age = datetime.now(UTC) - datetime.fromisoformat(run.at)
    verdict = PASS if age <= RECENT else FAIL
    return Answer(verdict, f"the last audit is of {run.at[:10]}, {age.days} days ago, of at most {RECENT.days}")


ITEMS = (
    Item(
        "gate-passed",
        "pre-production",
        "Did predictions of a model of it pass the gate?",
        "`resampler gate PREDICTIONS --snapshot NAME --policy FILE`; where it says no, use another version or model.",
        ("version",),
        partial(_passed, "gate"),
    ),
    Item(
        "privacy-passed",
        "pre-production",
        "Did an audit find that its synthetic rows give away no more than is allowed?",
        "`resampler audit privacy --snapshot NAME`; what lowers an attack that came too far stands in its answer.",
        ("version",),
        partial(_passed, "privacy"),
    ),
    Item(
        "audit-recent",
        "production",
        f"Is the last audit of privacy at most {RECENT.days} days old?",
        "`resampler audit privacy --snapshot NAME`, from a scheduler.",
        ("version",),
        _recent,
    ),
    Item(
        "drift-passed",
        "production",
        "Do rows of today lie where its training rows lay?",
        "`resampler drift --snapshot NAME --against FILE`, from a scheduler; where it says no, `resampler retrain`.",
        ("version",),
        partial(_passed, "drift"),
    ),
)
