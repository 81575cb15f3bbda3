"""`Outcome`: what a run of the loop came to."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

STEPS = ("drift", "snapshot", "train", "gate", "alias")
NOTHING = "nothing"


class Done(NamedTuple):
    """One step of a run.

    Parameters
    ----------
    step : str
        Of `STEPS`.
    outcome : str
        ``pass``, ``no``, ``unknown``, ``failed``, or ``left out``.
    words : str
        What it came to.
    seconds : float
        How long it took, when it was taken.
    before : bool
        Whether it had been taken by an earlier run.
    details : dict
        What its command printed, or its own figures.
    """

    step: str
    outcome: str
    words: str
    seconds: float = 0.0
    before: bool = False
    details: dict[str, Any] = {}  # noqa: RUF012 - of a tuple, and never changed


@dataclass(slots=True)
class Outcome:
    """A run of the loop.

    Parameters
    ----------
    snapshot, alias : str
        Their names.
    outcome : str
        ``pass``: the alias points to the version. ``no``: the gate, or the checks of a snapshot, said no.
        ``nothing``: there was nothing to do. ``failed``: a step failed. ``stopped``: one has spent its budget.
    why : str
        In a sentence.
    version : int or None
        The new version, once there is one.
    before : int or None
        Where the alias pointed before.
    steps : list of Done
        In order.
    rollback : str
        The command that takes it back; empty where the alias was not moved, or pointed nowhere before.
    """

    snapshot: str
    alias: str
    outcome: str = NOTHING
    why: str = ""
    version: int | None = None
    before: int | None = None
    steps: list[Done] = field(default_factory=list)
    rollback: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return what the command line prints.

        Returns
        -------
        dict
            The fields.
        """
        return asdict(self) | {"steps": [one._asdict() for one in self.steps]}
