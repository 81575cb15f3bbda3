"""`SnapshotBudget`: what making a version may spend, as options of `create`."""

from __future__ import annotations

from dataclasses import dataclass

from resampler.budget import Budget, BudgetError
from resampler.options import Rule, check_options, count, option


def _check_token(name: str, value: object) -> str:
    from resampler.errors import InvalidInputError

    text = str(value)
    if text != LATEST and not (4 <= len(text) <= 64 and set(text) <= set("0123456789abcdef")):
        raise InvalidInputError(f"{name} must be {LATEST!r} or the token that a stopped run gave, got {value!r}")
    return text


LATEST = "latest"
TOKEN = Rule(str, _check_token, "latest, or a token", metavar="TOKEN|latest")


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotBudget(Budget):
    """What making a version may spend, and whether it goes on with an unfinished run.

    Parameters
    ----------
    max_seconds, max_memory
        As in `resampler.budget.Budget`.
    max_rows : int, optional
        Rows that may be read. More are refused, and none is left out: a version of some of the rows would look like one
        of all.
    resume : str, optional
        ``latest`` goes on with the unfinished run of the same request and recipe, if there is one, and else begins; a
        token with that run alone.

    Raises
    ------
    InvalidInputError
        If one of them breaks its rule.
    """

    max_rows: int | None = option(
        None, count(1), "More rows than that are refused before any work; none is left out in silence."
    )
    resume: str | None = option(
        None, TOKEN, "Go on with the unfinished run of the same inputs: latest, if there is one, or that of a token."
    )

    def __post_init__(self) -> None:
        check_options(self)

    @property
    def keeps(self) -> bool:
        """Whether finished parts are kept: where the run may be stopped, or whoever started it means to go on."""
        return self.max_seconds is not None or self.resume is not None

    def check_rows(self, n: int | None) -> None:
        """Check how many rows there are.

        Parameters
        ----------
        n : int or None
            As many as are known of.

        Raises
        ------
        BudgetError
            If there are more than the budget has.
        """
        if n is not None and self.max_rows is not None and n > self.max_rows:
            raise BudgetError(
                f"max_rows={self.max_rows:,} is too little: there are {n:,} rows, and a version of some of them would "
                "look like one of all: allow more (--max-rows), or give a shorter span or a smaller entity frame"
            )
