"""`Windows`: where windows of a dataset are kept, with a snapshot or with a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from resampler.errors import InvalidInputError
from resampler.ledger import FOLDER, Ledger
from resampler.monitoring.exporter import named_ledger
from resampler.monitoring.window import LedgerWindows
from resampler.training_set import homes
from resampler.wings import from_wing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from resampler.monitoring.window import Window

GROUP = "resampler.maintenance"  # entry points: functions of a stream's name and a URL that return `Windows`


class Windows(Protocol):
    """Windows of one dataset.

    Attributes
    ----------
    dataset : str
        Its name, as metrics and alerts have it.
    """

    dataset: str

    def declare(self, window: Window) -> None:
        """Keep a window, in place of one that is open.

        Parameters
        ----------
        window : Window
            From now on.
        """

    def end(self, who: str, at: float) -> Window | None:
        """End the window that is open.

        Parameters
        ----------
        who : str
            Who ends it.
        at : float
            Unix time.

        Returns
        -------
        Window or None
            The one that was ended; None where none was open.
        """

    def current(self, at: float) -> Window | None:
        """Find the window that is open.

        Parameters
        ----------
        at : float
            Unix time.

        Returns
        -------
        Window or None
            None where none is.
        """


def of_snapshot(name: str, place: Mapping[str, str | None]) -> Windows:
    """Find the windows of a snapshot.

    Parameters
    ----------
    name : str
        Of the snapshot.
    place : mapping of str to str or None
        Where it is kept, as `resampler.training_set.homes` takes it.

    Returns
    -------
    Windows
        In its ledger.

    Raises
    ------
    InvalidInputError
        If it is not there.
    """
    found = {one.name: one.directory for one in homes(**place)}
    if name not in found:
        raise InvalidInputError(f"--snapshot {name!r} is not there; there are: {', '.join(found) or 'none'}")
    return LedgerWindows(name, Ledger(found[name] / FOLDER))


def of_ledger(given: str) -> Windows:
    """Find the windows of a ledger.

    Parameters
    ----------
    given : str
        As `named_ledger` reads it.

    Returns
    -------
    Windows
        In it.
    """
    return LedgerWindows(*named_ledger(given))


def of_stream(name: str, url: str | None) -> Windows:
    """Find the windows of a stream.

    Parameters
    ----------
    name : str
        Of the stream.
    url : str or None
        Of its server; None: the environment's.

    Returns
    -------
    Windows
        Kept on the server.

    Raises
    ------
    MissingExtraError
        If the wing is not installed.
    """
    found: Windows = from_wing(GROUP, "stream", "--stream needs")(name, url)
    return found
