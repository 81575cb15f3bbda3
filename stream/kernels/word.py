"""Eight bytes at a time: loaded, compared, and read as digits.

Naive: none of its own; it is part of `stream.kernels.text`, which is compared in tests/stream/formats/test_text.py.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from resampler.kernels.jit import inner

_EIGHT = np.uintp(8)
_ZEROS = np.uint64(0x3030303030303030)
_BEYOND_NINE = np.uint64(0x4646464646464646)
_HIGH_BITS = np.uint64(0x8080808080808080)
_NO_DIGITS = np.uint64(0x7676767676767676)  # added to 10 and more, it sets the highest bit
_PAIRS = np.uint64(0x000000FF000000FF)
_MILLIONS_AND_HUNDREDS = np.uint64(0x000F424000000064)  # 100 and 1,000,000
_THOUSANDS_AND_ONES = np.uint64(0x0000271000000001)  # 1 and 10,000


@intrinsic
def load(typing_context, buffer, at):  # noqa: ARG001 - Numba tells only this signature
    """Load the eight bytes of a C-contiguous uint8 array from `at` on; they must be there."""

    def _generate(context, builder, signature, arguments):
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = builder.gep(array.data, [arguments[1]])
        return builder.load(builder.bitcast(place, ir.IntType(64).as_pointer()), align=1)

    return types.uint64(buffer, types.uintp), _generate


@intrinsic
def _trailing_zeros(typing_context, word):  # noqa: ARG001 - Numba tells only this signature
    """Count the zero bits below the lowest one of a uint64; 64 where there is none."""

    def _generate(context, builder, signature, arguments):  # noqa: ARG001 - as above
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.uint64(types.uint64), _generate


@inner
def are_digits(word):
    """Say whether all eight bytes are decimal digits."""
    return ((word + _BEYOND_NINE) | (word - _ZEROS)) & _HIGH_BITS == np.uint64(0)


@inner
def read_digits(word):
    """Read eight decimal digits, the first in the lowest byte: neighbours are joined, then pairs, then fours."""
    word = word - _ZEROS
    word = word * np.uint64(10) + (word >> _EIGHT)
    low = (word & _PAIRS) * _MILLIONS_AND_HUNDREDS
    high = ((word >> np.uint64(16)) & _PAIRS) * _THOUSANDS_AND_ONES
    return (low + high) >> np.uint64(32)


@inner
def count_digits(word):
    """Return how many of the eight bytes are decimal digits before the first that is none."""
    word ^= _ZEROS
    # The highest bit of a byte says that it is no digit. What is carried out of such a byte changes none before it.
    return _trailing_zeros(((word + _NO_DIGITS) | word) & _HIGH_BITS) >> np.uint64(3)


@inner
def first_digits(word, n):
    """Return the word whose last `n` (1 to 8) bytes are the first of `word` and whose others are zeros in ASCII."""
    cover = np.uint64(64) - np.uint64(8) * np.uint64(n)
    return (word << cover) | (_ZEROS & ((np.uint64(1) << cover) - np.uint64(1)))


@inner
def last_digits(buffer, stop, n):
    """Return the word whose last `n` (1 to 8) bytes are those before `stop` and whose others are zeros in ASCII.

    There must be eight bytes before `stop`.
    """
    cover = np.uint64(64) - np.uint64(8) * np.uint64(n)
    kept = (load(buffer, np.uintp(stop) - _EIGHT) >> cover) << cover
    return kept | (_ZEROS & ((np.uint64(1) << cover) - np.uint64(1)))


@inner
def equal(buffer, start, stop, other, other_start, other_stop):
    """Say whether two runs of bytes are equal."""
    n = stop - start
    if n != other_stop - other_start:
        return False
    # Unsigned places need no test for counting from the end.
    here, there = np.uintp(start), np.uintp(other_start)
    if n < 8:
        for i in range(np.uintp(n)):
            if buffer[here + i] != other[there + i]:
                return False
        return True
    last = np.uintp(n) - _EIGHT
    at = np.uintp(0)
    while at < last:
        if load(buffer, here + at) != load(other, there + at):
            return False
        at += _EIGHT
    return load(buffer, here + last) == load(other, there + last)
