"""Comparisons as plain data, made by hand."""

import math

import numpy as np

from resampler.quality.comparison.comparison import (
    NOTHING,
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
from resampler.quality.measures import MEASURES

REMEDIES = (NOTHING, "class weights", "random over", "borderline-1 + tomek", "smote + enn")
LEARNERS = ("logistic regression", "histogram boosting")


def figure(mean, half, n=6):
    return Figure(mean, mean - half, mean + half, tuple(np.linspace(mean - half, mean + half, n).tolist()))


def candidate(learner, remedy, moved, at):
    reference = moved and remedy == NOTHING
    gain = 0.0 if reference else (-0.04 if learner == LEARNERS[0] else 0.05) * at
    scale = {"brier": 0.02, "calibration_error": 0.02, "fpr": 0.01}
    figures = {name: figure((0.6 + gain) * scale.get(name, 1.0), 0.05 * scale.get(name, 1.0)) for name in MEASURES}
    differences = {name: figure(gain * scale.get(name, 1.0), 0.06 * scale.get(name, 1.0)) for name in MEASURES}
    if not moved:
        figures["recall"] = figure(0.5 + gain, 0.05)
    best = learner == LEARNERS[1] and at >= 2
    return Candidate(learner, remedy, moved, figures, differences, figure(0.12, 0.03) if moved else None, best, best)


def comparison(**more):
    """Two learners: under one nothing helps, under the other two remedies do."""
    candidates = [
        candidate(learner, remedy, moved, at / 2)
        for learner in LEARNERS
        for at, remedy in enumerate(REMEDIES)
        for moved in (False, True)
    ]
    importance = [
        Importance(
            LEARNERS[1], "smote + enn", name, figure(0.2, 0.01), figure(0.2 + by, 0.01), figure(by, 0.02), by > 0
        )
        for name, by in (("amount", 0.1), ("age", 0.0))
    ]
    asked = Asked(
        rows=50_000,
        rows_used=20_000,
        features=("amount", "age"),
        categorical=(),
        positive="1",
        classes={"0": 19_700, "1": 300},
        split="stratified",
        folds=3,
        seeds=2,
        ratio=1.0,
        measure="average_precision",
        tuned_by="f1",
        costs=None,
        remedies=REMEDIES,
        key="0" * 64,
    )
    parts = tuple(Part(seed, fold, 13_333, 6_667, 200, 100) for seed in range(2) for fold in range(3))
    said = Advice(
        None, "remedy", "smote + enn", 0.12, "With histogram boosting use smote + enn; otherwise do not resample."
    )
    whole = {
        "asked": asked,
        "learners": tuple(Tried(name, f"sklearn:{name}", {}, "as it is") for name in LEARNERS),
        "parts": parts,
        "candidates": tuple(candidates),
        "controls": tuple(Control(name, "average_precision", (0.01, -0.02, 0.013)) for name in LEARNERS),
        "importance": tuple(importance),
        "advice": (
            said,
            Advice(LEARNERS[0], "threshold", NOTHING, 0.12, "logistic regression: do not resample."),
            Advice(LEARNERS[1], "remedy", "smote + enn", 0.12, "histogram boosting: use smote + enn."),
        ),
        "left_out": (LeftOut("smotenc", "there is no categorical column"),),
        "notes": ("20,000 of 50,000 rows were chosen by a keyed draw.",),
    }
    return Comparison(**(whole | more))


NOT_A_NUMBER = Figure(math.nan, math.nan, math.nan)
