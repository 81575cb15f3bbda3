"""Products of a row with a block of sketches against loops over lanes and columns: the same bits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit
from numba.extending import intrinsic

from resampler.kernels.simd import dots as kernels
from resampler.kernels.simd.lanes import LANES


def compiled(set_distances):
    @njit
    def run(block, row, above, lengths, length, unit, grain, out):
        set_distances(block, row, above, lengths, length, unit, grain, out)

    return run


WAYS = {
    "compiled": compiled(kernels.set_distances),
    "widened": compiled(intrinsic(kernels._set_distances_by(by_bytes=False))),
    "plain": kernels.set_distances,
}


@njit
def run_add_code(block, j, code, penalty, out):
    kernels.add_code(block, j, code, penalty, out)


def naive_distances(block, numbers, lengths, length, unit, grain):
    out = np.empty(LANES, dtype=np.float32)
    for lane in range(LANES):
        product = 0
        for j, number in enumerate(numbers):
            product += (int(block[j // 4, lane, j % 4]) - 128) * int(number)
        out[lane] = (lengths[lane] + length) - np.float32(product) * unit * grain
    return out


@pytest.mark.parametrize("way", WAYS)
@given(n_fours=st.integers(1, 5), seed=st.integers(0, 2**32 - 1), longest=st.sampled_from([0, 9, 32_000]))
def test_distances_are_those_of_whole_products(way, n_fours, seed, longest):
    rng = np.random.default_rng(seed)
    block = rng.integers(1, 256, (n_fours, LANES, 4)).astype(np.uint8)
    numbers = rng.choice([-longest, longest, 1, 127, 128, -128, -129], 4 * n_fours)
    high = (numbers + 128) >> 8
    row = np.array([high, numbers - 256 * high]).astype(np.int8)
    lengths = rng.random(LANES).astype(np.float32)
    length, unit, grain = rng.random(3).astype(np.float32)
    out = np.full(LANES, np.nan, dtype=np.float32)
    WAYS[way](block, row, np.int32(128 * numbers.sum()), lengths, length, unit, grain, out)
    assert out.tobytes() == naive_distances(block, numbers, lengths, length, unit, grain).tobytes()


@pytest.mark.parametrize("way", [run_add_code, kernels.add_code], ids=["compiled", "plain"])
@given(j=st.integers(0, 7), code=st.integers(-1, 3), seed=st.integers(0, 2**32 - 1))
def test_another_code_costs_the_penalty(way, j, code, seed):
    rng = np.random.default_rng(seed)
    block, out = rng.integers(127, 132, (2, LANES, 4)).astype(np.uint8), rng.random(LANES).astype(np.float32)
    penalty = np.float32(0.7)
    want = [
        value + penalty if int(block[j // 4, lane, j % 4]) - 128 != code else value for lane, value in enumerate(out)
    ]
    way(block, j, np.int8(code), penalty, out)
    assert out.tobytes() == np.array(want, dtype=np.float32).tobytes()
