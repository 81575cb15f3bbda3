"""The k-th smallest value is the one that sorting puts there."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from resampler.kernels.simd import select as kernels


@njit
def run_select(values, k):
    return kernels.select(values, k)


@given(st.lists(st.floats(allow_nan=False) | st.sampled_from([0.0, 1.0, np.inf]), min_size=1, max_size=40), st.data())
def test_select(values, data):
    k, changed = data.draw(st.integers(0, len(values) - 1)), np.array(values)
    assert run_select(changed, k) == sorted(values)[k]
    assert sorted(changed.tolist()) == sorted(values)
