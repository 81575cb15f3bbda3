"""What is kept and what is chosen as time goes on: windows by age, decay of old bases, the categories' penalty."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from naive.random import fading as naive_fading

from resampler import InvalidInputError, MinorityBuffer
from resampler.kernels.random import fading


def rows(n, d=3, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


def test_rows_leave_by_age_and_by_number():
    buffer = MinorityBuffer(3, 8, 2, max_age=10)
    buffer.insert(rows(5), np.arange(5), [0, 5, 10, 10, 11])
    assert buffer.row_ids.tolist() == [1, 2, 3, 4]  # 0 is 11 old
    buffer.insert(rows(1), [5], [20])
    assert buffer.row_ids.tolist() == [2, 3, 4, 5]
    assert buffer.expire(21) == 2
    buffer.insert(rows(9), np.arange(10, 19), np.full(9, 21))
    assert buffer.row_ids.tolist() == list(range(11, 19))
    assert buffer.discard([12, 18]) == 2
    assert buffer.expire(31) == 0
    assert MinorityBuffer.from_bytes(buffer.to_bytes()).expire(32) == 6
    assert buffer.expire(2**62) == 6
    assert len(buffer) == 0


@pytest.mark.parametrize("index", ["exact", "graph"])
def test_ages_do_not_depend_on_how_rows_are_cut(index):
    X, times = rows(900), np.cumsum(np.random.default_rng(1).integers(0, 5, 900))
    whole, cut = (MinorityBuffer(3, 300, index=index, max_age=400, half_life=50) for _ in range(2))
    whole.insert(X, np.arange(900), times)
    for part in np.array_split(np.arange(900), 13):
        cut.insert(X[part], part, times[part])
        cut = MinorityBuffer.from_bytes(cut.to_bytes())
    assert cut.to_bytes() == whole.to_bytes()
    assert 100 < len(whole) < 300


@given(word=st.integers(0, 2**32 - 1), n=st.integers(1, 2**30), half_life=st.floats(1e-3, 2.0**40))
def test_fading_is_the_naive_one(word, n, half_life):
    assert fading(np.uint64(word), n, half_life) == naive_fading(word, n, half_life)


@pytest.mark.compiled
def test_bases_are_half_as_frequent_one_half_life_ago():
    buffer = MinorityBuffer(3, 400, half_life=100)
    buffer.insert(rows(400), np.arange(400))
    count = np.bincount(buffer.sample(40_000, seed=1).base_id, minlength=400).reshape(4, 100).sum(axis=1)
    assert np.allclose(count[1:] / count[:-1], 2, rtol=0.1)
    even = MinorityBuffer(3, 400, half_life=2.0**40)
    even.insert(rows(400), np.arange(400))
    count = np.bincount(even.sample(40_000, seed=1).base_id, minlength=400).reshape(4, 100).sum(axis=1)
    assert np.allclose(count, 10_000, rtol=0.05)


@pytest.mark.compiled
@pytest.mark.parametrize("index", ["exact", "graph"])
def test_the_categories_penalty_follows_the_spread_of_the_rows_held(index):
    scale = [2.0, 0.5, 1.0, 1.0]
    buffer = MinorityBuffer(4, 1_000, categorical_features=[3], scale=scale, index=index)
    X = rows(6_000, 4) * np.repeat([1, 1, 20, 0.1, 1, 1], 1_000)[:, None].astype(np.float32)
    X[:, 3] = np.arange(6_000) % 4
    for first in range(0, 6_000, 1_000):
        buffer.insert(X[first : first + 1_000], np.arange(first, first + 1_000))
        buffer.insert(X[first : first + 64], np.arange(64) + 10_000 + first)  # so that a look is due
        held = np.roll(X[first : first + 1_000], -64, axis=0)
        spread = np.median(held[:, :3].std(axis=0) / scale[:3])
        assert spread / 1.25 < buffer.categorical_penalty < spread * 1.25
    assert np.isnan(MinorityBuffer(2, 10).categorical_penalty)
    assert MinorityBuffer(2, 10, categorical_features=[0, 1]).categorical_penalty == 1


@pytest.mark.compiled
def test_neighbours_after_a_change_of_penalty_are_those_of_a_fresh_buffer():
    X = rows(2_400, 4)
    X[1_200:] *= 30
    X[:, 3] = np.arange(2_400) % 3
    buffer = MinorityBuffer(4, 1_200, categorical_features=[3], index="graph", recall=0.999)
    buffer.insert(X, np.arange(2_400))
    d2 = ((X[1_200:, None, :3] - X[None, 1_200:, :3]) ** 2).sum(axis=2)
    d2 += buffer.categorical_penalty**2 * (X[1_200:, None, 3] != X[None, 1_200:, 3])
    np.fill_diagonal(d2, np.inf)
    true = np.argsort(d2, axis=1)[:, :5] + 1_200
    found = buffer.graph()[1]
    assert np.mean([len(np.intersect1d(a, b)) for a, b in zip(true, found, strict=True)]) > 4.9


@pytest.mark.parametrize(
    ("max_age", "times", "message"),
    [
        (None, [1, 2], "if and only if the buffer has a max_age, got times and max_age=None"),
        (9, None, "if and only if the buffer has a max_age, got no times and max_age=9"),
        (9, [1], "times must be 2 integers"),
        (9, [1.0, 2.0], "times must be 2 integers.*float64"),
        (9, [7, 6], "never fall"),
        (9, [4, 5], "never fall"),
        (9, [5, 2**62 + 1], "within 2\\*\\*62"),
    ],
)
def test_bad_times_are_named_and_change_nothing(max_age, times, message):
    buffer = MinorityBuffer(3, 9, max_age=max_age)
    buffer.insert(rows(2), [0, 1], None if max_age is None else [4, 5])
    before = buffer.to_bytes()
    with pytest.raises(InvalidInputError, match=message):
        buffer.insert(rows(2), [2, 3], times)
    assert buffer.to_bytes() == before


def test_bad_windows_are_named():
    for parameters in ({"max_age": 0}, {"max_age": 2**63}, {"half_life": 0}, {"half_life": "5"}, {"half_life": 2**41}):
        with pytest.raises(InvalidInputError, match=next(iter(parameters))):
            MinorityBuffer(3, 9, **parameters)
    with pytest.raises(InvalidInputError, match="expire needs a buffer with a max_age"):
        MinorityBuffer(3, 9).expire(5)
    with pytest.raises(InvalidInputError, match=r"now must be an integer .* got 1\.5"):
        MinorityBuffer(3, 9, max_age=4).expire(1.5)
