"""Move packed rows out of a buffer, and find the format of entries by the names of their fields.

Naive: of `classify` in tests/stream/kernels/test_packed.py; of the others the readers of single entries, in
tests/stream/formats/test_table.py.
"""

from __future__ import annotations

import numpy as np

from resampler.kernels.jit import entry, inner
from stream.kernels.text import find
from stream.kernels.word import equal


@entry
def classify(buffer, first, spans, names, ends, kinds):
    """Write for each entry which of `names` one of its first two fields is called, -1 for none of them."""
    for i in range(first.shape[0] - 1):
        kinds[i] = -1
        for name in range(first[i], min(first[i + 1], first[i] + 4), 2):
            kind = find(buffer, spans[name, 0], spans[name, 1], names, ends, 0, ends.shape[0] - 1)
            if kind >= 0:
                kinds[i] = kind


@inner
def _payload(buffer, first, spans, i, words, ends):
    """Return which span of entry `i` is its payload, if nothing stands beside it but maybe the right schema id; or -1.

    `words` are the payload's name, the name of the schema's id, and that id.
    """
    payload = -1
    if first[i + 1] - first[i] > 4:
        return payload
    for name in range(first[i], first[i + 1], 2):
        word = find(buffer, spans[name, 0], spans[name, 1], words, ends, 0, 2)
        if word == 0 and payload < 0:
            payload = name + 1
        elif word != 1 or not equal(buffer, spans[name + 1, 0], spans[name + 1, 1], words, ends[2], ends[3]):
            return -1
    return payload


@inner
def _copy(buffer, start, to, at, n):
    """Copy `n` bytes from `start` on to `to`, from `at` on."""
    # Unsigned places need no test for counting from the end, and so the copying is vectorised.
    here, there = np.uintp(start), np.uintp(at)
    for j in range(np.uintp(n)):
        to[there + j] = buffer[here + j]


@entry
def gather_rows(buffer, first, spans, low, high, words, ends, x_bytes, y_bytes, certain):
    """Copy the payload of entries low..high to rows of `x_bytes` and `y_bytes`.

    `certain` says which entries hold a payload of the right length, and nothing beside it but maybe the right id.
    """
    width = x_bytes.shape[1]
    for i in range(low, high):
        row = i - low
        payload = _payload(buffer, first, spans, i, words, ends)
        certain[row] = payload >= 0 and spans[payload, 1] - spans[payload, 0] == width + 8
        if certain[row]:
            _copy(buffer, spans[payload, 0], x_bytes[row], 0, width)
            _copy(buffer, spans[payload, 0] + width, y_bytes[row], 0, 8)


@entry
def find_batches(buffer, first, spans, low, high, words, ends, width, most, payloads, starts):
    """Write where the payload of each of the entries low..high begins, and how many rows the entries before it hold.

    An entry that does not hold 1 to `most` rows of `width` bytes and a label, and nothing beside them but maybe the
    right id, has the payload -1 and no row.
    """
    n = 0
    for i in range(low, high):
        starts[i - low] = n
        payloads[i - low] = -1
        payload = _payload(buffer, first, spans, i, words, ends)
        if payload >= 0:
            size = spans[payload, 1] - spans[payload, 0]
            rows = size // (width + 8)
            if rows * (width + 8) == size and 0 < rows <= most:
                payloads[i - low] = spans[payload, 0]
                n += rows
    starts[high - low] = n


@entry
def gather_batches(buffer, payloads, starts, low, width, x_bytes, y_bytes, entry, place):
    """Copy the rows that `find_batches` found end to end; write which entry each came from, and its place therein."""
    for i in range(payloads.shape[0]):
        start, n = starts[i], starts[i + 1] - starts[i]
        if n > 0:
            _copy(buffer, payloads[i], x_bytes, start * width, n * width)
            _copy(buffer, payloads[i] + n * width, y_bytes, start * 8, n * 8)
        for row in range(n):
            entry[start + row] = low + i
            place[start + row] = row
