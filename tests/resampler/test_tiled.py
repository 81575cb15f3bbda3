"""The search by sketches finds what the search by cells finds: ties, duplicates, rows far out, some of the rows."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import config

from resampler import neighbors
from resampler.tiled import nearest_tiled, search_bytes


def tables(rng, n, d):
    isotropic = rng.normal(size=(n, d))
    return {
        "isotropic": isotropic,
        "on a grid": rng.integers(0, 3, (n, d)).astype(float),
        "five of each": np.repeat(isotropic[: n // 5 + 1], 5, axis=0)[:n],
        "far from 0": isotropic + 1e5,
        "columns of all sizes": isotropic * 10.0 ** rng.integers(-5, 6, d),
        "a row far out": np.concatenate([isotropic[1:], np.full((1, d), 50.0)]),
        "a column null": np.where(np.arange(d) == d // 2, np.nan, isotropic),
        "halves of no column in common": np.where(
            (np.arange(d) < d // 2) == (rng.random((n, 1)) < 0.5), np.nan, isotropic
        ),
        "nulls in a fifth": np.where((rng.random((n, 1)) < 0.2) & (rng.random((n, d)) < 0.5), np.nan, isotropic),
        "nulls in most": np.where(rng.random((n, d)) < 0.3, np.nan, np.round(isotropic)),
        "rows of nulls": np.where(rng.random((n, 1)) < 0.02, np.nan, isotropic),
        "clusters": isotropic * 0.01 + rng.normal(size=(9, d))[rng.integers(0, 9, n)],
    }


@given(
    n=st.sampled_from([40, 300] if config.DISABLE_JIT else [40, 300, 1100]),
    d=st.sampled_from([1, 12, 17]),
    k=st.sampled_from([1, 5, 33]),
    dtype=st.sampled_from([np.float32, np.float64]),
    share=st.sampled_from([1, 2, 9]),
    n_threads=st.sampled_from([1, 2, 3]),
    seed=st.integers(0, 2**32 - 1),
    data=st.data(),
)
@settings(max_examples=20)
def test_finds_what_cells_find(n, d, k, dtype, share, n_threads, seed, data):
    rng = np.random.default_rng(seed)
    of = tables(rng, n, d)
    X = of[data.draw(st.sampled_from(sorted(of)))].astype(dtype)
    ids, inverse = rng.permutation(3 * n)[:n], (rng.random(d) + 0.5).astype(dtype)
    queries = rng.choice(n, n // share, replace=share == 9)  # a row may be asked for twice
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbors, "pays", lambda *_: False)
        wanted = neighbors.nearest_rows(X, k, queries=queries, row_ids=ids, inverse_scale=inverse).indices
    found = nearest_tiled(X, k, ids, inverse, queries, n_threads)
    assert found is None or np.array_equal(found, wanted)


@pytest.mark.compiled
def test_most_tables_are_searched_by_sketches(monkeypatch):
    rng = np.random.default_rng(0)
    ids, inverse = np.arange(4_096), np.ones(12)
    of = tables(rng, 4_096, 12)
    found = {name: nearest_tiled(X, 3, ids, inverse, ids, 1) for name, X in of.items()}
    assert [name for name, one in found.items() if one is None] == []
    monkeypatch.setattr(neighbors, "pays", lambda *_: False)
    wanted = neighbors.nearest_rows(of["isotropic"], 3).indices
    assert np.array_equal(found["isotropic"], wanted)


@pytest.mark.compiled
@pytest.mark.parametrize("value", [1.0, 1e-200])
def test_equal_rows_are_left_to_cells(value):
    X = np.full((4_096, 12), value)
    ids = np.arange(4_096)
    assert nearest_tiled(X, 3, ids, np.ones(12), ids, 1) is None
    assert neighbors.nearest_rows(X, 3).indices[-1].tolist() == [0, 1, 2]


@pytest.mark.skipif(config.DISABLE_JIT, reason="all pairs of many rows")
@pytest.mark.parametrize(("k", "nulls"), [(1, 0), (5, 0), (5, 4_000), (10, 0), (30, 0)])
def test_what_a_search_holds_of_a_row_is_said(k, nulls):
    X = np.random.default_rng(0).normal(size=(30_000, 2)).astype(np.float32).repeat(2, axis=1)
    X[:nulls, 0] = np.nan
    args = k, np.arange(len(X)), np.ones(4, dtype=np.float32), np.arange(len(X)), 1
    nearest_tiled(X, *args)
    tracemalloc.start()
    try:
        nearest_tiled(X, *args)
        held = tracemalloc.get_traced_memory()[1] - 2 * X.nbytes
    finally:
        tracemalloc.stop()
    assert 0.8 < held / (len(X) * search_bytes(k)) < 1.05
