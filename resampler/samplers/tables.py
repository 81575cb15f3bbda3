"""Tables: pandas and Polars frames, Arrow tables and record batches."""

from __future__ import annotations

import sys
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from resampler.errors import InvalidInputError
from resampler.integers import to_dtype
from resampler.samplers.containers import Container, Copied
from resampler.samplers.kinds import CATEGORIES, NUMBERS, Kind, kind_of_arrow, kind_of_values, require
from resampler.samplers.matrix import made_sparse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from resampler.methods.provenance import Provenance


class _PandasFrame(Container):
    """A pandas DataFrame, of any dtypes, sparse ones too."""

    @cached_property
    def names(self) -> list[Any]:
        return list(self.given.columns)

    @cached_property
    def _dtypes(self) -> list[Any]:
        return self.given.dtypes.tolist()

    @property
    def _pandas(self) -> Any:
        return sys.modules["pandas"]

    def values(self, j: int) -> NDArray[Any]:
        column = self.given.iloc[:, j]
        dtype = getattr(column.dtype, "subtype", column.dtype)
        if isinstance(dtype, np.dtype):
            return column.to_numpy()
        if getattr(dtype, "kind", "O") in "iub":  # nullable
            return column.to_numpy(dtype=object) if column.hasnans else column.to_numpy(dtype=dtype.numpy_dtype)
        if getattr(dtype, "kind", "O") == "f":
            return column.to_numpy(dtype=dtype.numpy_dtype, na_value=np.nan)
        # pandas' NA cannot be compared, so encoders refuse it; NaN they take.
        cells = column.to_numpy(dtype=object)
        return np.where(column.isna(), np.nan, cells) if self._has_na(j) else cells

    def kind(self, j: int) -> Kind:
        dtype = getattr(self._dtypes[j], "subtype", self._dtypes[j])
        if hasattr(dtype, "pyarrow_dtype"):
            return kind_of_arrow(dtype.pyarrow_dtype)
        if hasattr(dtype, "categories"):
            return CATEGORIES
        if getattr(dtype, "kind", "O") in "iubf":
            return NUMBERS
        return kind_of_values(np.empty(0, dtype=f"{dtype.kind}8") if dtype.kind in "mM" else self.values(j))

    def numbers(self, columns: Any = None, *, made: bool = True, codes: Any = None) -> Any:
        if columns is None and not codes and self._all_sparse:
            if made:
                self._refuse_equal_names()
            for j in range(self.shape[1]):
                require(self.name(j), self.kind(j), made=made)
            return self.given.sparse.to_coo().tocsr()
        matrix = super().numbers(columns, made=made, codes=codes)
        if columns is None and matrix.dtype.kind == "f" and any(hasattr(t, "numpy_dtype") for t in self._dtypes):
            return matrix.astype(np.float64)  # nullable numbers are doubles, as scikit-learn has it
        return matrix

    @property
    def _all_sparse(self) -> bool:
        return self.shape[1] > 0 and all(map(_is_sparse, self._dtypes))

    def made(self, provenance: Provenance) -> Any:
        if not self._all_sparse or provenance.categorical_features.size or provenance.place != "segment":
            return super().made(provenance)
        rows = made_sparse(self.numbers(), provenance)
        return self._pandas.DataFrame.sparse.from_spmatrix(rows, columns=self.given.columns).astype(self.given.dtypes)

    def cells(self, columns: Any = None) -> Any:
        if columns is None:
            return super().cells()
        frame = self.given.iloc[:, columns]
        told = {i: self.values(int(j)) for i, j in enumerate(columns) if self._has_na(int(j))}
        if not told:
            return frame
        cells = {i: told.get(i, frame.iloc[:, i].array) for i in range(frame.shape[1])}
        return self._pandas.DataFrame(cells, index=frame.index).set_axis(frame.columns, axis=1)

    def _has_na(self, j: int) -> bool:
        """Tell whether a column that is no numbers holds pandas' NA: encoders refuse it, and take NaN."""
        column = self.given.iloc[:, j]
        dtype = getattr(column.dtype, "categories", column).dtype
        return bool(getattr(dtype, "na_value", None) is self._pandas.NA and dtype.kind not in "iubf" and column.hasnans)

    def whole(self) -> NDArray[np.bool_]:
        return np.array([getattr(t, "subtype", t).kind in "iub" for t in self._dtypes])

    def take(self, rows: NDArray[np.int64]) -> Any:
        return self.given.iloc[rows]

    def new_rows(self, n: int, cells: Sequence[NDArray[Any] | Copied]) -> Any:
        frame = type(self.given)({j: self._new_cells(j, new) for j, new in enumerate(cells)}, index=range(n))
        frame.columns = self.given.columns
        return frame

    def _new_cells(self, j: int, new: NDArray[Any] | Copied) -> Any:
        column = self.given.iloc[:, j]
        if isinstance(new, Copied):
            return column.array.take(new.rows)
        dtype = column.dtype
        if _is_sparse(dtype):
            return type(column.array)(to_dtype(new, dtype.subtype), dtype=dtype)
        if isinstance(dtype, np.dtype):
            return np.array(new.tolist(), dtype=object) if dtype.kind == "O" else to_dtype(new, dtype)
        return type(column)(to_dtype(new, dtype.numpy_dtype)).astype(dtype).array

    def followed_by(self, new: Any) -> Any:
        return self._pandas.concat([self.given, new], ignore_index=True)


