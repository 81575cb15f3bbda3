"""IDs of stream entries: ``ms-seq``, two unsigned numbers of 64 bits."""

from __future__ import annotations

import re

from resampler.errors import InvalidInputError

_ENTRY_ID = re.compile(r"([0-9]{1,20})(?:-([0-9]{1,20}))?")


def is_entry_id(text: str) -> bool:
    """Say whether a text is an entry ID.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    bool
        Whether it reads ``ms-seq`` or ``ms``, within 64 bits each.
    """
    found = _ENTRY_ID.fullmatch(text) if isinstance(text, str) else None
    return found is not None and max(int(found[1]), int(found[2] or 0)) < 2**64


def id_pair(entry_id: str) -> tuple[int, int]:
    """Return an entry ID as numbers that compare.

    Parameters
    ----------
    entry_id : str
        ``ms-seq``, or ``ms`` for the sequence number 0.

    Returns
    -------
    ms, seq : int
        Its halves.

    Raises
    ------
    InvalidInputError
        If it is not an entry ID.
    """
    if not is_entry_id(entry_id):
        raise InvalidInputError(f"an entry ID must look like 1700000000000-0, got {entry_id!r}")
    ms, _, seq = entry_id.partition("-")
    return int(ms), int(seq or 0)
