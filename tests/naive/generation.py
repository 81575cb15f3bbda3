"""Naive loops of generation: who is joined with whom, who wins a vote, and the row that comes of it."""

from __future__ import annotations

import numpy as np
from naive.random import draw, more_words

from resampler.kernels.random import normal


def parents(row_ids, neighbors, span, turn, copy, seed, stream):
    """Neighbour and step of each synthetic row, from the draw of its base's id and the number of the copy."""
    found = []
    for b, r in zip(turn, copy, strict=True):
        _, w1, w2, _ = draw(seed, stream, int(row_ids[b]), int(r))
        at = w1 * neighbors.shape[1] >> 32
        found.append((neighbors[b, at], np.float32((w2 >> 8) / 2.0**24) * span[b, at]))
    return found


def elected(values, own):
    """First place of the most frequent value; of values equally frequent, the lowest.

    None where the base's `own` is null, or every value: it keeps what it has.
    """
    values = list(values)
    votes = [v for v in values if not is_null(v)]
    if is_null(own) or not votes:
        return None
    return values.index(min(votes, key=lambda v: (-votes.count(v), v)))


def is_null(value):
    return value != value  # NaN alone is not itself


def between(base, neighbor, step):
    """One rounding an operation, in the rows' dtype; the base's cell where either has none."""
    row = []
    for a, b in zip(base, neighbor, strict=True):
        if is_null(a) or is_null(b):
            row.append(a)
            continue
        difference = b - a
        part = base.dtype.type(step) * difference
        row.append(a + part)
    return row


def synthetic_row(rows, base, nearest, neighbor, step, penalty):
    out = rows[base].copy()
    moved = between(rows[base], rows[neighbor], step)
    for j in range(len(out)):
        if penalty[j] < 0:
            out[j] = moved[j]
        else:
            values = [rows[i][j] for i in nearest]
            winner = elected(values, out[j])
            out[j] = out[j] if winner is None else values[winner]
    return out


def about(base, draw_of, width):
    """A normal deviate a column: column j's is of word j modulo 4 of block j over 4."""
    seed, stream, row_id, n = draw_of
    words = draw(seed, stream, row_id, n)
    row = []
    for j, value in enumerate(base):
        word = more_words(words, seed, j // 4)[j % 4]
        row.append(float(value) + width[j] * normal(np.uint64(word)))
    return row


def in_ball(base, neighbor, draw_of, width):
    """A direction of normal deviates, and the largest of as many uniform ones of the way to the neighbour.

    In the columns that have a unit and both parents a value; the others are the base's.
    """
    seed, stream, row_id, n = draw_of
    words = draw(seed, stream, row_id, n)
    reach = length = radius = 0.0
    deviates = {}
    for j, unit in enumerate(width):
        if unit == 0 or is_null(base[j]) or is_null(neighbor[j]):
            continue
        block = more_words(words, seed, j // 2)
        deviates[j] = normal(np.uint64(block[j % 2 * 2]))
        length += deviates[j] * deviates[j]
        radius = max(radius, (block[j % 2 * 2 + 1] + 0.5) / 2**32)
        way = (float(neighbor[j]) - float(base[j])) / unit
        reach += way * way
    factor = radius * np.sqrt(reach) / np.sqrt(length) if length > 0 else 0.0
    return [float(value) + width[j] * factor * deviates[j] if j in deviates else value for j, value in enumerate(base)]


def in_cloud(base, neighbor, step, draw_of, width):
    """About a point between two centroids, as wide as the group in each column; the base's where the other has none."""
    origin = [
        float(a) if is_null(b) else float(a) + float(step) * (float(b) - float(a))
        for a, b in zip(base, neighbor, strict=True)
    ]
    return about(origin, draw_of, width)


PLACES = {
    "ball": lambda base, neighbor, _step, draw_of, width: in_ball(base, neighbor, draw_of, width),
    "cloud": in_cloud,
    "copy": lambda base, *_: list(base),
    "segment": lambda base, neighbor, step, *_: between(base, neighbor, step),
    "smoothed": lambda base, _neighbor, _step, draw_of, width: about(base, draw_of, width),
}
