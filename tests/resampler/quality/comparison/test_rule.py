"""What is recommended, by what figures, in what words."""

import math
from dataclasses import replace

import pytest

from resampler.quality.comparison.comparison import Asked, Candidate, Control, Figure, Part
from resampler.quality.comparison.overlap import Overlap
from resampler.quality.comparison.rule import Learned, advise, judged

PARTS = tuple(Part(0, fold, 800, 200, 40, 10) for fold in range(5))
OVERLAP = Overlap(PARTS, same=False)
ALL = ("recall", "precision", "f1", "average_precision", "brier")


def around(mean, half=0.02):
    return Figure(mean, mean - half, mean + half, tuple(mean + half * step / 4 for step in (-2, -1, 0, 1, 2)))


def candidate(remedy, gain=0.0, *, moved=True, half=0.02, learner="A", at=0.5, **gains):
    differences = {name: around(gains.get(name, gain), half) for name in ALL}
    figures = {name: around(at + differences[name].mean) for name in ALL}
    if moved and remedy == "nothing":
        differences = {}
    return Candidate(learner, remedy, moved, figures, differences, around(0.12) if moved else None)


def asked(measure="average_precision"):
    return Asked(
        1000, 1000, ("a",), (), "yes", {"no": 950, "yes": 50}, "stratified", 5, 1, 1.0, measure, "f1", None, (), "0"
    )


def learned(*others, own=0.0, luck=0.01, above_chance=True, learner="A", measure="average_precision", at=0.5):
    control = Control(learner, measure, (luck, -luck, 0.0))
    pair = candidate("nothing", own, moved=False, learner=learner, at=at), candidate("nothing", learner=learner, at=at)
    decided = []
    for one in others:
        lucky, fit = judged(one, control, above_chance=True)
        decided.append(
            Candidate(one.learner, one.remedy, one.moved, one.figures, one.differences, one.threshold, lucky, fit)
        )
    return Learned(learner, (*pair, *decided), control, above_chance)


@pytest.mark.parametrize(
    ("gain", "half", "luck", "chance", "expected"),
    [
        (0.05, 0.02, 0.01, True, (True, True)),
        (0.05, 0.06, 0.01, True, (True, False)),  # the interval holds 0
        (0.05, 0.02, 0.06, True, (False, False)),  # luck reaches as far
        (0.05, 0.02, 0.01, False, (True, False)),  # chance does
        (-0.05, 0.02, 0.01, True, (False, False)),
        (math.nan, 0.02, 0.01, True, (False, False)),
    ],
)
def test_what_may_be_recommended(gain, half, luck, chance, expected):
    control = Control("A", "average_precision", (luck, -luck))
    assert judged(candidate("smote", gain, half=half), control, above_chance=chance) == expected


def test_less_is_more_where_low_is_good():
    control = Control("A", "brier", (0.01, -0.01))
    assert judged(candidate("smote", -0.05), control, above_chance=True) == (True, True)
    assert judged(candidate("smote", 0.05), control, above_chance=True) == (False, False)


def test_nothing_is_never_a_remedy():
    control = Control("A", "f1", (0.0,))
    assert judged(candidate("nothing", 0.2, moved=False), control, above_chance=True) == (False, False)


def test_a_remedy():
    one = learned(candidate("smote", 0.1), candidate("smote", 0.1, moved=False), candidate("weights", 0.05, brier=0.1))
    overall, mine = advise(asked(), PARTS, [one], OVERLAP)
    assert (mine.verdict, mine.remedy, mine.threshold) == ("remedy", "smote", 0.12)
    assert overall.sentence == mine.sentence
    assert mine.sentence == (
        "A: use smote, its probabilities mapped back to the real prior and the threshold at 0.12: average precision "
        "0.50 becomes 0.60, +0.100 (+0.080 to +0.120), where the luckiest of 3 runs of nothing gains 0.010; recall "
        "0.50 becomes 0.60, precision 0.50 becomes 0.60. But Brier score is worse, +0.100 (+0.080 to +0.120)."
    )


def test_a_threshold():
    one = learned(candidate("smote", 0.005), candidate("weights", -0.1), own=-0.1)
    mine = advise(asked(), PARTS, [one], OVERLAP)[1]
    assert (mine.verdict, mine.remedy, mine.threshold) == ("threshold", None, 0.12)
    assert mine.sentence == (
        "A: do not resample; move the threshold to 0.12: F1 0.40 becomes 0.50, +0.100 (+0.080 to +0.120); recall 0.40 "
        "becomes 0.50, precision 0.40 becomes 0.50. Of 2 other remedies smote does best by average precision, +0.005 "
        "(-0.015 to +0.025) against nothing with a moved threshold."
    )


