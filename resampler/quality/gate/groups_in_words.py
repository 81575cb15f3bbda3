"""What a gate says of groups without judging them, for people: whose error grew, whom synthetic rows favour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resampler.printing import aligned
from resampler.quality.statistics import percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from resampler.quality.gate.answer import Answer

_LINES = 3  # of each: on one screen with the rules
_GROWN = ("", "measure", "baseline", "now", "95 % interval of the change", "rows")
_FAVOURED = ("", "of synthetic", "of real", "95 % interval of the difference")


def groups_in_words(answer: Answer) -> list[str]:
    """Write what was found of groups, but not what a rule of the policy is about: that is among the rules.

    Parameters
    ----------
    answer : Answer
        With changes against a baseline, and shares of synthetic rows.

    Returns
    -------
    list of str
        Lines; none where no group stands out.
    """
    judged = {one.rule for one in answer.judged}
    grown = [
        (where, name, f"{one.before:.4f}", f"{one.after:.4f}", _ends(one.interval, "{:+.4f}"), f"{one.support:,}")
        for by_measure in answer.growth.values()
        for name, groups in by_measure.items()
        for one in groups
        if one.grew
        and not any(rule.startswith(f"{name} against ") and rule.endswith(_where(one.group)) for rule in judged)
        for where in [_where(one.group)]
    ]
    favoured = [
        (where, percent(one.share_of_synthetic), percent(one.share_of_real), _ends(one.interval, "{:+.3f}"))
        for groups in answer.representation.values()
        for one in groups
        if one.over_represented and f"over_represented {_where(one.group)}" not in judged
        for where in [_where(one.group)]
    ]
    return [
        *_section("whose error grew against the baseline, beyond chance (no rule asks)", grown, _GROWN),
        *_section("whom synthetic rows of the class favour, beyond chance (no rule asks)", favoured, _FAVOURED),
    ]


def _section(title: str, rows: Sequence[Sequence[str]], header: Sequence[str]) -> list[str]:
    if not rows:
        return []
    more = len(rows) - _LINES
    lines = aligned(rows[:_LINES], header, right=("baseline", "now", "rows", "of synthetic", "of real"))
    return [f"  {title}", *(f"    {line}" for line in lines), *([f"    and {more:,} more; --json"] if more > 0 else [])]


def _where(group: str) -> str:
    return f"where {group.replace('=', ' = ', 1)}"


def _ends(interval: tuple[float, float], form: str) -> str:
    return " to ".join(map(form.format, interval))
