"""What is kept of an audit, and a line of it for whoever looks at the version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resampler.ledger import FOLDER, STOPPED, Ledger, Run, key_of, now
from resampler.quality.privacy.printing import headline

if TYPE_CHECKING:
    from resampler.quality.privacy.audit import PrivacyAudit
    from resampler.storage import Location
    from resampler.training_set import TrainingSet

STEP = "privacy"
NOT_YET = "not audited yet"


def keep(
    version: TrainingSet,
    found: PrivacyAudit,
    seconds: float,
    ledger: Ledger | None = None,
    spending: dict[str, Any] | None = None,
) -> Run:
    """Record an audit with the version that it is of.

    Parameters
    ----------
    version : TrainingSet
        Which.
    found : PrivacyAudit
        What came of it.
    seconds : float
        How long it took.
    ledger : Ledger, optional
        By default that of the snapshot.
    spending : dict, optional
        Its ``cost`` and, where its budget ended it, ``stopped`` and ``resume``: what is not a no then is no answer yet.

    Returns
    -------
    Run
        As it stands in the ledger: figures of classes, and nothing of single rows.
    """
    said, attacks = found.to_dict() | (spending or {}), [one.attack for one in found.attempts]
    run = Run(
        STEP,
        STOPPED if "stopped" in said and found.outcome != "no" else found.outcome,
        key_of(step=STEP, version=version.digest, limits=said["limits"], attacks=attacks),
        str(version),
        now(),
        round(seconds, 3),
        {"digest": version.digest, "said": headline(found)} | said,
    )
    (Ledger(version.home / FOLDER) if ledger is None else ledger).append(run)
    return run


def in_words(run: Run) -> str:
    """Say what an audit came to, and when.

    Parameters
    ----------
    run : Run
        Of the ledger.

    Returns
    -------
    str
        A line.
    """
    return f"{run.details.get('said', run.outcome)} ({run.at[:10]})"


def last(home: Location, digest: str) -> str:
    """Say what the last audit of a snapshot said, of this version if it was audited.

    Parameters
    ----------
    home : Location
        Directory of the snapshot.
    digest : str
        Of the version.

    Returns
    -------
    str
        A line that names the version where it is another; `NOT_YET` where none was audited.

    Raises
    ------
    CorruptStateError
        If a file of the ledger is damaged.
    """
    runs = list(Ledger(home / FOLDER).newest(STEP))
    own = next((run for run in runs if run.details.get("digest") == digest), None)
    if own is not None:
        return in_words(own)
    return f"{NOT_YET} (another version was, {runs[0].subject}: {in_words(runs[0])})" if runs else NOT_YET
