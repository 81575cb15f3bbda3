"""docs/gameday.md: what a long game day measured."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime

from deployed import FACTOR
from prometheus import ROOT

PAGE = ROOT / "docs" / "gameday.md"
BEGIN, END = "<!-- timings -->\n", "<!-- end -->\n"


@dataclass(frozen=True)
class Timing:
    """How long an alert took, in seconds of the stage."""

    fault: str
    alert: str
    fired_s: float
    resolved_s: float
    summary: str


def write(timings):
    """Put the table into the page, in place of the one before."""
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    lines = [
        f"Measured on {datetime.now(UTC):%Y-%m-%d}: {machine}, load {os.getloadavg()[1]:.1f}.",
        "",
        "| Fault | Alert | Notified after, s | which is, min | Resolved after mending, s | which is, min |",
        "|---|---|---|---|---|---|",
    ]
    for timing in timings:
        fired, resolved = (f"{s:.0f} | {s * FACTOR / 60:.0f}" for s in (timing.fired_s, timing.resolved_s))
        lines.append(f"| {timing.fault} | `{timing.alert}` | {fired} | {resolved} |")
    page = PAGE.read_text(encoding="utf-8")
    before, after = page.split(BEGIN)[0], page.split(END)[1]
    PAGE.write_text(before + BEGIN + "\n".join(lines) + "\n" + END + after, encoding="utf-8")
