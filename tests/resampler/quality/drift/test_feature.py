"""How one feature moved."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import later_of, reference_of
from scipy.stats import wasserstein_distance

from resampler.profile.cells import Cells
from resampler.profile.counts import Counts
from resampler.quality.drift.feature import feature_drift
from resampler.quality.drift.measure import measure_drift


def moved(before, after):
    reference = reference_of({"x": before})
    later = later_of(reference, {"x": after})
    return feature_drift("x", reference.cells["x"], reference.parts[0].features["x"], later.parts[0].features["x"])


@pytest.mark.parametrize("shape", ["normal", "lognormal", "gamma"])
@pytest.mark.parametrize("move", [0.0, 0.1, 0.5, 3.0])
def test_wasserstein_is_near_that_of_the_values(shape, move):
    rng = np.random.default_rng(3)
    draw = {"normal": rng.normal, "lognormal": lambda size: rng.lognormal(0, 1, size), "gamma": lambda size: rng.gamma(2, 3, size)}[shape]  # fmt: skip # noqa: E501
    a, b = draw(size=5_000), draw(size=4_000) + move
    found = moved(a, b)
    exact = wasserstein_distance(a, b) / a.std()
    assert found.wasserstein == pytest.approx(exact, abs=0.02, rel=0.05)
    middle, beyond = found.median[1], found.median_beyond[1]
    assert np.median(b) > middle if beyond else middle == pytest.approx(np.median(b), abs=0.05 * a.std())


def test_without_the_mean_of_later_rows_the_bins_are_enough():
    """Workers of a stream keep counts alone."""
    rng = np.random.default_rng(4)
    a, b = rng.normal(size=5_000), rng.normal(size=5_000) + 0.5
    reference = reference_of({"x": a})
    counts = Counts(later_of(reference, {"x": b}).parts[0].features["x"].counts)
    found = feature_drift("x", reference.cells["x"], reference.parts[0].features["x"], counts)
    assert found.wasserstein == pytest.approx(0.5, abs=0.05)
    assert found.median[1] == pytest.approx(0.5, abs=0.05)


EDGE = st.sampled_from([0.0, -0.0, 1.0, -1e308, 1e308, 5e-324, np.inf, -np.inf, np.nan, 3.5, 2.0**60])


@given(before=st.lists(EDGE, min_size=1, max_size=30), after=st.lists(EDGE, min_size=1, max_size=30))
def test_whatever_the_values_figures_can_be_written(before, after):
    found = moved(pa.array(before, pa.float64()), pa.array(after, pa.float64()))
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert 0 <= plain["distance"] <= plain["distance_most"] <= 1
    assert 0 <= plain["p"] <= 1


def test_a_flag_is_compared_as_a_category():
    rng = np.random.default_rng(5)
    found = moved(rng.random(2_000) < 0.02, rng.random(2_000) < 0.6)
    assert (found.category, found.wasserstein) == (True, None)
    assert found.distance == pytest.approx(0.58, abs=0.04)


def test_values_that_nobody_saw_are_drift_of_a_constant():
    found = moved(np.full(500, 7.0), np.random.default_rng(0).normal(size=500))
    assert found.p < 1e-6
    assert found.distance == 1


def test_no_value_on_one_side_is_said_by_nulls():
    found = moved(np.arange(300.0), np.full(200, np.nan))
    assert found.nulls == (0.0, 1.0)
    assert found.median[1] is None
    assert found.p < 1e-6
    again = moved(np.full(200, np.nan), np.full(200, np.nan))
    assert (again.p, again.distance) == (1.0, 0.0)


def test_an_empty_reference_of_categories():
    cells = Cells.fitted(pa.chunked_array([pa.array([None, None], pa.string())]), categorical=True)
    found = feature_drift("c", cells, Counts((0, 20)), Counts((30, 1)))
    assert found.moved == [(None, 0.0, 1.0)]
    assert found.p < 1e-3


def test_the_verdict_names_what_was_exceeded():
    rng = np.random.default_rng(6)
    n = 3_000
    reference = reference_of(
        {
            "still": rng.normal(size=n),
            "far": rng.normal(size=n),
            "null": rng.normal(size=n),
            "c": rng.choice(["a", "b"], n),
        }
    )
    later = later_of(
        reference,
        {
            "c": rng.choice(["a", "b", "new"], n),
            "null": np.where(rng.random(n) < 0.3, np.nan, rng.normal(size=n)),
            "still": rng.normal(size=n) + 0.02,
            "far": rng.normal(size=n) + 1,
        },
    )
    found = {one.feature: one.reasons for one in measure_drift(reference, later).features}
    assert found == {
        "still": (),
        "far": ("kolmogorov_smirnov", "wasserstein"),
        "null": ("nulls",),
        "c": ("jensen_shannon",),
    }
