"""`Attacked`: how many rows an audit attacks, as options of a command."""

from __future__ import annotations

from dataclasses import dataclass

from resampler.options import check_options, count, option


@dataclass(frozen=True, kw_only=True)
class Attacked:
    """How many rows an audit attacks.

    Parameters
    ----------
    max_rows : int
        Rows of a class on each side that are attacked.
    """

    max_rows: int = option(
        20_000,
        count(100),
        "Rows of a class, on each side, that are attacked at most: of more, an even share, which is said.",
        flags=("--max-rows", "--rows"),
    )

    def __post_init__(self) -> None:
        check_options(self)
