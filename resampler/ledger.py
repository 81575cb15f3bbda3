"""`Ledger`: what gates, drift, advice and retrain runs came to, a small file a run, never changed."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from resampler.errors import CorruptStateError, ResamplerError
from resampler.quality.statistics import share_interval
from resampler.storage import Location

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FOLDER = "ledger"  # in the directory of a snapshot
FORMAT = 1
STOPPED = "stopped"
_DIGITS = 12  # of a sha256 in the name of a file
_FILE = re.compile(r"(\d{8})T(\d{12})-([a-z]+)-([a-z]+)-(\w+)-([0-9a-f]{12})\.json", re.ASCII)


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one step.

    Parameters
    ----------
    step : str
        What ran: ``gate``, ``drift``, ``advise``, ``privacy``, ``snapshot``, ``train``, ``alias``, ``retrain``,
        ``pause``, ``resume``, and what other commands keep.
    outcome : str
        ``pass``, ``no``, ``unknown`` (too few rows to tell), ``failed``, or `STOPPED`: its budget was spent before all
        its parts were finished, and the next run goes on behind those that are.
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
        Its own figures and reasons, as `--json` prints them; of steps that have a budget what they have spent, as
        ``cost`` (`resampler.budget.Cost`).
    """

    step: str
    outcome: str
    key: str
    subject: str
    at: str
    seconds: float = 0.0
    details: dict[str, Any] = field(default_factory=dict)


