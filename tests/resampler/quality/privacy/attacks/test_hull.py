"""Mixtures of three or six rows lie in flats, and these lead back to the rows; noise hides them."""

import numpy as np
import pytest

from resampler.quality.privacy.attacks.attack import Effort
from resampler.quality.privacy.attacks.hull import attack_hull
from resampler.quality.privacy.attacks.lines import attack_lines
from resampler.quality.privacy.exposure import Exposure

EFFORT = Effort()


def mixed(*, parents, in_turns, noise=0.0, rare=40, d=14, copies=14):
    """Return rows that are mixtures of a row and of some of its five nearest, by Dirichlet weights."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(rare + 20, d)) @ rng.normal(size=(d, d))
    real = rows[:rare]
    near = np.argsort(((real[:, None] - real[None]) ** 2).sum(axis=2), axis=1)[:, 1:6]
    bases = np.arange(rare * copies) % rare
    made = np.array(
        [
            rng.dirichlet(np.ones(parents)) @ real[[b, *rng.choice(near[b], parents - 1, replace=False)]]
            for b in (bases if in_turns else rng.permutation(bases))
        ]
    )
    return Exposure.of(made + noise * real.std(axis=0) * rng.normal(size=made.shape), real, rows[rare:])


@pytest.mark.parametrize(
    ("parents", "in_turns", "least"), [(3, True, 0.9), (3, False, 0.9), (6, True, 0.7), (6, False, 0.7)]
)
def test_mixtures_of_several_rows_give_them_away(parents, in_turns, least):
    exposed = mixed(parents=parents, in_turns=in_turns)
    assert attack_lines(exposed, EFFORT).near.count == 0
    found = attack_hull(exposed, EFFORT)
    assert found.exact.share >= least
    assert found.near_control.count == 0


def test_noise_hides_them():
    found = attack_hull(mixed(parents=3, in_turns=True, noise=0.3), EFFORT)
    assert found.near.count == 0


@pytest.mark.parametrize("shape", [(0, 5), (2, 5), (30, 3), (60, 4), (30, 100)])
def test_any_shape_is_answered(shape):
    rows = np.random.default_rng(0).normal(size=shape)
    assert attack_hull(Exposure.of(rows, rows[:5], rows[:0]), EFFORT).exact_control.of == 0
