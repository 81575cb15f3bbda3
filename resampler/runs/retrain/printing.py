"""What `resampler retrain` prints for people."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from resampler.printing import aligned, share

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from resampler.runs.retrain.outcome import Done, Outcome
    from resampler.runs.retrain.plan import Planned


def in_words(outcome: Outcome, rate: dict[str, Any]) -> Iterator[str]:
    """Say what a run came to.

    Parameters
    ----------
    outcome : Outcome
        Of the run.
    rate : dict
        As `Ledger.success` counts it.

    Yields
    ------
    str
        A line.
    """
    words = {"pass": "passed", "no": "no", "nothing": "nothing to do", "failed": "failed", "stopped": "stopped"}
    word = words[outcome.outcome]
    yield f"{outcome.snapshot}: {word}: {outcome.why}"
    rows = [
        (f"  {one.step}", one.outcome, "earlier" if one.before else f"{one.seconds:.1f} s", _words(one))
        for one in outcome.steps
    ]
    yield from aligned(rows)
    if outcome.rollback:
        yield f"take it back: {outcome.rollback}"
    if rate["runs"]:
        low, high = rate["interval"]
        yield (
            f"{rate['passed']} of {rate['runs']} runs passed ({share(rate['rate'])}, 95 % interval {share(low)} to "
            f"{share(high)})"
        )


def _words(step: Done) -> str:
    """Return what a step came to; why it failed can be long, and the first line has it."""
    return "" if step.outcome == "failed" else step.words


def planned(steps: Iterable[Planned]) -> Iterator[str]:
    """Say what a run would do.

    Parameters
    ----------
    steps : iterable of Planned
        In order.

    Yields
    ------
    str
        A line.
    """
    for one in steps:
        yield f"{one.step}: {one.words}"
        if one.command:
            yield f"  {shlex.join(one.command)}"