class Ledger:
    """Runs, in the order in which they were kept.

    Parameters
    ----------
    directory : Location, str or Path
        Where they are kept, a path or a URI; made with the first run.

    Notes
    -----
    A file's name says when the run ended, its step and outcome, the first digits of its key and of the sha256 of the
    file, so that few files are read, however many there are. Files of other names are none of a ledger.

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
            To be kept, as the newest, whatever clocks say. The same run twice is one.

        Raises
        ------
        ResamplerError
            If nothing can be written there.
        """
        data = _content(run)
        digest = hashlib.sha256(data).hexdigest()[:_DIGITS]
        try:
            self._append(run, data, digest)
        except OSError as error:
            raise ResamplerError(
                f"{self.directory.uri} cannot keep the run, which came to {run.outcome!r}: {error}: make room there, "
                "or let it be written to"
            ) from error

    def _append(self, run: Run, data: bytes, digest: str) -> None:
        kept = self.names()
        if any(name.digest == digest for name in kept):
            return
        at = int(datetime.fromisoformat(run.at).astimezone(UTC).strftime("%Y%m%d%H%M%S%f"))
        if kept:  # a clock that was set back makes no run older than those that its process knew
            at = max(at, kept[-1].at + 1)
        name = RunName(at, run.step, run.outcome, run.key[:_DIGITS], digest)
        (self.directory / name.file).write_at_once(data)

    def runs(self, step: str | None = None) -> Iterator[Run]:
        """Read what is kept.

        Parameters
        ----------
        step : str, optional
            Only of this step.

        Yields
        ------
        Run
            The oldest first.

        Raises
        ------
        CorruptStateError
            If a file is none of a run.
        """
        yield from map(self.read, self.names(step))

    def newest(self, step: str | None = None, key: str | None = None) -> Iterator[Run]:
        """Read what is kept, the newest first; a file is read when its run is asked for.

        Parameters
        ----------
        step : str, optional
            Only of this step.
        key : str, optional
            Only of these inputs.

        Yields
        ------
        Run
            The newest first.

        Raises
        ------
        CorruptStateError
            If a file is none of a run.
        """
        for name in reversed(self.names(step)):
            if key is None or name.key == key[:_DIGITS]:
                run = self.read(name)
                if key is None or run.key == key:
                    yield run

    def rewrite(self, change: Callable[[Run], Run]) -> None:
        """Change what is kept of runs, which nothing but forgetting rows may ask for.

        Parameters
        ----------
        change : callable
            Returns what is to be kept of a run, under the same step, outcome and key.

        Raises
        ------
        CorruptStateError
            If a file is none of a run.
        """
        for name in self.names():
            run = self.read(name)
            changed = change(run)
            if changed != run:
                data = _content(changed)
                other = name._replace(digest=hashlib.sha256(data).hexdigest()[:_DIGITS])
                (self.directory / other.file).write_at_once(data)
                (self.directory / name.file).remove()

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
        return next(self.newest(step, key), None)

    def outcomes(self, step: str) -> list[str]:
        """Say what runs of a step came to; no file is read for it.

        Parameters
        ----------
        step : str
            Which.

        Returns
        -------
        list of str
            The oldest first.
        """
        return [name.outcome for name in self.names(step)]

    def success(self, step: str, most: int | None = None) -> dict[str, Any]:
        """Count how many runs of a step passed; no file is read for it. Those that were stopped do not count.

        Parameters
        ----------
        step : str
            Which.
        most : int, optional
            Of how many at most, the newest; by default of all.

        Returns
        -------
        dict
            ``runs``, of which ``passed``; ``rate`` and its 95 % ``interval``, None where there are no runs.
        """
        ended = [outcome for outcome in self.outcomes(step) if outcome != STOPPED]
        outcomes = ended[-most if most else None :]
        n, passed = len(outcomes), outcomes.count("pass")
        rate = {"rate": passed / n, "interval": list(share_interval(passed, n))} if n else {}
        return {"runs": n, "passed": passed, "rate": None, "interval": None} | rate

    def names(self, step: str | None = None) -> list[RunName]:
        """Say what names of files say; no file is read for it.

        Parameters
        ----------
        step : str, optional
            Only of this step.

        Returns
        -------
        list of RunName
            The oldest first.
        """
        found = [name for file in self.directory.files() if (name := RunName.of(file)) is not None]
        return sorted(name for name in found if step is None or name.step == step)

    def read(self, name: RunName) -> Run:
        """Read one run.

        Parameters
        ----------
        name : RunName
            Of `names`.

        Returns
        -------
        Run
            As it was kept.

        Raises
        ------
        CorruptStateError
            If the file is none of a run.
        FileNotFoundError
            If it is there no longer.
        """
        where = f"{self.directory.uri}/{name.file}"
        content = (self.directory / name.file).read()
        try:
            data = json.loads(content)
            if data.pop("format") != FORMAT:
                raise ValueError("another release wrote it")
            run = Run(**data)
            if hashlib.sha256(content).hexdigest()[:_DIGITS] != name.digest:
                raise ValueError("it was changed since it was written")
        except (AttributeError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise CorruptStateError(
                f"{where} is no run of a ledger: {error}: restore it from a copy, or remove it"
            ) from error
        return run


def _content(run: Run) -> bytes:
    return json.dumps(asdict(run) | {"format": FORMAT}, sort_keys=True, allow_nan=False).encode() + b"\n"


class RunName(NamedTuple):
    """What the name of a file says of its run; names sort as runs were kept.

    Parameters
    ----------
    at : int
        When it ended, UTC, as digits from the year to the microsecond; higher where a clock was set back.
    step, outcome : str
        As in `Run`.
    key, digest : str
        First digits of its key, and of the sha256 of the file.
    """

    at: int
    step: str
    outcome: str
    key: str
    digest: str

    @classmethod
    def of(cls, file: str) -> RunName | None:
        """Read the name of a file.

        Parameters
        ----------
        file : str
            Relative to the ledger.

        Returns
        -------
        RunName or None
            None where it is no run's.
        """
        found = _FILE.fullmatch(file)
        return None if found is None else cls(int(found[1] + found[2]), *found.groups()[2:])

    @property
    def run(self) -> tuple[int, str, str, str]:
        """What stays when the file is written again under another digest."""
        return self[:4]

    @property
    def timestamp(self) -> float:
        """When it ended, Unix time; digits that were counted up may be no time of day, and are added all the same."""
        day, time = divmod(self.at, 10**12)
        minutes, seconds = divmod(time, 10**8)
        midnight = datetime.strptime(f"{day:08d}", "%Y%m%d").replace(tzinfo=UTC).timestamp()
        return midnight + (minutes // 100) * 3600 + (minutes % 100) * 60 + seconds / 1e6

    @property
    def file(self) -> str:
        """Name of the file."""
        day, time = divmod(self.at, 10**12)
        return f"{day:08d}T{time:012d}-{self.step}-{self.outcome}-{self.key}-{self.digest}.json"


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
