"""`MatrixCounter`: counts rows that are a matrix already, all columns in one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from resampler.kernels.counting import CELLS, count_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import DTypeLike, NDArray

    from resampler.profile.cells import Cells


class MatrixCounter:
    """Counts of a matrix's columns by group of rows, which add up as rows come.

    Parameters
    ----------
    cells : mapping of str to Cells
        Where each column is counted, in the order of the matrix.
    categories : mapping of str to sequence
        Of each categorical column, the value that each code stands for.
    n_groups : int
        Groups of rows, such as classes.
    dtype : dtype
        float32 or float64, of the matrix.

    Attributes
    ----------
    counts : ndarray of shape (n_groups, n_columns, 65), int64
        Those of the kernel; the last is that of nulls.
    """

    def __init__(
        self,
        cells: Mapping[str, Cells],
        categories: Mapping[str, Sequence[Any]],
        n_groups: int = 1,
        dtype: DTypeLike = np.float32,
    ) -> None:
        kind = np.dtype(dtype).type
        self._edges = np.stack([of.bounds(kind) for of in cells.values()])
        tables = [_table(of, categories[name]) if of.categorical else [] for name, of in cells.items()]
        self._start = np.cumsum([0, *map(len, tables)], dtype=np.int64)
        self._table = np.asarray([cell for table in tables for cell in table] or [0], dtype=np.int64)
        self.counts = np.zeros((n_groups, len(tables), CELLS + 1), dtype=np.int64)

    def add(self, X: NDArray[Any], groups: NDArray[np.int64]) -> None:
        """Count the next rows.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_columns)
            In the layout of kernels (`resampler.layout.as_kernel_array`), of the dtype of the counter; NaN is a null.
        groups : ndarray of shape (n_rows,), int64
            The group of each row; a row of a group below 0 is passed over.
        """
        count_rows(X, groups, self._edges, self._start, self._table, self.counts)


def _table(cells: Cells, categories: Sequence[Any]) -> list[int]:
    """Return the cell of each code, then that of all others."""
    known = {(isinstance(value, bool), value): cell for cell, value in enumerate(cells.values)}
    others = len(cells.values)
    return [*(known.get((isinstance(value, bool), value), others) for value in categories), others]
