"""Vector kernels against loops over lanes and columns: the same bits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from naive.blocks import naive_block_distances, naive_partial_distances
from numba import njit

from resampler.kernels.simd import lanes as kernels
from resampler.kernels.simd.blocks import block_distances, partial_distances

LANES = kernels.LANES


@njit
def run_at_most(values, limits):
    return kernels.at_most(values, limits)


@njit
def run_near(values, limits, factor, offset):
    return kernels.near(values, limits, factor, offset)


@njit
def run_partial_distances(block, query, penalty, limit, common, out):
    return partial_distances(block, query, penalty, limit, common, out)


@njit
def run_ends(values, out):
    kernels.keep_lower(values, out)
    near = kernels.count_lanes(kernels.at_most(values, np.float32(0.5)))
    return kernels.lowest(values), kernels.greatest(values), near


@njit
def run_first_lane(word):
    return kernels.first_lane(word)


@njit
def run_sum_within(values, numbers, rows, n, limit):
    return kernels.sum_within(values, numbers, rows, n, limit)


@njit
def run_keep_lanes(values, word):
    kernels.keep_lanes(values, word)


@njit
def run_square_differences(rows, row, scale, norm, query, terms, at):
    kernels.square_differences(rows, row, scale, norm, query, terms, at)


@njit
def run_prefetch(array, index):
    kernels.prefetch(array, index)
    return array[index]


COMPILED = {"compiled": (run_at_most, run_first_lane), "plain": (kernels.at_most, kernels.first_lane)}


@pytest.mark.parametrize("way", COMPILED)
@given(seed=st.integers(0, 2**32 - 1), share=st.sampled_from([0.0, 0.02, 0.5, 1.0]))
def test_at_most_sets_the_bits_of_the_lanes_within_the_limits(way, seed, share):
    at_most, first_lane = COMPILED[way]
    rng = np.random.default_rng(seed)
    values = rng.random(LANES).astype(np.float32)
    limits = np.where(rng.random(LANES) < share, values, np.float32(-1)).astype(np.float32)
    values[rng.random(LANES) < 0.1] = np.inf
    expected = [lane for lane in range(LANES) if values[lane] <= limits[lane]]
    for word, wanted in (
        (at_most(values, limits), expected),
        (at_most(values, np.float32(share)), [lane for lane in range(LANES) if values[lane] <= np.float32(share)]),
    ):
        found, rest = [], np.uint64(word)
        while rest:
            found.append(int(first_lane(rest)))
            rest &= rest - np.uint64(1)
        assert found == wanted


@pytest.mark.parametrize("near", [run_near, kernels.near], ids=["compiled", "plain"])
@given(seed=st.integers(0, 2**32 - 1), offset=st.sampled_from([-0.5, 0.0, 1e-9, 0.3, np.inf]))
def test_near_widens_the_limits_with_two_roundings(near, seed, offset):
    rng = np.random.default_rng(seed)
    limits, factor, offset = rng.normal(size=LANES).astype(np.float32), np.float32(1 + rng.random()), np.float32(offset)
    bounds = [limit * factor + offset for limit in limits]
    values = np.array([rng.choice([bound, np.nextafter(bound, np.float32(np.inf)), 0]) for bound in bounds], np.float32)
    word = sum(1 << lane for lane in range(LANES) if values[lane] <= bounds[lane])
    assert int(near(values, limits, factor, offset)) == word


@pytest.mark.parametrize("run", [run_ends, run_ends.py_func], ids=["compiled", "plain"])
@given(seed=st.integers(0, 2**32 - 1), share=st.sampled_from([0.0, 0.9, 1.0]))
def test_the_ends_are_found_in_any_lane(run, seed, share):
    rng = np.random.default_rng(seed)
    values = np.where(rng.random(LANES) < share, np.inf, rng.random(LANES)).astype(np.float32)
    out = rng.permutation(values)
    want = [min(pair) for pair in zip(values, out, strict=True)]
    assert run(values, out) == (min(values), max(values), (values <= 0.5).sum())
    assert out.tolist() == want


def test_prefetch_changes_nothing():
    assert run_prefetch(np.arange(5.0), 3) == 3
    assert kernels.prefetch(np.arange(5.0), 3) is None


@given(
    d=st.integers(1, 50),
    seed=st.integers(0, 2**32 - 1),
    categories=st.sampled_from([0.0, 0.3, 1.0]),
    scale=st.sampled_from([1e-30, 1.0, 1e16]),
    limit=st.sampled_from([0.0, 5.0, np.inf]),
)
def test_block_distances_are_the_naive_ones_unless_all_are_beyond_the_limit(d, seed, categories, scale, limit):
    rng = np.random.default_rng(seed)
    penalty = np.where(rng.random(d) < categories, np.float32(0.3), np.float32(-1)).astype(np.float32)
    block = np.round(rng.normal(size=(d, LANES)) * 3).astype(np.float32)
    block[penalty < 0] *= np.float32(scale)
    query = block[:, 0] + np.where(penalty < 0, np.float32(0.25 * scale), np.float32(0)).astype(np.float32)
    out = np.empty(LANES, dtype=np.float32)
    within = block_distances(block, query, penalty, np.float32(limit), out)
    expected = naive_block_distances(block, query, penalty)
    word = sum(1 << lane for lane in range(LANES) if expected[lane] <= np.float32(limit))
    assert int(within) == word
    if word:
        assert out.tobytes() == expected.tobytes()


def run_plain(block, query, penalty, limit, common, out):
    """Do what the kernel of `partial_distances` does with the functions that stand for vector instructions."""
    out[:] = common[:] = 0
    for j in range(len(query)):
        if penalty[j] < 0:
            kernels.add_common(block, query, j, j + 1, common, out)
        else:
            kernels.add_common_category(block, query, j, penalty[j], common, out)
    kernels.scale_up(common, len(query), out)
    return kernels.at_most(out, limit)


@pytest.mark.parametrize("partial", [run_partial_distances, run_plain], ids=["compiled", "plain"])
@given(
    d=st.integers(1, 50),
    seed=st.integers(0, 2**32 - 1),
    categories=st.sampled_from([0.0, 0.3, 1.0]),
    nulls=st.sampled_from([0.0, 0.1, 0.9, 1.0]),
    scale=st.sampled_from([1e-30, 1.0, 1e16]),
    limit=st.sampled_from([0.0, 5.0, np.inf]),
)
def test_partial_distances_are_the_naive_ones_unless_all_are_beyond_the_limit(
    partial, d, seed, categories, nulls, scale, limit
):
    rng = np.random.default_rng(seed)
    penalty = np.where(rng.random(d) < categories, np.float32(0.3), np.float32(-1)).astype(np.float32)
    block = np.round(rng.normal(size=(d, LANES)) * 3).astype(np.float32)
    block[penalty < 0] *= np.float32(scale)
    query = block[:, 0] + np.where(penalty < 0, np.float32(0.25 * scale), np.float32(0)).astype(np.float32)
    block[rng.random(block.shape) < nulls] = np.nan
    query[rng.random(d) < nulls / 2] = np.nan
    common, out = np.empty(LANES, dtype=np.float32), np.empty(LANES, dtype=np.float32)
    within = partial(block, query, penalty, np.float32(limit), common, out)
    expected = naive_partial_distances(block, query, penalty)
    word = sum(1 << lane for lane in range(LANES) if expected[lane] <= np.float32(limit))
    assert int(within) == word
    if word:
        assert out.tobytes() == expected.tobytes()
    if not np.isnan(block).any() and not np.isnan(query).any():
        assert expected.tobytes() == naive_block_distances(block, query, penalty).tobytes()


@pytest.mark.parametrize("way", [run_sum_within, kernels.sum_within], ids=["compiled", "plain"])
@given(n=st.integers(0, 4), limit=st.sampled_from([-1.0, 0.3, 1.0, np.inf]), seed=st.integers(0, 2**32 - 1))
def test_numbers_of_the_values_within_a_limit_are_summed(way, n, limit, seed):
    rng = np.random.default_rng(seed)
    values, numbers = rng.random((4, LANES)).astype(np.float32), rng.integers(0, 65, 6 * LANES)
    rows, limit = rng.permutation(6)[:4], np.float32(limit)
    want = sum(
        int(numbers[rows[i] * LANES + lane]) for i in range(n) for lane in range(LANES) if values[i, lane] <= limit
    )
    assert way(values, numbers, rows, n, limit) == want


@pytest.mark.parametrize("way", [run_keep_lanes, kernels.keep_lanes], ids=["compiled", "plain"])
@given(word=st.integers(0, 2**64 - 1))
def test_lanes_that_are_not_kept_are_infinite(way, word):
    values = np.arange(LANES, dtype=np.float32)
    way(values, np.uint64(word))
    assert values.tolist() == [lane if word >> lane & 1 else np.inf for lane in range(LANES)]


@pytest.mark.parametrize("way", [run_square_differences, kernels.square_differences], ids=["compiled", "plain"])
@given(d=st.integers(1, 40), seed=st.integers(0, 2**32 - 1))
def test_square_differences_have_a_rounding_an_operation(way, d, seed):
    rng = np.random.default_rng(seed)
    rows, terms = rng.normal(size=(2, 3, d)).astype(np.float32)
    scale, query = rng.normal(size=(2, d)).astype(np.float32)
    norm, before = np.float32(rng.random()), terms.copy()
    way(rows, 1, scale, norm, query, terms, 2)
    differences = [rows[1, j] * scale[j] * norm - query[j] for j in range(d)]
    assert terms[2].tolist() == [difference * difference for difference in differences]
    assert terms[:2].tobytes() == before[:2].tobytes()
