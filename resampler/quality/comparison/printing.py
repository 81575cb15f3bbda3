"""A comparison for people in a hurry: what to do, then a table a learner, then what stands behind it."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING

from resampler.printing import aligned, plural
from resampler.quality.comparison.scores import COST, measure_of
from resampler.quality.measures import MEASURES

if TYPE_CHECKING:
    from resampler.quality.comparison.comparison import Advice, Candidate, Comparison, Figure

WIDTH = 100  # characters of a line
FINE = ("brier", "calibration_error", "fpr")  # small where a class is rare: a digit more
OMITTED = ("fpr",)  # of the first table: it says little that precision does not
MOST_FEATURES = 6
BETTER, WORSE, SAME = "+", "-", "="
REFERENCE = "(reference)"
LEGEND = (
    "moved: where the threshold went, after probabilities were mapped back to the real prior; blank: its own "
    f"decision; {SAME}: both decide alike. difference: to the reference, fold by fold. ±: half of the 95 % interval. "
    f"{BETTER} better, {WORSE} worse than the reference: the interval of that difference excludes 0. *: "
    "recommended, for it gains more than luck, too."
)


def printed(found: Comparison, *, intervals: bool = False) -> list[str]:
    """Print what came of a comparison.

    Parameters
    ----------
    found : Comparison
        To be printed.
    intervals : bool
        Whether every measure gets a table with its intervals.

    Returns
    -------
    list of str
        Lines of at most 100 characters, if names of learners and remedies are no longer than the project's own.
    """
    first = found.recommendation
    said = headline(first)
    head = [] if first.sentence.startswith(said.rstrip(".")) else [said]
    return [*head, *_filled(first.sentence), "", *behind(found, intervals=intervals)]


def behind(found: Comparison, *, intervals: bool = False) -> list[str]:
    """Print what stands behind a recommendation.

    Parameters
    ----------
    found : Comparison
        To be printed.
    intervals : bool
        As in `printed`.

    Returns
    -------
    list of str
        Lines.
    """
    first = found.recommendation
    lines = _filled(basis(found))
    for learner in found.learners if found.candidates else ():
        said = [one.sentence for one in found.advice if one.learner == learner.name]
        # What all of it comes to begins with what was said of one learner: it is not said again.
        new = said and not first.sentence.startswith(said[0])
        lines += ["", *_filled(said[0] if new else f"{learner.name}:")]
        lines += table(found, learner.name)
        lines += _filled(luck(found, learner.name)) + _filled(changed(found, learner.name))
        if intervals:
            for measure in _measures(found):
                lines += ["", *measure_table(found, learner.name, measure)]
    if found.candidates:
        lines += ["", *_filled(LEGEND)]
    if found.left_out or found.notes:
        lines.append("")
    for one in found.left_out:
        lines += _filled(f"left out: {one.what}: {one.why}")
    for note in found.notes:
        lines += _filled(note)
    return lines


def headline(advice: Advice) -> str:
    """Say what to do, in as few words as can be.

    Parameters
    ----------
    advice : Advice
        With its sentence, which says why.

    Returns
    -------
    str
        A line.
    """
    if advice.verdict == "remedy":
        return f"Use {advice.remedy}."
    if advice.verdict == "threshold":
        at = "" if advice.threshold is None else f" to {advice.threshold:.2g}"
        return f"Do not resample: move the threshold{at}."
    return "Do not resample." if advice.verdict == "nothing" else "Too little to tell."


def basis(found: Comparison) -> str:
    """Say what was measured on what.

    Parameters
    ----------
    found : Comparison
        What came of it.

    Returns
    -------
    str
        A sentence or two.
    """
    asked = found.asked
    of = "" if asked.rows == asked.rows_used else f" of {asked.rows:,}"
    kind = {"stratified": "folds", "groups": "folds of whole groups", "times": "folds in order of time"}[asked.split]
    rounds = f", {asked.seeds} times" if asked.seeds > 1 else ""
    costs = "" if asked.costs is None else f"; a miss costs {asked.costs[0]:g}, a false alarm {asked.costs[1]:g}"
    return (
        f"Measured on {asked.rows_used:,}{of} real rows, {asked.positives_used:,} of class {asked.positive}: "
        f"{asked.folds} {kind}{rounds}, {plural(len(found.parts), 'test part')}, none with a synthetic row. Decided by "
        f"{measure_of(asked.measure).name}; thresholds are moved for {measure_of(asked.tuned_by).name}{costs}."
    )


def ordered(found: Comparison, learner: str) -> list[Candidate]:
    """Return a learner's candidates, the reference first, then the best by the measure that decides.

    Parameters
    ----------
    found : Comparison
        What came of it.
    learner : str
        Its name.

    Returns
    -------
    list of Candidate
        Those that could not be measured last.
    """
    measure = found.asked.measure

    def _place(one: Candidate) -> tuple[bool, bool, float]:
        mean = one.differences[measure].mean if measure in one.differences else math.nan
        return not one.is_reference, math.isnan(mean), -measure_of(measure).sign * mean if not math.isnan(mean) else 0.0

    return sorted(found.of(learner), key=_place)


def apart(found: Comparison, learner: str) -> list[Candidate]:
    """Return what `ordered` does, without own decisions that a moved threshold does not change.

    Parameters
    ----------
    found : Comparison
        What came of it.
    learner : str
        Its name: a tree, say, all of whose probabilities are 0 or 1.

    Returns
    -------
    list of Candidate
        Of a pair with the same figures that whose threshold was moved.
    """
    moved = {one.remedy: repr(one.figures) for one in found.of(learner) if one.moved}  # NaN is no equal of NaN
    return [one for one in ordered(found, learner) if one.moved or repr(one.figures) != moved.get(one.remedy)]


def mark(measure: str, difference: Figure | None) -> str:
    """Say whether a paired difference is more than chance.

    Parameters
    ----------
    measure : str
        Of what.
    difference : Figure or None
        To the reference.

    Returns
    -------
    str
        ``+`` for better, ``-`` for worse, nothing where the interval holds 0.
    """
    if difference is None or not difference.excludes_zero:
        return ""
    return BETTER if measure_of(measure).sign * difference.mean > 0 else WORSE


def table(found: Comparison, learner: str) -> list[str]:
    """Print a learner's remedies, a line each.

    Parameters
    ----------
    found : Comparison
        What came of it.
    learner : str
        Its name.

    Returns
    -------
    list of str
        The measure that decides with its interval, the paired difference with its own, the other measures as means.
    """
    decides = found.asked.measure
    others = [name for name in _measures(found) if name != decides and name not in OMITTED]
    header = ("remedy", "moved", measure_of(decides).title, "difference", *(measure_of(name).title for name in others))
    rows = []
    for one, moved in _with_thresholds(apart(found, learner)):
        reference = one.is_reference
        difference = one.differences.get(decides)
        rows.append(
            (
                f"{one.remedy} *" if one.recommended else one.remedy,
                moved,
                _with_interval(decides, one.figures.get(decides)),
                f"{REFERENCE} "
                if reference
                else _with_interval(decides, difference, signed=True) + (mark(decides, difference) or " "),
                *(
                    _marked(name, one.figures.get(name), None if reference else one.differences.get(name))
                    for name in others
                ),
            )
        )
    return aligned(rows, header, right=header[1:])


def measure_table(found: Comparison, learner: str, measure: str) -> list[str]:
    """Print one measure of a learner's remedies, with intervals.

    Parameters
    ----------
    found : Comparison
        What came of it.
    learner : str
        Its name.
    measure : str
        Which.

    Returns
    -------
    list of str
        A line a remedy.
    """
    header = (measure.replace("_", " "), "moved", "mean", "from", "to", "difference", "from ", "to ", " ")
    rows = []
    for one, moved in _with_thresholds(apart(found, learner)):
        figure, difference = one.figures.get(measure), None if one.is_reference else one.differences.get(measure)
        rows.append(
            (
                one.remedy,
                moved,
                *(_number(measure, value) for value in _three(figure)),
                *("" if one.is_reference else _number(measure, value, signed=True) for value in _three(difference)),
                mark(measure, difference),
            )
        )
    return aligned(rows, header, right=header[2:8])


def luck(found: Comparison, learner: str) -> str:
    """Say what luck alone gains.

    Parameters
    ----------
    found : Comparison
        What came of it.
    learner : str
        Its name.

    Returns
    -------
    str
        A sentence; empty where there is no control.
    """
    for one in found.controls:
        if one.learner == learner and one.gains:
            return (
                f"Luck: of {plural(len(one.gains), 'run')} of the reference that chance alone tells apart, the best "
                f"gains {_number(one.measure, one.best)} of {measure_of(one.measure).name}: a remedy must gain more."
            )
    return ""


def changed(found: Comparison, learner: str) -> str:
    """Say what synthetic rows changed in the model.

    Parameters
    ----------
    found : Comparison
        What came of it.
    learner : str
        Its name.

    Returns
    -------
    str
        A sentence; empty where that was not measured.
    """
    mine = [one for one in found.importance if one.learner == learner]
    if not mine:
        return ""
    moved = sorted((one for one in mine if one.moved), key=lambda one: -abs(one.difference.mean))
    remedy = mine[0].remedy
    if not moved:
        return f"What {remedy} changed in the model: no feature's importance moved beyond its interval."
    shown = ", ".join(
        f"{one.feature} {_number('', one.without.mean)} -> {_number('', one.with_remedy.mean)}"
        for one in moved[:MOST_FEATURES]
    )
    more = f", and {plural(len(moved) - MOST_FEATURES, 'more feature')}" if len(moved) > MOST_FEATURES else ""
    return (
        f"What {remedy} changed in the model: the importance (average precision that is lost when a feature is "
        f"shuffled) of {shown}{more}; of {len(mine)} features."
    )


def _measures(found: Comparison) -> list[str]:
    """Name the measures that some candidate has, in one order."""
    known = {name for one in found.candidates for name, figure in one.figures.items() if not math.isnan(figure.mean)}
    return [name for name in (COST, *MEASURES) if name in known]


def _number(measure: str, value: float, *, signed: bool = False, digits: int | None = None) -> str:
    """Write a figure in few characters: .62, -.0134."""
    if math.isnan(value):
        return "?"
    if measure == COST or abs(value) >= 10:
        return f"{value:{'+' if signed else ''}.4g}"
    digits = digits or (4 if measure in FINE else 3)
    text = f"{round(value, digits) + 0.0:{'+' if signed else ''}.{digits}f}"  # no -.000
    return text.replace("0.", ".", 1) if text.lstrip("+-").startswith("0.") else text


def _with_thresholds(shown: list[Candidate]) -> list[tuple[Candidate, str]]:
    """Say of each where its threshold went, or that it decides as its own decision does, which is not shown."""
    own = {one.remedy for one in shown if not one.moved}
    return [(one, SAME if one.moved and one.remedy not in own else _threshold(one)) for one in shown]


def _threshold(one: Candidate) -> str:
    if one.threshold is None:
        return "yes" if one.moved else ""
    return _number("", one.threshold.mean)


def _three(figure: Figure | None) -> tuple[float, float, float]:
    return (math.nan, math.nan, math.nan) if figure is None else (figure.mean, figure.low, figure.high)


def _with_interval(measure: str, figure: Figure | None, *, signed: bool = False) -> str:
    mean, low, high = _three(figure)
    text = _number(measure, mean, signed=signed)
    return text if math.isnan(low) else f"{text} ±{_number(measure, (high - low) / 2)}"


def _marked(measure: str, figure: Figure | None, difference: Figure | None) -> str:
    digits = 4 if measure in FINE else 2  # a digit less than that which decides: a line has to hold them all
    return _number(measure, _three(figure)[0], digits=digits) + (mark(measure, difference) or " ")


def _filled(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH)
