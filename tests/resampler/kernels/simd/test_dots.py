"""Products of a row with a block of sketches against loops over lanes and columns: the same bits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from resampler.kernels.simd import dots as kernels
from resampler.kernels.simd.lanes import LANES


@njit
def run_set_distances(block, row, lengths, length, unit, grain, out):
    kernels.set_distances(block, row, lengths, length, unit, grain, out)


@njit
def run_add_code(block, j, code, penalty, out):
    kernels.add_code(block, j, code, penalty, out)


def naive_distances(block, row, lengths, length, unit, grain):
    out = np.empty(LANES, dtype=np.float32)
    for lane in range(LANES):
        product = 0
        for pair in range(len(block)):
            for column in range(2):
                product += int(block[pair, lane, column]) * int(row[2 * pair + column])
        out[lane] = (lengths[lane] + length) - np.float32(product) * unit * grain
    return out


@pytest.mark.parametrize("way", [run_set_distances, kernels.set_distances], ids=["compiled", "plain"])
@given(n_pairs=st.integers(1, 9), seed=st.integers(0, 2**32 - 1), longest=st.sampled_from([0, 9, 32_000]))
def test_distances_are_those_of_whole_products(way, n_pairs, seed, longest):
    rng = np.random.default_rng(seed)
    block = rng.integers(-127, 128, (n_pairs, LANES, 2)).astype(np.int8)
    row = (rng.choice([-longest, longest, 1], 2 * n_pairs)).astype(np.int16)
    lengths = rng.random(LANES).astype(np.float32)
    length, unit, grain = rng.random(3).astype(np.float32)
    out = np.full(LANES, np.nan, dtype=np.float32)
    way(block, row, lengths, length, unit, grain, out)
    assert out.tobytes() == naive_distances(block, row, lengths, length, unit, grain).tobytes()


@pytest.mark.parametrize("way", [run_add_code, kernels.add_code], ids=["compiled", "plain"])
@given(j=st.integers(0, 7), code=st.integers(-1, 3), seed=st.integers(0, 2**32 - 1))
def test_another_code_costs_the_penalty(way, j, code, seed):
    rng = np.random.default_rng(seed)
    block, out = rng.integers(-1, 4, (4, LANES, 2)).astype(np.int8), rng.random(LANES).astype(np.float32)
    penalty = np.float32(0.7)
    want = [value + penalty if block[j // 2, lane, j % 2] != code else value for lane, value in enumerate(out)]
    way(block, j, np.int8(code), penalty, out)
    assert out.tobytes() == np.array(want, dtype=np.float32).tobytes()
