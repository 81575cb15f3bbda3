"""`Outbox`: what is to be said of a snapshot, a file an event, kept beside its versions until it has been sent."""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from resampler.errors import CorruptStateError

if TYPE_CHECKING:
    from resampler.storage import Location

FOLDER = "outbox"  # in the directory of a snapshot; what waits there is `*.json`, which metrics count
REFUSED = "refused"  # below it: what a server said it will never take
FORMAT = 1
MOST = 1000  # events that may wait; of a snapshot that nobody's server takes, a few megabytes
PUBLISHED, POINTED, REMOVED = "published", "pointed", "removed"
_NAMES = uuid.UUID("2f6c1a52-6a0e-5b4e-9d47-0f9d2f7f5c1b")  # ids are functions of what is said: the same twice is one
# Whose time may have been counted up: it is digits in order, and not always a time of day.
_FILE = re.compile(r"(2\d{19})-([a-z]+)-([a-z]+)-([0-9a-f]{8})\.json", re.ASCII)
_STAGED = ".staged"
_PART = ".part"  # of a file whose writer was killed


class RefusedError(Exception):
    """Raise when a server will never take an event."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that is to be said to one server.

    Parameters
    ----------
    to : str
        ``openlineage`` or ``mlflow``.
    what : {"published", "pointed", "removed"}
        What happened.
    id : str
        A UUID, the run's: equal for equal events, so that an event that comes twice is known.
    at : str
        When: ISO 8601, UTC.
    about : dict
        As `Publication.to_dict`; of an alias, of what is gone and of why, beside it, ``alias`` and so on.
    holds : dict
        What shows that it happened, should its writer be killed meanwhile: the path of a ``file`` within the snapshot's
        directory, and a ``text`` in it; or one that is ``absent``.
    """

    to: str
    what: str
    id: str
    at: str
    about: dict[str, Any]
    holds: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, to: str, what: str, about: dict[str, Any], holds: dict[str, str]) -> Event:
        """Write one, now.

        Parameters
        ----------
        to, what, about, holds
            As in `Event`.

        Returns
        -------
        Event
            With its id and time.
        """
        at = datetime.now(UTC)
        # The digest tells versions of one number apart, one of which was never published; moves are told by their time.
        parts = [to, what, about.get("uri"), about["name"], about["version"], about["digest"]]
        parts += [at.isoformat()] if what == POINTED else []
        return cls(to, what, str(uuid.uuid5(_NAMES, json.dumps(parts))), at.isoformat(), about, holds)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What an outbox holds.

    Parameters
    ----------
    events : int
        How many.
    oldest : str or None
        When the oldest was written: ISO 8601, UTC.
    refused : int
        How many were refused for good.
    """

    events: int
    oldest: str | None
    refused: int

    @property
    def age(self) -> str:
        """How long the oldest has waited, in words."""
        if self.oldest is None:
            return ""
        seconds = (datetime.now(UTC) - datetime.fromisoformat(self.oldest)).total_seconds()
        for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
            if seconds >= size:
                n = int(seconds // size)
                return f"{n} {unit}{'s' if n > 1 else ''}"
        return "less than a minute"


class Outbox:
    """The events of a snapshot.

    Parameters
    ----------
    home : Location
        Directory of the snapshot.

    Notes
    -----
    An event is staged before what it tells of happens, and confirmed afterwards; whoever comes later settles what a
    killed writer left between. Who stages, confirms or settles holds the lock of the snapshot; who sends and removes
    holds that of the outbox.
    """

    def __init__(self, home: Location) -> None:
        self.home = home
        self.directory = home / FOLDER

    def stage(self, events: list[Event]) -> list[str]:
        """Write events of what is about to happen.

        Parameters
        ----------
        events : list of Event
            In order.

        Returns
        -------
        list of str
            Their names.

        Raises
        ------
        OSError
            If they cannot be written.
        """
        last = max((int(name[:20]) for name in self._all() if _FILE.match(name)), default=0)
        names = []
        for event in events:
            at = datetime.fromisoformat(event.at).astimezone(UTC)
            last = max(int(at.strftime("%Y%m%d%H%M%S%f")), last + 1)  # in order, whatever clocks say
            name = f"{last:020d}-{event.to}-{event.what}-{event.id[:8]}.json"
            content = json.dumps(asdict(event) | {"format": FORMAT}, indent=1) + "\n"
            (self.directory / (name + _STAGED)).write_at_once(content.encode())
            names.append(name)
        return names

    def confirm(self, names: list[str]) -> None:
        """Let events be sent.

        Parameters
        ----------
        names : list of str
            As `stage` returned them.
        """
        for name in names:
            (self.directory / (name + _STAGED)).move_to(self.directory / name)

    def withdraw(self, names: list[str]) -> None:
        """Remove events of what did not happen.

        Parameters
        ----------
        names : list of str
            As `stage` returned them.
        """
        for name in names:
            (self.directory / (name + _STAGED)).remove()

    def settle(self) -> None:
        """Confirm or withdraw what a killed writer left, by what is there."""
        for staged in [name for name in self._all() if name.endswith(_STAGED)]:
            name = staged.removesuffix(_STAGED)
            try:
                happened = self._happened(self._parsed(staged))
            except CorruptStateError:
                happened = False
            (self.confirm if happened else self.withdraw)([name])

    def bound(self) -> int:
        """Remove the oldest events beyond `MOST`.

        Returns
        -------
        int
            How many had to go.
        """
        beyond = self.names()[:-MOST]
        for name in beyond:
            self.remove(name)
        return len(beyond)

    def names(self) -> list[str]:
        """Name what waits.

        Returns
        -------
        list of str
            The oldest first.
        """
        return [name for name in self._all() if _FILE.fullmatch(name)]

    def read(self, name: str) -> Event:
        """Read an event.

        Parameters
        ----------
        name : str
            One of `names`.

        Returns
        -------
        Event
            As it was written.

        Raises
        ------
        CorruptStateError
            If it is none.
        """
        return self._parsed(name)

    def remove(self, name: str) -> None:
        """Remove an event that was sent.

        Parameters
        ----------
        name : str
            One of `names`.
        """
        (self.directory / name).remove()

    def refuse(self, name: str) -> None:
        """Put an event aside that no server will take, so that it stops no other.

        Parameters
        ----------
        name : str
            One of `names`.
        """
        (self.directory / name).move_to(self.directory / REFUSED / name)

    def forget(self, version: int) -> None:
        """Remove what has not been sent of a version that is forgotten.

        Parameters
        ----------
        version : int
            Its number.
        """
        for name in self._all():
            plain = name.removeprefix(f"{REFUSED}/").removesuffix(_PART).removesuffix(_STAGED)
            if _FILE.fullmatch(plain) and f"-{REMOVED}-" not in plain:
                try:
                    about = self._parsed(name).about
                except CorruptStateError:  # nobody can be told of it, and nobody knows of whom it tells
                    self.remove(name)
                    continue
                if version in (about["version"], about.get("before")):
                    self.remove(name)

    @property
    def waiting(self) -> Waiting:
        """How many events wait, and since when."""
        names = self.names()
        refused = sum(name.startswith(f"{REFUSED}/") for name in self._all())
        oldest = None
        if names:
            oldest = _time_of(names[0])
        return Waiting(len(names), oldest, refused)

    def _all(self) -> list[str]:
        return self.directory.files()

    def _parsed(self, name: str) -> Event:
        where = self.directory / name
        try:
            data = json.loads(where.read())
            if data.pop("format") != FORMAT:
                raise ValueError("another release wrote it")
            event = Event(**data)
            _check(event)
            return event
        except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
            raise CorruptStateError(f"{where.uri} is no event of an outbox: {error}: remove it") from error

    def _happened(self, event: Event) -> bool:
        if "absent" in event.holds:
            return not (self.home / event.holds["absent"]).exists()
        try:
            content = (self.home / event.holds["file"]).read()
        except (FileNotFoundError, KeyError):
            return False
        return event.holds["text"].encode() in content


def _time_of(name: str) -> str | None:
    """Say when an event was written; digits that were counted up may be no time of day."""
    for digits, form in ((20, "%Y%m%d%H%M%S%f"), (12, "%Y%m%d%H%M"), (10, "%Y%m%d%H"), (8, "%Y%m%d")):
        try:
            return datetime.strptime(name[:digits], form).replace(tzinfo=UTC).isoformat()
        except ValueError:
            continue
    return None


def _check(event: Event) -> None:
    """Refuse what has not the fields of an event, whoever wrote it."""
    about, held = event.about, [*event.holds, *event.holds.values()]
    if not all(isinstance(one, str) for one in (event.to, event.id, event.at, about["name"], about["digest"], *held)):
        raise TypeError("its words are no text")
    if type(about["version"]) is not int or not isinstance(about["datasets"], dict):
        raise TypeError("it names no version")
    if any(".." in one.split("/") for one in held):
        raise ValueError("it looks outside of its snapshot")
    if event.what != REMOVED and not isinstance(about["publication"], dict):
        raise TypeError("it says nothing of its version")
