"""Where values are counted."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resampler.kernels.counting import EDGES
from resampler.profile.cells import Cells


def fitted(values, **options):
    return Cells.fitted(pa.chunked_array([values]), categorical=False, **options)


@given(seed=st.integers(0, 2**32 - 1))
def test_cells_are_few_and_none_of_many_values_is_heavy(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 3_000))
    shape = rng.integers(0, 5)
    values = [
        rng.normal(size=n),
        rng.exponential(size=n) * 1e6,
        rng.integers(0, 40, n).astype(float),
        np.where(rng.random(n) < 0.9, 0.0, rng.lognormal(size=n)),
        1.7e9 + rng.integers(0, 10**6, n),
    ][shape]
    cells = fitted(values)
    assert len(cells.edges) <= EDGES
    assert (np.diff(cells.edges) > 0).all()
    counts = cells.count(pa.chunked_array([values]))[0]
    assert counts.sum() == n
    assert counts[-1] == 0
    if n > 640 and shape != 4:  # whose values float32 cannot tell apart
        assert counts[:-1][~cells.atoms].max() <= n / 20


def test_a_heavy_value_has_a_cell_of_its_own():
    values = np.concatenate([np.zeros(900), np.random.default_rng(0).normal(size=100)])
    cells = fitted(values)
    assert cells.count(pa.chunked_array([values]))[0][:-1][cells.atoms].max() == 900
    below = cells.count(pa.chunked_array([np.full(7, -1e-9)]))[0]
    assert below[:-1][cells.atoms].sum() == 0


def test_a_constant_has_cells_on_both_sides():
    cells = fitted(np.full(10, 3.5))
    assert cells.count(pa.chunked_array([np.array([3.0, 3.5, 3.5, 4.0])]))[0].tolist() == [1, 2, 1, 0]


@pytest.mark.parametrize("seed", range(3))
def test_the_same_numbers_in_either_type_have_the_same_cells(seed):
    values = np.round(np.random.default_rng(seed).lognormal(size=5_000), 2)
    single = values.astype(np.float32)
    for reference in (values, single):
        cells = fitted(reference)
        counted = [cells.count(pa.chunked_array([side]))[0].tolist() for side in (values, single)]
        assert counted[0] == counted[1]


def test_numbers_that_float32_tells_apart_badly_have_wide_cells():
    seconds = 1.7e9 + np.arange(86_400.0)
    cells = fitted(seconds)
    exact, rounded = (cells.count(pa.chunked_array([v]))[0] for v in (seconds, seconds.astype(np.float32)))
    assert np.abs(exact - rounded).max() <= exact.max() / 64


def test_cells_of_former_versions_are_chosen_as_then():
    values = np.random.default_rng(1).normal(size=500)
    cells = fitted(values, form=1)
    assert len(cells.edges) == 19
    assert not fitted(values.astype(np.float32), form=1).single


def test_categories_beyond_the_most_frequent_are_one():
    names = pa.chunked_array([[f"v{i % 40:02}" for i in range(1_000)] + ["v00"] * 5 + [None]])
    cells = Cells.fitted(names, categorical=True)
    counts = cells.count(names)[0]
    assert cells.values[0] == "v00"
    assert (len(cells.values), counts[0], counts[-2], counts[-1]) == (32, 30, 200, 1)
