"""Where bases take turns, the order of rows says which rows share one."""

import dataclasses

import numpy as np
import pytest

from resampler import SMOTE
from resampler.quality.privacy.attacks.attack import Effort
from resampler.quality.privacy.attacks.lines import attack_lines
from resampler.quality.privacy.attacks.order import attack_order, period_of
from resampler.quality.privacy.exposure import Exposure

EFFORT = Effort()


def balanced(*, rare=40, d=6, copies=14, **options):
    """Return an exposure of a rare class after balancing, 20 held-out rows beside it."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(rare + 20, d))
    X = np.concatenate([rng.normal(size=(rare * (copies + 1), d)), rows[:rare]])
    y = np.repeat([0, 1], [rare * (copies + 1), rare])
    made = SMOTE(random_state=0, **options).fit_resample(X, y)[0][len(X) :]
    return Exposure.of(made, rows[:rare], rows[rare:])


def test_bases_are_rebuilt_from_the_order_of_rows():
    exposed = balanced()
    assert period_of(exposed.synthetic) == 40
    found = attack_order(exposed, EFFORT)
    assert found.exact.share >= 0.9
    assert found.hits.share >= 0.9
    assert found.near_control.count == 0


def test_the_order_finds_more_than_lines_do_without_it():
    exposed = balanced(copies=5, rare=200)
    assert attack_order(exposed, EFFORT).exact.share >= attack_lines(exposed, EFFORT).exact.share + 0.05


def test_shuffled_rows_have_no_period():
    exposed = balanced()
    shuffled = dataclasses.replace(exposed, synthetic=np.random.default_rng(1).permutation(exposed.synthetic))
    assert period_of(shuffled.synthetic) == 0
    assert attack_order(shuffled, EFFORT).hits.of == 0


def test_a_secret_key_hides_the_order(tmp_path):
    file = tmp_path / "key"
    file.write_bytes(bytes(range(32)))
    exposed = balanced(secret_key=f"file:{file}")
    assert period_of(exposed.synthetic) == 0


@pytest.mark.parametrize("shape", [(0, 3), (2, 3), (30, 1), (30, 2)])
def test_any_shape_is_answered(shape):
    rows = np.random.default_rng(0).normal(size=shape)
    assert attack_order(Exposure.of(rows, rows[:5], rows[:0]), EFFORT).exact_control.of == 0
