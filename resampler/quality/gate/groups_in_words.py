"""What a gate says of groups without judging them, for people: whose error grew, whom synthetic rows favour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resampler.printing import aligned
from resampler.quality.gate.judged import where
from resampler.quality.statistics import percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from resampler.quality.fairness.growth import Change
    from resampler.quality.fairness.representation import Representation
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
        Lines, the farthest from nothing first; none where no group stands out.
    """
    judged = [one.rule for one in answer.judged]
    grown = [
        (name, one)
        for by_measure in answer.growth.values()
        for name, groups in by_measure.items()
        for one in groups
        if one.grew
        and not any(rule.startswith(f"{name} against ") and rule.endswith(where(one.group)) for rule in judged)
    ]
    favoured = [
        one
        for groups in answer.representation.values()
        for one in groups
        if one.over_represented and f"over_represented {where(one.group)}" not in judged
    ]
    changed = [
        (where(one.group), name, f"{one.before:.4f}", f"{one.after:.4f}", _ends(one, "{:+.4f}"), f"{one.support:,}")
        for name, one in sorted(grown, key=lambda pair: -_least(pair[1]))
    ]
    shares = [
        (where(one.group), percent(one.share_of_synthetic), percent(one.share_of_real), _ends(one, "{:+.3f}"))
        for one in sorted(favoured, key=lambda one: -_least(one))
    ]
    return [
        *_section("whose error grew against the baseline, beyond chance (no rule asks)", changed, _GROWN),
        *_section("whom synthetic rows of the class favour, beyond chance (no rule asks)", shares, _FAVOURED),
    ]


def _section(title: str, rows: Sequence[Sequence[str]], header: Sequence[str]) -> list[str]:
    if not rows:
        return []
    more = len(rows) - _LINES
    lines = aligned(rows[:_LINES], header, right=("baseline", "now", "rows", "of synthetic", "of real"))
    return [f"  {title}", *(f"    {line}" for line in lines), *([f"    and {more:,} more; --json"] if more > 0 else [])]


def _least(one: Change | Representation) -> float:
    """Return how far from nothing a difference is at least."""
    return min(map(abs, one.interval))


def _ends(one: Change | Representation, form: str) -> str:
    return " to ".join(map(form.format, one.interval))
