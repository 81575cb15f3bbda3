"""Categories of which the reference lists the most frequent."""

import numpy as np
import pytest
from profiles import later_of, reference_of

from resampler.quality.drift.chance import chi_square_p
from resampler.quality.drift.listed import category_p


def counts(before, after):
    """Counts in the cells of a reference, nulls left out."""
    before, after = (np.array([f"c{value}" for value in side]) for side in (before, after))
    reference = reference_of({"x": before})
    sides = (reference, later_of(reference, {"x": after}))
    return [np.array(side.parts[0].features["x"].counts[:-1]) for side in sides]


DRAWS = {
    "equal": lambda rng, n: rng.integers(0, 200, n),
    "of its own": lambda rng, n: rng.integers(0, 10**9, n),
    "few": lambda rng, n: rng.integers(0, 8, n),
    "long tail": lambda rng, n: np.minimum(rng.zipf(1.5, n), 10**6),
    "short tail": lambda rng, n: rng.zipf(2.5, n),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
@pytest.mark.parametrize(("n", "m"), [(200, 200), (1_000, 4_000)])
def test_values_that_chance_has_listed_are_no_drift(draw, n, m):
    rng = np.random.default_rng(n)
    found = [category_p(*counts(draw(rng, n), draw(rng, m))) for _ in range(100)]
    assert np.mean(np.array(found) < 0.05) <= 0.11, "5 % are meant; more than 11 of 100 come once in a hundred times"


@pytest.mark.parametrize("draw", [DRAWS[name] for name in DRAWS if name != "of its own"])
def test_values_that_are_all_new_are_drift(draw):
    rng = np.random.default_rng(0)
    before = draw(rng, 2_000)
    assert category_p(*counts(before, draw(rng, 2_000) + 10**7)) < 1e-6


def test_a_new_value_is_drift_where_all_were_listed():
    rng = np.random.default_rng(0)
    before, after = rng.integers(0, 30, 1_000), rng.integers(0, 30, 1_000)
    assert category_p(*counts(before, after)) > 0.05
    assert category_p(*counts(before, np.where(rng.random(1_000) < 0.05, 99, after))) < 1e-6


def test_where_nothing_is_left_out_it_is_chi_square():
    a, b = np.array([40, 30, 9, 0]), np.array([30, 50, 4, 0])
    assert category_p(a, b) == chi_square_p(a, b)