def _is_sparse(dtype: Any) -> bool:
    return hasattr(dtype, "subtype") and hasattr(dtype, "fill_value")


class _ArrowTable(Container):
    """An Arrow table or record batch."""

    @cached_property
    def names(self) -> list[Any]:
        return list(self.given.schema.names)

    @property
    def shape(self) -> tuple[int, int]:
        return self.given.num_rows, self.given.num_columns

    def values(self, j: int) -> NDArray[Any]:
        return np.asarray(self.given.column(j))

    def kind(self, j: int) -> Kind:
        return kind_of_arrow(self.given.schema.field(j).type)

    def take(self, rows: NDArray[np.int64]) -> Any:
        return self.given.take(rows)

    def new_rows(self, n: int, cells: Sequence[NDArray[Any] | Copied]) -> Any:  # noqa: ARG002 - the cells are as many
        import pyarrow as pa

        schema = self.given.schema
        columns = [
            self.given.column(j).take(pa.array(new.rows))
            if isinstance(new, Copied)
            else pa.array(to_dtype(new, schema.field(j).type.to_pandas_dtype()), type=schema.field(j).type)
            for j, new in enumerate(cells)
        ]
        return type(self.given).from_arrays(columns, schema=schema)

    def followed_by(self, new: Any) -> Any:
        import pyarrow as pa

        if isinstance(self.given, pa.Table):
            return pa.concat_tables([self.given, new])
        columns = [pa.concat_arrays(pair) for pair in zip(self.given.columns, new.columns, strict=True)]
        return pa.RecordBatch.from_arrays(columns, schema=self.given.schema)


class _PolarsFrame(Container):
    """A Polars DataFrame."""

    @cached_property
    def names(self) -> list[Any]:
        return list(self.given.columns)

    @property
    def _polars(self) -> Any:
        return sys.modules["polars"]

    def values(self, j: int) -> NDArray[Any]:
        column = self.given.to_series(j)
        return np.array(column.to_list(), dtype=object) if _is_too_wide(column.dtype) else column.to_numpy()

    def kind(self, j: int) -> Kind:
        dtype = self.given.dtypes[j]
        if _is_too_wide(dtype):
            return Kind(f"numbers of type {dtype}", remedy="cast it to Int64 or Float64")
        if dtype.is_numeric() and not dtype.is_decimal():
            return NUMBERS
        empty = self.given.to_series(j).slice(0, 0)
        return kind_of_arrow(empty.to_arrow().type) if dtype != self._polars.Object else kind_of_values(self.values(j))

    def take(self, rows: NDArray[np.int64]) -> Any:
        return self.given[rows]

    def new_rows(self, n: int, cells: Sequence[NDArray[Any] | Copied]) -> Any:  # noqa: ARG002
        return type(self.given)([self._new_cells(j, new) for j, new in enumerate(cells)])

    def _new_cells(self, j: int, new: NDArray[Any] | Copied) -> Any:
        column = self.given.to_series(j)
        if isinstance(new, Copied):
            return column[new.rows]
        kind = column.slice(0, 0).to_numpy().dtype
        return type(column)(column.name, to_dtype(new, kind)).cast(column.dtype)

    def followed_by(self, new: Any) -> Any:
        return self._polars.concat([self.given, new])


def _is_too_wide(dtype: Any) -> bool:
    """Tell whether NumPy has nothing as wide as a type of Polars."""
    return str(dtype) in ("Int128", "UInt128")


def contain_table(X: Any) -> Container | None:
    """Wrap a table.

    Parameters
    ----------
    X : object
        Rows as a user gave them.

    Returns
    -------
    Container or None
        None if it is no table.

    Raises
    ------
    InvalidInputError
        If it is a LazyFrame of Polars.
    """
    library = type(X).__module__.partition(".")[0]
    if library == "polars" and hasattr(X, "collect"):
        raise InvalidInputError(f"X must hold its rows, got a {type(X).__name__}: call .collect() first")
    if library == "polars" and hasattr(X, "to_series") and hasattr(X, "columns"):
        return _PolarsFrame(X)
    if library == "pyarrow" and hasattr(X, "schema"):
        return _ArrowTable(X)
    return _PandasFrame(X) if hasattr(X, "iloc") and hasattr(X, "columns") else None
