"""What a user must know although nothing failed: warnings for Python, lines on standard error for the command."""

from __future__ import annotations

import contextlib
import sys
import warnings
from typing import TYPE_CHECKING

from tqdm import tqdm

from resampler.notices import warn

if TYPE_CHECKING:
    from collections.abc import Iterator


class SnapshotWarning(UserWarning):
    """Warn that something was left out, put in or taken for something else."""


class FindingWarning(SnapshotWarning):
    """Warn of what a check found in the rows of a version."""


def notice(text: str, category: type[SnapshotWarning] = SnapshotWarning) -> None:
    """Give the user a warning.

    Parameters
    ----------
    text : str
        One sentence: the thing, the rule, the value, and the remedy where there is one.
    category : type
        Of the warning.
    """
    warn(text, category)


@contextlib.contextmanager
def shown() -> Iterator[None]:
    """Show notices as lines on standard error, and keep what libraries print and warn of off standard output.

    Yields
    ------
    None
        While a command runs.
    """
    with contextlib.redirect_stdout(sys.stderr), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("always", SnapshotWarning)
        show = warnings.showwarning
        warnings.showwarning = lambda message, category, *where: (
            # Above a progress bar, not into it.
            tqdm.write(str(message) if issubclass(category, FindingWarning) else f"Note: {message}", file=sys.stderr)
            if issubclass(category, SnapshotWarning)
            else show(message, category, *where)
        )
        yield
