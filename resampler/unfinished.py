"""Unfinished runs: where the parts of a run that was stopped, or killed, wait for the next one to go on with them."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resampler.errors import CorruptStateError

if TYPE_CHECKING:
    from resampler.storage import Location

FOLDER = "unfinished"  # in the directory of a snapshot, a folder a run
FILE = "run.json"
FORMAT = 1
KEPT = timedelta(days=7)  # rows of its source are in it, which are of then


@dataclass(slots=True)
class Unfinished:
    """What is known of an unfinished run.

    Parameters
    ----------
    token : str
        What `--resume` takes: the first digits of `key`.
    key : str
        The sha256 of all that it was given.
    begun : str
        When: ISO 8601, UTC.
    step : str
        As in a ledger: ``snapshot``.
    given : dict
        What it was given, for people.
    parts : dict of str to dict
        What is finished, with the file that holds it and its sha256.
    spent : list of dict
        What each run that worked on it has spent (`resampler.budget.Cost`), as far as it came to say so.
    workplace : str, optional
        Folder of what tasks of an engine left, where that is not in the folder of the run. It is named by the token.
    """

    token: str
    key: str
    begun: str
    step: str = "snapshot"
    given: dict[str, Any] = field(default_factory=dict)
    parts: dict[str, dict[str, Any]] = field(default_factory=dict)
    spent: list[dict[str, Any]] = field(default_factory=list)
    workplace: str | None = None

    @property
    def is_old(self) -> bool:
        """Whether it was begun so long ago that it is removed."""
        return datetime.now(UTC) - datetime.fromisoformat(self.begun) > KEPT

    def write(self, folder: Location) -> None:
        """Write it down, at once.

        Parameters
        ----------
        folder : Location
            Of the run.
        """
        said = {name: getattr(self, name) for name in self.__slots__} | {"format": FORMAT}
        if self.workplace is None:  # as earlier releases read it
            del said["workplace"]
        (folder / FILE).write_at_once(json.dumps(said, sort_keys=True).encode())

    def _check(self, token: str) -> None:
        """Refuse what is not as `write` wrote it, in the folder of that token."""
        if self.token != token:
            raise ValueError(f"it is of the run {self.token!r}")
        if not isinstance(self.step, str) or datetime.fromisoformat(self.begun).utcoffset() is None:
            raise TypeError("it says neither which step it is, nor when it was begun")
        spent, parts = list(self.spent), list(self.parts.values())
        if not all(isinstance(one, dict) for one in (self.given, *spent, *parts)):
            raise TypeError("what is finished is no table")
        if self.workplace is not None and Path(self.workplace).name != token:
            raise ValueError(f"its workplace is {self.workplace!r}")

    @classmethod
    def read(cls, folder: Location) -> Unfinished | None:
        """Read what a folder says of its run.

        Parameters
        ----------
        folder : Location
            Of the run.

        Returns
        -------
        Unfinished or None
            None where nothing says what it is: it is debris.

        Raises
        ------
        CorruptStateError
            If another release wrote it, or it cannot be read.
        """
        try:
            data = json.loads((folder / FILE).read())
            if data.pop("format") != FORMAT:
                raise ValueError("another release wrote it")
            run = cls(**data)
            run._check(folder.path.rpartition("/")[2])
            return run
        except FileNotFoundError:
            return None
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
            raise CorruptStateError(
                f"{folder.uri}/{FILE} says nothing of an unfinished run: {error}: remove the folder"
            ) from error


def unfinished(home: Location) -> list[Unfinished]:
    """List the unfinished runs of a snapshot.

    Parameters
    ----------
    home : Location
        Directory of the snapshot.

    Returns
    -------
    list of Unfinished
        The oldest first; those that cannot be read are left out.
    """
    found = []
    for name in (home / FOLDER).directories():
        try:
            run = Unfinished.read(home / FOLDER / name)
        except CorruptStateError:
            continue
        if run is not None:
            found.append(run)
    return sorted(found, key=lambda run: (run.begun, run.token))


def remove_unfinished(home: Location, *, old: bool = False) -> list[str]:
    """Remove unfinished runs, with the rows that they hold.

    Parameters
    ----------
    home : Location
        Directory of the snapshot.
    old : bool
        Only those that were begun more than `KEPT` ago, and what no run is said of.

    Returns
    -------
    list of str
        Their tokens.
    """
    place, removed = home / FOLDER, []
    for name in place.directories():
        try:
            run = Unfinished.read(place / name)
        except CorruptStateError:
            run = None
        if old and not (run.is_old if run is not None else _is_debris(place / name)):
            continue
        remove_run(place / name)
        removed.append(name)
    return removed


def remove_run(folder: Location) -> None:
    """Remove one unfinished run.

    Parameters
    ----------
    folder : Location
        Of the run.
    """
    try:
        run = Unfinished.read(folder)
    except CorruptStateError:
        run = None
    (folder / FILE).remove()  # first: whoever is at work in it sees that it is gone
    folder.remove()
    if run is not None and run.workplace is not None:
        shutil.rmtree(run.workplace, ignore_errors=True)


def _is_debris(folder: Location) -> bool:
    """Say whether nobody is at work in a folder that says nothing of a run."""
    try:
        with folder.locked(wait_s=0):
            return True
    except TimeoutError:
        return False
