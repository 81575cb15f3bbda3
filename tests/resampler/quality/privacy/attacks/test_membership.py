"""Rows that synthetic ones were made from are told by what lies around them; rows that say nothing tell nothing."""

import numpy as np
import pytest

from resampler import SMOTE
from resampler.quality.privacy.attacks.attack import Effort
from resampler.quality.privacy.attacks.membership import BEST, DENSITY, NEAREST
from resampler.quality.privacy.exposure import Exposure
from resampler.samplers import HardenedOverSampler

ALL = [NEAREST, DENSITY, BEST]


def exposed(sampler, d=6, rare=120, copies=8):
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(2 * rare, d))
    X = np.concatenate([rng.normal(size=(rare * (copies + 1), d)), rows[:rare]])
    y = np.repeat([0, 1], [rare * (copies + 1), rare])
    made = sampler.fit_resample(X, y)[0][len(X) :]
    return Exposure.of(made, rows[:rare], rows[rare:])


@pytest.mark.parametrize("attack", ALL, ids=lambda attack: attack.name)
def test_rows_behind_plain_synthetic_ones_are_told(attack):
    found = attack.run(exposed(SMOTE(random_state=0)), Effort())
    assert found.auc_interval[0] > 0.9
    assert found.tpr.share > 0.5


@pytest.mark.parametrize("attack", ALL, ids=lambda attack: attack.name)
def test_rows_behind_hardened_ones_are_not(attack):
    found = attack.run(exposed(HardenedOverSampler(random_state=0), rare=400), Effort())
    assert found.auc <= 0.65
    assert found.tpr.share <= 0.1


@pytest.mark.parametrize("attack", ALL, ids=lambda attack: attack.name)
@pytest.mark.parametrize("d", [3, 30])
def test_rows_of_nobody_tell_nothing(attack, d):
    rows = np.random.default_rng(0).normal(size=(900, d))
    found = attack.run(Exposure.of(rows[:300], rows[300:600], rows[600:]), Effort())
    assert found.auc_interval[0] < 0.5 < found.auc_interval[1]
    assert found.tpr.share < 0.06


@pytest.mark.parametrize("attack", ALL, ids=lambda attack: attack.name)
@pytest.mark.parametrize(
    ("made", "real", "held_out"), [(0, 5, 5), (5, 0, 5), (5, 5, 0), (1, 1, 1), (2, 5, 2), (3, 4, 4)]
)
def test_few_rows_are_answered(attack, made, real, held_out):
    rows = np.random.default_rng(0).normal(size=(20, 3))
    rows[::3, 1] = np.nan
    rows[:, 2] = np.arange(20) % 2
    codes = [False, False, True]
    asked = Exposure.of(rows[:made], rows[5 : 5 + real], rows[10 : 10 + held_out], categorical=codes)
    found = attack.run(asked, Effort())
    assert found is None or 0 <= found.auc <= 1


def test_equal_rows_give_equal_figures():
    asked = exposed(SMOTE(random_state=0))
    assert BEST.run(asked, Effort()) == BEST.run(asked, Effort())
