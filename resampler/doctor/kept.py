"""Items about what stands beside the versions of a snapshot."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from resampler.doctor.item import FAIL, PASS, Answer, Item
from resampler.ledger import FOLDER, Ledger
from resampler.monitoring import beside
from resampler.monitoring.ledgers import LedgerReader
from resampler.monitoring.window import LedgerWindows
from resampler.printing import plural

if TYPE_CHECKING:
    from typing import Any


def _whole(asked: Any) -> Answer:
    ledger = Ledger(asked.version.home / FOLDER)
    damaged: list[str] = []
    reader = LedgerReader(asked.version.name, ledger, damaged.append)
    for name in ledger.names():
        reader.check(name)
    if damaged:
        return Answer(FAIL, f"{plural(len(damaged), 'file')} cannot be read: {damaged[0]}")
    return Answer(PASS, plural(len(ledger.names()), "run"))


def _no_window(asked: Any) -> Answer:
    window = LedgerWindows(asked.version.name, Ledger(asked.version.home / FOLDER)).current(time.time())
    if window is None:
        return Answer(PASS, "no window of maintenance is open")
    return Answer(FAIL, f"alerts are silent until {window.until}, says {window.who}")


def _sent(asked: Any) -> Answer:
    waiting = next(beside.samples(asked.version.name, asked.version.home)).value
    if waiting:
        return Answer(FAIL, f"{plural(int(waiting), 'event')} of lineage wait to be sent")
    return Answer(PASS, "no event of lineage waits to be sent")


def _finished(asked: Any) -> Answer:
    _, *steps = beside.samples(asked.version.name, asked.version.home)
    if found := [f"{int(one.value)} of {one.labels[1]}" for one in steps if one.value]:
        return Answer(FAIL, f"unfinished runs: {', '.join(found)}")
    return Answer(PASS, "no run was cut")


ITEMS = (
    Item(
        "ledger-whole",
        "production",
        "Can every run of the ledger be read?",
        "Restore the file from a copy, or remove it.",
        ("version",),
        _whole,
    ),
    Item(
        "no-maintenance",
        "production",
        "Is no window of maintenance open?",
        "`resampler maintenance off --snapshot NAME`, or wait for its end.",
        ("version",),
        _no_window,
    ),
    Item(
        "lineage-sent",
        "production",
        "Were all events of lineage taken?",
        "Start the server that takes them, then `resampler lineage send`.",
        ("version",),
        _sent,
    ),
    Item(
        "runs-finished",
        "production",
        "Is no run cut by its budget and left?",
        "Run the command again with `--resume`, or remove it: `resampler snapshot prune --unfinished`.",
        ("version",),
        _finished,
    ),
)
