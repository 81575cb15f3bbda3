"""The kernel of counts against a naive loop."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from naive.counting import count

from resampler.kernels.counting import CELLS, EDGES, count_rows


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(seed=st.integers(0, 2**32 - 1))
def test_counts_are_those_of_the_naive_loop(dtype, seed):
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(0, 40)), int(rng.integers(1, 6))
    pool = np.concatenate([rng.normal(size=9), [0.0, -0.0, np.inf, -np.inf, np.nan, 3e38, 1e-45]]).astype(dtype)
    X = rng.choice(pool, (n, d))
    edges = np.full((d, EDGES), np.inf, dtype)
    tables = []
    for j in range(d):
        known = np.unique(rng.choice(pool[np.isfinite(pool)], rng.integers(0, EDGES)))
        edges[j, : len(known)] = known
        tables.append(rng.integers(0, CELLS, rng.integers(1, 6)).tolist() if rng.random() < 0.3 else None)
        if tables[j] is not None:
            X[:, j] = rng.choice([-1.0, 0.0, 1.0, 2.0, 9.0, np.nan], n)
    start = np.cumsum([0, *(0 if table is None else len(table) for table in tables)])
    flat = np.array([0] if start[-1] == 0 else [cell for table in tables for cell in table or []], dtype=np.int64)
    groups = rng.integers(-1, 2, n)
    found, wanted = (np.zeros((2, d, CELLS + 1), dtype=np.int64) for _ in range(2))
    count_rows(X, groups, edges, start, flat, found)
    count(X, groups, edges, tables, wanted)
    assert np.array_equal(found, wanted)
