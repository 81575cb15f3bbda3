"""Nearest points among others, in few dimensions or in many."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import KDTree

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TREE_DIMENSIONS = 10  # beyond, a k-d tree looks at nearly every point, one at a time
_CELLS_AT_ONCE = 8_000_000  # distances in memory together
_SPARE = 4  # further candidates a query, which the exact distances are compared of


def nearest_points(
    queries: NDArray[np.float64], among: NDArray[np.float64], k: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Find the nearest of some points to each query.

    Parameters
    ----------
    queries : ndarray of shape (n_queries, n_dimensions), float64
        Points.
    among : ndarray of shape (n_points, n_dimensions), float64
        At least k.
    k : int
        At least 1.

    Returns
    -------
    distances : ndarray of shape (n_queries, k), float64
        Euclidean, ascending.
    indices : ndarray of shape (n_queries, k), int64
        Which points.

    Notes
    -----
    In many dimensions by products of matrices, block by block; candidates are then measured exactly, because a
    difference of squares loses the digits of small distances.
    """
    n, d = among.shape
    if d <= _TREE_DIMENSIONS or not len(queries):
        found, index = KDTree(among).query(queries, k=np.arange(1, k + 1))
        return np.asarray(found, dtype=np.float64), np.asarray(index, dtype=np.int64)
    middle = among.mean(axis=0)
    points = among - middle
    squares = (points**2).sum(axis=1)
    distances, indices = np.empty((len(queries), k)), np.empty((len(queries), k), dtype=np.int64)
    wanted = min(n, k + _SPARE)
    block = max(1, _CELLS_AT_ONCE // n)
    for first in range(0, len(queries), block):
        part = queries[first : first + block] - middle
        rough = squares[None, :] - 2.0 * (part @ points.T)
        near = (
            np.argpartition(rough, wanted - 1, axis=1)[:, :wanted]
            if wanted < n
            else np.tile(np.arange(n), (len(part), 1))
        )
        exact = np.sqrt(((part[:, None, :] - points[near]) ** 2).sum(axis=2))
        order = np.lexsort((near, exact))[:, :k]
        distances[first : first + block] = np.take_along_axis(exact, order, axis=1)
        indices[first : first + block] = np.take_along_axis(near, order, axis=1)
    return distances, indices
