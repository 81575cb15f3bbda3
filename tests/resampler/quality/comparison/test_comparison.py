"""A comparison is plain data, there and back."""

import json
import math

from resampler.quality.comparison.comparison import (
    Advice,
    Asked,
    Candidate,
    Comparison,
    Control,
    Figure,
    Importance,
    LeftOut,
    Part,
    Tried,
)


def figure(mean=0.5, width=0.1):
    return Figure(mean, mean - width, mean + width, (mean - 0.01, mean + 0.01))


def comparison():
    """One of everything; two candidates."""
    asked = Asked(
        1000,
        500,
        ("a", "b"),
        ("b",),
        "yes",
        {"no": 450, "yes": 50},
        "stratified",
        2,
        1,
        1.0,
        "average_precision",
        "f1",
        (10.0, 1.0),
        ("nothing", "smote"),
        "0" * 64,
    )
    return Comparison(
        asked,
        (Tried("LogisticRegression", "sklearn.linear_model:LogisticRegression", {"C": 0.5}, "scaled"),),
        (Part(0, 0, 250, 250, 25, 25), Part(0, 1, 250, 250, 25, 25)),
        (
            Candidate("LogisticRegression", "nothing", True, {"f1": figure()}, {}, figure(0.2)),
            Candidate("LogisticRegression", "smote", False, {"f1": figure(0.6)}, {"f1": figure(0.1, 0.05)}),
        ),
        (Control("LogisticRegression", "average_precision", (0.01, -0.01)),),
        (Importance("LogisticRegression", "smote", "a", figure(), figure(0.6), figure(0.1), False),),
        (
            Advice(None, "threshold", None, 0.2, "Do not resample."),
            Advice("LogisticRegression", "threshold", None, 0.2, "Move the threshold to 0.2."),
        ),
        (LeftOut("weights", "the learner takes none"),),
        ("a note",),
    )


def test_there_and_back():
    one = comparison()
    assert Comparison.from_dict(json.loads(json.dumps(one.to_dict(), allow_nan=False))) == one
    assert [candidate.name for candidate in one.of("LogisticRegression")] == ["nothing + threshold", "smote"]
    assert one.recommendation.learner is None
    assert one.asked.positives_used == 50


def test_what_could_not_be_measured_is_none():
    data = comparison().to_dict()
    unknown = Candidate("LogisticRegression", "nothing", False, {"f1": Figure(math.nan, math.nan, math.nan)}, {})
    found = Comparison.from_dict(data | {"candidates": []})
    written = Comparison.to_dict(
        Comparison(
            found.asked,
            found.learners,
            (),
            (unknown,),
            found.controls,
            (),
            found.advice,
            found.left_out,
            found.notes,
        )
    )
    assert written["candidates"][0]["figures"]["f1"]["mean"] is None
    assert math.isnan(Comparison.from_dict(written).candidates[0].figures["f1"].low)
    assert not unknown.figures["f1"].excludes_zero


def test_values_of_parts_can_be_left_out():
    found = comparison()
    short = Comparison.from_dict(json.loads(json.dumps(found.to_dict(by_part=False))))
    assert short.candidates[0].figures["f1"] == Figure(0.5, 0.4, 0.6)
    assert short.parts == found.parts
    assert short.advice == found.advice
