"""Polars frames and Arrow tables in and out; imbalanced-learn's bases see a plain matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from resampler.errors import InvalidInputError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def is_table(X: object) -> bool:
    """Say whether imbalanced-learn would mishandle this container.

    Parameters
    ----------
    X : object
        What a user gave for rows or labels.

    Returns
    -------
    bool
        True for anything of Polars or Arrow.
    """
    return type(X).__module__.partition(".")[0] in ("polars", "pyarrow")


def column_names(X: Any) -> list[Any]:
    """Return the names of the columns, none where there are none.

    Parameters
    ----------
    X : object
        Rows as a user gave them.

    Returns
    -------
    list
        In order.
    """
    if is_table(X):
        return list(X.columns if hasattr(X, "to_arrow") else X.schema.names)
    return list(X.columns) if hasattr(X, "iloc") else []


def take(X: Any, rows: NDArray[np.int64]) -> Any:
    """Return some rows of a table, of any types, nulls as they are.

    Parameters
    ----------
    X : polars.DataFrame, pyarrow.Table or pyarrow.RecordBatch
        The table.
    rows : ndarray of shape (n_taken,), int64
        Positions.

    Returns
    -------
    object
        A table of the same type and schema.
    """
    return X[rows] if hasattr(X, "to_arrow") else X.take(rows)


def to_matrix(X: Any) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Take a table apart.

    Parameters
    ----------
    X : polars.DataFrame, pyarrow.Table or pyarrow.RecordBatch
        The rows; a null in a numeric column comes out as NaN.

    Returns
    -------
    matrix : ndarray of shape (n_samples, n_features)
        Of the columns' common numeric dtype, or object where a column is not numeric.
    names : tuple of str
        Column names.

    Raises
    ------
    InvalidInputError
        If the table is a LazyFrame.
    """
    if hasattr(X, "collect"):
        raise InvalidInputError(f"X must hold its rows, got a {type(X).__name__}: call .collect() first")
    table = X.to_arrow() if hasattr(X, "to_arrow") else X
    columns = [np.asarray(column) for column in table.columns]
    dtype = np.result_type(*columns) if all(c.dtype.kind in "fiub" for c in columns) else np.dtype(object)
    return np.stack([c.astype(dtype) for c in columns], axis=1), tuple(table.schema.names)


def from_matrix(matrix: NDArray[Any], like: Any) -> Any:
    """Put a table together again.

    Parameters
    ----------
    matrix : ndarray of shape (n_samples, n_features)
        The rows; integer and boolean columns are rounded to the nearest.
    like : polars.DataFrame, pyarrow.Table or pyarrow.RecordBatch
        Gives the container, the names and the types.

    Returns
    -------
    object
        A table of `like`'s type and schema.
    """
    import pyarrow as pa

    schema = like.to_arrow().schema if hasattr(like, "to_arrow") else like.schema
    arrays = [_to_arrow(matrix[:, j], field.type) for j, field in enumerate(schema)]
    if hasattr(like, "to_arrow"):
        import polars as pl

        return pl.from_arrow(pa.Table.from_arrays(arrays, schema=schema)).cast(like.schema)
    return type(like).from_arrays(arrays, schema=schema)


def to_labels(y: Any) -> NDArray[Any]:
    """Take labels out of their container.

    Parameters
    ----------
    y : polars.Series, pyarrow.Array or pyarrow.ChunkedArray, or a table of one column
        The labels.

    Returns
    -------
    ndarray of shape (n_samples,), or (n_samples, n_columns) of a table of several
        The labels.
    """
    names = column_names(y) if hasattr(y, "columns") else []
    labels = to_matrix(y)[0] if names else np.asarray(y)
    return labels[:, 0] if len(names) == 1 else labels


def from_labels(labels: NDArray[Any], like: Any) -> Any:
    """Put labels into their container again.

    Parameters
    ----------
    labels : ndarray of shape (n_samples,)
        The labels.
    like : polars.Series, pyarrow.Array or pyarrow.ChunkedArray, or a table
        Gives the container, the name and the type.

    Returns
    -------
    object
        Labels of `like`'s type.
    """
    import pyarrow as pa

    if hasattr(like, "columns"):
        return from_matrix(labels.reshape(len(labels), -1), like)
    if hasattr(like, "to_arrow"):
        return type(like)(like.name, labels.tolist(), dtype=like.dtype)
    array = _to_arrow(labels, like.type)
    return pa.chunked_array([array]) if isinstance(like, pa.ChunkedArray) else array


def _to_arrow(values: NDArray[Any], kind: Any) -> Any:
    import pyarrow as pa

    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        values = np.rint(values.astype(np.float64)) if values.dtype.kind not in "iub" else values
        return pa.array(values.astype(kind.to_pandas_dtype()), type=kind)
    if pa.types.is_floating(kind):
        return pa.array(values.astype(kind.to_pandas_dtype()), type=kind)
    if pa.types.is_dictionary(kind):
        return pa.array(values.tolist(), type=kind.value_type).dictionary_encode().cast(kind)
    return pa.array(values.tolist(), type=kind)
