"""Tables of any library that narwhals reads; and what it does not keep of Arrow and pandas."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import numpy as np

from resampler.errors import InvalidInputError
from resampler.integers import to_dtype
from resampler.methods.missing import nulls_in
from resampler.samplers.containers import Container, Copied, Inherited, spread_over
from resampler.samplers.kinds import WIDER_THAN_NUMPY, Kind, kind_of_type, kind_of_values, require
from resampler.samplers.matrix import append_synthetic, made_sparse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from resampler.methods.provenance import Provenance
    from resampler.samplers.containers import Cells


class _Table(Container):
    """A table, given and for narwhals: the two differ where narwhals would refuse the one given."""

    def __init__(self, given: Any, readable: Any = None) -> None:
        super().__init__(given)
        self._frame: nw.DataFrame[Any] = nw.from_native(given if readable is None else readable, eager_only=True)

    @cached_property
    def names(self) -> list[Any]:
        return list(self.given.columns)

    @property
    def shape(self) -> tuple[int, int]:
        return self._frame.shape

    @cached_property
    def _columns(self) -> list[Any]:
        return list(self._frame.iter_columns())  # to ask for one takes time in proportion to all

    def values(self, j: int) -> NDArray[Any]:
        column = self._columns[j]
        return np.array(column.to_list(), dtype=object) if column.dtype in WIDER_THAN_NUMPY else column.to_numpy()

    def kind(self, j: int) -> Kind:
        return kind_of_type(self._columns[j].dtype) or kind_of_values(self.values(j))

    def take(self, rows: NDArray[np.int64]) -> Any:
        return self._restored(self._frame[rows])

    def new_rows(self, n: int, cells: Sequence[Cells]) -> Any:  # noqa: ARG002 - the cells are as many
        columns = {column.name: self._new_cells(j, cells[j]) for j, column in enumerate(self._columns)}
        return self._restored(nw.from_dict(columns, backend=self._frame.implementation))

    def _new_cells(self, j: int, new: Cells) -> Any:
        column = self._columns[j]
        if isinstance(new, Copied):
            return column[new.rows].to_native()
        if isinstance(new, Inherited):
            filled = to_dtype(np.where(new.nulls, 0, new.numbers), self._whole_dtype(j) or new.numbers.dtype)
            made = nw.new_series(column.name, filled, column.dtype, backend=self._frame.implementation)
            taken = nw.new_series(column.name, new.nulls, nw.Boolean, backend=self._frame.implementation)
            return made.zip_with(~taken, column[new.rows]).to_native()
        cells = to_dtype(new, self._whole_dtype(j) or self.values(j).dtype)
        if cells.dtype != object:
            return cells
        return nw.new_series("", cells, nw.Object, backend=self._frame.implementation).to_native()

    def _whole_dtype(self, j: int) -> np.dtype[Any] | None:
        """Return NumPy's type of a column of integers or booleans with nulls, which NumPy has as others; else None."""
        column = self._columns[j]
        if not (column.dtype.is_integer() or column.dtype == nw.Boolean) or not column.null_count():
            return None
        return column.drop_nulls().to_numpy().dtype

    def _wide_with_nulls(self, j: int) -> tuple[NDArray[Any], NDArray[np.bool_]] | None:
        if self._whole_dtype(j) is None:
            return super()._wide_with_nulls(j)
        column = self._columns[j]
        return spread_over(column.drop_nulls().to_numpy(), column.is_null().to_numpy())

    def followed_by(self, new: Any) -> Any:
        return self._restored(nw.maybe_reset_index(nw.concat([self._frame, type(self)(new)._frame])))

    def _restored(self, frame: nw.DataFrame[Any]) -> Any:
        """Return a frame as a table like the one given."""
        return frame.to_native()


class _ArrowTable(_Table):
    """An Arrow table or record batch: narwhals has no batches and no equal names, and a new schema says less."""

    def __init__(self, given: Any) -> None:
        import pyarrow as pa

        super().__init__(given, pa.table(given.columns, names=[str(j) for j in range(given.num_columns)]))

    @cached_property
    def names(self) -> list[Any]:
        return list(self.given.schema.names)

    def values(self, j: int) -> NDArray[Any]:
        column = self._columns[j]
        if column.dtype != nw.Categorical or not column.null_count():
            return super().values(j)
        coded = column.to_native()  # whose own `to_numpy` has one of the values for a null
        return coded.cast(coded.type.value_type).to_numpy()

    def _restored(self, frame: nw.DataFrame[Any]) -> Any:
        columns = frame.to_native().columns
        if not hasattr(self.given, "combine_chunks"):  # a record batch
            columns = [column.combine_chunks() for column in columns]
        return type(self.given).from_arrays(columns, schema=self.given.schema)


