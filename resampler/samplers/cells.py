"""Rows whose cells are Python's own objects: matrices of objects, and lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from resampler.integers import to_dtype
from resampler.samplers.containers import Container, Copied, Inherited

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from resampler.samplers.containers import Cells


class _ObjectMatrix(Container):
    """A matrix of objects."""

    @property
    def shape(self) -> tuple[int, int]:
        return self.given.shape

    def values(self, j: int) -> NDArray[Any]:
        return self.given[:, j]

    def whole(self) -> NDArray[np.bool_]:
        return np.zeros(1, dtype=np.bool_)

    def take(self, rows: NDArray[np.int64]) -> Any:
        return self.given[rows]

    def new_rows(self, n: int, cells: Sequence[Cells]) -> Any:
        out = np.empty((n, self.shape[1]), dtype=object)
        for j, new in enumerate(cells):
            if isinstance(new, Copied):
                out[:, j] = self.given[new.rows, j]
            elif isinstance(new, Inherited):
                out[:, j] = np.where(new.nulls, self.given[new.rows, j], new.numbers.astype(object))
            else:
                out[:, j] = new.tolist()
        return out

    def followed_by(self, new: Any) -> Any:
        return np.concatenate([self.given, new])


class _ListOfRows(_ObjectMatrix):
    """A list of rows; it comes back as a list of lists."""

    def __init__(self, given: Any, array: NDArray[Any]) -> None:
        super().__init__(given)
        self._array = array
        self._objects: NDArray[Any] | None = None

    @property
    def shape(self) -> tuple[int, int]:
        return self._array.shape

    def values(self, j: int) -> NDArray[Any]:
        kind = self._array.dtype.kind
        if kind in "biu" or (kind == "f" and np.abs(self._array[:, j]).max(initial=0) < 2.0**53):
            return self._array[:, j]
        if self._objects is None:
            self._objects = np.array(self.given, dtype=object).reshape(self.shape)
        return self._objects[:, j]

    def take(self, rows: NDArray[np.int64]) -> Any:
        return [_listed(self.given[i]) for i in rows.tolist()]

    def new_rows(self, n: int, cells: Sequence[Cells]) -> Any:  # noqa: ARG002
        return [list(row) for row in zip(*(self._new_cells(j, new) for j, new in enumerate(cells)), strict=True)]

    def _new_cells(self, j: int, new: Cells) -> list[Any]:
        if isinstance(new, Copied):
            return [_listed(self.given[i])[j] for i in new.rows.tolist()]
        if isinstance(new, Inherited):
            copied = self._new_cells(j, Copied(new.rows))
            return [a if null else b for a, b, null in zip(copied, new.numbers.tolist(), new.nulls, strict=True)]
        return (to_dtype(new, self._array.dtype) if self._array.dtype.kind in "biu" else new).tolist()

    def followed_by(self, new: Any) -> Any:
        return [*map(_listed, self.given), *new]


def _listed(row: Any) -> list[Any]:
    return row.tolist() if isinstance(row, np.ndarray) else list(row)


def contain_cells(X: Any) -> Container | None:
    """Wrap a matrix of objects or a list of rows.

    Parameters
    ----------
    X : object
        Rows as a user gave them.

    Returns
    -------
    Container or None
        None if it is neither, or not rows by columns.
    """
    if isinstance(X, np.ndarray):
        return _ObjectMatrix(X) if X.ndim == 2 and X.dtype == object else None
    if not isinstance(X, list) or not X or sparse.issparse(X[0]):
        return None
    try:
        array = np.asarray(X)
    except ValueError:  # rows of different lengths
        return None
    return _ListOfRows(X, array) if array.ndim == 2 else None
