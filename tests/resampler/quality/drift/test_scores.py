"""Distances of counts, against samples and other libraries."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ks_2samp

from resampler.quality.drift.scores import drift_of, kolmogorov_smirnov, population_stability, total_variation


def counts_of(values, cells):
    return np.array([*(np.count_nonzero(values == cell) for cell in cells), np.count_nonzero(np.isnan(values))])


def test_without_nulls_it_is_the_distance_of_two_samples():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 30, 500).astype(float), rng.integers(2, 32, 300).astype(float)
    cells = np.arange(32)
    found = kolmogorov_smirnov(counts_of(a, cells), counts_of(b, cells))
    assert found == pytest.approx(ks_2samp(a, b).statistic)
    assert drift_of(counts_of(a, cells), counts_of(a, cells), ordered=True)[1:4] == (0, 0, 0)


@pytest.mark.parametrize("ordered", [True, False])
def test_a_column_that_goes_null_is_loud(ordered):
    before, after = np.array([250, 250, 250, 250, 0]), np.array([100, 100, 100, 100, 600])
    found = drift_of(before, after, ordered=ordered)
    assert found.nulls == (0.0, 0.6)
    assert found.distance == pytest.approx(0.6)
    assert found.stability > 0.25
    assert found.word == "much"
    assert found.jensen_shannon > 0.5


def test_nulls_tell_where_values_hide_them():
    """Nulls that stood below would be made up for by values that moved up; above, they show."""
    before, after = np.array([40, 0, 60, 0]), np.array([0, 0, 60, 40])
    assert kolmogorov_smirnov(before, after) == pytest.approx(0.4)
    stacked = kolmogorov_smirnov(np.stack([before, after]), np.stack([before, before]))
    assert stacked == pytest.approx([0, 0.4])


def test_small_samples_of_one_distribution_are_no_drift():
    rng = np.random.default_rng(1)
    words = []
    for _ in range(200):
        a, b = (np.append(np.bincount(rng.integers(0, 20, 60), minlength=20), 0) for _ in range(2))
        words.append(drift_of(a, b, ordered=True))
    assert np.mean([one.stability > 0.25 for one in words]) > 0.9, "the index alone would cry every time"
    assert np.mean([one.word != "none" for one in words]) < 0.2
    same = np.array([0, 80, 0])
    assert drift_of(same, 3 * same, ordered=False)[1:] == (0, 0, 0, 0)


def test_the_index_is_symmetric_and_finite():
    a, b = np.array([90, 10, 0, 0]), np.array([10, 0, 90, 0])
    assert population_stability(a, b) == pytest.approx(population_stability(b, a))
    assert np.isfinite(population_stability(a, b))
    assert total_variation(a, b) == pytest.approx(0.9)
