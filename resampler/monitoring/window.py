"""Windows of maintenance: declared with a snapshot as runs of a step of its ledger, so that they can be looked up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

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


class LedgerWindows:
    """Windows that are kept with a snapshot, as runs of its ledger.

    Parameters
    ----------
    dataset : str
        As the ledger's metrics call it.
    ledger : Ledger
        There.
    """

    def __init__(self, dataset: str, ledger: Ledger) -> None:
        self.dataset, self.ledger = dataset, ledger

    def declare(self, window: Window) -> None:
        """Keep a window, in place of one that is open.

        Parameters
        ----------
        window : Window
            From now on.
        """
        self._append(ON, window._asdict())

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
            The one that was ended; None where none was open, and nothing is kept.
        """
        ended = self.current(at)
        if ended is not None:
            self._append(OFF, {"dataset": self.dataset, "who": who, "ended": ended._asdict()})
        return ended

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

        Raises
        ------
        CorruptStateError
            If the file that says so is damaged.
        """
        run = self.ledger.last(STEP)
        return _of(run) if run is not None and is_open(run, at) else None

    def _append(self, outcome: str, details: dict[str, Any]) -> None:
        self.ledger.append(Run(STEP, outcome, key_of(**details), self.dataset, now(), 0.0, details))


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
