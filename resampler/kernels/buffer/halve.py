"""2-means: how a full cell, and a full group of cells, is cut in two."""

from __future__ import annotations

import numpy as np

from resampler.kernels.jit import allocating
from resampler.kernels.simd.blocks import block_distances
from resampler.kernels.simd.lanes import LANES

ROUNDS = 3  # of 2-means: the cut need only be good
INFINITE = np.float32(np.inf)


@allocating
def mean_row(Z, sides, side, penalty, centroid):
    """Write the mean of the rows on one side; a category is settled by majority vote (Boyer and Moore 1981)."""
    n = np.float32(np.sum(sides == side))
    centroid[:] = 0
    for i in range(Z.shape[0]):
        if sides[i] == side:
            for j in range(Z.shape[1]):  # the compiler vectorises over columns, which reorders no sum
                centroid[j] += Z[i, j]
    for j in range(Z.shape[1]):
        centroid[j] = centroid[j] / n
        if penalty[j] >= 0:
            centroid[j] = majority(Z, sides, side, j)


@allocating
def majority(Z, sides, side, j):
    """Return the code that more than half of the rows on one side have in column j, if there is one."""
    value = np.float32(0)
    votes = 0
    for i in range(Z.shape[0]):
        if sides[i] != side:
            continue
        if votes == 0:
            value = Z[i, j]
            votes = 1
        else:
            votes += 1 if Z[i, j] == value else -1
    return value


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
def halve(Z, penalty, centers, sides, d2):
    """Cut `LANES` rows in two: 2-means from two rows that lie far apart.

    Writes the side of each row, both sides' means, and the rows' squared distances to both.
    """
    block = np.empty((Z.shape[1], LANES), dtype=np.float32)
    for i in range(LANES):
        for j in range(Z.shape[1]):
            block[j, i] = Z[i, j]
    sides[:] = 1
    mean_row(Z, sides, 1, penalty, centers[1])
    for side in range(2):  # first the row farthest from the mean, then the one farthest from it
        block_distances(block, centers[1 - side], penalty, INFINITE, d2[side])
        centers[side] = Z[np.argmax(d2[side])]
    for _ in range(ROUNDS):
        for side in range(2):
            block_distances(block, centers[side], penalty, INFINITE, d2[side])
        take_sides(d2[0] - d2[1], sides)
        for side in range(2):
            mean_row(Z, sides, side, penalty, centers[side])
    for side in range(2):
        block_distances(block, centers[side], penalty, INFINITE, d2[side])