@pytest.mark.parametrize(
    ("others", "said"),
    [
        (
            [candidate("smote", -0.1), candidate("weights", -0.2)],
            "None of 2 other remedies does better by average precision than nothing with a moved threshold: smote",
        ),
        (
            [candidate("smote", -0.1)],
            "smote does no better by average precision than nothing with a moved threshold, -0.1",
        ),
        ([candidate("smote", 0.03, half=0.09)], "by 50 rows of class 'yes' that is too little to tell."),
        (
            [candidate("smote", 0.008, half=0.001)],
            "which luck explains: the luckiest of 3 runs of nothing gains 0.010.",
        ),
        ([], "No other remedy was measured."),
    ],
)
def test_nothing(others, said):
    mine = advise(asked(), PARTS, [learned(*others, own=-0.01)], OVERLAP)[1]
    assert mine.verdict == "nothing"
    assert mine.sentence.startswith(
        "A: do not resample, and leave the threshold where it is: a moved one changes F1 by +0.010 (-0.010 to +0.030), "
        "which is not shown to help. "
    )
    assert said in mine.sentence


def test_too_little_to_tell():
    chance = learned(candidate("smote", 0.02, half=0.1), above_chance=False)
    for one in advise(asked(), PARTS, [chance], OVERLAP):
        assert one.verdict == "unknown"
        assert (
            "by 50 rows of class 'yes', its scores, average precision 0.50 (0.48 to 0.52), are not shown"
            in one.sentence
        )
    rescued = learned(candidate("smote", 0.2), above_chance=False)
    assert advise(asked(), PARTS, [rescued], OVERLAP)[0].verdict == "remedy"
    early = advise(asked(), PARTS[:1], [chance], Overlap(PARTS[:1], same=False))
    assert early[0].sentence.startswith("Too little to tell: 1 of 5 parts were measured before time was up")


def test_few_parts_do_not_say_that_nothing_helps():
    """What a run that was cut has not shown to help may help yet; what it has shown stands."""
    three = Overlap(PARTS[:3], same=False)
    wide, narrow, shown = (
        candidate("smote", gain, half=half) for gain, half in ((0.03, 0.2), (-0.1, 0.02), (0.1, 0.02))
    )
    overall, mine = advise(asked(), PARTS[:3], [learned(wide)], three)
    assert [overall.verdict, mine.verdict] == ["unknown", "unknown"]
    assert mine.sentence.startswith(
        "A: too little to tell: 3 of 5 parts were measured before time was up: give more time"
    )
    both = [learned(wide), learned(candidate("smote", 0.03, half=0.2, learner="B"), learner="B")]
    assert advise(asked(), PARTS[:3], both, three)[0].sentence.startswith("Too little to tell: 3 of 5 parts were")
    assert advise(asked(), PARTS[:3], [learned(narrow)], three)[0].verdict == "nothing"
    assert advise(asked(), PARTS[:3], [learned(shown)], three)[0].verdict == "remedy"
    assert advise(asked(), PARTS, [learned(wide)], OVERLAP)[0].verdict == "nothing"
    of_three = replace(asked(), folds=3)
    assert "there are 3 test parts and 5 are wanted: ask for more folds or seeds" in (
        advise(of_three, PARTS[:3], [learned(wide)], three)[0].sentence
    )
    two = Overlap(PARTS[:2], same=False)
    assert advise(asked(), PARTS[:2], [learned(narrow)], two)[0].verdict == "unknown"


def test_learners_are_compared_by_their_best():
    weak = learned(candidate("smote", 0.1, at=0.3), at=0.3)
    strong = learned(candidate("smote", -0.1, learner="B", at=0.6), own=-0.1, learner="B", at=0.6)
    overall, *each = advise(asked(), PARTS, [weak, strong], OVERLAP)
    assert [one.verdict for one in each] == ["remedy", "threshold"]
    assert (overall.learner, overall.verdict) == (None, "threshold")
    assert (
        overall.sentence
        == f"{each[1].sentence} By average precision it is at 0.60, +0.200 (+0.200 to +0.200) against A."
    )
    unknown = learned(above_chance=False, learner="C")
    assert advise(asked(), PARTS, [unknown, strong], OVERLAP)[0].sentence == each[1].sentence
    assert "no learner's scores are shown" in advise(asked(), PARTS, [unknown, unknown], OVERLAP)[0].sentence
