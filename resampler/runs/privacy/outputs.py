"""Rows of an output stream that an audit is of: what an entry point names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from resampler.wings import from_wing

if TYPE_CHECKING:
    from resampler.runs.privacy.parts import Parts

GROUP = "resampler.outputs"  # entry points: an `Output`


class Output(Protocol):
    """What was written to an output."""

    def __call__(self, where: str, *, url: str | None, rows: int) -> Parts:
        """Read the newest rows.

        Parameters
        ----------
        where : str
            Name of the stream.
        url : str or None
            Its server; by default the environment's.
        rows : int
            How many at most.

        Returns
        -------
        Parts
            Of synthetic rows and the real ones before them; held out are real rows that came after.
        """


def output_of(kind: str) -> Output:
    """Find what reads an output.

    Parameters
    ----------
    kind : str
        Name of the entry point: ``stream``.

    Returns
    -------
    Output
        The function.

    Raises
    ------
    MissingExtraError
        If it, or what it needs, is not installed.
    """
    found: Output = from_wing(GROUP, kind, f"rows of a {kind} need")
    return found