class _PandasFrame(_Table):
    """A frame of pandas or Modin.

    narwhals has no equal names, no sparse columns, no new row labels, and makes columns of NumPy's types only; missing
    values it gives as each type has them.
    """

    def __init__(self, given: Any) -> None:
        super().__init__(given, given if given.columns.is_unique else given.set_axis(range(given.shape[1]), axis=1))
        self._dtypes = given.dtypes.tolist()
        self._pandas = nw.get_native_namespace(given)

    def values(self, j: int) -> NDArray[Any]:
        column = self.given.iloc[:, j]
        if self._numpy_dtype(j) is not None:
            return column.to_numpy()
        dtype = self._dtypes[j]
        if dtype.kind in "iubf":  # nullable
            if not column.hasnans:
                return column.to_numpy(dtype=dtype.numpy_dtype)
            return column.to_numpy(dtype=dtype.numpy_dtype if dtype.kind == "f" else np.float64, na_value=np.nan)
        # narwhals would give times in UTC, and categories as numbers.
        cells = column.to_numpy(dtype=object)
        return np.where(column.isna(), np.nan, cells) if self._has_na(j) else cells

    def kind(self, j: int) -> Kind:
        dtype = self._numpy_dtype(j)
        if dtype is None:
            return super().kind(j)
        # narwhals takes objects for text if the first hundred are.
        return kind_of_values(self.values(j) if dtype.kind == "O" else np.empty(0, dtype=dtype))

    def _numpy_dtype(self, j: int) -> np.dtype[Any] | None:
        """Return NumPy's type of a column, dense or sparse; None for pandas' own types."""
        dtype = getattr(self._dtypes[j], "subtype", self._dtypes[j])
        return dtype if isinstance(dtype, np.dtype) else None

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
        return self.shape[1] > 0 and all(hasattr(t, "subtype") and hasattr(t, "fill_value") for t in self._dtypes)

    def made(self, provenance: Provenance) -> Any:
        near = provenance.place == "segment" and provenance.grids is None  # else no cell is sure to stay 0
        if not self._all_sparse or provenance.categorical_features.size or not near:
            return super().made(provenance)
        real = self.numbers()
        rows = (
            append_synthetic(real, provenance)[real.shape[0] :]
            if nulls_in(real) is not None
            else made_sparse(real, provenance)
        )
        return self._pandas.DataFrame.sparse.from_spmatrix(rows, columns=self.given.columns).astype(self.given.dtypes)

    def cells(self, columns: Any = None) -> Any:
        if columns is None:
            return super().cells()
        frame = self.given.iloc[:, columns]
        without_na = {i: self.values(int(j)) for i, j in enumerate(columns) if self._has_na(int(j))}
        if not without_na:
            return frame
        cells = {i: without_na.get(i, frame.iloc[:, i].array) for i in range(frame.shape[1])}
        return self._pandas.DataFrame(cells, index=frame.index).set_axis(frame.columns, axis=1)

    def _has_na(self, j: int) -> bool:
        """Say whether a column that is no numbers holds pandas' NA: encoders refuse it, and take NaN."""
        column = self.given.iloc[:, j]
        dtype = getattr(column.dtype, "categories", column).dtype
        is_na = type(getattr(dtype, "na_value", None)).__name__ == "NAType"
        return is_na and dtype.kind not in "iubf" and bool(column.hasnans)

    def whole(self) -> NDArray[np.bool_]:
        return np.array([getattr(t, "subtype", t).kind in "iub" for t in self._dtypes])

    def take(self, rows: NDArray[np.int64]) -> Any:
        return self.given.iloc[rows]

    def new_rows(self, n: int, cells: Sequence[Cells]) -> Any:
        frame = type(self.given)({j: self._new_array(j, new) for j, new in enumerate(cells)}, index=range(n))
        frame.columns = self.given.columns
        return frame

    def _wide_with_nulls(self, j: int) -> tuple[NDArray[Any], NDArray[np.bool_]] | None:
        column, dtype = self.given.iloc[:, j], self._dtypes[j]
        if self._numpy_dtype(j) is not None or dtype.kind not in "iu" or not column.hasnans:
            return Container._wide_with_nulls(self, j)
        missing = column.isna().to_numpy()
        return spread_over(column[~missing].to_numpy(dtype=dtype.numpy_dtype), missing)

    def _new_array(self, j: int, new: Cells) -> Any:
        if isinstance(new, Copied):
            return self.given.iloc[:, j].array.take(new.rows)
        if isinstance(new, Inherited):
            if self._dtypes[j].kind == "f" and self._numpy_dtype(j) is not None:
                return self._new_array(j, new.numbers)  # NaN is all it has
            made = self._new_array(j, np.where(new.nulls, 0, new.numbers))
            made[new.nulls] = self.given.iloc[:, j].array.take(new.rows[new.nulls])
            return made
        dtype = self._dtypes[j]
        if isinstance(dtype, np.dtype):
            return to_dtype(new, dtype)
        kind = dtype.subtype if hasattr(dtype, "subtype") else dtype.numpy_dtype
        return self._pandas.Series(to_dtype(new, kind), dtype=dtype).array

    def followed_by(self, new: Any) -> Any:
        return self._pandas.concat([self.given, new], ignore_index=True)


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
        If its rows are not in memory: a lazy frame, or a relation of a database.
    """
    if nw.dependencies.is_pandas_dataframe(X) or nw.dependencies.is_modin_dataframe(X):
        return _PandasFrame(X)
    if is_arrow(X):
        return _ArrowTable(X) if hasattr(X, "schema") else None
    frame = nw.from_native(X, pass_through=True)
    if isinstance(frame, nw.LazyFrame):
        raise InvalidInputError(
            f"X must hold its rows, got a {type(X).__name__}: call .collect() first, or what its library has for that"
        )
    return _Table(X) if isinstance(frame, nw.DataFrame) else None


def is_arrow(data: object) -> bool:
    """Say whether something is Arrow's: narwhals knows its tables and chunked arrays, not its batches and arrays.

    Parameters
    ----------
    data : object
        Rows or labels.

    Returns
    -------
    bool
        True for anything of pyarrow.
    """
    return type(data).__module__.partition(".")[0] == "pyarrow"
