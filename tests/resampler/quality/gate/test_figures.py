"""Intervals of differences hold the truth about as often as they say."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss

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


@pytest.mark.parametrize(
    ("positives", "others", "of_class", "of_others"),
    [
        (20, 500, (0.8, 0.03, 0.01), (0.01, 0.002, 0.001)),
        (30, 300, (0.97, 0.02, 0.0), (0.003, 0.003, 0.0)),
        (10, 200, (0.6, 0.1, 0.05), (0.03, 0.01, 0.01)),
    ],
)
def test_models_that_hardly_disagree_may_still_differ(positives, others, of_class, of_others):
    """Of rows of which both models, only the first and only the second predict such shares."""
    said = np.array([[1, 1], [1, 0], [0, 1], [0, 0]], dtype=bool)
    shares = [[*one, 1 - sum(one)] for one in (of_class, of_others)]
    y = np.repeat([True, False], [positives, others])

    def _differences(counts):
        first, second = np.concatenate([said.repeat(one, axis=0) for one in counts]).T
        truth = np.repeat([True, False], [sum(one) for one in counts])
        known = [figures(truth, one, None) for one in (first, second)]
        return paired_differences(truth, (first, None), (second, None), known)

    many = _differences(
        [np.round(np.multiply(one, n * 1000)).astype(int) for one, n in zip(shares, (positives, others), strict=True)]
    )
    rng, runs = np.random.default_rng(0), 200
    held = dict.fromkeys(many, 0)
    for _ in range(runs):
        drawn = [rng.multinomial(n, one) for one, n in zip(shares, (positives, others), strict=True)]
        for name, one in _differences(drawn).items():
            held[name] += one.low <= many[name].value <= one.high
    # 190 of 200 are meant: fewer than 182 come less than once in a hundred times
    assert min(held.values()) >= 182, (held, len(y))


def test_decisions_that_are_alike_are_no_proof_that_models_are():
    y = np.repeat([True, False], [20, 480])
    said = (y, None)
    known = figures(y, y, None)
    found = paired_differences(y, said, said, (known, known))["recall"]
    assert found.value == 0
    assert found.low < -0.05
    assert found.high > 0.05


def test_cells_do_not_depend_on_the_order_of_rows_and_measure_as_rows_do():
    y, first, second = two_models(900, np.random.default_rng(2))
    first, second = np.round(first, 1), np.round(second, 1)  # few distinct scores: cells tell all apart
    cells = Cells.of(y, [first, second])
    order = np.random.default_rng(3).permutation(900)
    moved = Cells.of(y[order], [first[order], second[order]])
    assert (cells.rows == moved.rows).all()
    assert cells.rows.sum() == 900
    for score, found in zip((first, second), cells.as_they_are(), strict=True):
        assert found["average_precision"][0] == pytest.approx(average_precision_score(y, score), abs=1e-12)
        assert found["brier"][0] == pytest.approx(brier_score_loss(y, score), abs=1e-12)
    draws = cells.drawn()
    assert [len(one["brier"]) for one in draws] == [REPLICATES] * 2
    assert (draws[0]["brier"] == moved.drawn()[0]["brier"]).all()


def test_models_that_say_the_same_differ_by_nothing():
    y, first, _ = two_models(2000, np.random.default_rng(4))
    for name, one in differences(y, first, first).items():
        assert one.value == 0
        if name != "calibration_error":
            assert one[:3] == (0, 0, 0)
