"""What chance does, against samples and other libraries."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import later_of, reference_of
from scipy.stats import chi2_contingency, false_discovery_control, ks_2samp, kstwo

from resampler.profile.cells import Cells
from resampler.quality.drift import chance
from resampler.quality.drift.feature import feature_drift, kolmogorov_smirnov_bounds

SHAPES = {
    "normal": lambda rng, n: rng.normal(size=n),
    "heavy tails": lambda rng, n: rng.standard_cauchy(n),
    "mostly zero": lambda rng, n: np.where(rng.random(n) < 0.7, 0.0, rng.lognormal(size=n)),
    "counts": lambda rng, n: rng.poisson(3, n).astype(float),
    "cents": lambda rng, n: np.round(rng.lognormal(size=n), 2),
    "one value": lambda _, n: np.full(n, 4.0),
}


@given(
    seed=st.integers(0, 2**32 - 1),
    shapes=st.tuples(st.sampled_from(sorted(SHAPES)), st.sampled_from(sorted(SHAPES))),
    sizes=st.tuples(st.integers(1, 2_000), st.integers(1, 2_000)),
    move=st.sampled_from([0.0, 0.01, 0.3, 5.0]),
)
def test_the_distance_of_values_lies_between_that_of_bins_and_its_bound(seed, shapes, sizes, move):
    rng = np.random.default_rng(seed)
    a, b = (SHAPES[shape](rng, n) for shape, n in zip(shapes, sizes, strict=True))
    b = b + move
    cells = Cells.fitted(pa.chunked_array([a]), categorical=False)
    counts = [cells.count(pa.chunked_array([side]))[0][:-1] for side in (a, b)]
    least, most = kolmogorov_smirnov_bounds(*counts, cells.atoms)
    # An atom holds what float32 cannot tell from it: to two samples that differ by less it is one value.
    single = [side.astype(np.float32) for side in (a, b)]
    exact = ks_2samp(*single, method="asymp").statistic
    assert least - 1e-12 <= max(exact, ks_2samp(a, b, method="asymp").statistic)
    assert exact <= most + 1e-12
    shares = [side / side.sum() for side in counts]
    assert most <= least + np.minimum(*shares)[~cells.atoms].max(initial=0.0) + 1e-12


@pytest.mark.parametrize("n", [200, 5_000])
def test_bins_of_quantiles_lose_little(n):
    lost = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        a, b = rng.normal(size=n), rng.normal(size=n) + 0.05 * (seed % 4)
        cells = Cells.fitted(pa.chunked_array([a]), categorical=False)
        counts = [cells.count(pa.chunked_array([side]))[0][:-1] for side in (a, b)]
        least, most = kolmogorov_smirnov_bounds(*counts, cells.atoms)
        lost.append(ks_2samp(a, b).statistic - least)
        assert most - least <= 1 / 64 + 1 / n
    assert max(lost) <= 1 / 64
    assert np.mean(lost) <= 0.005


@pytest.mark.parametrize(("n", "m"), [(50, 80), (1_000, 300), (20_000, 20_000)])
def test_p_is_that_of_the_exact_distribution_where_it_matters(n, m):
    for distance in (1.1, 1.36, 1.6, 2.0):
        size = distance * np.sqrt(1 / n + 1 / m)
        exact = kstwo.sf(size, round(n * m / (n + m)))
        assert chance.kolmogorov_smirnov_p(size, n, m) == pytest.approx(exact, rel=0.1)


def test_chi_square_is_that_of_scipy_where_no_cell_is_rare():
    a, b = np.array([50, 30, 40, 0]), np.array([20, 35, 60, 0])
    assert chance.chi_square_p(a, b) == pytest.approx(
        chi2_contingency(np.stack([a[:3], b[:3]]), correction=False).pvalue
    )
    assert chance.chi_square_p(np.array([9, 0]), np.array([7, 0])) == 1


@pytest.mark.parametrize("k", [2, 8, 40])
def test_chi_square_cries_as_often_as_it_says(k):
    rng = np.random.default_rng(k)
    share = rng.dirichlet(np.full(k, 0.5))
    found = [chance.chi_square_p(rng.multinomial(80, share), rng.multinomial(300, share)) for _ in range(1_500)]
    assert np.mean(np.asarray(found) < 0.05) < 0.07


@pytest.mark.parametrize("shape", [name for name in SHAPES if name != "one value"])
def test_what_chance_stays_below(shape):
    draw, above = SHAPES[shape], []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        reference = reference_of({"x": draw(rng, 700)})
        later = later_of(reference, {"x": draw(rng, 400)})
        one = feature_drift("x", reference.cells["x"], reference.parts[0].features["x"], later.parts[0].features["x"])
        above.append(
            (
                one.distance > one.distance_chance,
                one.jensen_shannon > one.jensen_shannon_chance,
                (one.wasserstein or 0) > (one.wasserstein_chance or np.inf),
                one.p < 0.05,
            )
        )
    distance, js, wasserstein, p = np.mean(above, axis=0)
    assert distance < 0.08
    assert p < 0.08
    assert wasserstein < 0.08
    assert js < 0.25, "64 cells of few rows differ by more than the limit says"


def test_adjusted_is_that_of_scipy():
    p = [0.01, 0.5, 0.04, 0.04, 0.9, 0.001]
    assert chance.adjusted(p) == pytest.approx(false_discovery_control(p).tolist())
    assert chance.adjusted([]) == []


def test_the_interval_of_a_difference_is_newcombes():
    low, high = chance.difference_interval((56, 70), (48, 80))
    assert (low, high) == pytest.approx((-0.3339, -0.0524), abs=5e-4)  # the paper's first example, method 10
