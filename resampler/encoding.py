"""Columns of Arrow as numbers and back: categories as codes, integers beyond 2**53 counted from one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from resampler.integers import counted_from, to_dtype

if TYPE_CHECKING:
    from numpy.typing import NDArray

NO_CODE = float("nan")


def numbers_of(column: pa.ChunkedArray, origin: int = 0) -> NDArray[Any]:
    """Return a column of numbers or booleans as numbers.

    Parameters
    ----------
    column : pyarrow.ChunkedArray of n_rows
        The column.
    origin : int
        What integers are counted from; only of int64 and uint64.

    Returns
    -------
    ndarray of shape (n_rows,)
        NaN for a null. Floating where there are nulls or an origin, else of the column's own dtype, int8 for booleans.

    Examples
    --------
    >>> numbers_of(pa.chunked_array([[2**60, None, 2**60 + 3]]), 2**60)
    array([ 0., nan,  3.])
    """
    if not origin:
        return (column.cast(pa.int8()) if pa.types.is_boolean(column.type) else column).to_numpy()
    numbers = counted_from(integers_of(column, origin), origin)
    numbers[np.asarray(column.is_null())] = np.nan
    return numbers


def integers_of(column: pa.Array | pa.ChunkedArray, null: int = 0) -> NDArray[Any]:
    """Return a column of integers as they are.

    Parameters
    ----------
    column : pyarrow.Array or ChunkedArray of n_rows
        The column.
    null : int
        What stands for a null.

    Returns
    -------
    ndarray of shape (n_rows,)
        Of the column's own dtype.
    """
    return np.asarray(column.fill_null(null) if column.null_count else column)


def rounded(numbers: NDArray[Any], dtype: Any) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Bring numbers to the type of a column: rounding to even keeps the mean, where truncation drags it towards zero.

    Parameters
    ----------
    numbers : ndarray
        Of any shape; NaN for a null.
    dtype : dtype
        Of NumPy; numeric or boolean.

    Returns
    -------
    values : ndarray
        Of that dtype; 0 for a null.
    nulls : ndarray of bool
        Where they are.
    """
    nulls = np.isnan(numbers)
    return to_dtype(np.where(nulls, 0, numbers) if nulls.any() else numbers, dtype), nulls


def sorted_values(column: pa.ChunkedArray) -> pa.Array:
    """Return the distinct values of a column: its vocabulary, in which a value's code is its place.

    Parameters
    ----------
    column : pyarrow.ChunkedArray of n_rows
        Categories, as plain values.

    Returns
    -------
    pyarrow.Array of n_values
        In ascending order, without null, so that a code does not depend on which row came first.
    """
    values = pc.unique(column).drop_null()
    return values.take(pc.sort_indices(values))


def codes_of(column: pa.ChunkedArray, vocabulary: pa.Array, null: float = NO_CODE) -> NDArray[np.float64]:
    """Return a column of categories as codes.

    Parameters
    ----------
    column : pyarrow.ChunkedArray of n_rows
        As plain values.
    vocabulary : pyarrow.Array of n_values
        As `sorted_values` gives it.
    null : float
        Code of what is not in it, a null that is.

    Returns
    -------
    ndarray of shape (n_rows,), float64
        From 0.
    """
    found = pc.index_in(column, value_set=vocabulary).cast(pa.float64())
    return found.to_numpy() if np.isnan(null) else found.fill_null(null).to_numpy()


def values_of(codes: NDArray[Any], vocabulary: pa.Array) -> pa.Array:
    """Return codes as a column of categories.

    Parameters
    ----------
    codes : ndarray of shape (n_rows,), floating
        As `codes_of` gives them.
    vocabulary : pyarrow.Array of n_values
        Of that column.

    Returns
    -------
    pyarrow.Array of n_rows
        Null where a code is of no value.
    """
    known = (codes >= 0) & (codes < len(vocabulary))
    places = np.where(known, codes, 0).astype(np.int64)
    return vocabulary.take(pa.array(places, mask=None if known.all() else ~known))
