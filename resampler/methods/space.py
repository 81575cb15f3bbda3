"""Where neighbours are sought, for methods that do not seek them among the rows as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from resampler.errors import InvalidInputError
from resampler.methods.missing import nulls_in
from resampler.resolution import rows_at_unit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from resampler.methods.table import Table


def value_difference(table: Table) -> NDArray[Any]:
    """Place each category of a column by how often the classes have it.

    The value difference of two categories depends on their column alone, so that a search among these places is an
    ordinary one: no n x n matrix.

    Parameters
    ----------
    table : Table
        Of columns of codes from 0 on, all of them categorical.

    Returns
    -------
    ndarray of shape (n_samples, n_features * n_classes), float64
        The frequencies of the classes among the rows of each cell's category; a null is at no place, that is NaN.

    References
    ----------
    Stanfill, Waltz: Toward memory-based reasoning. CACM 29 (1986), doi:10.1145/7902.7906; with exponent 2, where
    imbalanced-learn takes 1: between two classes both order rows alike.
    """
    _, classes = np.unique(table.y, return_inverse=True)
    n_classes = int(classes.max()) + 1
    nulls = nulls_in(np.asarray(table.X))
    has = np.ones(np.shape(table.X), dtype=np.bool_) if nulls is None else ~nulls
    codes = np.where(has, table.X, 0).astype(np.int64)
    placed = []
    for column, known in zip(codes.T, has.T, strict=True):
        counts = np.zeros((int(column.max()) + 1, n_classes))
        np.add.at(counts, (column[known], classes[known]), 1)
        share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        placed.append(np.where(known[:, None], share[column], np.nan))
    return np.concatenate(placed, axis=1)


def unit_length(table: Table) -> NDArray[Any]:
    """Scale rows to length 1, so that the nearest are those of the most similar direction.

    Parameters
    ----------
    table : Table
        Of numeric columns.

    Returns
    -------
    ndarray of shape (n_samples, n_features)
        Cosine distance orders them as Euclidean distance does here.

    Raises
    ------
    InvalidInputError
        If a column is categorical, or a value is beyond 1e16 units.
    """
    if table.categorical is not None and table.categorical.any():
        raise InvalidInputError("embedding needs numeric columns, got categorical ones: leave them out, or use smotenc")
    measured = table.measured
    rows = measured.toarray() if sparse.issparse(measured) else np.asarray(measured)
    rows = rows_at_unit(rows if rows.dtype.kind == "f" else rows.astype(np.float64))  # squares of integers overflow
    length = np.sqrt((rows * rows).sum(axis=1, keepdims=True))
    return rows / np.where(length > 0, length, 1)
