"""What a limit says of a figure: it is kept, it is broken, or there are not enough rows to tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

PASS, NO, UNKNOWN = "pass", "no", "unknown"
WORST_FIRST = (NO, UNKNOWN, PASS)


def worst(verdicts: Iterable[str]) -> str:
    """Say what all verdicts say together.

    Parameters
    ----------
    verdicts : iterable of str
        Of every limit.

    Returns
    -------
    {"pass", "no", "unknown"}
        The worst: a limit that is broken, then one that cannot be told.
    """
    found = set(verdicts)
    return next((one for one in WORST_FIRST if one in found), PASS)
