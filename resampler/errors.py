"""The one family of exceptions: every error names the thing, the rule, the value and the remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class ResamplerError(Exception):
    """Base of every error that this project raises on purpose.

    Attributes
    ----------
    exit_code : int
        What the command line exits with: 1 failed, 2 wrong usage, 3 a gate said no, 4 a budget is spent: run it again.
    """

    exit_code = 1


class InvalidInputError(ResamplerError, ValueError):
    """Raise when a parameter or a row breaks a rule; nothing was changed."""

    exit_code = 2


class DataError(InvalidInputError):
    """Raise when the data themselves break a rule, however they were asked for; nothing was changed."""

    exit_code = 1


class InfeasibleError(DataError, RuntimeError):
    """Raise when the data leave a method nothing to make rows from; imbalanced-learn raises RuntimeError there."""


class ContractError(DataError):
    """Raise when data and `FeatureSchema` disagree: a missing, extra or wrongly typed column."""


class CorruptStateError(ResamplerError):
    """Raise when saved bytes are damaged, truncated or of a version that this code cannot read."""


class MissingExtraError(ResamplerError, ImportError):
    """Raise when an optional dependency is absent; the message is the command that installs it."""

    exit_code = 2


class GateError(ResamplerError):
    """Raise when a check that guards publication said no."""

    exit_code = 3


def absent_column(option: str, name: str, have: str, names: Iterable[str]) -> DataError:
    """Say that an option names a column which is not there.

    The option may be right and the data not, as where a column is gone upstream: so it is no wrong usage.

    Parameters
    ----------
    option : str
        As it is given: ``--label``.
    name : str
        Of the column.
    have : str
        Subject and verb: ``the table has``.
    names : iterable of str
        The columns that are there.

    Returns
    -------
    DataError
        To be raised.

    Examples
    --------
    >>> str(absent_column("--label", "y", "the table has", ["a", "b"]))
    "--label names column 'y'; the table has a, b"
    """
    return DataError(f"{option} names column {name!r}; {have} {', '.join(names)}")
