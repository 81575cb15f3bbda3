"""`Ledger`: what gates, drift, advice and retrain runs came to, a small file a run, never changed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from resampler.errors import CorruptStateError
from resampler.storage import Location

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDER = "ledger"  # in the directory of a snapshot
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one step.

    Parameters
    ----------
    step : str
        What ran: ``gate``, ``drift``, ``advise``, ``snapshot``, ``train``, ``alias``, ``retrain``.
    outcome : str
        ``pass``, ``no``, ``unknown`` (too few rows to tell) or ``failed``.
    key : str
        The sha256 of what it was given: the same inputs have the same key, so that a loop that was killed knows what
        it has done.
    subject : str
        What it ran on: ``fraud version 3``, a stream, a file.
    at : str
        When it ended: ISO 8601, UTC.
    seconds : float
        How long it took.
    details : dict
        Its own figures and reasons, as `--json` prints them.
    """

    step: str
    outcome: str
    key: str
    subject: str
    at: str
    seconds: float = 0.0
    details: dict[str, Any] = field(default_factory=dict)


class Ledger:
    """Runs, oldest first.

    Parameters
    ----------
    directory : Location, str or Path
        Where they are kept, a path or a URI; made with the first run.

    Examples
    --------
    >>> import tempfile
    >>> ledger = Ledger(tempfile.mkdtemp())
    >>> ledger.append(Run("gate", "pass", key_of(policy="a"), "fraud version 3", now()))
    >>> [run.outcome for run in ledger.runs("gate")]
    ['pass']
    """

    def __init__(self, directory: Location | str | Path) -> None:
        self.directory = directory if isinstance(directory, Location) else Location.parse(directory)

    def append(self, run: Run) -> None:
        """Keep a run; it is there whole or not at all.

        Parameters
        ----------
        run : Run
            To be kept. The same run twice is one.
        """
        data = json.dumps(asdict(run) | {"format": FORMAT}, sort_keys=True, allow_nan=False).encode() + b"\n"
        stamp = run.at.translate({ord(char): None for char in ":-+."})
        file = self.directory / f"{stamp}-{run.step}-{hashlib.sha256(data).hexdigest()[:12]}.json"
        file.create_parent()
        file.write_at_once(data)

    def runs(self, step: str | None = None) -> Iterator[Run]:
        """Read what is kept.

        Parameters
        ----------
        step : str, optional
            Only of this step.

        Yields
        ------
        Run
            In order of their ends.

        Raises
        ------
        CorruptStateError
            If a file is none of a run.
        """
        for name in sorted(self.directory.files()):
            if not name.endswith(".json") or (step is not None and name.split("-")[1] != step):
                continue
            yield self._read(name)

    def last(self, step: str, key: str | None = None) -> Run | None:
        """Find the newest run of a step.

        Parameters
        ----------
        step : str
            Which.
        key : str, optional
            Only of these inputs.

        Returns
        -------
        Run or None
            None where there is none.
        """
        found = None
        for run in self.runs(step):
            if key is None or run.key == key:
                found = run
        return found

    def _read(self, name: str) -> Run:
        try:
            data = json.loads((self.directory / name).read())
            data.pop("format")
            return Run(**data)
        except (ValueError, KeyError, TypeError) as error:
            raise CorruptStateError(
                f"{self.directory.uri}/{name} is no run of a ledger: {error}: restore it from a copy, or remove it"
            ) from error


def key_of(**inputs: Any) -> str:
    """Make the key of a run.

    Parameters
    ----------
    **inputs : object
        All that decides what comes of it, as JSON can hold it.

    Returns
    -------
    str
        A sha256, equal for equal inputs.
    """
    return hashlib.sha256(json.dumps(inputs, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def now() -> str:
    """Say when it is.

    Returns
    -------
    str
        ISO 8601, UTC, to the microsecond.
    """
    return datetime.now(UTC).isoformat(timespec="microseconds")
