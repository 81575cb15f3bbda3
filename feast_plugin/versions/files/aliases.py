"""Aliases of a snapshot: names that point to a version and can be moved, and the history of where they pointed."""

from __future__ import annotations

import getpass
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from resampler.errors import CorruptStateError, DataError
from resampler.state import check_format
from resampler.storage import check_alias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from resampler.storage import Location

FILE = "aliases.json"
FORMAT = 1
MOVED, BACK, FORGOT, REMOVED = "alias", "rollback", "forget", "remove"


@dataclass(frozen=True, slots=True)
class Move:
    """One step of an alias.

    Parameters
    ----------
    at : str
        ISO 8601, UTC.
    by : str
        The user of this machine who made it.
    why : {"alias", "rollback", "forget", "remove"}
        The command.
    before, after : int or None
        Versions; None where it pointed, or points, nowhere.
    """

    at: str
    by: str
    why: str
    before: int | None
    after: int | None


@dataclass(frozen=True, slots=True)
class Alias:
    """One alias.

    Parameters
    ----------
    name : str
        As it is part of a dataset's name: ``SNAPSHOT_NAME_train``.
    history : tuple of Move
        The latest last.
    """

    name: str
    history: tuple[Move, ...]

    @property
    def version(self) -> int | None:
        """Where it points; None: nowhere."""
        return self.history[-1].after if self.history else None

    @property
    def earlier(self) -> int | None:
        """Where it pointed before, behind every step that was taken back."""
        stack: list[int | None] = []
        for move in self.history:
            if move.why == BACK:
                stack.pop()
            elif move.why == FORGOT:  # as if it had pointed to what replaces that version all along
                stack = [move.after if version == move.before else version for version in stack]
            else:
                stack.append(move.after)
        return stack[-2] if len(stack) > 1 else None

    def to_dict(self) -> dict[str, Any]:
        """Return what the command line prints.

        Returns
        -------
        dict
            Keys alias, version and history.
        """
        return {"alias": self.name, "version": self.version, "history": [asdict(move) for move in self.history]}

    def moved(self, version: int | None, why: str) -> Alias:
        """Return the alias after one more step.

        Parameters
        ----------
        version : int or None
            Where to.
        why : str
            As in `Move`.

        Returns
        -------
        Alias
            With the step in its history.
        """
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return Alias(self.name, (*self.history, Move(now, _user(), why, self.version, version)))


def read_aliases(home: Location) -> dict[str, Alias]:
    """Read the aliases of a snapshot.

    Parameters
    ----------
    home : Location
        Directory of the snapshot.

    Returns
    -------
    dict of str to Alias
        Those that point nowhere too, by name; none where there is no file.

    Raises
    ------
    CorruptStateError
        If the file cannot be read.
    """
    file = home / FILE
    if not file.exists():
        return {}
    try:
        data = json.loads(file.read())
        check_format(file.uri, data["format"], [FORMAT])
        return {
            str(name): Alias(check_alias(name), tuple(Move(**move) for move in moves))
            for name, moves in sorted(data["aliases"].items())
        }
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise CorruptStateError(
            f"{file.uri} lists no aliases: {type(error).__name__}: {error}: restore it from a copy, or delete it and "
            "set each alias again; its history is lost then"
        ) from error


def write_aliases(home: Location, aliases: Mapping[str, Alias]) -> None:
    """Write the aliases of a snapshot, at once; call it with the snapshot locked.

    Parameters
    ----------
    home : Location
        Directory of the snapshot.
    aliases : dict of str to Alias
        All of them.
    """
    data: dict[str, Any] = {name: [asdict(move) for move in alias.history] for name, alias in aliases.items()}
    text = json.dumps({"format": FORMAT, "aliases": data}, indent=1, sort_keys=True) + "\n"
    (home / FILE).write_at_once(text.encode())


def names_of(aliases: Mapping[str, Alias], version: int) -> list[str]:
    """Name the aliases that point to a version.

    Parameters
    ----------
    aliases : dict of str to Alias
        All of them.
    version : int
        The version.

    Returns
    -------
    list of str
        Sorted.
    """
    return sorted(name for name, alias in aliases.items() if alias.version == version)


def aliases_of(root: Location, names: Iterable[str]) -> tuple[dict[tuple[str, int], list[str]], dict[str, str]]:
    """Name the aliases of all versions.

    Parameters
    ----------
    root : Location
        Where snapshots are kept.
    names : iterable of str
        Of snapshots.

    Returns
    -------
    found : dict of (str, int) to list of str
        By snapshot and version; versions that no alias points to are left out.
    problems : dict of str to str
        By snapshot, why its file of aliases cannot be read.
    """
    found: dict[tuple[str, int], list[str]] = {}
    problems = {}
    for name in dict.fromkeys(names):
        try:
            aliases = read_aliases(root / name)
        except CorruptStateError as error:  # hides no version
            problems[name] = str(error)
            continue
        for alias in aliases.values():
            if alias.version is not None:
                found.setdefault((name, alias.version), []).append(alias.name)
    return found, problems


def known_alias(aliases: Mapping[str, Alias], name: str, snapshot: str) -> Alias:
    """Find an alias that points somewhere.

    Parameters
    ----------
    aliases : dict of str to Alias
        All of them.
    name : str
        Its name.
    snapshot : str
        Whose it is, for the message.

    Returns
    -------
    Alias
        The one of that name.

    Raises
    ------
    DataError
        If there is none.
    """
    alias = aliases.get(check_alias(name))
    if alias is None or not alias.history:
        known = ", ".join(one for one, found in aliases.items() if found.version is not None)
        raise DataError(f"snapshot {snapshot!r} has no alias {name!r}; it has {known or 'none'}: set it first")
    return alias


def check_version(alias: Alias, numbers: Sequence[int], snapshot: str, replaced: Mapping[int, int]) -> int:
    """Check that an alias can go back.

    Parameters
    ----------
    alias : Alias
        The alias.
    numbers : sequence of int
        Versions that there are.
    snapshot : str
        Whose they are, for the message.
    replaced : dict of int to int
        By version that is gone, the one that replaces it without an entity that was forgotten.

    Returns
    -------
    int
        Where it pointed before, or what replaces that.

    Raises
    ------
    DataError
        If it pointed nowhere, or that version is gone.
    """
    earlier = alias.earlier
    if earlier is None:
        raise DataError(
            f"alias {alias.name!r} of {snapshot} has pointed nowhere before version {alias.version}: point it to a "
            "version by number"
        )
    if earlier not in numbers and earlier in replaced:
        earlier = replaced[earlier]
    if earlier not in numbers:
        raise DataError(
            f"alias {alias.name!r} of {snapshot} pointed to version {earlier} before, which is gone: point it to one "
            f"of {', '.join(map(str, numbers))}"
        )
    return earlier


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a user that has no name
        return "unknown"
