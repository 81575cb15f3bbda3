"""Kernels of grids against naive loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive import grids as naive
from naive.random import draw, more_words

from resampler.grids import Grid, pack
from resampler.kernels import grids as kernels

STEPS = [0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 100.0, 1e-6]
SEED, STREAM = np.uint64(7), 3


@st.composite
def worlds(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    grids, columns = [], []
    for _ in range(draw(st.integers(1, 6))):
        kind = draw(st.sampled_from(["step", "bounded", "values", "bounds", "none"]))
        step = draw(st.sampled_from(STEPS))
        single = dtype == np.float32
        multiples = np.array([naive.image(int(k), step, single) for k in rng.integers(-50, 50, 12)])
        if kind == "step":
            grid, column = Grid(step, single=single), multiples
        elif kind == "bounded":
            grid, column = Grid(step, low=0.0, single=single), np.abs(multiples)
        elif kind == "values":
            column = rng.normal(size=12).astype(np.float32)[rng.integers(0, 4, 12)].astype(np.float64)
            grid = Grid(values=tuple(np.unique(column).tolist()))
        else:
            column = np.abs(rng.normal(size=12))
            grid = Grid(low=0.0) if kind == "bounds" else None
        grids.append(grid)
        columns.append(column)
    X = np.stack(columns, axis=1).astype(dtype)
    base = rng.integers(0, 12, 20)
    made = (X[base] + rng.normal(size=(20, X.shape[1])) * rng.choice([0.0, 0.01, 1.0, 100.0], X.shape[1])).astype(dtype)
    made[0] = np.nan
    return X, base, made, grids, rng.integers(0, 2**62, 20), rng.integers(0, 9, 20)


@pytest.mark.parametrize("mode", ["nearest", "by row", "by column"])
@given(world=worlds())
@settings(max_examples=60)
def test_settled_rows_are_those_of_the_naive_loop(mode, world):
    X, base, made, grids, ids, copies = world
    drawn, own = mode != "nearest", mode == "by column"
    out, none = made.copy(), np.empty(0, dtype=np.int64)
    packed = pack(grids)
    kernels.settle(
        X, base, ids if drawn else none, copies if drawn else none, SEED, STREAM, own, *packed, 0, len(base), out
    )
    for i, row in enumerate(made):
        words = draw(int(SEED), STREAM, int(ids[i]), int(copies[i]))
        at = 0
        for j, grid in enumerate(grids):
            if grid is None:
                assert out[i, j] == row[j] or np.isnan(row[j])
                continue
            word = more_words(words, int(SEED), 2**31 + at // 4)[at % 4] if own else words[3]
            u = (word + 0.5) / 2**32 if drawn else 0.5
            wanted = naive.put(float(row[j]), float(X[base[i], j]), u, grid, even=own)
            assert np.array_equal(out[i, j], X.dtype.type(wanted), equal_nan=True)
            assert grid.has(out[i, j]).all()
            at += 1
