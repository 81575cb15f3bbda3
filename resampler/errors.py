"""The one family of exceptions: every error names the thing, the rule, the value and the remedy."""


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
