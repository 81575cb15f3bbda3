"""Say what happens to versions: events are written before it happens, and sent afterwards; nothing fails for them."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from resampler.errors import ResamplerError
from resampler.lineage.outbox import FOLDER, POINTED, Event, Outbox
from resampler.lineage.settings import MLFLOW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from resampler.lineage.settings import Settings
    from resampler.storage import Location


class Announcer:
    """What tells others of the versions of a snapshot.

    Parameters
    ----------
    home : Location
        Directory of the snapshot.
    settings : callable
        Says who is told, when that is first asked.
    note : callable
        Is given a sentence for the user.
    """

    def __init__(self, home: Location, settings: Callable[[], Settings], note: Callable[[str], None]) -> None:
        self._home, self._settings, self._note = home, settings, note
        self._outbox = Outbox(home)

    @contextlib.contextmanager
    def telling(self, what: str, about: Callable[[], dict[str, Any]], holds: dict[str, str]) -> Iterator[None]:
        """Write events of what happens within; call it with the snapshot locked.

        Parameters
        ----------
        what : str
            As in `Event`.
        about : callable
            Returns what is said of it; called where somebody is told.
        holds : dict
            As in `Event`.

        Yields
        ------
        None
            While it happens. Where it fails, nothing is told.
        """
        names = self._staged(what, about, holds)
        try:
            yield
        except BaseException:
            with self._unharmed():
                self._outbox.withdraw(names)
            raise
        if names:
            with self._unharmed():
                self._outbox.confirm(names)

    def forget(self, version: int) -> None:
        """Remove what has not been sent of a version that is forgotten; call it with the snapshot locked.

        Parameters
        ----------
        version : int
            Its number.
        """
        self._outbox.forget(version)

    def send(self) -> None:
        """Send what waits; call it with the snapshot unlocked, for it may take `PATIENCE_S`."""
        from resampler.lineage.sender import send_soon

        with self._unharmed():
            settings = self._settings()
            if not settings.addressed or not self._outbox.names():
                return
            done = send_soon(self._home, settings)
            if done is None:
                self._note(
                    f"lineage of {self._name} is being sent by a process of its own; what does not arrive waits in "
                    f"{self._where}: `resampler lineage send`"
                )
            elif done.problems:
                waiting = self._outbox.waiting
                why = "; ".join(f"{to}: {problem}" for to, problem in done.problems.items())
                kept = f"{waiting.events} wait in {self._where}, the oldest since {waiting.age}"
                self._note(f"lineage of {self._name} was not sent ({why}): {kept}: `resampler lineage send`")

    @property
    def _name(self) -> str:
        return self._home.uri.rpartition("/")[2]

    @property
    def _where(self) -> str:
        return f"{self._home.uri}/{FOLDER}"

    def _staged(self, what: str, about: Callable[[], dict[str, Any]], holds: dict[str, str]) -> list[str]:
        names: list[str] = []
        with self._unharmed():
            to = [one for one in self._settings().addressed if what != POINTED or one != MLFLOW]
            if to:
                self._outbox.settle()
                if gone := self._outbox.bound():
                    self._note(f"{self._where} was full: {gone} events that were never sent had to go")
                said = about()
                names = self._outbox.stage([Event.of(one, what, said, holds) for one in to])
        return names

    @contextlib.contextmanager
    def _unharmed(self) -> Iterator[None]:
        """Let nothing that is said of a publication stop it."""
        try:
            yield
        except (OSError, ResamplerError, ValueError) as error:
            self._note(f"lineage of {self._name} could not be written or sent: {type(error).__name__}: {error}")
