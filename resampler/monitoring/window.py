"""Windows of maintenance: declared with a snapshot as runs of a step of its ledger, so that they can be looked up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from resampler.errors import InvalidInputError
from resampler.ledger import Run, key_of, now
from resampler.options import DURATION

if TYPE_CHECKING:
    from resampler.ledger import Ledger

STEP = "maintenance"
ON, OFF = "on", "off"
SHORTEST_S, LONGEST_S = 60.0, 7 * 86_400.0


class Window(NamedTuple):
    """Work on a dataset that was said in advance.

    Parameters
    ----------
    dataset : str
        Snapshot or stream.
    since, until : str
        ISO 8601, UTC.
    who, reason : str
        Who declared it, and why.
    """

    dataset: str
    since: str
    until: str
    who: str
    reason: str = ""

    def is_open(self, at: float) -> bool:
        """Say whether it lasts.

        Parameters
        ----------
        at : float
            Unix time.

        Returns
        -------
        bool
            False from its end on.
        """
        return at < datetime.fromisoformat(self.until).timestamp()


def seconds_of(value: object) -> float:
    """Read how long a window is to last.

    Parameters
    ----------
    value : object
        As `resampler.options.DURATION` takes it: ``90m``, ``2h``.

    Returns
    -------
    float
        Seconds.

    Raises
    ------
    InvalidInputError
        If it is none, or shorter than a minute or longer than a week.
    """
    seconds: float = DURATION.check("--for", value)
    if not SHORTEST_S <= seconds <= LONGEST_S:
        raise InvalidInputError(
            f"--for must be from 60s to 168h, got {value!r}: alerts are silent so long; declare another window when "
            "this one ends"
        )
    return seconds


def declare(dataset: str, lasts_s: float, who: str, reason: str = "") -> Window:
    """Make a window that begins now.

    Parameters
    ----------
    dataset : str
        Snapshot or stream.
    lasts_s : float
        Seconds.
    who, reason : str
        Who declares it, and why.

    Returns
    -------
    Window
        Not kept yet.
    """
    since = datetime.now(UTC)
    until = since + timedelta(seconds=lasts_s)
    return Window(dataset, since.isoformat(timespec="seconds"), until.isoformat(timespec="seconds"), who, reason)


def keep(ledger: Ledger, window: Window) -> None:
    """Keep a window with a snapshot; it stands in place of the one before.

    Parameters
    ----------
    ledger : Ledger
        Of the snapshot.
    window : Window
        That is declared.
    """
    ledger.append(Run(STEP, ON, key_of(**window._asdict()), window.dataset, now(), 0.0, window._asdict()))


def end(ledger: Ledger, dataset: str, who: str, at: float) -> Window | None:
    """End the window of a snapshot.

    Parameters
    ----------
    ledger : Ledger
        Of the snapshot.
    dataset : str
        The snapshot.
    who : str
        Who ends it.
    at : float
        Unix time.

    Returns
    -------
    Window or None
        The one that was ended; None where none was open, and nothing is kept.
    """
    ended = current(ledger, at)
    if ended is not None:
        details = {"dataset": dataset, "who": who, "ended": ended._asdict()}
        ledger.append(Run(STEP, OFF, key_of(**details), dataset, now(), 0.0, details))
    return ended


def current(ledger: Ledger, at: float) -> Window | None:
    """Find the window of a snapshot.

    Parameters
    ----------
    ledger : Ledger
        Of the snapshot.
    at : float
        Unix time.

    Returns
    -------
    Window or None
        None where none is open.

    Raises
    ------
    CorruptStateError
        If the file that says so is damaged.
    """
    run = ledger.last(STEP)
    return _of(run) if run is not None and is_open(run, at) else None


def is_open(run: Run, at: float) -> bool:
    """Say whether a window lasts.

    Parameters
    ----------
    run : Run
        The newest of the step.
    at : float
        Unix time.

    Returns
    -------
    bool
        Whether it declares a window that has not ended.
    """
    return run.outcome == ON and _of(run).is_open(at)


def _of(run: Run) -> Window:
    return Window(**{name: run.details[name] for name in Window._fields})
