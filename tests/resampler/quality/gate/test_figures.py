"""Intervals of differences hold the truth about as often as they say."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, f1_score

from resampler.quality.gate.figures import figures, paired_differences
from resampler.quality.gate.resampled import REPLICATES, Cells


def two_models(n, rng):
    """Rows of which a fifth are of the class, as two models see them: what they share, and what each adds."""
    y = rng.random(n) < 0.2
    shared = rng.normal(size=n)
    seen = [2 * y + 0.8 * shared + noise * rng.normal(size=n) for noise in (0.5, 1.0)]
    return y, *((1 / (1 + np.exp(1.5 - one))) for one in seen)


def differences(y, first, second):
    said = [(score >= 0.5, score) for score in (first, second)]
    return paired_differences(y, *said, [figures(y, *one) for one in said])


def test_intervals_of_paired_differences_hold_the_truth():
    y, first, second = two_models(100_000, np.random.default_rng(0))
    truth = {name: one.value for name, one in differences(y, first, second).items()}
    rng, runs = np.random.default_rng(1), 60
    held = dict.fromkeys(truth, 0)
    for _ in range(runs):
        for name, one in differences(*two_models(300, rng)).items():
            held[name] += one.low <= truth[name] <= one.high
    # 57 of 60 are meant: fewer than 51 come once in two thousand times
    assert min(held.values()) >= 51, held


def test_cells_do_not_depend_on_the_order_of_rows_and_measure_as_rows_do():
    y, first, second = two_models(900, np.random.default_rng(2))
    first, second = np.round(first, 1), np.round(second, 1)  # few distinct scores: cells tell all apart
    cells = Cells.of(y, [(first >= 0.5, first), (second >= 0.5, second)])
    order = np.random.default_rng(3).permutation(900)
    moved = Cells.of(y[order], [(first[order] >= 0.5, first[order]), (second[order] >= 0.5, second[order])])
    assert (cells.rows == moved.rows).all()
    assert cells.rows.sum() == 900
    for score, found in zip((first, second), cells.as_they_are(), strict=True):
        assert found["average_precision"][0] == pytest.approx(average_precision_score(y, score), abs=1e-12)
        assert found["brier"][0] == pytest.approx(brier_score_loss(y, score), abs=1e-12)
        assert found["f1"][0] == pytest.approx(f1_score(y, score >= 0.5), abs=1e-12)
    draws = cells.drawn()
    assert [len(one["f1"]) for one in draws] == [REPLICATES] * 2
    assert (draws[0]["f1"] == moved.drawn()[0]["f1"]).all()


def test_models_that_say_the_same_differ_by_nothing():
    y, first, _ = two_models(2000, np.random.default_rng(4))
    for name, one in differences(y, first, first).items():
        assert one.value == 0
        if name != "calibration_error":
            assert one[:3] == (0, 0, 0)
