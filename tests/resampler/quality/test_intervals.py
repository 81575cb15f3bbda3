"""Intervals hold the truth about as often as they say, where models and rows are drawn anew."""

import numpy as np
import pytest

from resampler.quality.intervals import COUNTED, SCORED, counted, difference_interval, scored
from resampler.quality.measures import MEASURES, Confusion
from resampler.quality.statistics import share_interval, wilson

DRAWS = 1000


def draw(rng, n):
    """A model whose truth is known from many rows: scores are calibrated, one row in five is of the class."""
    score = rng.beta(0.6, 2.4, n)
    return rng.random(n) < score, score


@pytest.mark.parametrize("name", COUNTED)
@pytest.mark.parametrize("n", [60, 1000])
def test_coverage_of_counts(name, n):
    rng = np.random.default_rng(0)
    y, score = draw(rng, 2_000_000)
    truth = float(getattr(Confusion.of(y, score > 0.3), name))
    cells = [Confusion.of(y, score > 0.3) for y, score in (draw(rng, n) for _ in range(DRAWS))]
    low, high = counted(name, Confusion(*np.array(cells).T)).interval()
    assert 0.93 <= np.mean((low <= truth) & (truth <= high)) <= 1.0


@pytest.mark.parametrize("name", ["average_precision", "brier"])
@pytest.mark.parametrize("n", [60, 1000])
def test_coverage_of_scores(name, n):
    rng = np.random.default_rng(0)
    truth = MEASURES[name].compute(*draw(rng, 2_000_000))
    low, high = scored(name, [draw(rng, n) for _ in range(DRAWS)]).interval()
    assert 0.92 <= np.mean((low <= truth) & (truth <= high)) <= 1.0


@pytest.mark.parametrize("off", [0.0, 0.1])
def test_a_calibrated_model_is_not_blamed_and_another_is(off):
    rng = np.random.default_rng(0)
    samples = [(y, np.clip(s + off, 0, 1)) for y, s in (draw(rng, 1000) for _ in range(300))]
    low, high = scored("calibration_error", samples).interval()
    truth = np.mean([np.mean(s) for _, s in samples]) - 0.2 if off else 0.0
    assert np.mean((low <= truth) & (truth <= high)) >= 0.95
    assert np.mean(low > 0) >= 0.95 if off else np.mean(low > 0) <= 0.05


def test_edges_are_wide_and_not_nan():
    for name in SCORED:
        one = scored(name, [(np.array([True]), np.array([1.0])), (np.zeros(0, bool), np.zeros(0))])
        low, high = one.interval()
        assert low[0] <= one.value[0] <= high[0]
        assert np.isnan([one.value[1], low[1], high[1]]).all()
    one = scored("brier", [(np.ones(5, dtype=bool), np.full(5, 0.5))])
    assert one.interval()[1][0] - one.interval()[0][0] > 0.2  # five equal squares prove little
    with np.errstate(all="raise"):
        counted("f1", Confusion(*(np.zeros(1, dtype=np.int64),) * 4)).interval()


def test_wilson_of_many_is_that_of_one():
    counts, sizes = np.array([0, 3, 5, 0]), np.array([5, 5, 5, 0])
    low, high = wilson(counts, sizes, 1.959963984540054)
    for at in range(4):
        assert (low[at], high[at]) == share_interval(int(counts[at]), int(sizes[at]))


def test_newcombes_own_example():
    """Newcombe (1998), table II, method 10: 56 of 70 against 48 of 80."""
    first, second = ((count / n, *share_interval(count, n)) for count, n in ((56, 70), (48, 80)))
    assert difference_interval(first, second) == pytest.approx((0.0524, 0.3339), abs=5e-5)
