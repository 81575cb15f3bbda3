"""Find the names and values of a flat JSON object, so that a JSON row can be decoded as a text row is.

Naive: the reader of JSON rows without kernels, in tests/stream/formats/test_table.py and
tests/stream/formats/test_decoder.py.
"""

from __future__ import annotations

from resampler.kernels.jit import inner

_QUOTE, _COMMA, _COLON, _OPEN, _CLOSE, _BACKSLASH = 34, 44, 58, 123, 125, 92
_DASH, _PLUS, _POINT, _ZERO, _NINE, _E, _LOWER_E = 45, 43, 46, 48, 57, 69, 101
_TRUE, _FALSE, _NULL = b"true", b"false", b"null"


@inner
def _skip(buffer, at, stop):
    while at < stop and (buffer[at] == 32 or buffer[at] == 10 or buffer[at] == 13 or buffer[at] == 9):
        at += 1
    return at


@inner
def end_of_string(buffer, at, stop):
    """Return the place of the quote that ends a plain ASCII string begun at `at`, or -1."""
    if at >= stop or buffer[at] != _QUOTE:
        return -1
    at += 1
    while at < stop and buffer[at] != _QUOTE:
        if buffer[at] < 32 or buffer[at] > 126 or buffer[at] == _BACKSLASH:
            return -1
        at += 1
    return at if at < stop else -1


@inner
def _digits(buffer, at, stop):
    while at < stop and _ZERO <= buffer[at] <= _NINE:
        at += 1
    return at


@inner
def _number(buffer, at, stop):
    """Return the place behind a number of JSON's grammar, or -1."""
    if at < stop and buffer[at] == _DASH:
        at += 1
    end = _digits(buffer, at, stop)
    if end == at or (buffer[at] == _ZERO and end > at + 1):
        return -1
    if end < stop and buffer[end] == _POINT:
        at = end + 1
        end = _digits(buffer, at, stop)
        if end == at:
            return -1
    if end < stop and (buffer[end] == _E or buffer[end] == _LOWER_E):
        at = end + 1
        if at < stop and (buffer[at] == _DASH or buffer[at] == _PLUS):
            at += 1
        end = _digits(buffer, at, stop)
        if end == at:
            return -1
    return end


@inner
def _literal(buffer, at, stop, word):
    if at + len(word) > stop:
        return -1
    for i in range(len(word)):
        if buffer[at + i] != word[i]:
            return -1
    return at + len(word)


@inner
def end_of_bare(buffer, at, stop):
    """Return the place behind a number or a boolean, or -1."""
    end = _number(buffer, at, stop)
    if end < 0:
        end = _literal(buffer, at, stop, _TRUE)
    if end < 0:
        end = _literal(buffer, at, stop, _FALSE)
    return end


@inner
def scan_object(buffer, at, stop, spans, n):
    """Write the spans of names and values from `spans[n]` on; return the number behind the last.

    A null is left out. -1 where the object is not flat, holds an escape, is no JSON, or has more members than there is
    room.
    """
    at = _skip(buffer, at, stop)
    if at == stop or buffer[at] != _OPEN:
        return -1
    at = _skip(buffer, at + 1, stop)
    while True:
        end = end_of_string(buffer, at, stop)
        if end < 0 or n + 2 > spans.shape[0]:
            return -1
        spans[n, 0], spans[n, 1] = at + 1, end
        at = _skip(buffer, end + 1, stop)
        if at == stop or buffer[at] != _COLON:
            return -1
        at = _skip(buffer, at + 1, stop)
        if at == stop:
            return -1
        if buffer[at] == _QUOTE:
            end = end_of_string(buffer, at, stop)
            if end < 0:
                return -1
            spans[n + 1, 0], spans[n + 1, 1] = at + 1, end
            end += 1
            n += 2
        else:
            end = end_of_bare(buffer, at, stop)
            null = -1
            if end < 0:
                null = _literal(buffer, at, stop, _NULL)
                end = null
            if end < 0:
                return -1
            if null < 0:
                spans[n + 1, 0], spans[n + 1, 1] = at, end
                n += 2
        at = _skip(buffer, end, stop)
        if at == stop:
            return -1
        if buffer[at] == _CLOSE:
            return n if _skip(buffer, at + 1, stop) == stop else -1
        if buffer[at] != _COMMA:
            return -1
        at = _skip(buffer, at + 1, stop)
