r"""Parse the entries of an XREAD reply (RESP2) where they lie, without making an object of any field.

*2 \r\n  $<n> \r\n <ms>-<seq> \r\n  *<m> \r\n  ( $<n> \r\n <bytes> \r\n ) x m

Naive: hiredis, in tests/stream/redis/test_resp.py.
"""

from __future__ import annotations

import numpy as np

from resampler.kernels.jit import entry, inner
from stream.kernels.word import load

DONE, NEED_BYTES, NEED_SPANS, MALFORMED = 0, 1, 2, 3
POSITION, PARSED = 0, 1  # places in `state`

_CR, _LF, _DASH, _ZERO, _NINE = 13, 10, 45, 48, 57
_STAR, _DOLLAR = 42, 36
_SHORT, _BAD = -1, -2
_MAX_DIGITS = 12  # a terabyte is no length
_ONE = np.uintp(1)
_BYTE, _TWO_BYTES, _CRLF = np.uint64(0xFF), np.uint64(0xFFFF), np.uint64(0x0A0D)


@inner
def _length(buffer, at, stop, kind):
    r"""Read ``<kind><digits>\r\n``; return the number and the place behind it, or a negative code."""
    here, end = np.uintp(at), np.uintp(stop)  # unsigned places need no test for counting from the end
    if here >= end:
        return _SHORT, at
    if buffer[here] != kind:
        return _BAD, at
    here += _ONE
    begin = here
    value = 0
    while here < end and _ZERO <= buffer[here] <= _NINE:
        value = value * 10 + (buffer[here] - _ZERO)
        here += _ONE
    digits = np.int64(here - begin)
    if digits > _MAX_DIGITS:
        return _BAD, at
    if here + _ONE >= end:
        return _SHORT, at
    if digits == 0 or buffer[here] != _CR or buffer[here + _ONE] != _LF:
        return _BAD, at
    return value, np.int64(here) + 2


@inner
def _short_length(buffer, at, stop):
    r"""Read ``$<one or two digits>\r\n`` as `_length` would, without a branch on how many; a code if it is not that.

    Nearly every name and value is so short, and no branch predictor knows which of the two it is.
    """
    if at + 8 > stop:
        return _SHORT, at
    word = load(buffer, np.uintp(at))
    first = np.int64((word >> np.uint64(8)) & _BYTE) - _ZERO
    second = np.int64((word >> np.uint64(16)) & _BYTE)
    two = np.int64(second != _CR)
    length = first + two * (9 * first + second - _ZERO)
    end = (word >> np.uint64(8 * (2 + two))) & _TWO_BYTES
    good = (word & _BYTE == _DOLLAR) & (end == _CRLF) & (0 <= first <= 9) & ((two == 0) | (_ZERO <= second <= _NINE))
    return (length, at + 4 + two) if good else (_SHORT, at)


@inner
def _integer(buffer, start, stop):
    """Read the decimal digits that fill [start, stop); the flag says whether they are a uint64."""
    value = np.uint64(0)
    if stop == start or stop - start > 20:
        return value, False
    for at in range(start, stop):
        digit = buffer[at] - _ZERO
        if digit < 0 or digit > 9:
            return value, False
        # 18446744073709551615 is the largest: beyond a tenth of it one more digit wraps round.
        if value > np.uint64(1844674407370955161) or (value == np.uint64(1844674407370955161) and digit > 5):
            return value, False
        value = value * np.uint64(10) + np.uint64(digit)
    return value, True


@entry
def parse_entries(buffer, stop, state, ms, seq, first, spans):
    """Parse entries from ``state[POSITION]`` on, until `ms` is full.

    `state` stands behind the last whole entry whatever is returned, so that the call can be repeated once there are
    more bytes or more room. The loop touches lengths only, never the bytes of a value.

    Returns DONE, NEED_BYTES, NEED_SPANS or MALFORMED.
    """
    at = state[POSITION]
    n = state[PARSED]
    while n < ms.shape[0]:
        size, at = _length(buffer, at, stop, _STAR)
        if size < 0:
            return NEED_BYTES if size == _SHORT else MALFORMED
        length, at = _length(buffer, at, stop, _DOLLAR)
        if length < 0:
            return NEED_BYTES if length == _SHORT else MALFORMED
        if at + length + 2 > stop:
            return NEED_BYTES
        dash = at
        while dash < at + length and buffer[dash] != _DASH:
            dash += 1
        ms[n], good_ms = _integer(buffer, at, dash)
        seq[n], good_seq = _integer(buffer, dash + 1, at + length)
        if size != 2 or not good_ms or not good_seq:
            return MALFORMED
        items, at = _length(buffer, at + length + 2, stop, _STAR)
        if items < 0:
            return NEED_BYTES if items == _SHORT else MALFORMED
        if items % 2:
            return MALFORMED
        span = first[n]
        if span + items > spans.shape[0]:
            # Only an entry of which all is there may ask for room: a count is not to be believed.
            if at + 5 * items > stop:
                return NEED_BYTES
            return NEED_SPANS
        for _ in range(items):
            length, at = _short_length(buffer, at, stop)
            if length < 0:
                length, at = _length(buffer, at, stop, _DOLLAR)
            if length < 0:
                return NEED_BYTES if length == _SHORT else MALFORMED
            if at + length + 2 > stop:
                return NEED_BYTES
            close = np.uintp(at + length)
            if buffer[close] != _CR or buffer[close + _ONE] != _LF:
                return MALFORMED
            spans[np.uintp(span), 0] = at
            spans[np.uintp(span), 1] = at + length
            span += 1
            at += length + 2
        n += 1
        first[n] = span
        state[POSITION] = at
        state[PARSED] = n
    return DONE
