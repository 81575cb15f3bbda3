"""What runs said last of a version, a line each: whoever looks at it wants the verdicts, not the figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resampler.ledger import FOLDER, Ledger
from resampler.runs.advice import STEP, in_words
from resampler.runs.privacy import kept as privacy

if TYPE_CHECKING:
    from resampler.ledger import Run
    from resampler.storage import Location

_GATE = {"pass": "yes", "no": "no", "unknown": "not enough rows to tell"}
_DRIFT = {"pass": "no training", "no": "train again", "unknown": "not enough rows to tell"}


def latest(home: Location, digest: str) -> dict[str, str]:
    """Say what advice, gate, drift and audits of privacy last said of a version.

    Parameters
    ----------
    home : Location
        Directory of its snapshot.
    digest : str
        Of the version.

    Returns
    -------
    dict
        ``advice``, ``gate``, ``drift`` and ``privacy`` where they have run: a line each, with its day.

    Raises
    ------
    CorruptStateError
        If a file of the ledger is damaged.
    """
    found = {}
    if (run := newest(home, digest, STEP)) is not None:
        found["advice"] = in_words(run)
    for step, words in (("gate", _GATE), ("drift", _DRIFT)):
        if (run := newest(home, digest, step)) is not None:
            found[step] = f"{words.get(run.outcome, run.outcome)}{_of(run)} ({run.at[:10]})"
    if (run := newest(home, digest, privacy.STEP)) is not None:
        found["privacy"] = privacy.in_words(run)
    return found


def newest(home: Location, digest: str, step: str) -> Run | None:
    """Find the last run of a step on a version.

    Parameters
    ----------
    home : Location
        Directory of its snapshot.
    digest : str
        Of the version.
    step : str
        ``advise``, ``gate``, ``drift`` or ``privacy``.

    Returns
    -------
    Run or None
        None where there is none.

    Raises
    ------
    CorruptStateError
        If a file of the ledger is damaged.
    """
    return next((run for run in Ledger(home / FOLDER).newest(step) if _digest(run) == digest), None)


def _digest(run: Run) -> object:
    version = {"gate": "snapshot", "drift": "reference"}.get(run.step)
    details = run.details if version is None else run.details.get(version)
    return details.get("digest") if isinstance(details, dict) else None


def _of(run: Run) -> str:
    predictions = run.details.get("predictions")
    if run.step == "gate" and isinstance(predictions, dict) and "file" in predictions:
        return f", of {predictions['file']}"
    return f", of {run.subject.partition(' against ')[0]}" if run.step == "drift" else ""
