"""`Spent`: how much an audit may spend, as options of a command."""

from __future__ import annotations

from dataclasses import dataclass

from resampler.options import DURATION, check_options, count, option


@dataclass(frozen=True, kw_only=True)
class Spent:
    """How much an audit may spend.

    Parameters
    ----------
    budget_s : float, optional
        Seconds after which no attack is begun.
    max_rows : int
        Rows of a class on each side that are attacked.
    """

    budget_s: float | None = option(
        None, DURATION, "When to stop, after whole attacks: 90s, 10m, 2h; by default never.", flags=("--budget",)
    )
    max_rows: int = option(20_000, count(100), "Rows of a class that are attacked at most.", flags=("--rows",))

    def __post_init__(self) -> None:
        check_options(self)
