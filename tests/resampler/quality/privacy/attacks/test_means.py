"""Means of clusters are rows where rows lie about one row, and no rows where they lie about the mean of ten."""

import numpy as np
import pytest

from resampler.quality.privacy.attacks.attack import Effort
from resampler.quality.privacy.attacks.means import attack_means, attack_mixture
from resampler.quality.privacy.attacks.same_rows import attack_same_rows
from resampler.quality.privacy.exposure import Exposure
from resampler.samplers import HardenedOverSampler

EFFORT = Effort()
ATTACKS = pytest.mark.parametrize("attack", [attack_means, attack_mixture])


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    return rng.normal(size=(40, 6)), rng.normal(size=(20, 6))


@ATTACKS
def test_noise_about_single_rows_is_taken_away(rows, attack):
    real, held_out = rows
    rng = np.random.default_rng(1)
    made = rng.permutation(np.repeat(real, 14, axis=0) + 0.1 * rng.normal(size=(560, 6)))
    exposed = Exposure.of(made, real, held_out)
    found = attack(exposed, EFFORT)
    assert found.near.share >= 0.7
    assert found.near_control.count == 0


@ATTACKS
def test_hardened_rows_lead_to_no_row(rows, attack):
    real, held_out = rows
    X = np.concatenate([np.random.default_rng(2).normal(size=(600, 6)), real])
    y = np.repeat([0, 1], [600, 40])
    made = HardenedOverSampler(random_state=0).fit_resample(X, y)[0][len(X) :]
    found = attack(Exposure.of(made, real, held_out), EFFORT)
    assert found.hits.of > 0
    assert found.near.count == found.near_control.count == 0


def test_copies_are_the_guess_nulls_and_all(rows):
    real, held_out = rows
    real[3, 2] = np.nan
    found = attack_same_rows(Exposure.of(np.repeat(real, 3, axis=0), real, held_out), EFFORT)
    assert found.exact.share == 1.0
    assert (found.hits.count, found.hits.of) == (40, 40)


@ATTACKS
@pytest.mark.parametrize("shape", [(0, 3), (2, 3), (30, 1), (40, 784)])
def test_any_shape_is_answered(shape, attack):
    rows = np.random.default_rng(0).normal(size=shape)
    assert attack(Exposure.of(rows, rows[:5], rows[:0]), EFFORT).exact_control.of == 0
