"""What a rule makes of a figure: it passes, it says no, or there are not enough rows to tell."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from resampler.quality.verdict import NO, PASS, UNKNOWN, WORST_FIRST

if TYPE_CHECKING:
    from collections.abc import Iterable

    from resampler.quality.gate.figures import Figure
    from resampler.quality.gate.limits import Limit

CLEAR = "the whole interval"


class Judged(NamedTuple):
    """A rule, its figure and what became of it.

    Parameters
    ----------
    rule : str
        ``recall``, ``recall where region = EU``, ``f1 against fraud version 2``.
    verdict : {"pass", "no", "unknown"}
        What the rule says.
    figure : Figure
        What was measured.
    limit : Limit
        What it was held against.
    why : str
        In words.
    """

    rule: str
    verdict: str
    figure: Figure
    limit: Limit
    why: str

    def to_dict(self) -> dict[str, Any]:
        """Write it as JSON can hold it.

        Returns
        -------
        dict
            Open ends of the limit are None.
        """
        ends = {"min": self.limit.low, "max": self.limit.high}
        limit = {name: end if math.isfinite(end) else None for name, end in ends.items()}
        return {"rule": self.rule, "verdict": self.verdict} | self.figure.to_dict() | {"limit": limit, "why": self.why}


def judge(rule: str, figure: Figure, limit: Limit, *, min_rows: int, narrow: float | None = None) -> Judged:
    """Hold a figure against a limit.

    Parameters
    ----------
    rule : str
        What messages call it.
    figure : Figure
        With its interval.
    limit : Limit
        A range.
    min_rows : int
        Fewer rows than this cannot pass.
    narrow : float, optional
        How wide an interval that has the limit in it may be before the figure itself decides nothing; by default
        `Limit.narrow`.

    Returns
    -------
    Judged
        ``pass`` or ``no`` where the whole interval is on one side. Where the limit lies in the interval, the figure
        decides if the interval is narrow, and else it is ``unknown``.
    """
    low, high = figure.low, figure.high
    if math.isnan(figure.value):
        return Judged(rule, UNKNOWN, figure, limit, "no row carries it")
    if high < limit.low or low > limit.high:
        return Judged(rule, NO, figure, limit, f"{CLEAR} breaks the limit")
    if figure.rows < min_rows:
        return Judged(rule, UNKNOWN, figure, limit, f"fewer rows than {min_rows:,}")
    if limit.holds(low) and limit.holds(high):
        return Judged(rule, PASS, figure, limit, f"{CLEAR} keeps the limit")
    narrow = limit.narrow if narrow is None else narrow
    if high - low > narrow:
        wide = f"the interval is {high - low:.2g} wide, of at most {narrow:.2g}"
        return Judged(rule, UNKNOWN, figure, limit, wide)
    if limit.holds(figure.value):
        return Judged(rule, PASS, figure, limit, "narrowly: the limit lies in the interval")
    return Judged(rule, NO, figure, limit, "narrowly: the limit lies in the interval")


def where(group: str) -> str:
    """Name a group at the end of a rule.

    Parameters
    ----------
    group : str
        As `Groups.word` names it.

    Returns
    -------
    str
        ``where region = EU``.
    """
    return f"where {group.replace('=', ' = ', 1)}"


def worst_first(judged: Iterable[Judged]) -> list[Judged]:
    """Sort what rules say.

    Parameters
    ----------
    judged : iterable of Judged
        Of every rule.

    Returns
    -------
    list of Judged
        The worst first, else in their order.
    """
    return sorted(judged, key=lambda one: WORST_FIRST.index(one.verdict))
