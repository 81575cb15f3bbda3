"""The rule by which a remedy is recommended, and the sentences that say so."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from resampler.quality.comparison.comparison import NOTHING, Advice, Candidate, Figure
from resampler.quality.comparison.overlap import LEAST
from resampler.quality.comparison.scores import measure_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from resampler.quality.comparison.comparison import Asked, Control, Part
    from resampler.quality.comparison.overlap import Overlap

ENOUGH = 5  # parts, below which what is not shown to help is not said not to
WORTH, WORTH_SHARE = 0.02, 0.1  # a gain that a user would want, and as a share of what nothing reaches


class Learned(NamedTuple):
    """What is known of one learner.

    Parameters
    ----------
    name : str
        Its name.
    candidates : tuple of Candidate
        In order.
    control : Control or None
        What luck alone reaches.
    above_chance : bool
        Whether the scores of nothing tell the positive class from others at all.
    """

    name: str
    candidates: tuple[Candidate, ...]
    control: Control | None
    above_chance: bool

    def candidate(self, remedy: str, *, moved: bool) -> Candidate:
        """Find a candidate.

        Parameters
        ----------
        remedy : str
            Which.
        moved : bool
            Whether its threshold was moved.

        Returns
        -------
        Candidate
            The one.
        """
        return next(one for one in self.candidates if one.remedy == remedy and one.moved == moved)

    @property
    def best(self) -> Candidate:
        """What is recommended, or nothing with a moved threshold."""
        fit = [one for one in self.candidates if one.recommended]
        return self.first(fit) if fit else self.candidate(NOTHING, moved=True)

    def first(self, among: Sequence[Candidate]) -> Candidate:
        """Return the best of some by the measure that decides; of equal ones that whose moved threshold changes it.

        Parameters
        ----------
        among : sequence of Candidate
            One at least.

        Returns
        -------
        Candidate
            The first.
        """
        assert self.control is not None  # noqa: S101 - who has candidates has a control
        measure = self.control.measure
        own = {one.remedy: repr(one.figures) for one in among if not one.moved}  # NaN is no equal of NaN

        def _place(one: Candidate) -> tuple[float, bool]:
            changes = one.moved and repr(one.figures) != own.get(one.remedy)
            return round(gain(one.differences.get(measure), measure), 12), changes

        return max(among, key=_place)


def gain(difference: Figure | None, measure: str) -> float:
    """Say how much better something is.

    Parameters
    ----------
    difference : Figure or None
        To the reference; None: it is the reference.
    measure : str
        What differs.

    Returns
    -------
    float
        Above 0 where it is better; minus infinity where that is not known.
    """
    if difference is None:
        return 0.0
    return -math.inf if math.isnan(difference.mean) else measure_of(measure).sign * difference.mean


def is_better(difference: Figure, measure: str) -> bool:
    """Say whether something is better beyond its interval.

    Parameters
    ----------
    difference : Figure
        To the reference.
    measure : str
        What differs.

    Returns
    -------
    bool
        Whether the interval excludes 0 on the good side.
    """
    return difference.excludes_zero and gain(difference, measure) > 0


def judged(candidate: Candidate, control: Control, *, above_chance: bool) -> tuple[bool, bool]:
    """Decide about a candidate.

    Parameters
    ----------
    candidate : Candidate
        With its differences.
    control : Control
        What luck alone reaches.
    above_chance : bool
        Whether its scores tell the positive class from others at all.

    Returns
    -------
    beats_control, recommended : bool
        Better than the luckiest run of nothing; that, and better than nothing beyond the interval, and than chance.
    """
    difference = candidate.differences.get(control.measure)
    if candidate.remedy == NOTHING or difference is None:
        return False, False
    lucky = gain(difference, control.measure) > control.best
    return lucky, lucky and above_chance and is_better(difference, control.measure)


def advise(asked: Asked, parts: Sequence[Part], learned: Sequence[Learned], overlap: Overlap) -> tuple[Advice, ...]:
    """Put what was found into sentences.

    Parameters
    ----------
    asked : Asked
        What was compared.
    parts : sequence of Part
        Those that all candidates were tried on.
    learned : sequence of Learned
        Learner by learner.
    overlap : Overlap
        How values of parts make an interval.

    Returns
    -------
    tuple of Advice
        One for all learners, then one a learner.
    """
    if len(overlap.units) < LEAST:
        sentence = f"Too little to tell: {_few(asked, parts, len(overlap.units))}."
        return tuple(Advice(name, "unknown", None, None, sentence) for name in (None, *(one.name for one in learned)))
    few = _few(asked, parts, len(overlap.units)) if len(overlap.units) < ENOUGH else None
    each = [_of_learner(asked, one, few) for one in learned]
    if len(learned) == 1:
        return (replace(each[0], learner=None), *each)
    return (_over_all(asked, learned, each, overlap, few), *each)


def _few(asked: Asked, parts: Sequence[Part], n: int) -> str:
    """Say that there are few parts, why, and what helps."""
    every = asked.folds * asked.seeds
    if len(parts) < every:
        return f"{len(parts)} of {every} parts were measured before time was up: give more time, and the same store"
    more = "folds" if asked.split == "times" else "folds or seeds"  # of times, every repetition has the same folds
    return f"there are {n} test parts and {ENOUGH} are wanted: ask for more {more}, or gather more rows"


def _of_learner(asked: Asked, one: Learned, few: str | None) -> Advice:
    reference, own = (one.candidate(NOTHING, moved=moved) for moved in (True, False))
    rows = f"{asked.positives_used:,} rows of class {asked.positive!r}"
    best = one.best
    if best.recommended:
        return Advice(one.name, "remedy", best.remedy, _at(best), f"{one.name}: {_use(asked, one, best)}")
    if not one.above_chance:
        reached = reference.figures["average_precision"]
        sentence = (
            f"{one.name}: too little to tell: by {rows}, its scores, average precision {_span(reached)}, are not shown "
            "to be better than chance. Gather more rows, or better features, before any remedy."
        )
        return Advice(one.name, "unknown", None, None, sentence)
    lost = own.differences.get(asked.tuned_by)
    others = _others(asked, one)
    if lost is not None and lost.excludes_zero and gain(lost, asked.tuned_by) < 0:
        sentence = f"{one.name}: do not resample; {_moved(asked, own, reference)} {others}"
        return Advice(one.name, "threshold", None, _at(reference), sentence)
    if few is not None and _may_be_worth_it(asked, one):
        return Advice(one.name, "unknown", None, None, f"{one.name}: too little to tell: {few}. {others}")
    sentence = f"{one.name}: do not resample, and leave the threshold where it is{_unmoved(asked, lost)}. {others}"
    return Advice(one.name, "nothing", None, None, sentence)


def _use(asked: Asked, one: Learned, best: Candidate) -> str:
    """Recommend a remedy."""
    assert one.control is not None  # noqa: S101 - who is recommended has beaten it
    measure = asked.measure
    reference = one.candidate(NOTHING, moved=True)
    luck = f"the luckiest of {len(one.control.gains)} runs of nothing gains {one.control.best:.3f}"
    gained = (
        f"{measure_of(measure).name} {_value(reference.figures[measure])} becomes {_value(best.figures[measure])}, "
        f"{_signed(best.differences[measure])}, where {luck}"
    )
    how = ""
    if best.moved and best.threshold is not None and not math.isnan(best.threshold.mean):
        how = f", its probabilities mapped back to the real prior and the threshold at {best.threshold.mean:.2g}"
    worse = [
        f"{measure_of(name).name} is worse, {_signed(best.differences[name])}"
        for name in ("average_precision", "brier")
        if name != measure and best.differences[name].excludes_zero and gain(best.differences[name], name) < 0
    ]
    but = f" But {' and '.join(worse)}." if worse else ""
    return f"use {best.remedy}{how}: {gained}; {_operating(reference, best)}.{but}"


def _moved(asked: Asked, own: Candidate, reference: Candidate) -> str:
    """Recommend a threshold."""
    change = _flipped(own.differences[asked.tuned_by])
    return (
        f"move the threshold to {_at(reference):.2g}: {measure_of(asked.tuned_by).name} "
        f"{_value(own.figures[asked.tuned_by])} becomes {_value(reference.figures[asked.tuned_by])}, "
        f"{_signed(change)}; {_operating(own, reference)}."
    )


def _unmoved(asked: Asked, lost: Figure | None) -> str:
    """Say why the threshold stays."""
    if lost is None or math.isnan(lost.low):
        return ""
    if not any(lost.values):
        return ": no other threshold decides otherwise"
    change = _signed(_flipped(lost))
    return f": a moved one changes {measure_of(asked.tuned_by).name} by {change}, which is not shown to help"


def _others(asked: Asked, one: Learned) -> str:
    """Say what the best of the other remedies came to."""
    tried = [c for c in one.candidates if c.remedy != NOTHING and asked.measure in c.differences]
    if not tried or one.control is None:
        return "No other remedy was measured."
    best = one.first(tried)
    n = len({c.remedy for c in tried})
    difference = best.differences[asked.measure]
    by = f"by {measure_of(asked.measure).name}"
    if gain(difference, asked.measure) > 0:
        said = f"Of {n} other remedies {best.remedy} does best {by}" if n > 1 else f"{best.remedy} does better {by}"
        said += f", {_signed(difference)} against nothing with a moved threshold"
    else:
        said = f"None of {n} other remedies does better {by}" if n > 1 else f"{best.remedy} does no better {by}"
        said += (
            f" than nothing with a moved threshold: {best.remedy} comes nearest, {_signed(difference)}"
            if n > 1
            else (f" than nothing with a moved threshold, {_signed(difference)}")
        )
    if is_better(difference, asked.measure):
        luck = f"the luckiest of {len(one.control.gains)} runs of nothing gains {one.control.best:.3f}"
        return f"{said}, which luck explains: {luck}."
    if _may_be_worth_it(asked, one):
        return f"{said}; by {asked.positives_used:,} rows of class {asked.positive!r} that is too little to tell."
    return f"{said}."


def _may_be_worth_it(asked: Asked, one: Learned) -> bool:
    """Whether the best of the other remedies may gain as much as a user would want."""
    tried = [c for c in one.candidates if c.remedy != NOTHING and asked.measure in c.differences]
    if not tried:
        return False
    difference = one.first(tried).differences[asked.measure]
    most = difference.high if measure_of(asked.measure).best == "high" else -difference.low
    reached = one.candidate(NOTHING, moved=True).figures[asked.measure].mean
    return most > max(WORTH, WORTH_SHARE * abs(reached))


def _operating(before: Candidate, after: Candidate) -> str:
    said = []
    for name in ("recall", "precision"):
        values = [_value(one.figures[name]) for one in (before, after)]
        said.append(
            f"{name} stays {values[0]}" if values[0] == values[1] else f"{name} {values[0]} becomes {values[1]}"
        )
    return ", ".join(said)


def _over_all(
    asked: Asked, learned: Sequence[Learned], each: Sequence[Advice], overlap: Overlap, few: str | None
) -> Advice:
    """Recommend a learner with what is best for it."""
    measure, decides = asked.measure, measure_of(asked.measure)
    known = [i for i, advice in enumerate(each) if advice.verdict != "unknown"]
    if not known:
        if few is not None and any(one.above_chance for one in learned):
            return Advice(None, "unknown", None, None, f"Too little to tell: {few}.")
        sentence = (
            f"Too little to tell: by {asked.positives_used:,} rows of class {asked.positive!r}, no learner's "
            "scores are shown to be better than chance."
        )
        return Advice(None, "unknown", None, None, f"{sentence} Gather more rows, or better features.")
    order = sorted(known, key=lambda i: -decides.sign * learned[i].best.figures[measure].mean)
    first = order[0]
    best, advice = learned[first].best, each[first]
    if len(order) == 1:
        return replace(advice, learner=None)
    values = [np.asarray(learned[i].best.figures[measure].values) for i in order[:2]]
    difference = overlap.figure((values[0] - values[1]).tolist())
    second = learned[order[1]].name
    said = f"By {decides.name} it is at {_value(best.figures[measure])}, {_signed(difference)} against {second}"
    if not is_better(difference, measure):
        said += ", which is not shown to differ"
    return replace(advice, learner=None, sentence=f"{advice.sentence} {said}.")


def _at(candidate: Candidate) -> float | None:
    figure = candidate.threshold
    return None if figure is None or math.isnan(figure.mean) else figure.mean


def _flipped(figure: Figure) -> Figure:
    return Figure(0.0 - figure.mean, 0.0 - figure.high, 0.0 - figure.low)


def _value(figure: Figure) -> str:
    return _digits(figure.mean)


def _span(figure: Figure) -> str:
    return f"{_digits(figure.mean)} ({_digits(figure.low)} to {_digits(figure.high)})"


def _signed(figure: Figure) -> str:
    if math.isnan(figure.low):
        return f"{figure.mean:+.3f}"
    return f"{figure.mean:+.3f} ({figure.low:+.3f} to {figure.high:+.3f})"


def _digits(value: float) -> str:
    return f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.3f}"
