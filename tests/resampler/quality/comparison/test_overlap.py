"""Intervals over parts that overlap."""

import math

import numpy as np
import pytest
from scipy import stats

from resampler.quality.comparison.comparison import Part
from resampler.quality.comparison.overlap import Overlap, is_above_chance


def parts(folds, seeds, n=500):
    return [Part(s, f, n - n // folds, n // folds, 40, 10) for s in range(seeds) for f in range(folds)]


def naive(values, share, level=0.95):
    """Nadeau and Bengio's interval, as their paper writes it."""
    n = len(values)
    mean = sum(values) / n
    variance = sum((value - mean) ** 2 for value in values) / (n - 1)
    half = stats.t.ppf((1 + level) / 2, n - 1) * math.sqrt((1 / n + share) * variance)
    return mean, mean - half, mean + half


def test_equal_to_the_textbook():
    values = np.random.default_rng(0).normal(size=10).tolist()
    found = Overlap(parts(5, 2), same=False).figure(values)
    assert (found.mean, found.low, found.high) == pytest.approx(naive(values, 0.25), abs=1e-12)
    assert found.values == tuple(values)
    among = Overlap(parts(5, 2), same=False).figure(values, among=20)
    assert (among.mean, among.low, among.high) == pytest.approx(naive(values, 0.25, 1 - 0.05 / 20), abs=1e-12)


def test_seeds_with_the_same_folds_are_no_more_folds():
    values = [1.0, 2.0, 4.0, 3.0, 2.0, 6.0]
    found = Overlap(parts(3, 2), same=True).figure(values)
    assert (found.mean, found.low, found.high) == pytest.approx(naive([2.0, 2.0, 5.0], 0.5, 0.95), rel=0.01)


def test_what_is_not_known_is_nan():
    one = Overlap(parts(5, 1)[:1], same=False).figure([0.5])
    assert one.mean == 0.5
    assert math.isnan(one.low)
    assert not one.excludes_zero
    two = Overlap(parts(5, 1)[:2], same=False).figure([0.5, 0.7])
    assert two.mean == pytest.approx(0.6)
    assert math.isnan(two.low)
    none = Overlap([], same=False).figure([])
    assert math.isnan(none.mean)
    some = Overlap(parts(4, 1), same=False).figure([1.0, math.nan, 2.0, 3.0])
    assert some.mean == 2.0
    assert some.low > -10


def test_it_holds_what_cross_validation_estimates():
    """The error of nearest means on fresh rows lies within, nine times of ten and more; uncorrected ones are short."""
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(100):
        y = np.arange(100) % 2
        X = rng.normal(size=(100, 2)) + y[:, None]
        errors = []
        for fold in range(5):
            tested = np.arange(100) // 2 % 5 == fold
            means = [X[~tested & (y == code)].mean(axis=0) for code in (0, 1)]
            far = [((X[tested] - mean) ** 2).sum(axis=1) for mean in means]
            errors.append(float(np.mean((far[1] < far[0]) != y[tested])))
        found = Overlap(parts(5, 1, 100), same=False).figure(errors)
        held += found.low <= stats.norm.cdf(-math.sqrt(2) / 2) <= found.high
    assert held >= 90


def test_chance_is_told_from_more():
    rng = np.random.default_rng(0)
    said = dict.fromkeys((0.0, 0.8), 0)
    for apart in said:
        for _ in range(200):
            areas = []
            for _part in parts(5, 1, 100):
                rare, common = rng.normal(size=10) + apart, rng.normal(size=10)
                areas.append(stats.mannwhitneyu(rare, common).statistic / 100)
            said[apart] += is_above_chance(areas, parts(5, 1, 100))
    assert said[0.0] <= 12  # 5 expected
    assert said[0.8] >= 180
    assert not is_above_chance([], [])


def test_labels_at_random_are_no_signal():
    """Areas of folds rise together: each row is tested by a model of the others, and they by one of it."""
    found = []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        X, y, fold = rng.normal(size=(300, 5)), rng.permutation(np.arange(300) < 30), np.arange(300) % 5
        while min(np.bincount(fold[y], minlength=5)) < 3:
            y = rng.permutation(y)
        areas, tested = [], []
        for k in range(5):
            out = fold == k
            scores = X[out] @ (X[~out & y].mean(axis=0) - X[~out & ~y].mean(axis=0))
            areas.append(
                stats.mannwhitneyu(scores[y[out]], scores[~y[out]]).statistic / (y[out].sum() * (~y[out]).sum())
            )
            tested.append(Part(0, k, 240, 60, int(y[~out].sum()), int(y[out].sum())))
        found.append(is_above_chance(areas, tested))
    assert np.mean(found) <= 0.06, "5 % are meant"
