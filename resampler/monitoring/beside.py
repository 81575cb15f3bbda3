"""What waits beside the versions of a snapshot: events of lineage to be sent, and runs to be resumed."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from resampler.monitoring.sample import Sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from resampler.storage import Location

OUTBOX = "outbox"  # a file an event; what a server refused for good lies in a folder below
UNFINISHED = "unfinished"  # a folder a run, with its RUN
RUN = "run.json"
USUAL = "snapshot"  # the step of a run whose file does not say


def samples(snapshot: str, home: Location) -> Iterator[Sample]:
    """Count what waits.

    Parameters
    ----------
    snapshot : str
        Label.
    home : Location
        Directory of the snapshot.

    Yields
    ------
    Sample
        Of the outbox, and of each step that has unfinished runs.

    Raises
    ------
    OSError
        If the directory does not answer.
    """
    waiting = [name for name in (home / OUTBOX).files() if name.endswith(".json") and "/" not in name]
    yield Sample("resampler_lineage_outbox_events", (snapshot,), len(waiting))
    steps = Counter({USUAL: 0})
    for token in (home / UNFINISHED).directories():
        steps[_step(home / UNFINISHED / token / RUN)] += 1
    for step, n in steps.items():
        yield Sample("resampler_unfinished_runs", (snapshot, step), n)


def _step(file: Location) -> str:
    try:
        return str(json.loads(file.read()).get("step", USUAL))
    except (FileNotFoundError, ValueError, AttributeError):  # it was killed before it said, and is a run all the same
        return USUAL
