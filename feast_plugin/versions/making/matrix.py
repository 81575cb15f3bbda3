"""Rows as a matrix of numbers and back: arrays spread out, categories as codes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from resampler.encoding import codes_of, integers_of, numbers_of, rounded, sorted_values, values_of
from resampler.integers import EXACT, counted_from

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from feast_plugin.versions.inputs.contract import Contract, StoredFeature


def origin_of(column: pa.ChunkedArray, c: StoredFeature) -> int | None:
    """Return what to count integers from, so that a float64 distinguishes them.

    Parameters
    ----------
    column : pyarrow.ChunkedArray of n_rows
        Of a numeric feature.
    c : StoredFeature
        The feature, measured.

    Returns
    -------
    int or None
        None if there is no value.
    """
    if c.column.type.exact_in_float64:
        return 0
    first = (pc.list_flatten(column) if c.array else column).drop_null().slice(0, 1).to_pylist()
    return None if not first else first[0] if abs(first[0]) > EXACT else 0


def column_numbers(column: pa.ChunkedArray, c: StoredFeature, origin: int = 0) -> NDArray[Any]:
    """Return one column as numbers.

    Parameters
    ----------
    column : pyarrow.ChunkedArray of n_rows
        Of a numeric feature.
    c : StoredFeature
        The feature, measured.
    origin : int
        What integers are counted from.

    Returns
    -------
    ndarray of shape (n_rows, c.width)
        NaN for a null.
    """
    if not c.array:
        return numbers_of(column, origin).reshape(-1, 1)
    flat = column.combine_chunks()
    out = np.full((len(flat), c.width), np.nan)
    valid = flat.is_valid().to_numpy(zero_copy_only=False)
    values = flat.drop_null().flatten().to_numpy(zero_copy_only=False)
    out[valid] = (counted_from(values, origin) if origin else values).reshape(-1, c.width)
    return out


def wide_columns(table: pa.Table, contract: Contract) -> list[tuple[StoredFeature, slice]]:
    """Find the columns of integers that a float64 does not hold, whose synthetic values are made in integers.

    Parameters
    ----------
    table : pyarrow.Table
        The rows that synthetic ones are made from.
    contract : Contract
        Its columns, measured.

    Returns
    -------
    list of (StoredFeature, slice)
        Numeric ones beyond 2**53, and the place of their numbers in a row.
    """
    found = []
    for c, span in contract.spans:
        if not c.categorical and not c.column.type.exact_in_float64:
            bounds = pc.min_max(pc.list_flatten(table[c.name]) if c.array else table[c.name])
            if any(v is not None and abs(v) > EXACT for v in bounds.as_py().values()):
                found.append((c, span))
    return found


def whole_numbers(column: pa.Array, c: StoredFeature) -> NDArray[Any]:
    """Return a column of integers as they are.

    Parameters
    ----------
    column : pyarrow.Array of n_rows
        Integers, or arrays of them.
    c : StoredFeature
        The column, measured.

    Returns
    -------
    ndarray of shape (n_rows, c.width)
        0 for a null.
    """
    if not c.array:
        return integers_of(column).reshape(-1, 1)
    valid = column.is_valid().to_numpy(zero_copy_only=False)
    values = np.asarray(column.drop_null().flatten())
    out = np.zeros((len(column), c.width), dtype=values.dtype)
    out[valid] = values.reshape(-1, c.width)
    return out


def folded(values: NDArray[Any], nulls: NDArray[np.bool_], c: StoredFeature) -> pa.Array:
    """Return numbers as a column of the contract's type.

    Parameters
    ----------
    values : ndarray of shape (n_rows, c.width)
        Of the column's dtype.
    nulls : ndarray of shape (n_rows, c.width), bool
        Where a number stands for none; an array is null where all of it is.
    c : StoredFeature
        The column, measured.

    Returns
    -------
    pyarrow.Array of n_rows
        Arrays folded back.
    """
    if not nulls.any():
        return c.folded(pa.array(values.ravel()))
    if not c.array:
        return c.folded(pa.array(values.ravel(), mask=nulls.ravel()))
    whole = nulls.all(axis=1)
    column = c.folded(pa.array(values.ravel()))
    return pc.if_else(pa.array(whole), pa.scalar(None, column.type), column)


class Codes(NamedTuple):
    """What the numbers of a matrix mean.

    Parameters
    ----------
    vocabularies : dict of str to pyarrow.Array
        Values of each categorical column, in code order.
    origins : dict of str to int
        What integers of a column are counted from, where that is not 0.
    """

    vocabularies: dict[str, pa.Array]
    origins: dict[str, int]

    @classmethod
    def of(cls, table: pa.Table, contract: Contract) -> Codes:
        """See what values there are.

        Parameters
        ----------
        table : pyarrow.Table of n_rows
            The feature columns.
        contract : Contract
            Their types, measured.

        Returns
        -------
        Codes
            Sorted, so that a code does not depend on which row came first.
        """
        vocabularies, origins = {}, {}
        for c in contract.columns:
            if c.categorical:
                vocabularies[c.name] = sorted_values(table[c.name])
            elif origin := origin_of(table[c.name], c):
                origins[c.name] = origin
        return cls(vocabularies, origins)


def encode(table: pa.Table, contract: Contract, codes: Codes | None = None) -> tuple[NDArray[Any], dict[str, pa.Array]]:
    """Return rows as one matrix, and what the codes of each categorical column mean.

    Parameters
    ----------
    table : pyarrow.Table of n_rows
        The feature columns.
    contract : Contract
        Their types, measured.
    codes : Codes, optional
        What numbers mean, where these are some of the rows; by default as these rows say.

    Returns
    -------
    matrix : ndarray of shape (n_rows, n_features)
        A null is NaN; a column that begins with an integer beyond 2**53 is counted from it. float32 where it holds
        every column exactly, float64 where a double or a wide integer would lose digits.
    vocabularies : dict of str to pyarrow.Array
        Values of each categorical column, in code order.
    """
    narrow = all(c.column.exact_in_float32 for c in contract.columns)
    matrix = np.empty((table.num_rows, contract.width), dtype=np.float32 if narrow else np.float64)
    vocabularies, origins = codes or Codes.of(table, contract)
    for c, span in contract.spans:
        if c.categorical:
            matrix[:, span.start] = codes_of(table[c.name], vocabularies[c.name])
        else:
            matrix[:, span] = column_numbers(table[c.name], c, origins.get(c.name, 0))
    return matrix, vocabularies


def decode(matrix: NDArray[Any], contract: Contract, vocabularies: Mapping[str, pa.Array]) -> pa.Table:
    """Return a matrix as columns of the contract's types.

    Parameters
    ----------
    matrix : ndarray of shape (n_rows, n_features)
        Synthetic rows.
    contract : Contract
        Types of the columns, measured.
    vocabularies : dict of str to pyarrow.Array
        From `encode`.

    Returns
    -------
    pyarrow.Table of n_rows
        Integers are rounded to even, arrays folded back, codes are values again, NaN is null. The columns of
        `wide_columns` have to be made from their parents instead.
    """
    columns: dict[str, pa.Array] = {}
    for c, span in contract.spans:
        values = matrix[:, span]
        if c.categorical:
            columns[c.name] = values_of(values[:, 0], vocabularies[c.name])
        else:
            columns[c.name] = folded(*rounded(values, c.column.type.numpy_dtype), c)
    return pa.table(columns)
