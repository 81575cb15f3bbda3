"""Decode text rows: field names matched, numbers read, without a Python object.

A row is decoded here only when the result is certain to be that of the reference (`stream.formats.text`); the rest,
every faulty row included, is left to the reference.

Naive: the reader of text rows without kernels, in tests/stream/formats/test_text.py.
"""

from __future__ import annotations

import numpy as np

from resampler.kernels.jit import entry, inner, njit
from stream.kernels.word import are_digits, equal, last_digits, load, read_digits

FLOAT, INTEGER, VOCABULARY = 0, 1, 2

_PLUS, _DASH, _POINT, _ZERO, _NINE, _E, _LOWER_E = 43, 45, 46, 48, 57, 69, 101
_POWERS = 10.0 ** np.arange(23)  # exact in float64
_POWERS_OF_TEN = np.uint64(10) ** np.arange(9, dtype=np.uint64)
_MAX_DIGITS = 19  # as many nines fit a uint64
_ONE, _EIGHT = np.uintp(1), np.uintp(8)
_SMALLEST, _LARGEST = 1.1754943508222875e-38, 3.4028234e38  # where float32 is normal and far from overflow
_MAX_BYTES = 64


@inner
def _leading_zeros(buffer, start, stop):
    """Count the zeros before the first other digit."""
    zeros = 0
    for at in range(start, stop):
        if _ZERO < buffer[at] <= _NINE:
            break
        zeros += buffer[at] == _ZERO
    return zeros


@inner
def _exponent(buffer, at, stop):
    """Read ``e``, a sign and up to three digits; the flag says whether that is what fills [at, stop)."""
    if buffer[at] != _E and buffer[at] != _LOWER_E:
        return 0, False
    at += 1
    sign = 1
    if at < stop and (buffer[at] == _DASH or buffer[at] == _PLUS):
        sign = -1 if buffer[at] == _DASH else 1
        at += 1
    if at == stop or stop - at > 3:
        return 0, False
    value = 0
    while at < stop:
        if buffer[at] < _ZERO or buffer[at] > _NINE:
            return 0, False
        value = value * 10 + (buffer[at] - _ZERO)
        at += 1
    return sign * value, True


@inner
def _fraction(buffer, at, end, mantissa):
    """Append the digits from `at` on to `mantissa`; return it and the place of the first that is none."""
    # How many digits there are no branch predictor knows: eight are read at once, and so are the last up to eight.
    while end - at > _EIGHT:
        word = load(buffer, at)
        if not are_digits(word):
            break
        mantissa = mantissa * _POWERS_OF_TEN[_EIGHT] + read_digits(word)
        at += _EIGHT
    n = end - at
    if _ONE <= n <= _EIGHT and end >= _EIGHT:
        word = last_digits(buffer, end, n)
        if are_digits(word):
            return mantissa * _POWERS_OF_TEN[n] + read_digits(word), end
    while at < end and _ZERO <= buffer[at] <= _NINE:
        mantissa = mantissa * np.uint64(10) + np.uint64(buffer[at] - _ZERO)
        at += _ONE
    return mantissa, at


@inner
def nearest_float32(mantissa, exponent):
    """Return the float32 nearest to the float64 nearest to ``mantissa * 10**exponent``, and whether it is certain.

    The mantissa and a power of ten that float64 holds exactly give a float64 that is off by two units in the last
    place at most. Unless that lies as near to the middle between two float32, both roundings agree.
    """
    value = np.float64(mantissa)
    if mantissa != np.uint64(0):
        if exponent < -22 or exponent > 22:
            return np.float32(0.0), False
        value = value / _POWERS[-exponent] if exponent < 0 else value * _POWERS[exponent]
        if not _SMALLEST <= value <= _LARGEST:
            return np.float32(0.0), False
        # A float64 has 29 bits more than a float32; 1 and 28 zeros is the middle.
        if abs((np.float64(value).view(np.int64) & 0x1FFFFFFF) - 0x10000000) <= 2:
            return np.float32(0.0), False
    return np.float32(value), True


