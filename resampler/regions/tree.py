"""Which region a row belongs to: a leaf of a tree that is fitted on a sample, or a share of a leaf, by hashes of ids.

How many leaves there are follows from the size of the matrix alone, so that no machine decides it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from resampler.kernels.batch.cells import CELL_ROWS, UNROLLED_COLUMNS, widest_direction
from resampler.kernels.random import rank_keys
from resampler.layout import as_kernel_array

if TYPE_CHECKING:
    from numpy.typing import NDArray

REGION_BYTES = 2**28  # of cells: a larger matrix has several regions


class Tree(NamedTuple):
    """Which region rows belong to: halves of halves, by their place along a direction.

    Parameters
    ----------
    directions : ndarray of shape (n_nodes, n_features), float64
        What a row's values are multiplied by, scale included.
    thresholds : ndarray of shape (n_nodes,), float64
        Rows below go left.
    lefts, rights : ndarray of shape (n_nodes,), int64
        The node that comes next, or -1 minus the number of a leaf. Node 0 is the first.
    """

    directions: NDArray[np.float64]
    thresholds: NDArray[np.float64]
    lefts: NDArray[np.int64]
    rights: NDArray[np.int64]


def region_rows(n_features: int, itemsize: int) -> int:
    """Say how many rows a region holds, about.

    Parameters
    ----------
    n_features, itemsize : int
        Columns, and bytes of a value.

    Returns
    -------
    int
        `REGION_BYTES` of them.
    """
    width = -(-n_features // UNROLLED_COLUMNS) * UNROLLED_COLUMNS
    return max(CELL_ROWS, REGION_BYTES // (width * itemsize))


def leaves_of(n: int, rows_each: int) -> int:
    """Say how many leaves a tree has: by the number of rows alone, so that no machine decides it.

    Parameters
    ----------
    n, rows_each : int
        Rows, and how many a region holds.

    Returns
    -------
    int
        1 where all rows fit into a region.
    """
    return 1 if n <= rows_each else -(-n * 5 // (rows_each * 4))


def sample_rows(n_leaves: int) -> int:
    """Say how many rows a tree is fitted on.

    Parameters
    ----------
    n_leaves : int
        Of it.

    Returns
    -------
    int
        Some for each leaf.
    """
    return 4_096 + 128 * n_leaves


def keys_of(row_ids: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return hashes of ids, by which some rows are taken for all.

    Parameters
    ----------
    row_ids : ndarray of shape (n,), int64
        The ids.

    Returns
    -------
    ndarray of shape (n,), uint64
        One each.
    """
    keys = np.empty(len(row_ids), dtype=np.uint64)
    rank_keys(0, 0, as_kernel_array(row_ids, np.int64), keys)
    return keys


def lowest(row_ids: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Choose the rows with the smallest hashes of their ids: of parts, the lowest of their lowest are those of all.

    Parameters
    ----------
    row_ids : ndarray of shape (n_rows,), int64
        Of the rows.
    n : int
        How many.

    Returns
    -------
    ndarray of shape (n,), int64
        Their positions, or all where there are fewer, by (hash, id).
    """
    return np.lexsort((row_ids, keys_of(row_ids)))[:n]


def fit_tree(X: NDArray[Any], inverse_scale: NDArray[Any], penalty: NDArray[Any], n_leaves: int) -> Tree:
    """Halve a sample again and again across its widest direction.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features), float32 or float64
        The sample, in an order that follows from its ids.
    inverse_scale, penalty : ndarray of shape (n_features,), of the dtype of `X`
        As in `build_region`.
    n_leaves : int
        2 or more.

    Returns
    -------
    Tree
        Its leaves are numbered from left to right.
    """
    scale = np.where(penalty < 0, inverse_scale, 0).astype(X.dtype)
    d = X.shape[1]
    directions = np.zeros((n_leaves - 1, d))
    thresholds = np.zeros(n_leaves - 1)
    following = np.zeros((n_leaves - 1, 2), dtype=np.int64)
    waiting = [(np.arange(len(X)), 0, n_leaves, -1, 0)]
    n_nodes = 0
    while waiting:
        rows, first, last, parent, side = waiting.pop()
        if parent >= 0:
            following[parent, side] = -1 - first if last - first == 1 else n_nodes
        if last - first == 1:
            continue
        center, direction = np.empty(d), np.zeros(d)
        if len(rows):
            widest_direction(X, scale, rows, 0, len(rows), center, direction)
        directions[n_nodes] = direction * scale
        along = _along(X[rows], directions[n_nodes])
        middle = first + (last - first) // 2
        cut = len(rows) * (middle - first) // (last - first)
        thresholds[n_nodes] = np.sort(along)[cut] if len(rows) else 0.0
        low = along < thresholds[n_nodes]
        waiting += [(rows[~low], middle, last, n_nodes, 1), (rows[low], first, middle, n_nodes, 0)]
        n_nodes += 1
    return Tree(directions, thresholds, following[:, 0].copy(), following[:, 1].copy())


def _along(X: NDArray[Any], direction: NDArray[np.float64]) -> NDArray[np.float64]:
    """Project rows, column by column: a product of matrices has other bits on other machines."""
    total = np.zeros(len(X))
    for j in np.flatnonzero(direction):
        total += X[:, j] * direction[j]
    return total


def leaf_of(X: NDArray[Any], tree: Tree) -> NDArray[np.int64]:
    """Say which leaf of a tree rows belong to.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
        The rows.
    tree : Tree
        As `fit_tree` gives it.

    Returns
    -------
    ndarray of shape (n_rows,), int64
        From 0.
    """
    leaf = np.empty(len(X), dtype=np.int64)
    waiting = [(0, np.arange(len(X)))]
    while waiting:
        node, rows = waiting.pop()
        if node < 0:
            leaf[rows] = -1 - node
            continue
        low = _along(X[rows], tree.directions[node]) < tree.thresholds[node]
        waiting += [(int(tree.lefts[node]), rows[low]), (int(tree.rights[node]), rows[~low])]
    return leaf


def shares_of(counts: NDArray[np.int64], rows_each: int) -> list[tuple[int, int, int]]:
    """Say what each region holds: a leaf, or where that is oversized a share of it, by hashes of ids.

    Parameters
    ----------
    counts : ndarray of shape (n_leaves,), int64
        Rows of each leaf.
    rows_each : int
        How many a region holds: half as many again may be in one.

    Returns
    -------
    list of tuple of int
        For each region that has rows its leaf, which share of that it is, and of how many.
    """
    found = []
    for leaf, count in enumerate(counts.tolist()):
        n = 1 if 2 * count <= 3 * rows_each else -(-count // rows_each)
        found += [(leaf, share, n) for share in range(n if count else 0)]
    return found


def is_share(row_ids: NDArray[np.int64], share: int, n: int) -> NDArray[np.bool_]:
    """Say which rows of a leaf a share of it holds.

    Parameters
    ----------
    row_ids : ndarray of shape (n_rows,), int64
        Of the rows.
    share, n : int
        Which share, of how many.

    Returns
    -------
    ndarray of shape (n_rows,), bool
        All where there is one share.
    """
    if n == 1:
        return np.ones(len(row_ids), dtype=np.bool_)
    return keys_of(row_ids) % np.uint64(n) == share
