"""Naive loops of microaggregation: which rows are a group, what is known of it, and the rows that come of that."""

from __future__ import annotations

import math

from naive.generation import PLACES, is_null
from naive.grids import put
from naive.random import draw, more_words

MEMBER = 2**32 - 6


def gap(a, b):
    total = 0.0
    for x, y in zip(a, b, strict=True):
        total += (x - y) * (x - y)
    return total


def mean_of(X, rows):
    return [sum_in_order(X[i][j] for i in rows) / len(rows) for j in range(len(X[0]))]


def sum_in_order(values):
    total = 0.0
    for value in values:
        total += value
    return total


def farthest(X, rows, point):
    return max(rows, key=lambda i: (gap(X[i], point), -rows.index(i)))


def mdav(X, rows, g):
    """Maximum distance to average vector: a group about the row furthest out, one about the row furthest from that."""
    rows, groups = list(rows), []

    def take(about):
        nearest = sorted((i for i in rows if i != about), key=lambda i: (gap(X[about], X[i]), rows.index(i)))[: g - 1]
        groups.append([about, *nearest])
        for i in groups[-1]:
            rows.remove(i)

    while len(rows) >= 2 * g:
        two = len(rows) >= 3 * g
        out = farthest(X, rows, mean_of(X, rows))
        take(out)
        if two:
            take(farthest(X, rows, X[out]))
    return [*groups, rows] if rows else groups


def direction(X, rows, center, seen=1024, rounds=6):
    step = -(-len(rows) // seen)
    axis = [x - c for x, c in zip(X[farthest(X, rows, center)], center, strict=True)]
    for _ in range(rounds):
        following = [0.0] * len(axis)
        for i in rows[::step]:
            way = [x - c for x, c in zip(X[i], center, strict=True)]
            along = sum_in_order(w * a for w, a in zip(way, axis, strict=True))
            following = [f + along * w for f, w in zip(following, way, strict=True)]
        length = sum_in_order(f * f for f in following)
        if length == 0:
            return axis
        axis = [f / math.sqrt(length) for f in following]
    return axis


def cut(X, g, block):
    """Halve blocks of many rows, cut those of few."""
    todo, groups = [list(range(len(X)))], []
    while todo:
        rows = todo.pop()
        if len(rows) <= block or len(rows) < 2 * g:
            groups += mdav(X, rows, g)
            continue
        center = mean_of(X, rows)
        axis = direction(X, rows, center)
        along = {i: sum_in_order((x - c) * a for x, c, a in zip(X[i], center, axis, strict=True)) for i in rows}
        whole = len(rows) // g
        lower = sorted(sorted(rows, key=lambda i: (along[i], i))[: len(rows) * (whole // 2) // whole])
        todo += [[i for i in rows if i not in set(lower)], lower]
    return groups


def summary(values, g, mean, unit):
    """Mean, deviation and nulls of a group's values, the extreme ones as the next; the class's stand for what lacks."""
    held = [float(v) for v in values if not is_null(v)]
    if not held:
        return math.nan, 0.0, len(values)
    lacking = max(0, g - len(held))
    ranked = sorted(held + [float(mean)] * lacking)
    low, high = (ranked[1], ranked[-2]) if len(ranked) > 2 else (ranked[0], ranked[-1])
    kept = [min(max(v, low), high) for v in held]
    center = low + (sum_in_order(v - low for v in kept) + lacking * (mean - low)) / (len(kept) + lacking)
    square = float(lacking)
    for v in kept:
        square += ((v - center) / unit) * ((v - center) / unit)
    return center, unit * math.sqrt(square / max(g, len(held))), len(values) - len(held)


def identity(seed, stream, row_ids):
    total = 0
    for row_id in row_ids:
        w0, w1, *_ = draw(seed, stream, int(row_id), MEMBER)
        total += (w0 << 32) | w1
    return (total % 2**64) >> 1


def picked(groups, base, at, draw_of):
    """The code of a categorical column, by the group's counts."""
    words = draw(*draw_of)
    counts = groups.counts[base, groups.start[at] : groups.start[at + 1]].tolist()
    left = (more_words(words, draw_of[0], 2**29 + at // 4)[at % 4] * sum(counts)) >> 32
    every = [code for code, count in enumerate(counts) for _ in range(count)]
    return int(groups.start[at]) + every[left]


def row(groups, grids, base, neighbor, step, draw_of):
    """A row about the way between two centroids, on its grids, with nulls by the group's count."""
    words, seed = draw(*draw_of), draw_of[0]
    center = groups.center
    out = list(PLACES["cloud"](center[base], center[neighbor], step, draw_of, groups.spread[base]))
    for at, (j, grid) in enumerate((j, grid) for j, grid in enumerate(grids or ()) if grid is not None):
        origin, way = center[base, j], center[neighbor, j] - center[base, j]
        origin = origin if is_null(way) else origin + float(step) * way
        u = (more_words(words, seed, 2**31 + at // 4)[at % 4] + 0.5) / 2**32
        out[j] = put(float(out[j]), origin, u, grid, even=True)
    for j in range(len(out)):
        word = more_words(words, seed, 2**30 + j // 4)[j % 4]
        if groups.nulls[base, j] and (word * int(groups.size[base])) >> 32 < groups.nulls[base, j]:
            out[j] = math.nan
    return out
