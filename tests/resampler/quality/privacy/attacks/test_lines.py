"""Lines through synthetic rows lead back to the rows that they were made from, and to no others."""

import numpy as np
import pytest
from imblearn import over_sampling

from resampler import SMOTE
from resampler.quality.privacy.attacks.attack import Effort
from resampler.quality.privacy.attacks.lines import attack_lines
from resampler.quality.privacy.exposure import Exposure

EFFORT = Effort()


def balanced(sampler, *, rare=40, d=6, copies=14, dtype=np.float64, seed=0):
    """Return an exposure of a rare class after balancing, 20 held-out rows beside it."""
    rng = np.random.default_rng(seed)
    rows = (rng.normal(size=(rare + 20, d)) * 10.0 ** rng.integers(-2, 3, size=d)).astype(dtype)
    X = np.concatenate([rng.normal(size=(rare * (copies + 1), d)).astype(dtype), rows[:rare]])
    y = np.repeat([0, 1], [rare * (copies + 1), rare])
    made = sampler(random_state=seed).fit_resample(X, y)[0][len(X) :]
    return Exposure.of(made, rows[:rare], rows[rare:])


@pytest.mark.parametrize("sampler", [SMOTE, over_sampling.SMOTE])
def test_rows_are_rebuilt_from_balanced_classes_and_none_that_was_held_out(sampler):
    found = attack_lines(balanced(sampler), EFFORT)
    assert found.exact.share >= 0.9
    assert found.exact_control.count == found.near_control.count == 0
    assert found.hits.share >= 0.9


def test_one_copy_of_each_row_gives_no_line():
    found = attack_lines(balanced(SMOTE, copies=1), EFFORT)
    assert found.exact.count == 0


def test_equal_rows_give_equal_figures():
    exposed = balanced(SMOTE)
    assert attack_lines(exposed, EFFORT) == attack_lines(exposed, EFFORT)


@pytest.mark.parametrize("shape", [(0, 3), (2, 3), (30, 1), (30, 2), (5, 784)])
def test_any_shape_is_answered(shape):
    rows = np.random.default_rng(0).normal(size=shape)
    found = attack_lines(Exposure.of(rows, rows[:5], rows[:0]), EFFORT)
    assert found.exact_control.of == 0
    assert found.hits.of <= 30
