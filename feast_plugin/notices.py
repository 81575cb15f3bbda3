"""What a user must know although nothing failed: warnings for Python, lines on standard error for the command."""

from __future__ import annotations

import warnings


class SnapshotWarning(UserWarning):
    """Tell that something was left out, put in or taken for something else."""


def notice(text: str) -> None:
    """Tell the user something.

    Parameters
    ----------
    text : str
        One sentence: the thing, the rule, the value, and the remedy where there is one.
    """
    warnings.warn(text, SnapshotWarning, stacklevel=3)
