"""2-means: how a full cell, and a full group of cells, is cut in two."""

from __future__ import annotations

import numpy as np

from resampler.kernels.graph import allocating, inner

ROUNDS = 3  # of 2-means: the cut need only be good


@allocating
def mean_row(Z, sides, side, penalty, centroid):
    """Write the mean of the rows on one side; a category is settled by majority vote (Boyer and Moore 1981)."""
    n = np.sum(sides == side)
    for j in range(Z.shape[1]):
        total = np.float32(0)
        votes = 0
        for i in range(Z.shape[0]):
            if sides[i] != side:
                continue
            value = Z[i, j]
            if penalty[j] < 0:
                total += value
            elif votes == 0:
                total = value
                votes = 1
            else:
                votes += 1 if value == total else -1
        centroid[j] = total / np.float32(n) if penalty[j] < 0 else total


@inner
def row_distance(a, b, penalty):
    """Return the squared distance of two scaled rows."""
    d2 = np.float32(0)
    for j in range(a.shape[0]):
        if penalty[j] < 0:
            d2 += (a[j] - b[j]) * (a[j] - b[j])
        elif a[j] != b[j]:
            d2 += penalty[j]
    return d2


@allocating
def take_sides(lean, sides):
    """Set side 0 where `lean` is negative, else 1, moving the cut if a side would get less than a quarter.

    So outliers and duplicates cannot make cells of one row.
    """
    n = lean.shape[0]
    cut = np.sum(lean < 0)
    if n // 4 <= cut <= n - n // 4:
        for i in range(n):
            sides[i] = 0 if lean[i] < 0 else 1
        return
    cut = min(max(cut, n // 4), n - n // 4)
    for i in range(n):
        rank = np.sum(lean < lean[i])
        for j in range(i):
            rank += lean[j] == lean[i]
        sides[i] = 0 if rank < cut else 1


@allocating
def halve(Z, penalty, centers, sides):
    """Write the side of each row and both sides' means: 2-means from two rows that lie far apart."""
    n = Z.shape[0]
    sides[:] = 1
    mean_row(Z, sides, sides[0], penalty, centers[1])
    for side in range(2):  # first the row farthest from the mean, then the one farthest from it
        farthest = np.float32(-1)
        at = 0
        for i in range(n):
            d2 = row_distance(Z[i], centers[1 - side], penalty)
            if d2 > farthest:
                farthest = d2
                at = i
        centers[side] = Z[at]
    lean = np.empty(n, dtype=np.float32)
    for _ in range(ROUNDS):
        for i in range(n):
            lean[i] = row_distance(Z[i], centers[0], penalty) - row_distance(Z[i], centers[1], penalty)
        take_sides(lean, sides)
        for side in range(2):
            mean_row(Z, sides, side, penalty, centers[side])
