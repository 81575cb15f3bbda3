"""Integers beyond what a float64 holds, against Python's own integers."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resampler.integers import are_wide, counted_from, interpolate_integers, offsets

STEPS = st.integers(-(2**23), 2**24 - 1).map(lambda n: n * 2.0**-24)


@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
@given(data=st.data())
def test_interpolation_is_that_of_exact_arithmetic_to_a_rounding_of_the_distance(dtype, data):
    bounds = np.iinfo(dtype)
    values = st.integers(int(bounds.min), int(bounds.max))
    a, step = data.draw(values), data.draw(STEPS)
    b = data.draw(st.one_of(values, st.integers(max(a - 2**50, int(bounds.min)), min(a + 2**50, int(bounds.max)))))
    (got,) = interpolate_integers(np.array([a], dtype), np.array([b], dtype), np.array([step], np.float32)).tolist()
    want = a + Fraction(step) * (b - a)
    want = min(max(want, int(bounds.min)), int(bounds.max))
    assert abs(got - want) <= Fraction(1, 2) + Fraction(abs(b - a), 2**52)
    if step >= 0:
        assert min(a, b) <= got <= max(a, b)
    if step == 0:
        assert got == a


@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
@given(data=st.data())
def test_what_is_counted_is_rounded_once(dtype, data):
    bounds = np.iinfo(dtype)
    values = data.draw(st.lists(st.integers(int(bounds.min), int(bounds.max)), min_size=2, max_size=5))
    assert counted_from(np.array(values, dtype), values[0]).tolist() == [float(value - values[0]) for value in values]


def test_offsets_tell_wide_integers_apart():
    wide = np.array([2**62 + 3, 2**62, 2**62 + 2**53], dtype=np.int64)
    assert offsets(wide).tolist() == [3, 0, 2**53]
    assert offsets(wide.astype(np.uint64) + np.uint64(2**63)).tolist() == [3, 0, 2**53]
    assert offsets(np.array([-(2**63), 2**63 - 1])).tolist() == [0, 2.0**64]
    assert offsets(np.array([-5, 7])).tolist() == [-5, 7]
    assert [are_wide(np.array([v])) for v in (2**53, -(2**53), 2**53 + 1, -(2**53) - 1)] == [False, False, True, True]
    assert not are_wide(np.array([], dtype=np.int64))
    assert not are_wide(np.array([True]))
