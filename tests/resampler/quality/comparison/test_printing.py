"""What people read of a comparison."""

import dataclasses

import pytest
from comparisons import LEARNERS, NOT_A_NUMBER, comparison, figure

from resampler.quality.comparison.comparison import Advice, Control
from resampler.quality.comparison.printing import (
    WIDTH,
    changed,
    headline,
    luck,
    mark,
    ordered,
    printed,
    table,
)


def test_what_to_do_comes_first_and_lines_fit_a_terminal():
    lines = printed(comparison(), intervals=True)
    assert lines[0] == "Use smote + enn."
    assert lines[1] == "With histogram boosting use smote + enn; otherwise do not resample."
    assert max(map(len, lines)) <= WIDTH
    text = " ".join(lines)
    assert "Measured on 20,000 of 50,000 real rows, 300 of class 1: 3 folds, 2 times, 6 test parts" in text
    assert "left out: smotenc: there is no categorical column" in text
    assert lines[-1] == "20,000 of 50,000 rows were chosen by a keyed draw."


def test_a_table_has_the_reference_first_then_the_best():
    first, *rest = table(comparison(), LEARNERS[1])[1:]
    assert first.split() == ["nothing", ".120", ".600", "±.050", "(reference)", *[".60"] * 4, *[".0120"] * 2]
    assert rest[0].startswith("smote + enn *")
    assert "+.100 ±.060+  " in rest[0]  # better, beyond the interval
    assert rest[0].endswith(".0140-  .0140-")  # a higher Brier score is worse
    assert rest[-1].split()[0] == "nothing"
    best = [one.differences["average_precision"].mean for one in ordered(comparison(), LEARNERS[0])[1:]]
    assert best == sorted(best, reverse=True)


def test_what_cannot_be_measured_is_said_and_comes_last():
    found = comparison()
    unknown = dataclasses.replace(
        found.candidates[2], figures={}, differences={"average_precision": NOT_A_NUMBER}, threshold=None
    )
    found = comparison(candidates=(*found.candidates[:2], unknown, *found.candidates[3:]))
    last = table(found, LEARNERS[0])[-1].split()
    assert last[:2] == ["class", "weights"]
    assert set(last[2:]) == {"?"}


@pytest.mark.parametrize(
    ("measure", "mean", "half", "want"),
    [
        ("recall", 0.2, 0.1, "+"),
        ("recall", -0.2, 0.1, "-"),
        ("recall", 0.1, 0.2, ""),
        ("brier", 0.2, 0.1, "-"),
        ("cost", -20.0, 1.0, "+"),
        ("fpr", -0.2, 0.1, "+"),
    ],
)
def test_marks(measure, mean, half, want):
    assert mark(measure, figure(mean, half)) == want
    assert mark(measure, None) == ""


def test_luck_and_importance():
    assert luck(comparison(), LEARNERS[0]).startswith("Luck: of 3 runs of the reference")
    assert "gains .013 of average precision" in luck(comparison(), LEARNERS[0])
    assert luck(comparison(controls=(Control(LEARNERS[0], "f1", ()),)), LEARNERS[0]) == ""
    said = changed(comparison(), LEARNERS[1])
    assert "amount .200 -> .300; of 2 features" in said
    assert " age " not in said
    assert changed(comparison(), LEARNERS[0]) == ""
    still = [dataclasses.replace(one, moved=False) for one in comparison().importance]
    assert "no feature's importance moved" in changed(comparison(importance=tuple(still)), LEARNERS[1])
    more = dataclasses.replace(comparison().importance[0])
    assert "and 3 more features; of 9 features" in changed(comparison(importance=(more,) * 9), LEARNERS[1])


@pytest.mark.parametrize(
    ("verdict", "remedy", "threshold", "said"),
    [
        ("remedy", "smote+enn", 0.2, "Use smote+enn."),
        ("threshold", None, 0.123, "Do not resample: move the threshold to 0.12."),
        ("nothing", None, None, "Do not resample."),
        ("unknown", None, None, "Too little to tell."),
    ],
)
def test_a_headline_for_each_verdict(verdict, remedy, threshold, said):
    assert headline(Advice(None, verdict, remedy, threshold, "why")) == said


def test_nothing_is_said_twice():
    one = Advice(LEARNERS[0], "nothing", None, None, f"{LEARNERS[0]}: leave it.")
    whole = dataclasses.replace(one, learner=None, sentence=f"{one.sentence} (Either will do.)")
    lines = printed(comparison(advice=(whole, one)))
    assert sum("leave it" in line for line in lines) == 1
    assert f"{LEARNERS[0]}:" in lines


def test_costs_are_said():
    asked = dataclasses.replace(comparison().asked, costs=(50.0, 1.0), measure="cost")
    costs = {"cost": figure(1234.5, 100.0)}
    candidates = [
        dataclasses.replace(one, figures=one.figures | costs, differences=one.differences | {"cost": figure(-50, 10)})
        for one in comparison().candidates
    ]
    lines = printed(comparison(asked=asked, candidates=tuple(candidates)))
    assert "a miss costs 50, a false alarm 1" in " ".join(lines)
    assert any("1234 ±100" in line and "-50 ±10+" in line for line in lines)


def test_a_decision_that_no_threshold_changes_is_one_line():
    found = comparison()
    own = next(one for one in found.of(LEARNERS[0]) if one.remedy == "random over" and not one.moved)
    candidates = [
        dataclasses.replace(one, figures=own.figures, differences=own.differences)
        if (one.learner, one.remedy, one.moved) == (LEARNERS[0], "random over", True)
        else one
        for one in found.candidates
    ]
    lines = table(comparison(candidates=tuple(candidates)), LEARNERS[0])
    (line,) = [line for line in lines if line.startswith("random over")]
    assert line.split()[2] == "="
    assert len(lines) == len(table(found, LEARNERS[0])) - 1


def test_without_a_measurement_there_is_no_table():
    why = Advice(None, "unknown", None, None, "Too little to tell: time was up.")
    lines = printed(comparison(advice=(why,), candidates=(), parts=(), importance=(), controls=()))
    assert lines[:2] == [why.sentence, ""]
    assert not any(line.startswith(("remedy", "moved:")) for line in lines)
