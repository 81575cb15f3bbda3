"""Decode JSON rows: most are written as the one before, but for their values, so that names need not be looked for.

Naive: the reader of JSON rows without kernels, in tests/stream/formats/test_table.py and
tests/stream/formats/test_json.py.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from resampler.kernels.jit import inner, njit
from stream.kernels.json_scan import end_of_bare, end_of_string, scan_object
from stream.kernels.text import FLOAT, INTEGER, decode_text, nearest_float32, read_float32, read_integer, read_word
from stream.kernels.word import count_digits, equal, first_digits, load, read_digits

_QUOTE, _DASH, _PLUS, _POINT, _ZERO, _NINE, _E, _LOWER_E = 34, 45, 43, 46, 48, 57, 69, 101
_POWERS_OF_TEN = np.uint64(10) ** np.arange(9, dtype=np.uint64)
_MAX_DIGITS = 19  # as many nines fit a uint64
_SLACK = 16  # bytes that a number may be read beyond its end: eight at once, and an exponent
_ONE, _EIGHT = np.uintp(1), np.uintp(8)


class Layout(NamedTuple):
    """How the last row was written that was searched for names: what stands around its values.

    Parameters
    ----------
    text : ndarray of uint8
        What stands before each value, and behind the last one, end to end.
    ends : ndarray of shape (n_columns + 2,), int64
        Before value j stands ``text[ends[j]:ends[j + 1]]``.
    columns : ndarray of shape (n_columns,), int64
        Which column value j is of.
    quoted : ndarray of shape (n_columns,), bool
        Whether it is a string.
    n_values : ndarray of shape (1,), int64
        How many there are; 0 while there is no such row.
    """

    text: np.ndarray
    ends: np.ndarray
    columns: np.ndarray
    quoted: np.ndarray
    n_values: np.ndarray


@inner
def _digits(buffer, at, stop, mantissa):
    """Append the digits from `at` on to `mantissa`; return it and the place behind them, which may be behind `stop`."""
    while at < stop:
        word = load(buffer, at)
        n = count_digits(word)
        if n < _EIGHT:
            if n > np.uint64(0):
                mantissa = mantissa * _POWERS_OF_TEN[n] + read_digits(first_digits(word, n))
            return mantissa, at + np.uintp(n)
        mantissa = mantissa * _POWERS_OF_TEN[_EIGHT] + read_digits(word)
        at += _EIGHT
    return mantissa, at


@inner
def _float32(buffer, start, stop):
    """Read a number of JSON's grammar; return its value as `read_float32` does, and the place behind it.

    The place is -1 where it is no number, or the value is not certain. `_SLACK` bytes behind `stop` must be there.
    """
    at = np.uintp(start)
    negative = buffer[at] == _DASH
    at += np.uintp(negative)
    begin = at
    mantissa = np.uint64(0)
    while _ZERO <= buffer[at] <= _NINE and at < np.uintp(stop):
        mantissa = mantissa * np.uint64(10) + np.uint64(buffer[at] - _ZERO)
        at += _ONE
    digits = np.int64(at - begin)
    if digits == 0 or (digits > 1 and buffer[begin] == _ZERO):
        return np.float32(0.0), -1
    exponent = 0
    if buffer[at] == _POINT:
        at += _ONE
        point = at
        mantissa, at = _digits(buffer, at, np.uintp(stop), mantissa)
        exponent = -np.int64(at - point)
        if exponent == 0:
            return np.float32(0.0), -1
        digits -= exponent
    if digits > _MAX_DIGITS:  # leading zeros are none of them
        here = begin
        while digits > _MAX_DIGITS and (buffer[here] == _ZERO or buffer[here] == _POINT):
            digits -= np.int64(buffer[here] == _ZERO)
            here += _ONE
        if digits > _MAX_DIGITS:
            return np.float32(0.0), -1
    if buffer[at] == _E or buffer[at] == _LOWER_E:
        at += _ONE
        lower = buffer[at] == _DASH
        at += np.uintp(lower or buffer[at] == _PLUS)
        written = 0
        first = at
        while at < first + np.uintp(4) and _ZERO <= buffer[at] <= _NINE:
            written = written * 10 + np.int64(buffer[at] - _ZERO)
            at += _ONE
        if at == first or at == first + np.uintp(4):
            return np.float32(0.0), -1
        exponent += -written if lower else written
    value, good = nearest_float32(mantissa, exponent)
    return -value if negative else value, np.int64(at) if good else -1


@inner
def _decode_alike(buffer, start, stop, layout, columns, x, y):
    """Decode a row that is written as `layout` says into x and y; the flag says whether it is one, and certain."""
    text, ends, order, quoted = layout.text, layout.ends, layout.columns, layout.quoted
    kinds, limits, lowest, highest = columns.kinds, columns.limits, columns.lowest, columns.highest
    words, word_ends, values, vocabulary = columns.words, columns.word_ends, columns.values, columns.vocabulary
    n, d = layout.n_values[0], x.shape[0]
    if n == 0 or stop + _SLACK > buffer.shape[0]:
        return False
    if n < d + 1:
        x[:] = np.nan  # columns that are left out are nullable
    at = start
    for place in range(n):
        behind = at + ends[place + 1] - ends[place]
        if behind >= stop or not equal(buffer, at, behind, text, ends[place], ends[place + 1]):
            return False
        at = behind
        column = order[place]
        kind = kinds[column]
        if kind == FLOAT and not quoted[place]:
            x[column], at = _float32(buffer, at, stop)
            if at < 0 or abs(x[column]) > limits[column]:
                return False
            continue
        end = end_of_string(buffer, at - 1, stop) if quoted[place] else end_of_bare(buffer, at, stop)
        if end <= at:
            return False
        if kind == FLOAT:
            x[column], good = read_float32(buffer, at, end)
        else:
            if kind == INTEGER:
                value, good = read_integer(buffer, at, end)
                good = good and lowest[column] <= value <= highest[column]
            else:
                value, good = read_word(buffer, at, end, words, word_ends, values, vocabulary, column)
            if column == d:
                y[0] = value
            else:
                x[column] = np.float32(np.float64(value))
        if not good or (column < d and abs(x[column]) > limits[column]):
            return False
        at = end
    return at + ends[n + 1] - ends[n] == stop and equal(buffer, at, stop, text, ends[n], ends[n + 1])


@inner
def _remember(buffer, start, stop, spans, n_values, order, layout):
    """Keep how a row is written whose names and values are `spans`, and whose columns are `order`."""
    text, ends = layout.text, layout.ends
    layout.n_values[0] = 0
    size = stop - start
    for place in range(n_values):
        size -= spans[2 * place + 1, 1] - spans[2 * place + 1, 0]
    if size > text.shape[0]:
        return
    at, to = start, 0
    for place in range(n_values + 1):
        value_start, value_stop = (
            (spans[2 * place + 1, 0], spans[2 * place + 1, 1]) if place < n_values else (stop, stop)
        )
        ends[place] = to
        for j in range(at, value_start):
            text[to] = buffer[j]
            to += 1
        at = value_stop
        if place < n_values:
            layout.columns[place] = order[place]
            layout.quoted[place] = buffer[value_start - 1] == _QUOTE
    ends[n_values + 1] = to
    layout.n_values[0] = n_values


@njit(nogil=True)
def decode_json(buffer, first, spans, low, high, columns, order, layout, X, y, certain):
    """Decode the entries low..high, each of one field, as JSON rows into X, y; `certain` says which are decoded.

    A row that is written as `layout` remembers is read value by value. Any other is searched for names and values, and
    remembered; `order` is as in `decode_text`. A row that is not plain is left to the reference.
    The field's name is not looked at. `auto` has done so; where the format is given, a plain row is taken from a field
    of any name, as it always was, while the reference takes one from the field `json` alone.
    """
    # One member more than the contract has, so that a row that is too long is seen to be.
    item_spans = np.empty((2 * (X.shape[1] + 2), 2), dtype=np.int64)
    item_first = np.zeros(2, dtype=np.int64)
    for i in range(low, high):
        row = i - low
        certain[row] = False
        if first[i + 1] - first[i] != 2:
            continue
        start, stop = spans[first[i] + 1, 0], spans[first[i] + 1, 1]
        if _decode_alike(buffer, start, stop, layout, columns, X[row], y[row : row + 1]):
            certain[row] = True
            continue
        n = scan_object(buffer, start, stop, item_spans, 0)
        if n > 0:
            item_first[1] = n
            one = slice(row, row + 1)
            decode_text(buffer, item_first, item_spans, 0, 1, columns, order, X[one], y[one], certain[one])
            if certain[row]:
                _remember(buffer, start, stop, item_spans, n // 2, order, layout)
