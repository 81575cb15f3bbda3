"""What a gate says, for people: the worst first, on one screen."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from resampler.printing import aligned
from resampler.quality.gate.groups_in_words import groups_in_words
from resampler.quality.gate.judged import CLEAR, worst_first
from resampler.quality.statistics import percent
from resampler.quality.verdict import NO, PASS, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from resampler.quality.gate.answer import Answer
    from resampler.quality.gate.figures import Figure
    from resampler.quality.gate.judged import Judged

_LINES = 24
_SAYS = {PASS: "says yes to", NO: "says no to", UNKNOWN: "cannot tell: not enough rows of"}


def in_words(answer: Answer, subject: str, *, strict: bool = False) -> list[str]:
    """Write what a gate says.

    Parameters
    ----------
    answer : Answer
        With every rule.
    subject : str
        What was asked about: ``fraud version 3``, a file.
    strict : bool
        Whether too few rows are a no.

    Returns
    -------
    list of str
        Lines.
    """
    ordered = worst_first(answer.judged)
    rows = [
        (
            one.verdict,
            one.rule,
            _value(one.figure),
            _interval(one.figure),
            str(one.limit),
            f"{one.figure.rows:,}",
            _why(one),
        )
        for one in ordered
    ]
    table = aligned(rows, ("", "rule", "figure", "95 % interval", "limit", "rows", "why"), right=("figure", "rows"))
    shown, hidden = table[: _LINES + 1], ordered[_LINES:]
    rows_in_words = f"{answer.rows:,} rows, {answer.positives:,} of class {answer.positive}"
    lines = [
        f"gate {_SAYS[answer.verdict]} {subject}: {rows_in_words}",
        *(f"  {line}" for line in shown),
    ]
    if hidden:
        counts = ", ".join(
            f"{n:,} {verdict}"
            for verdict in (NO, UNKNOWN, PASS)
            if (n := sum(one.verdict == verdict for one in hidden))
        )
        lines.append(f"  and {len(hidden):,} more rules: {counts}; --json has them all")
    if not answer.judged:
        lines.append("  no rule was held against the figures")
    lines += groups_in_words(answer)
    if answer.verdict == UNKNOWN:
        lines.append("  not enough rows to tell" + (", which --strict takes for a no" if strict else ""))
    return lines


def history(runs: Iterable[Any], rates: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """List what gates said before.

    Parameters
    ----------
    runs : iterable of Run
        Of gates, the newest first.
    rates : mapping
        By step, ``gate`` and ``retrain``, as `Ledger.success` counts it.

    Returns
    -------
    list of str
        Lines: the runs, then which share passed.
    """
    rows = [(run.at[:19].replace("T", " "), run.outcome, run.subject, _first_reason(run)) for run in runs]
    lines = aligned(rows, ("UTC", "outcome", "of", "why")) or ["no gate has run here yet"]
    for step, words in (("gate", "gates"), ("retrain", "retrain runs")):
        if (rate := rates[step])["runs"]:
            low, high = map(percent, rate["interval"])
            lines.append(
                f"{rate['passed']:,} of the last {rate['runs']:,} {words} passed: {percent(rate['rate'])} "
                f"({low} to {high})"
            )
    return lines


def _first_reason(run: Any) -> str:
    found = [rule for rule in run.details.get("rules", []) if rule["verdict"] == run.outcome != PASS]
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    return f"{found[0]['rule']}{more}" if found else ""


def _why(one: Judged) -> str:
    """Say why, where the figures beside it do not."""
    return "" if one.why.startswith(CLEAR) else one.why


def _value(figure: Figure) -> str:
    return "none" if math.isnan(figure.value) else f"{figure.value:.4f}"


def _interval(figure: Figure) -> str:
    if math.isnan(figure.value):
        return ""
    return "exact" if figure.low == figure.value == figure.high else f"{figure.low:.4f} to {figure.high:.4f}"
