from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from naive import random as naive

from resampler.kernels.random import (
    bounded,
    draw,
    halvings_of,
    more_words,
    normal,
    philox4x32,
    poisson,
    rank_keys,
    unit,
)

WORD = st.integers(0, 2**32 - 1)


# The three known answers that the authors publish with Random123 (kat_vectors, philox4x32 10).
@pytest.mark.parametrize(
    ("counter", "key", "answer"),
    [
        ((0,) * 4, (0,) * 2, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_philox_gives_the_published_answers(counter, key, answer):
    words = philox4x32(*(np.uint64(word) for word in counter + key))
    assert tuple(int(word) for word in words) == answer


@given(seed=st.integers(0, 2**64 - 1), stream=WORD, row_id=st.integers(0, 2**63 - 1), n=WORD)
def test_draw_is_the_naive_one(seed, stream, row_id, n):
    words = draw(np.uint64(seed), stream, row_id, n)
    assert tuple(int(word) for word in words) == naive.draw(seed, stream, row_id, n)


@given(words=st.tuples(WORD, WORD, WORD, WORD), seed=st.integers(0, 2**64 - 1), block=st.integers(0, 2**31))
def test_more_words_are_the_naive_ones(words, seed, block):
    more = more_words(*(np.uint64(word) for word in words), np.uint64(seed), block)
    assert tuple(int(word) for word in more) == naive.more_words(words, seed, block)


@given(word=WORD, rate=st.floats(0, 1))
def test_poisson_is_the_naive_one(word, rate):
    assert poisson(np.uint64(word), rate) == naive.poisson(word, rate)


@given(word=WORD, n=st.integers(1, 2**31))
def test_bounded_and_unit_stay_in_range(word, n):
    assert bounded(np.uint64(word), n) == word * n >> 32
    step = unit(np.uint64(word))
    assert 0 <= step < 1
    assert step == np.float32(step)


def test_words_are_uniform_and_uncorrelated():
    words = np.array([draw(np.uint64(7), 1, row, 0) for row in range(4000)], dtype=np.uint64)
    units = words / 2.0**32
    counts = np.stack([np.histogram(units[:, w], bins=16, range=(0, 1))[0] for w in range(4)])
    chi_squared = ((counts - 250.0) ** 2 / 250.0).sum(axis=1)
    assert (chi_squared < 45).all()  # 15 degrees of freedom: p < 1e-4
    assert np.abs(np.corrcoef(units.T) - np.eye(4)).max() < 0.06


def test_rank_keys_depend_on_seed_stream_and_row_only():
    ids = np.arange(100, dtype=np.int64)
    keys, shuffled, other = (np.empty(100, dtype=np.uint64) for _ in range(3))
    rank_keys(np.uint64(1), 5, ids, keys)
    rank_keys(np.uint64(1), 5, ids[::-1].copy(), shuffled)
    rank_keys(np.uint64(2), 5, ids, other)
    assert np.array_equal(keys, shuffled[::-1])
    assert not np.array_equal(keys, other)
    assert len(np.unique(keys)) == 100


@given(word=st.integers(0, 2**32 - 1))
def test_normal_inverts_the_distribution(word):
    want = NormalDist().inv_cdf((word + 0.5) / 2**32)
    assert normal(np.uint64(word)) == pytest.approx(want, rel=2e-6, abs=2e-7)


@given(mantissa=st.integers(1, 2**32) | st.integers(0, 32).map(lambda bits: 2**bits))
def test_halvings_are_the_naive_ones_to_the_last_bit(mantissa):
    assert halvings_of(float(mantissa)) == naive.halvings(mantissa)
