"""Whose error grew against a baseline, group by group of each slice, and what a policy says of that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resampler.errors import DataError, InvalidInputError
from resampler.quality.fairness.frame import MetricFrame
from resampler.quality.fairness.growth import changes
from resampler.quality.gate.figures import Figure
from resampler.quality.gate.judged import judge, where
from resampler.quality.gate.limits import no_worse, widest
from resampler.quality.intervals import COUNTED
from resampler.quality.measures import MEASURES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from resampler.quality.fairness.growth import Change
    from resampler.quality.gate.baseline import Baseline
    from resampler.quality.gate.judged import Judged
    from resampler.quality.gate.predictions import Predictions
    from resampler.quality.gate.rules import GateRules, SliceRules

_NAMED = 5  # slices in one line
_ERRORS = ("recall", "fpr")  # of the class and of other rows: what is measured where a policy asks for nothing


def growth(
    frames: Mapping[str, MetricFrame],
    baseline: Baseline,
    aligned: Predictions | None,
    rules: GateRules,
    notes: list[str],
) -> dict[str, dict[str, list[Change]]]:
    """Compare the groups of slices with those of a baseline.

    Parameters
    ----------
    frames : mapping of str to MetricFrame
        By slice, of the predictions.
    baseline : Baseline
        Another model.
    aligned : Predictions or None
        Its predictions of the same rows in the same order; None where it has none of them.
    rules : GateRules
        Whose slices say which measures are asked for.
    notes : list of str
        What cannot be known is added.

    Returns
    -------
    dict of str to dict of str to list of Change
        By slice and measure. All intervals of it hold the truth at once in 95 % of cases (Bonferroni).

    Raises
    ------
    InvalidInputError
        If a rule needs predictions of the baseline, and there are none.
    DataError
        If a rule needs scores or a slice that these do not have.
    """
    asking = [column for column in frames if rules.slices[column].worse]
    other = baseline.predictions
    if other is None:
        if asking:
            raise InvalidInputError(
                f"[gate.slices.{asking[0]}] worse needs predictions of a baseline, and {baseline.name} is known by its "
                "figures alone: give --baseline FILE"
            )
        if frames:
            notes.append(f"whose error grew is not known of {baseline.name}: it needs --baseline FILE, its predictions")
        return {}
    columns = list(frames)
    if aligned is None and (missing := [name for name in columns if name not in other.slices.column_names]):
        if lost := [name for name in missing if name in asking]:
            raise DataError(
                f"[gate.slices.{lost[0]}] worse needs column {lost[0]!r} in {other.where} too, which is of other rows: "
                "write it there, or predict the same rows"
            )
        notes.append(f"whose error grew by {', '.join(missing)} is not known: {other.where} has other rows, without it")
        columns = [name for name in columns if name not in missing]
    wanted = {column: _measures(rules.slices[column]) for column in columns}
    level = 1 - 0.05 / max(sum(map(len, wanted.values())), 1)
    found = {}
    for column, names in wanted.items():
        if other.score is None and (scored := [name for name in names if name not in COUNTED]):
            raise DataError(
                f"[gate.slices.{column}] worse.{scored[0]} needs scores, and {other.where} has none: give them, or "
                "take it out"
            )
        before = MetricFrame(
            metrics=names,
            y_true=(aligned or other).y_true,
            y_pred=(aligned or other).y_pred,
            score=(aligned or other).score,
            sensitive_features=other.slices.select([column]) if aligned is None else frames[column].groups,
        )
        paired = aligned is not None
        found[column] = {name: changes(before, frames[column], name, level, paired=paired) for name in names}
    if columns and not any(one.grew for of in found.values() for groups in of.values() for one in groups):
        named = ", ".join(name for name in MEASURES if any(name in of for of in found.values()))
        where = ", ".join(columns) if len(columns) <= _NAMED else f"{len(columns)} slices"
        notes.append(f"no group of {where} is shown to be worse than {baseline.name} in {named}")
    return found


def _measures(asked: SliceRules) -> list[str]:
    """Return which measures of the groups are compared: the errors of alarms, and what may not get worse."""
    return [name for name in MEASURES if name in {*_ERRORS, *(asked.worse or {})}]


def judge_growth(found: Mapping[str, Mapping[str, list[Change]]], baseline: str, rules: GateRules) -> Iterator[Judged]:
    """Hold the growth of errors against what slices allow.

    Parameters
    ----------
    found : mapping of str to mapping of str to list of Change
        From `growth`.
    baseline : str
        What rules call it.
    rules : GateRules
        Of the policy.

    Yields
    ------
    Judged
        Of each group, by slice and measure that a policy asks for.
    """
    for column, by_measure in found.items():
        asked = rules.slices[column]
        for name, by in (asked.worse or {}).items():
            limit = no_worse(name, by)
            if not by_measure[name]:
                nothing = Figure(float("nan"), float("nan"), float("nan"), 0)
                yield judge(f"{name} against {baseline} by {column}", nothing, limit, min_rows=0)
            for one in by_measure[name]:
                figure = Figure(one.after - one.before, *one.interval, one.support)
                rule = f"{name} against {baseline} {where(one.group)}"
                yield judge(rule, figure, limit, min_rows=asked.min_rows or rules.min_rows, narrow=widest(by))
