"""Two profiles side by side."""

from __future__ import annotations

import numpy as np
import pytest
from profiles import later_of, reference_of

from resampler.errors import DataError, InvalidInputError
from resampler.profile.profile import Profile
from resampler.quality.drift.measure import measure_drift
from resampler.quality.drift.settings import DriftPolicy


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def columns(rng, n, move=0.0, names="abcd"):
    return {name: rng.normal(size=n) + move for name in names}


def test_drift_of_a_rare_class_shows_only_class_by_class(rng):
    n = 20_000
    y = (rng.random(n) < 0.02).astype(int)
    before, after = columns(rng, n), columns(rng, n)
    after["a"] = after["a"] + 2.0 * y
    reference = reference_of(before, y)
    assert measure_drift(reference, later_of(reference, after)).drifted == ()
    found = measure_drift(reference, later_of(reference, after, y))
    assert (found.by_class, found.drifted) == (True, ("a",))
    assert found.share == 0.25
    assert {one.label for one in found.features if one.drifted} == {"1"}


def test_another_mix_of_classes_is_no_drift_of_a_feature(rng):
    n = 8_000
    sides = []
    for rate in (0.1, 0.5):
        y = (rng.random(n) < rate).astype(int)
        sides.append(({"a": rng.normal(size=n) + 2.0 * y, "b": rng.normal(size=n)}, y))
    reference = reference_of(*sides[0])
    found = measure_drift(reference, later_of(reference, *sides[1]))
    assert found.drifted == ()
    assert found.classes_p < 1e-6
    low, high = found.classes[1].change
    assert low < 0.4 < high
    assert measure_drift(reference, later_of(reference, sides[1][0])).drifted == ("a",)


def test_false_alarms_are_few_among_many_features(rng):
    names = [f"f{i}" for i in range(200)]
    alarms = 0
    for _ in range(5):
        reference = reference_of(columns(rng, 150, names=names))
        alarms += bool(measure_drift(reference, later_of(reference, columns(rng, 150, names=names))).drifted)
    assert alarms <= 1, "5 % of 200 features would be 10 in each"


def test_importance_weighs_features(rng):
    reference = reference_of(columns(rng, 500))
    after = columns(rng, 500)
    after["d"] = after["d"] + 1
    later = later_of(reference, after)
    policy = DriftPolicy(importance={"d": 3, "a": 1})
    found = measure_drift(reference, later, policy)
    assert found.share == 0.75
    assert {one.feature for one in found.features} == set("abcd")
    assert measure_drift(reference, later, DriftPolicy(ignore=("d",))).share == 0


def test_too_few_rows_are_an_answer(rng):
    reference = reference_of(columns(rng, 500), np.repeat([0, 1], [450, 50]))
    later = later_of(reference, columns(rng, 99))
    found = measure_drift(reference, later)
    assert (found.share, found.features, found.too_few) == (None, (), ("all rows",))
    found = measure_drift(reference, later_of(reference, columns(rng, 500, 3), np.repeat([0, 1], [450, 50])))
    assert (found.share, found.too_few) == (1.0, ("1",))


def test_features_without_counts_are_named(rng):
    reference = reference_of(columns(rng, 500))
    later = later_of(reference, columns(rng, 500))
    fewer = Profile({name: cells for name, cells in later.cells.items() if name != "c"}, later.parts)
    assert measure_drift(reference, fewer).not_compared == ("c",)


def test_what_cannot_be_compared(rng):
    reference = reference_of(columns(rng, 500))
    later = later_of(reference, columns(rng, 500))
    with pytest.raises(DataError, match="what is compared with it has no rows"):
        measure_drift(reference, Profile(reference.cells, ()))
    with pytest.raises(DataError, match="the reference has no rows"):
        measure_drift(reference, later, split="test")
    with pytest.raises(InvalidInputError, match="importance names feature 'z'; the reference has a, b, c, d"):
        measure_drift(reference, later, DriftPolicy(importance={"z": 1}))
    with pytest.raises(InvalidInputError, match="no feature is left"):
        measure_drift(reference, later, DriftPolicy(ignore=tuple("abcd")))
    other = reference_of(columns(rng, 500))
    with pytest.raises(InvalidInputError, match="other cells"):
        measure_drift(reference, other)
