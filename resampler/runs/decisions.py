"""What is said of a decision outside: to a webhook, and by a wing to a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from resampler.ledger import key_of
from resampler.wings import from_wing

if TYPE_CHECKING:
    from collections.abc import Mapping

GROUP = "resampler.decisions"  # entry points: a `Sender`


class Sender(Protocol):
    """Write a decision to a stream."""

    def __call__(self, stream: str, decision: Mapping[str, Any], *, url: str | None) -> str:
        """Write it.

        Parameters
        ----------
        stream : str
            Name of the stream.
        decision : mapping
            As `message` makes it; the same ``key`` is written once.
        url : str or None
            Of the server; None for the default.

        Returns
        -------
        str
            ID of the entry.
        """


def message(printed: Mapping[str, Any]) -> dict[str, Any]:
    """Say of a run what others need.

    Parameters
    ----------
    printed : mapping
        What `resampler drift --json` prints.

    Returns
    -------
    dict
        ``step``, ``retrain``, ``outcome``, ``reasons``, ``subject``, ``reference``, ``drifted``, ``share``, ``at`` and
        a ``key`` of the run, by which who gets it twice knows that.
    """
    names = ("retrain", "outcome", "reasons", "subject", "reference", "drifted", "share", "at")
    # The same rows may come again after others, and that is another run.
    key = key_of(run=printed["key"], at=printed["at"])
    return {"step": "drift", "key": key} | {name: printed[name] for name in names}


def sender() -> Sender:
    """Find what writes decisions to a stream.

    Returns
    -------
    callable
        A `Sender`.

    Raises
    ------
    MissingExtraError
        If it, or what it needs, is not installed.
    """
    found: Sender = from_wing(GROUP, "stream", "--emit needs")
    return found
