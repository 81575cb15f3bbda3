"""Move packed rows out of a buffer, and find the format of entries by the names of their fields.

Naive: of `classify` in tests/stream/kernels/test_packed.py; of `gather_rows` the reader of single rows without kernels,
in tests/stream/formats/test_table.py.
"""

from __future__ import annotations

import numpy as np

from resampler.kernels.jit import njit
from stream.kernels.text import find
from stream.kernels.word import equal


@njit(nogil=True)
def classify(buffer, first, spans, names, ends, kinds):
    """Write for each entry which of `names` one of its first two fields is called, -1 for none of them."""
    for i in range(first.shape[0] - 1):
        kinds[i] = -1
        for name in range(first[i], min(first[i + 1], first[i] + 4), 2):
            kind = find(buffer, spans[name, 0], spans[name, 1], names, ends, 0, ends.shape[0] - 1)
            if kind >= 0:
                kinds[i] = kind


@njit(nogil=True)
def gather_rows(buffer, first, spans, low, high, words, ends, x_bytes, y_bytes, certain):
    """Copy the payload of entries low..high to rows of `x_bytes` and `y_bytes`.

    `words` are the payload's name, the name of the schema's id, and that id. `certain` says which entries hold a
    payload of the right length, and nothing beside it but maybe the right id.
    """
    width = x_bytes.shape[1]
    for i in range(low, high):
        row = i - low
        payload = -1
        strange = False
        for name in range(first[i], first[i + 1], 2):
            word = find(buffer, spans[name, 0], spans[name, 1], words, ends, 0, 2)
            if word == 0 and payload < 0:
                payload = name + 1
            elif word != 1 or not equal(buffer, spans[name + 1, 0], spans[name + 1, 1], words, ends[2], ends[3]):
                strange = True
        certain[row] = (
            not strange
            and payload >= 0
            and first[i + 1] - first[i] <= 4
            and spans[payload, 1] - spans[payload, 0] == width + 8
        )
        if certain[row]:
            # Unsigned places need no test for counting from the end, and so the copying is vectorised.
            to, start, stop = np.uintp(row), np.uintp(spans[payload, 0]), np.uintp(width)
            for j in range(stop):
                x_bytes[to, j] = buffer[start + j]
            for j in range(np.uintp(8)):
                y_bytes[to, j] = buffer[start + stop + j]
