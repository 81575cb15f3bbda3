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
HEAD = (
    "| Fault | Who is called, and by which words | Called after, s | which is | Over after mending, s | which is |",
    "|---|---|---|---|---|---|",
)


@dataclass(frozen=True)
class Timing:
    """How long an alert took, in seconds of the stage."""

    fault: str
    alert: str
    receiver: str
    summary: str
    fired_s: float
    resolved_s: float
    factor: float = FACTOR


def keep(timing):
    """Put a row into the table of the page, in place of the one of the same fault."""
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    table, after = rest.split(END)
    rows = {line.split(" | ")[0]: line for line in table.splitlines() if line.startswith("| ") and line not in HEAD}
    fired, resolved = (f"{s:.0f} | {_real(s * timing.factor)}" for s in (timing.fired_s, timing.resolved_s))
    first = f"| {timing.fault}"
    rows[first] = f"{first} | {timing.receiver}: `{timing.alert}`, {timing.summary} | {fired} | {resolved} |"
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    said = f"Last measured on {datetime.now(UTC):%Y-%m-%d}: {machine}, load {os.getloadavg()[1]:.0f}."
    table = "\n".join([said, "", *HEAD, *rows.values()])
    PAGE.write_text(f"{before}{BEGIN}{table}\n{END}{after}", encoding="utf-8")


def _real(seconds):
    return f"{seconds / 60:.0f} min" if seconds < 7_200 else f"{seconds / 3_600:.0f} h"
