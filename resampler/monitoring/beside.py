"""What waits beside the versions of a snapshot: events of lineage to be sent, and runs to be resumed."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from resampler.ledger import FOLDER, STOPPED, Ledger
from resampler.monitoring.sample import Sample
from resampler.unfinished import unfinished

if TYPE_CHECKING:
    from collections.abc import Iterator

    from resampler.storage import Location

OUTBOX = "outbox"  # of `resampler.lineage`: a file an event; what a server refused for good lies in a folder below
IN_STORES = ("advise", "privacy")  # whose parts are in a store, anywhere: the ledger says whether the last was stopped
USUAL = "snapshot"  # the step that is shown where no run is unfinished


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
    steps = Counter(run.step for run in unfinished(home))
    last = {name.step: name.outcome for name in Ledger(home / FOLDER).names()}
    steps.update(step for step in IN_STORES if last.get(step) == STOPPED)
    for step in dict.fromkeys((USUAL, *steps)):
        yield Sample("resampler_unfinished_runs", (snapshot, step), steps[step])
