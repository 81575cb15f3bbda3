"""What counts as rebuilt, as near, as a hit, and as told."""

import numpy as np
import pytest

from resampler.quality.privacy.exposure import Exposure
from resampler.quality.privacy.recovery import infer, recover


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
