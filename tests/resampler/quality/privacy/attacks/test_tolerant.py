"""Jitter, float32 and few decimals do not hide lines."""

import numpy as np
import pytest
from imblearn import over_sampling

from resampler import SMOTE
from resampler.quality.privacy.attacks.attack import Effort
from resampler.quality.privacy.attacks.lines import attack_lines
from resampler.quality.privacy.attacks.tolerant import attack_noisy_lines, attack_noisy_order
from resampler.quality.privacy.exposure import Exposure

EFFORT = Effort()


@pytest.fixture(params=[SMOTE, over_sampling.SMOTE])
def made(request):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(60, 6))
    X = np.concatenate([rng.normal(size=(600, 6)), rows[:40]])
    synthetic = request.param(random_state=0).fit_resample(X, np.repeat([0, 1], [600, 40]))[0][len(X) :]
    return synthetic, rows[:40], rows[40:]


def jittered(rows, size):
    return rows + size * np.random.default_rng(1).normal(size=rows.shape)


@pytest.mark.parametrize(
    ("spoil", "least"),
    [
        (lambda rows: jittered(rows, 1e-3), 0.9),
        (lambda rows: jittered(rows, 1e-2), 0.6),
        (lambda rows: rows.astype(np.float32), 0.9),
        (lambda rows: np.round(rows, 2), 0.8),
    ],
    ids=["jitter of .001", "jitter of .01", "float32", "two decimals"],
)
def test_rows_are_found_beside_noise(made, spoil, least):
    synthetic, real, held_out = made
    found = attack_noisy_lines(Exposure.of(spoil(synthetic), real, held_out), EFFORT)
    assert found.near.share >= least
    assert found.near_control.count == 0


def test_exact_lines_find_nothing_beside_noise(made):
    synthetic, real, held_out = made
    assert attack_lines(Exposure.of(jittered(synthetic, 1e-3), real, held_out), EFFORT).near.count == 0


@pytest.mark.parametrize("made", [SMOTE], indirect=True)
def test_the_order_is_found_beside_noise(made):
    synthetic, real, held_out = made
    found = attack_noisy_order(Exposure.of(jittered(synthetic, 1e-3), real, held_out), EFFORT)
    assert found.near.share >= 0.6
    assert found.near_control.count == 0
