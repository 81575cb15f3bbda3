"""Where rows are from that are compared with a reference, if not from files: what entry points name."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from resampler.wings import from_wing

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa

    from resampler.profile.profile import Profile

GROUP = "resampler.profiles"  # entry points: a `Source`


class Counted(NamedTuple):
    """Counts of rows that another wing has made.

    Parameters
    ----------
    profile : Profile
        By class (``""`` where it is not known), in the cells of the reference, of those of its features that there are.
    notes : tuple of str
        What has to be known to read what comes of them.
    """

    profile: Profile
    notes: tuple[str, ...] = ()


class Source(Protocol):
    """Rows, or counts of them."""

    def __call__(self, where: str, reference: Profile, **options: str | int | None) -> Counted | Iterable[pa.Table]:
        """Find rows.

        Parameters
        ----------
        where : str
            A stream's name, a feature service's.
        reference : Profile
            In whose cells a profile is counted.
        **options : str, int or None
            What the command was given: of a stream ``url`` and ``windows``, of a service ``repo`` and ``entity_df``.

        Returns
        -------
        Counted or iterable of pyarrow.Table
            Counts; or rows with the names of the version's features.
        """


def source_of(kind: str) -> Source:
    """Find what reads rows.

    Parameters
    ----------
    kind : str
        Name of the entry point: ``stream``, ``feast``.

    Returns
    -------
    Source
        The function.

    Raises
    ------
    MissingExtraError
        If it, or what it needs, is not installed.
    """
    found: Source = from_wing(GROUP, kind, f"rows of a {kind} need")
    return found
