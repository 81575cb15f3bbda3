"""`Journal`: how far an unfinished loop has come, so that one that was killed goes on where it was."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from resampler.errors import CorruptStateError

if TYPE_CHECKING:
    from collections.abc import Callable

    from resampler.storage import Location

FOLDER = "retrain"  # in the directory of a snapshot
FILE = "unfinished.json"
FORMAT = 1
BEGUN, DRIFT, FINISHED = "begun", "drift", "finished"  # BEGUN: where the alias pointed; FINISHED: the run as a whole


class Journal:
    """Finished steps of a loop that is not finished, one small file, replaced at once after each step.

    Parameters
    ----------
    home : Location
        Directory of the snapshot.
    policy : str
        Digest of the policy: steps under another one are not gone on with, but for drift, which says so once.

    Attributes
    ----------
    steps : dict of str to dict
        What each finished step came to.
    superseded : bool
        Whether a loop under another policy was left unfinished; only what drift said stays.

    Raises
    ------
    CorruptStateError
        If the file is damaged.
    """

    def __init__(self, home: Location, policy: str) -> None:
        self._file = home / FOLDER / FILE
        self._policy = policy
        self.steps: dict[str, dict[str, Any]] = {}
        self.superseded = False
        if not self._file.exists():
            return
        try:
            data = json.loads(self._file.read())
            if data["format"] != FORMAT:
                raise ValueError(f"format {data['format']}, and this release reads {FORMAT}")
            self.superseded = data["policy"] != policy
            self.steps = {str(name): dict(of) for name, of in data["steps"].items()}
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise CorruptStateError(
                f"{self._file.uri} says nothing of an unfinished run: {type(error).__name__}: {error}: remove it, and "
                "the run begins anew"
            ) from error
        if self.superseded and FINISHED not in self.steps:
            self.steps = {name: self.steps[name] for name in (BEGUN, DRIFT) if name in self.steps}

    def keep(self, step: str, came_to: dict[str, Any]) -> None:
        """Write down that a step is finished.

        Parameters
        ----------
        step : str
            Its name.
        came_to : dict
            Plain data.
        """
        self.steps[step] = came_to
        data = {"format": FORMAT, "policy": self._policy, "steps": self.steps}
        self._file.write_at_once(json.dumps(data, indent=1, allow_nan=False).encode() + b"\n")

    def forget(self, *steps: str) -> None:
        """Forget steps, which are to be taken again.

        Parameters
        ----------
        *steps : str
            Their names.
        """
        self.steps = {name: came_to for name, came_to in self.steps.items() if name not in steps}

    def forget_behind_drift(self) -> None:
        """Forget the steps behind drift, which are to be taken again: it says so once, and rows may be other ones."""
        if DRIFT not in self.steps:
            self.close()
            return
        drift = self.steps[DRIFT]
        self.steps = {BEGUN: self.steps[BEGUN]}
        self.keep(DRIFT, drift)

    def close(self) -> None:
        """Remove the file: the loop is finished."""
        self.steps = {}
        self._file.remove()


def forget_values(home: Location, masked: Callable[[Any], Any]) -> None:
    """Mask values in the journal of an unfinished loop, if there is one.

    Parameters
    ----------
    home : Location
        Directory of the snapshot.
    masked : callable
        Returns plain data without them.
    """
    file = home / FOLDER / FILE
    if not file.exists():
        return
    try:
        data = json.loads(file.read())
    except ValueError:  # says nothing of a run either: the run will say so
        file.remove()
        return
    if (other := masked(data)) != data:
        file.write_at_once(json.dumps(other, indent=1, allow_nan=False).encode() + b"\n")
