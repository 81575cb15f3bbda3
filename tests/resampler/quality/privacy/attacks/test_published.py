"""The published attack, as a loop, rebuilds what ours does; ours needs fewer rows, and finds what noise hides."""

import numpy as np
import pytest
from imblearn.over_sampling import SMOTE
from naive.mirrors import recall, reconstruct

from resampler.quality.privacy.attacks.attack import Effort
from resampler.quality.privacy.attacks.lines import attack_lines
from resampler.quality.privacy.attacks.tolerant import attack_noisy_lines
from resampler.quality.privacy.exposure import Exposure


def balanced(copies, rare=40, d=6):
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, size=(rare * (copies + 2), d))
    y = np.repeat([0, 1], [rare * (copies + 1), rare])
    return X[y == 1], SMOTE(k_neighbors=5, random_state=0).fit_resample(X, y)[0][len(X) :]


@pytest.mark.parametrize("copies", [27, 9])
def test_all_that_the_published_attack_rebuilds_ours_does(copies):
    real, made = balanced(copies)
    theirs = recall(real, reconstruct(made, 5, copies))
    ours = attack_lines(Exposure.of(made, real, real[:0]), Effort()).exact.share
    assert theirs >= (0.9 if copies == 27 else 0.3)
    assert ours >= max(theirs, 0.9)


def test_noise_hides_rows_from_the_published_attack_only():
    real, made = balanced(27)
    moved = made + 1e-3 * np.random.default_rng(1).normal(size=made.shape)
    assert recall(real, reconstruct(moved, 5, 27)) == 0.0
    assert attack_noisy_lines(Exposure.of(moved, real, real[:0]), Effort()).near.share >= 0.9
