"""Rows sorted into cells, in one region or several, and what is known of these cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from resampler.kernels.batch.cells import CELL_ROWS, UNROLLED_COLUMNS, bisect, fill
from resampler.layout import as_kernel_array
from resampler.regions.tree import fit_tree, is_share, leaf_of, leaves_of, lowest, region_rows, sample_rows, shares_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class Region(NamedTuple):
    """Rows sorted into cells.

    Parameters
    ----------
    cells : ndarray of shape (n_cells, width, CELL_ROWS), float32 or float64
        See `resampler.kernels.batch.cells`.
    ids : ndarray of shape (n_rows,), int64
        In the order of the cells.
    order : ndarray of shape (n_rows,), int64
        Positions of the rows, in that order.
    """

    cells: NDArray[Any]
    ids: NDArray[np.int64]
    order: NDArray[np.int64]


class Boxes(NamedTuple):
    """What is known of the cells of all regions, one after another.

    Parameters
    ----------
    centers, lows, highs : ndarray of shape (width, n_cells)
        Mean and bounds of each.
    starts : ndarray of shape (n_regions + 1,), int64
        Each region's first cell.
    penalty : ndarray of shape (n_features,)
        What a differing category counts, negative for a numeric column; in the dtype of the cells.
    """

    centers: NDArray[Any]
    lows: NDArray[Any]
    highs: NDArray[Any]
    starts: NDArray[np.int64]
    penalty: NDArray[Any]

    @property
    def n_cells(self) -> int:
        """How many cells there are."""
        return int(self.starts[-1])

    def region_of(self, cells: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return which region cells are in.

        Parameters
        ----------
        cells : ndarray of int64
            Their numbers.

        Returns
        -------
        ndarray of int64
            Numbers of regions.
        """
        return np.searchsorted(self.starts, cells, side="right") - 1


def build_region(
    X: NDArray[Any],
    positions: NDArray[np.int64],
    row_ids: NDArray[np.int64],
    inverse_scale: NDArray[Any],
    penalty: NDArray[Any],
) -> tuple[Region, NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Sort rows into cells.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features), float32 or float64
        Without nulls, as `resampler.resolution.resolve` gives them.
    positions, row_ids : ndarray of shape (n_rows,), int64
        What the rows are called in what is found, and what decides between equal distances.
    inverse_scale, penalty : ndarray of shape (n_features,), of the dtype of `X`
        As in `resampler.neighbors.nearest_rows`.

    Returns
    -------
    region : Region
        The rows.
    centers, lows, highs : ndarray of shape (n_cells, width)
        Of its cells.
    """
    n, d = X.shape
    numeric = penalty < 0
    order = np.argsort(row_ids, kind="stable")  # so that no order of the rows shows in the cells
    bisect(X, np.where(numeric, inverse_scale, 0).astype(X.dtype), order)
    n_cells, width = -(-n // CELL_ROWS), -(-d // UNROLLED_COLUMNS) * UNROLLED_COLUMNS
    cells = np.empty((n_cells, width, CELL_ROWS), dtype=X.dtype)
    centers = np.empty((n_cells, width), dtype=X.dtype)
    lows, highs = np.empty_like(centers), np.empty_like(centers)
    fill(X, inverse_scale, numeric, order, cells, centers, lows, highs)
    return Region(cells, row_ids[order], positions[order]), centers, lows, highs


def join_boxes(parts: Sequence[tuple[NDArray[Any], NDArray[Any], NDArray[Any]]], penalty: NDArray[Any]) -> Boxes:
    """Put together what is known of the cells of several regions.

    Parameters
    ----------
    parts : sequence of tuple of ndarray of shape (n_cells, width)
        Centers, lows and highs of each.
    penalty : ndarray of shape (n_features,)
        Of all.

    Returns
    -------
    Boxes
        Of all regions, in their order.
    """
    centers, lows, highs = (np.ascontiguousarray(np.concatenate(one).T) for one in zip(*parts, strict=True))
    starts = np.cumsum([0, *(len(one[0]) for one in parts)])
    return Boxes(centers, lows, highs, starts, as_kernel_array(penalty, centers.dtype))


def build_regions(
    X: NDArray[Any], row_ids: NDArray[np.int64], inverse_scale: NDArray[Any], penalty: NDArray[Any]
) -> tuple[list[Region], Boxes]:
    """Sort rows in memory into the cells of one or several regions.

    Parameters
    ----------
    X, row_ids, inverse_scale, penalty
        As in `build_region`.

    Returns
    -------
    regions : list of Region
        One where the rows fit into it.
    boxes : Boxes
        Of their cells.
    """
    at = np.arange(len(X))
    rows_each = region_rows(X.shape[1], X.itemsize)
    n_leaves = leaves_of(len(X), rows_each)
    members = [at]
    if n_leaves > 1:
        tree = fit_tree(X[lowest(row_ids, sample_rows(n_leaves))], inverse_scale, penalty, n_leaves)
        leaf = leaf_of(X, tree)
        shares = shares_of(np.bincount(leaf, minlength=n_leaves), rows_each)
        of_leaf = [np.flatnonzero(leaf == which) for which in range(n_leaves)]
        members = [of_leaf[which][is_share(row_ids[of_leaf[which]], share, n)] for which, share, n in shares]
    built = [build_region(X[rows], rows, row_ids[rows], inverse_scale, penalty) for rows in members if len(rows)]
    return [one[0] for one in built], join_boxes([one[1:] for one in built], penalty)