@entry
def read_float32(buffer, start, stop):
    """Read a decimal number as the float32 nearest to the float64 nearest to it.

    Returns the value and whether it is certain.
    """
    if stop - start > _MAX_BYTES or stop == start:
        return np.float32(0.0), False
    at, end = np.uintp(start), np.uintp(stop)  # unsigned places need no test for counting from the end
    negative = buffer[at] == _DASH
    at += np.uintp(negative | (buffer[at] == _PLUS))
    mantissa = np.uint64(0)
    begin = at
    while at < end and _ZERO <= buffer[at] <= _NINE:
        mantissa = mantissa * np.uint64(10) + np.uint64(buffer[at] - _ZERO)
        at += _ONE
    digits = np.int64(at - begin)
    exponent = 0
    if at < end and buffer[at] == _POINT:
        at += _ONE
        begin = at
        mantissa, at = _fraction(buffer, at, end, mantissa)
        exponent = -np.int64(at - begin)
        digits -= exponent
    if digits > _MAX_DIGITS:
        digits -= _leading_zeros(buffer, start, stop)
    if digits == 0 or digits > _MAX_DIGITS:
        return np.float32(0.0), False
    if at < end:
        written, good = _exponent(buffer, np.int64(at), stop)
        if not good:
            return np.float32(0.0), False
        exponent += written
    value, good = nearest_float32(mantissa, exponent)
    return -value if negative else value, good


@inner
def read_integer(buffer, start, stop):
    """Read an integer of at most 18 digits; the flag says whether it is one."""
    at = start
    negative = False
    if at < stop and (buffer[at] == _DASH or buffer[at] == _PLUS):
        negative = buffer[at] == _DASH
        at += 1
    if at == stop or stop - at > 18:
        return 0, False
    value = 0
    while at < stop:
        byte = buffer[at]
        if byte < _ZERO or byte > _NINE:
            return 0, False
        value = value * 10 + (byte - _ZERO)
        at += 1
    return (-value if negative else value), True


@inner
def find(buffer, start, stop, blob, offsets, low, high):
    """Return which of the words low..high of `blob` the bytes are, or -1."""
    for word in range(low, high):
        if equal(buffer, start, stop, blob, offsets[word], offsets[word + 1]):
            return word
    return -1


@inner
def read_word(buffer, start, stop, words, word_ends, values, vocabulary, column):
    """Return what the bytes stand for among the words of a column; the flag says whether they are one of these."""
    word = find(buffer, start, stop, words, word_ends, vocabulary[column], vocabulary[column + 1])
    return (values[word], True) if word >= 0 else (0, False)


@njit(nogil=True)
def decode_text(buffer, first, spans, low, high, columns, order, X, y, certain):
    """Decode the entries low..high as text rows into X, y; `certain` says which are decoded.

    The last column is the label. `order` remembers which column the previous row had in each place, so that names
    are compared once each while producers keep their order. Nullable columns that are left out, or hold nothing, are
    NaN.
    """
    d = X.shape[1]
    seen = np.full(d + 1, -1, dtype=np.int64)
    # Taken out of the tuple here: each access to it counts references.
    names, ends, kinds, limits = columns.names, columns.ends, columns.kinds, columns.limits
    lowest, highest, vocabulary = columns.lowest, columns.highest, columns.vocabulary
    words, word_ends, values = columns.words, columns.word_ends, columns.values
    nullable = columns.nullable
    fewest = d + 1 - np.sum(nullable)
    for i in range(low, high):
        row = i - low
        certain[row] = False
        n_fields = (first[i + 1] - first[i]) // 2
        if n_fields < fewest or n_fields > d + 1:
            continue
        good = True
        for place in range(n_fields):
            name = first[i] + 2 * place
            column = order[place]
            if not equal(buffer, spans[name, 0], spans[name, 1], names, ends[column], ends[column + 1]):
                column = find(buffer, spans[name, 0], spans[name, 1], names, ends, 0, d + 1)
                if column >= 0:
                    order[place] = column
            if column < 0 or seen[column] == i:
                good = False
                break
            seen[column] = i
            start, stop = spans[name + 1, 0], spans[name + 1, 1]
            kind = kinds[column]
            if start == stop and nullable[column] and kind != VOCABULARY:
                X[row, column] = np.nan
            elif kind == FLOAT:
                X[row, column], good = read_float32(buffer, start, stop)
            else:
                if kind == INTEGER:
                    value, good = read_integer(buffer, start, stop)
                    good = good and lowest[column] <= value <= highest[column]
                else:
                    value, good = read_word(buffer, start, stop, words, word_ends, values, vocabulary, column)
                if column == d:
                    y[row] = value
                else:
                    X[row, column] = np.float32(np.float64(value))
            good = good and (column == d or not abs(X[row, column]) > limits[column])
            if not good:
                break
        if n_fields <= d and good:
            for column in range(d + 1):
                if seen[column] != i:
                    good = good and nullable[column]
                    if column < d:
                        X[row, column] = np.nan
        certain[row] = good
