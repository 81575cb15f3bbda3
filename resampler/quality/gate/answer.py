"""`Answer`: what a gate says of predictions, and `ask`, which asks it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from resampler.errors import DataError, InvalidInputError
from resampler.quality.fairness.frame import MetricFrame
from resampler.quality.gate.figures import Figure, by_group, difference, figures
from resampler.quality.gate.growth import growth, judge_growth
from resampler.quality.gate.judged import judge
from resampler.quality.gate.limits import Limit, no_worse, widest
from resampler.quality.gate.representation import judge_representation
from resampler.quality.gate.rules import BaselineRules
from resampler.quality.intervals import COUNTED, SCORED
from resampler.quality.verdict import worst

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from resampler.quality.fairness.growth import Change
    from resampler.quality.fairness.representation import Representation
    from resampler.quality.gate.baseline import Baseline
    from resampler.quality.gate.judged import Judged
    from resampler.quality.gate.predictions import Predictions
    from resampler.quality.gate.rules import GateRules, SliceRules


@dataclass(frozen=True, slots=True)
class Answer:
    """What a gate says.

    Parameters
    ----------
    judged : list of Judged
        Every rule, in the policy's order.
    figures : mapping of str to Figure
        Of all rows, by measure.
    slices : mapping of str to mapping of str to mapping of str to Figure
        By column, group and measure.
    rows, positives : int
        How many rows there are, and how many of them are of the class.
    positive : str, int or bool
        The class.
    notes : list of str
        What was not asked, and why.
    growth : mapping of str to mapping of str to list of Change
        By column and measure, what became of each group against the baseline; empty where that is not known.
    representation : mapping of str to sequence of Representation
        By column, shares of synthetic and real rows of the class; empty where they are not known.
    """

    judged: list[Judged]
    figures: Mapping[str, Figure]
    slices: Mapping[str, Mapping[str, Mapping[str, Figure]]]
    rows: int
    positives: int
    positive: Any
    notes: list[str]
    growth: Mapping[str, Mapping[str, list[Change]]]
    representation: Mapping[str, Sequence[Representation]]

    @property
    def verdict(self) -> str:
        """The worst that a rule says: ``pass``, ``no`` or ``unknown``."""
        return worst(one.verdict for one in self.judged)

    def to_dict(self) -> dict[str, Any]:
        """Write it as JSON can hold it.

        Returns
        -------
        dict
            Whole.
        """
        return {
            "verdict": self.verdict,
            "rows": self.rows,
            "positives": self.positives,
            "positive": self.positive,
            "rules": [one.to_dict() for one in self.judged],
            "figures": {name: one.to_dict() for name, one in self.figures.items()},
            "slices": {
                column: {
                    group: {name: one.to_dict() for name, one in measured.items()} for group, measured in groups.items()
                }
                for column, groups in self.slices.items()
            },
            "growth": {
                column: {name: [one.to_dict() for one in groups] for name, groups in by_measure.items()}
                for column, by_measure in self.growth.items()
            },
            "representation": {
                column: [one.to_dict() for one in groups] for column, groups in self.representation.items()
            },
            "notes": self.notes,
        }


def ask(
    predictions: Predictions,
    rules: GateRules,
    *,
    train: Predictions | None = None,
    baseline: Baseline | None = None,
    synthetic: tuple[int, int] | None = None,
    representation: Mapping[str, Sequence[Representation]] | None = None,
) -> Answer:
    """Ask whether predictions keep the rules.

    Parameters
    ----------
    predictions : Predictions
        Of real rows that the model has not seen.
    rules : GateRules
        What is asked for. What the guide alone asks for is left out, with a note, where it cannot be known.
    train : Predictions, optional
        Of training rows, synthetic ones among them.
    baseline : Baseline, optional
        Another model.
    synthetic : tuple of int, optional
        How many training rows are synthetic, of how many.
    representation : mapping of str to sequence of Representation, optional
        By slice, whose synthetic rows those of the class are.

    Returns
    -------
    Answer
        With every figure and reason.

    Raises
    ------
    InvalidInputError
        If a rule needs what is not given.
    DataError
        If a rule needs scores, and there are none.
    """
    _check_scores(predictions, rules)
    order = predictions.by_score()  # once: each measure of each slice sorts again, which sorted rows make cheap
    ordered = predictions.taken(order)
    measured = figures(ordered.y_true, ordered.y_pred, ordered.score)
    notes: list[str] = []
    judged = [judge(name, measured[name], limit, min_rows=rules.min_rows) for name, limit in rules.limits().items()]
    judged += _gaps(measured["f1"], rules, train, notes)
    judged += _synthetic_ratio(rules, synthetic, notes)
    _check_baseline(baseline, rules)
    aligned = None if baseline is None else baseline.aligned(predictions)
    if baseline is not None:
        judged += _against(predictions, measured, baseline, aligned, rules, notes)
    slices, frames = {}, {}
    for column, asked in rules.slices.items():
        frame = frames[column] = _frame(ordered, column, asked, rules)
        slices[column] = _by_group(frame)
        judged += _of_slice(column, frame, slices[column], asked, rules)
    grown: Mapping[str, Mapping[str, list[Change]]] = {}
    if baseline is not None:
        grown = growth(frames, baseline, None if aligned is None else aligned.taken(order), rules, notes)
        judged += judge_growth(grown, baseline.name, rules)
    favoured = representation or {}
    judged += judge_representation(favoured, rules)
    return Answer(
        judged,
        measured,
        slices,
        len(predictions),
        int(predictions.y_true.sum()),
        predictions.positive,
        notes,
        grown,
        favoured,
    )


def _check_baseline(baseline: Baseline | None, rules: GateRules) -> None:
    if baseline is not None:
        return
    if rules.baseline is not None:
        raise InvalidInputError(
            "[gate.baseline] needs a baseline: give --baseline, predictions or NAME:ALIAS, or say `version` there; "
            "--first where no model is in use yet"
        )
    if asking := [column for column, one in rules.slices.items() if one.worse]:
        raise InvalidInputError(f"[gate.slices.{asking[0]}] worse needs a baseline: give --baseline FILE, predictions")


def _check_scores(predictions: Predictions, rules: GateRules) -> None:
    if predictions.score is not None:
        return
    asked = [("[gate]", rules.limits()), *((f"[gate.slices.{c}]", one.limits()) for c, one in rules.slices.items())]
    asked += [(f"[gate.slices.{c}] worse", dict.fromkeys(one.worse or ())) for c, one in rules.slices.items()]
    if rules.baseline is not None and not rules.baseline.by_default:
        asked.append(("[gate.baseline]", rules.baseline.allowed()))
    for where, names in asked:
        for name in names:
            if name in SCORED:
                raise DataError(
                    f"{where} {name} needs scores, and {predictions.where} has no column {rules.score!r}: write the "
                    "model's probabilities there, or take the limit out"
                )


def _gaps(f1: Figure, rules: GateRules, train: Predictions | None, notes: list[str]) -> Iterator[Judged]:
    asked = {"validation_gap": rules.validation_gap, "validation_gap_augmented": rules.validation_gap_augmented}
    if train is None:
        if rules.is_guide:
            notes.append("validation_gap was not measured: it needs --train, predictions of training rows")
        elif named := [name for name, limit in asked.items() if limit is not None]:
            raise InvalidInputError(f"[gate] {named[0]} needs --train, predictions of training rows: give it")
        return
    if train.synthetic is None:
        raise DataError(
            f"{train.where} must say which rows are synthetic: column {rules.synthetic!r}, or the snapshot's keys and "
            "--snapshot"
        )
    real = ~train.synthetic
    if not train.y_true[real].any():
        raise DataError(
            f"{train.where} has no real row of class {train.positive!r}: give predictions of all training rows"
        )
    learned = {
        "validation_gap": figures(train.y_true[real], train.y_pred[real], None)["f1"],
        "validation_gap_augmented": figures(train.y_true, train.y_pred, None)["f1"],
    }
    for name, limit in asked.items():
        gap = difference(learned[name], f1)
        if limit is not None:
            yield judge(name, gap, limit, min_rows=rules.min_rows, narrow=widest(limit.high))
        else:
            notes.append(f"{name} is {gap.value:.3f} ({gap.low:.3f} to {gap.high:.3f}), which no limit is set for")


def _synthetic_ratio(rules: GateRules, synthetic: tuple[int, int] | None, notes: list[str]) -> Iterator[Judged]:
    if rules.synthetic_ratio is None:
        return
    if synthetic is None:
        if not rules.is_guide:
            raise InvalidInputError("[gate] synthetic_ratio needs --snapshot, which knows its synthetic rows: give it")
        notes.append("synthetic_ratio was not looked up: it needs --snapshot")
        return
    share = synthetic[0] / max(synthetic[1], 1)
    yield judge("synthetic_ratio", Figure(share, share, share, synthetic[1]), rules.synthetic_ratio, min_rows=0)


def _against(
    predictions: Predictions,
    measured: Mapping[str, Figure],
    baseline: Baseline,
    aligned: Predictions | None,
    rules: GateRules,
    notes: list[str],
) -> Iterator[Judged]:
    asked = rules.baseline or BaselineRules()
    if asked.by_default:
        notes.append("the policy says not how much worse than the baseline a figure may be: .02 of F1 and PR-AUC")
    found, how = baseline.differences(predictions, measured, aligned)
    notes.append(f"compared with {baseline.name} {how}")
    for name, by in asked.allowed().items():
        if name not in found:
            if asked.by_default:
                continue
            raise DataError(
                f"[gate.baseline] {name} needs scores, and {baseline.name} has none: give them, or take it out"
            )
        rule = f"{name} against {baseline.name}"
        yield judge(rule, found[name], no_worse(name, by), min_rows=rules.min_rows, narrow=widest(by))


def _frame(predictions: Predictions, column: str, asked: SliceRules, rules: GateRules) -> MetricFrame:
    limits = asked.limits() or rules.limits()
    wanted = {*limits, *(asked.difference or ()), *(asked.ratio or ()), *(asked.worse or ())}
    return MetricFrame(
        metrics=[*COUNTED, *(name for name in SCORED if name in wanted)],
        y_true=predictions.y_true,
        y_pred=predictions.y_pred,
        score=predictions.score,
        sensitive_features=predictions.slices.select([column]),
        min_rows=asked.min_rows or rules.min_rows,
    )


def _by_group(frame: MetricFrame) -> dict[str, dict[str, Figure]]:
    found = {name: by_group(one) for name, one in frame.estimates.items()}
    groups = range(len(frame.groups.values))
    return {frame.groups.words(at)[0]: {name: one[at] for name, one in found.items()} for at in groups}


def _of_slice(
    column: str, frame: MetricFrame, groups: Mapping[str, Mapping[str, Figure]], asked: SliceRules, rules: GateRules
) -> Iterator[Judged]:
    min_rows = asked.min_rows or rules.min_rows
    limits = asked.limits() or ({} if asked.compares else rules.limits())
    for name, limit in limits.items():
        for group, measured in groups.items():
            yield judge(f"{name} where {column} = {group}", measured[name], limit, min_rows=min_rows)
    for kind, table in (("difference", asked.difference or {}), ("ratio", asked.ratio or {})):
        for name, end in table.items():
            limit = Limit(high=end) if kind == "difference" else Limit(low=end)
            figure, groups_named = _apart(frame, name, kind)
            narrow = widest(end) if kind == "difference" else None
            yield judge(f"{kind} of {name} {groups_named}", figure, limit, min_rows=min_rows, narrow=narrow)


def _apart(frame: MetricFrame, name: str, kind: str) -> tuple[Figure, str]:
    """Return how far groups lie apart, and which; its interval holds for all groups at once."""
    (column,), apart, estimate = frame.groups.features, frame.disparity(name), frame.estimates[name]
    value = apart.difference if kind == "difference" else apart.ratio
    known = ~np.isnan(estimate.value) & (estimate.support >= frame.min_rows)
    if known.sum() < 2 or np.isnan(value):
        return Figure(np.nan, np.nan, np.nan, 0), f"between groups of {column}"
    rows = int(estimate.support[known].min())
    words = f"between {apart.highest} and {apart.lowest}"
    if kind == "difference":
        return Figure(value, min(apart.interval[0], value), max(apart.interval[1], value), rows), words
    low, high = estimate.interval(1 - 0.05 / int(known.sum()))
    order = np.flatnonzero(known)[np.argsort(estimate.value[known], kind="stable")]
    least, most = order[0], order[-1]
    highest = 1.0 if low[most] <= 0 else min(1.0, high[least] / low[most])
    return Figure(value, low[least] / high[most] if high[most] > 0 else 0.0, max(value, float(highest)), rows), words
