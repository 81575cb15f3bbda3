"""What a person has said of a version, kept in its ledger: who, when, and of which rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resampler.ledger import FOLDER, Ledger, Run, key_of, now

if TYPE_CHECKING:
    from resampler.training_set import TrainingSet

STEP = "attest"


def attest(version: TrainingSet, item: str, who: str, reason: str) -> Run:
    """Keep that a person answers for an item.

    Parameters
    ----------
    version : TrainingSet
        Of which version.
    item : str
        Of the checklist.
    who, reason : str
        Who says so, and what was done.

    Returns
    -------
    Run
        As it was kept.
    """
    details = {"item": item, "digest": version.digest, "version": version.version, "who": who, "reason": reason}
    run = Run(
        STEP, "pass", key_of(step=STEP, item=item, digest=version.digest, who=who), str(version), now(), 0.0, details
    )
    Ledger(version.home / FOLDER).append(run)
    return run


def attested(version: TrainingSet, item: str) -> Run | None:
    """Find who answers for an item.

    Parameters
    ----------
    version : TrainingSet
        Of which version.
    item : str
        Of the checklist.

    Returns
    -------
    Run or None
        The newest; None where nobody does.

    Raises
    ------
    CorruptStateError
        If a file of the ledger is damaged.
    """
    found = Ledger(version.home / FOLDER).newest(STEP)
    wanted = {"item": item, "digest": version.digest}
    return next((run for run in found if wanted.items() <= run.details.items()), None)
