"""What counts as rebuilt, as near, as a hit, and as told."""

import numpy as np
import pytest
from scipy.stats import norm

from resampler.quality.privacy.attempt import Attempt
from resampler.quality.privacy.exposure import Exposure
from resampler.quality.privacy.recovery import infer, recover
from resampler.quality.privacy.rules import PrivacyRules
from resampler.quality.verdict import NO


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    return rng.normal(size=(50, 3)) * (1, 10, 100), rng.normal(size=(40, 3)) * (1, 10, 100)


def test_a_guess_that_is_a_row_is_exact_and_one_beside_it_near(rows):
    real, held_out = rows
    exposed = Exposure.of(real[:5], real, held_out)
    beside = real[10:20] + exposed.reach[10:20, None] * exposed.units / 3
    far = real[20:30] + 100 * exposed.units
    found = recover(exposed, np.concatenate([real[:10], beside, far]))
    assert (found.exact.count, found.near.count, found.hits.count, found.hits.of) == (10, 20, 20, 30)
    assert (found.exact_control.count, found.near_control.count) == (0, 0)
    assert found.exact.interval[0] < 0.2 < found.exact.interval[1]


def test_guesses_all_over_find_held_out_rows_as_well(rows):
    real, held_out = rows
    exposed = Exposure.of(real[:5], real, held_out)
    found = recover(exposed, np.concatenate([real, held_out]))
    assert found.exact.share == found.exact_control.share == 1.0


def test_nulls_and_categories_count():
    real = np.array([[0.0, np.nan], [1.0, 5.0], [2.0, 6.0]])
    exposed = Exposure.of(real, real, real[:0], categorical=[True, False])
    guesses = np.array([[0.0, np.nan], [0.0, 5.0], [2.0, np.nan]])
    found = recover(exposed, guesses)
    assert found.exact.count == 1
    assert found.exact_control.of == 0


def test_no_guess_finds_nothing(rows):
    real, held_out = rows
    found = recover(Exposure.of(real, real, held_out), np.empty((0, 3)))
    assert (found.near.count, found.near.of, found.hits.of) == (0, 50, 0)


def test_scores_of_chance_and_of_certainty():
    rng = np.random.default_rng(1)
    some, other = rng.normal(size=500), rng.normal(size=500)
    chance = infer(some, other)
    assert chance.auc_interval[0] < 0.5 < chance.auc_interval[1]
    assert chance.tpr.share < 0.05
    certain = infer(some + 100, other)
    assert (certain.auc, certain.tpr.share) == (1.0, 1.0)
    assert infer(some, other[:0]).auc == 0.5


def test_one_false_positive_in_a_hundred_is_allowed():
    held_out = np.arange(100.0)
    assert infer(np.array([98.5, 97.5, 50.0]), held_out).tpr.count == 1


@pytest.mark.parametrize(("m", "n"), [(25, 25), (100, 20), (130, 130)])
def test_intervals_hold_the_area_and_chance_breaks_no_limit(m, n):
    """About 95 of 100 intervals, few rows and areas near 1 included; seldom a verdict on scores that say nothing."""
    rng, tries, rules = np.random.default_rng(1), 300, PrivacyRules.of()
    for apart in (0.0, 1.19, 2.3):
        area = norm.cdf(apart / np.sqrt(2))
        ends = [infer(rng.normal(apart, 1, m), rng.normal(size=n)).auc_interval for _ in range(tries)]
        assert np.mean([low <= area <= high for low, high in ends]) > 0.85
    broken = 0
    for _ in range(tries):
        one = Attempt("1", "nearest", "done", infer(rng.normal(size=m), rng.normal(size=n)), n)
        broken += any(said.verdict == NO for said in one.rule(rules))
    assert broken <= 0.06 * tries


def test_rows_that_are_all_told_apart_leave_a_doubt():
    low, high = infer(np.arange(12.0) + 100, np.arange(12.0)).auc_interval
    assert (high, 0.7 < low < 0.9) == (1.0, True)
    assert infer(np.arange(12.0), np.arange(12.0) + 100).auc_interval[0] == 0.0
