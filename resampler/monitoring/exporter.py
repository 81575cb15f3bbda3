"""`Exporter`: ledgers and catalogues as samples, whatever becomes of one of them."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from resampler.address import without_secrets
from resampler.errors import InvalidInputError, ResamplerError
from resampler.ledger import FOLDER, Ledger
from resampler.monitoring import beside
from resampler.monitoring.ledgers import LedgerReader
from resampler.monitoring.sample import Sample
from resampler.monitoring.versions import SAME, VersionReader
from resampler.storage import NAME
from resampler.training_set import homes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

READ = "resampler_ledger_read_timestamp_seconds"
WINDOW = "resampler_maintenance"
UNREAD = "resampler_ledger_unread_files"
RUNS = "resampler_runs_total"


def named_ledger(given: str) -> tuple[str, Ledger]:
    """Read what names a ledger.

    Parameters
    ----------
    given : str
        A path or a URI, or ``NAME=`` before one.

    Returns
    -------
    name : str
        Label of its samples; without one the directory's name, and of a snapshot's ledger the snapshot's.
    ledger : Ledger
        There.

    Raises
    ------
    InvalidInputError
        If it is the directory of a snapshot, where runs would be sought, or kept, beside the ledger.
    """
    name, equals, place = given.partition("=")
    called = bool(equals and NAME.fullmatch(name))
    ledger = Ledger(place if called else given)
    with contextlib.suppress(OSError):  # what does not answer is said when it is read
        if (ledger.directory / FOLDER).exists():
            raise InvalidInputError(
                f"--ledger {given} is the directory of a snapshot, and its runs are in {FOLDER!r} there: give --ledger "
                f"{given.rstrip('/')}/{FOLDER}"
            )
    if called:
        return name, ledger
    parts = ledger.directory.path.rstrip("/").split("/")
    return (parts[-2] if parts[-1] == FOLDER and len(parts) > 1 else parts[-1]), ledger


class Exporter:
    """All that is exported of batch runs.

    Parameters
    ----------
    ledgers : sequence of str
        As `named_ledger` reads them.
    place : mapping of str to str or None
        Of a catalogue, as `resampler.training_set.homes` takes it; nothing but None for none.
    snapshots : sequence of str
        Of the catalogue; empty: all, those that are made later too.
    say : callable
        Is given a line about whatever cannot be read, once.

    Raises
    ------
    InvalidInputError
        If two ledgers have one name, or there is nothing to look at.
    """

    def __init__(
        self,
        ledgers: Sequence[str],
        place: Mapping[str, str | None],
        snapshots: Sequence[str],
        say: Callable[[str], None],
    ) -> None:
        self._place, self._snapshots, self._say = place, snapshots, say
        self._ledgers: dict[str, LedgerReader] = {}
        self._versions: dict[str, VersionReader] = {}
        self._last: dict[str, list[Sample]] = {}
        self._complaints: dict[str, str] = {}
        self._begun = False
        for given in ledgers:
            name, ledger = named_ledger(given)
            if name in self._ledgers:
                raise InvalidInputError(f"two ledgers are called {name!r}: name one of them, --ledger NAME=DIRECTORY")
            self._ledgers[name] = LedgerReader(name, ledger, say)
        self._given = tuple(self._ledgers)
        if not self._given and not any(place.values()):
            raise InvalidInputError("give --ledger DIRECTORY, or --catalog, --repo or --root: whose runs to export")

    def look(self, now: float) -> list[Sample]:
        """Look at all of it.

        Parameters
        ----------
        now : float
            Unix time.

        Returns
        -------
        list of Sample
            Of what does not answer the last that was known, with the time of that; no window of maintenance, for
            alerts must not stay silent because nobody can look.

        Raises
        ------
        InvalidInputError
            At the first look, if the place is none, or has not the snapshots that were asked for.
        """
        newest: dict[str, int | None] = dict.fromkeys(self._given)
        if any(self._place.values()):
            newest |= self._homes()
        found = [sample for name in sorted(newest) for sample in self._of(name, newest[name], now)]
        if not self._begun:
            self._say_what_is_empty(found)
        self._begun = True
        return found

    def _say_what_is_empty(self, found: Sequence[Sample]) -> None:
        """Say which place has nothing yet: its path may be misspelt."""
        with_runs = {sample.labels[0] for sample in found if sample.metric == RUNS}
        empty = [self._ledgers[name].ledger.directory.uri for name in self._given if name not in with_runs]
        if not self._versions:
            empty += [place for place in self._place.values() if place]
        for place in empty:
            self._say(f"{without_secrets(place)} holds nothing yet: correct it, or wait for its first run")

    def _homes(self) -> dict[str, int | None]:
        """Return the numbers of the newest versions; after the first look a catalogue that is gone is a complaint."""
        try:
            found = {one.name: one for one in homes(**self._place)}
            if missing := [name for name in self._snapshots if name not in found]:
                have = ", ".join(found) or "none"
                raise InvalidInputError(f"--snapshot {missing[0]!r} is not there; there are: {have}")
            if same := [name for name in self._given if name in found]:
                raise InvalidInputError(f"--ledger and a snapshot are called {same[0]!r}: give --ledger NAME=DIRECTORY")
            self._complaints.pop("", None)
        except (ResamplerError, OSError) as error:
            if not self._begun:
                raise
            self._complain("", f"the catalogue cannot be listed: {error}")
            return dict.fromkeys(self._versions, SAME)
        newest = {}
        for name, home in found.items():
            if not self._snapshots or name in self._snapshots:
                if name not in self._versions:
                    self._ledgers[name] = LedgerReader(name, Ledger(home.directory / FOLDER), self._say)
                    self._versions[name] = VersionReader(name, home.directory, self._place)
                newest[name] = home.newest
        return newest

    def _of(self, name: str, newest: int | None, now: float) -> Iterator[Sample]:
        reader, unread = self._ledgers[name], 0
        try:
            self._last[name] = reader.samples(now)
            self._complaints.pop(name, None)
        except (ResamplerError, OSError) as error:
            self._complain(name, f"the ledger of {name} cannot be read: {error}")
            known = self._last.get(name) or [Sample(READ, (name,), 0.0)]
            self._last[name] = [sample for sample in known if sample.metric != WINDOW]
        yield from self._last[name]
        if name in self._versions:
            where = f"the newest version of {name}"
            try:
                yield from self._versions[name].samples(newest)
                self._complaints.pop(where, None)
            except (ResamplerError, OSError, KeyError, ValueError) as error:
                self._complain(where, f"{where} cannot be read: {error}")
                unread = 1
            if name not in self._complaints:  # what does not answer is asked once a look
                yield from self._beside(name)
        yield Sample(UNREAD, (name,), reader.unread + unread)

    def _beside(self, name: str) -> Sequence[Sample]:
        where = f"what waits beside the versions of {name}"
        try:
            found = list(beside.samples(name, self._versions[name].home))
        except OSError as error:
            self._complain(where, f"{where} cannot be counted: {error}")
            return []
        self._complaints.pop(where, None)
        return found

    def _complain(self, about: str, why: str) -> None:
        if self._complaints.get(about) != why:
            self._complaints[about] = why
            self._say(why)
