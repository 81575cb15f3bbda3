"""Cast what engines return to what the contract promises."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from feast_plugin.contract import TIMESTAMP, TIMESTAMP_TYPE
from resampler.errors import ContractError, DataError


def cast_timestamp(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Bring the event timestamps to microseconds in UTC.

    Parameters
    ----------
    column : pyarrow.ChunkedArray
        Timestamps, which mean UTC where they have no zone, as in Feast; dates; or strings with a zone.

    Returns
    -------
    pyarrow.ChunkedArray
        Of `TIMESTAMP_TYPE`; what is finer is cut off.

    Raises
    ------
    DataError
        If the column is nothing of the kind.
    """
    kind = column.type
    if not (pa.types.is_timestamp(kind) or pa.types.is_string(kind) or pa.types.is_date(kind)):
        raise DataError(f"column {TIMESTAMP!r} must be a timestamp, got {kind}")
    try:
        if pa.types.is_timestamp(kind) and kind.tz is None:
            return column.cast(pa.timestamp("us"), safe=False).cast(TIMESTAMP_TYPE)  # naive means UTC, as in Feast
        return column.cast(TIMESTAMP_TYPE, safe=False)
    except pa.ArrowInvalid as error:
        raise DataError(f"column {TIMESTAMP!r} holds what is no timestamp: {error}") from error


def cast_column(name: str, column: pa.ChunkedArray, to: pa.DataType) -> pa.ChunkedArray:
    """Undo what engines do to types: integers with nulls come as doubles, nulls as NaN, strings as objects.

    Parameters
    ----------
    name : str
        Of the column, for the message.
    column : pyarrow.ChunkedArray
        What an engine returned.
    to : pyarrow.DataType
        What the contract promises.

    Returns
    -------
    pyarrow.ChunkedArray
        Of type `to`; NaN is null.

    Raises
    ------
    ContractError
        If the column is of another kind, or an integer would lose digits.
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if pa.types.is_floating(kind):
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, kind), column)
    numeric = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    fits = (
        kind == to
        or pa.types.is_null(kind)
        or (numeric and (pa.types.is_integer(to) or pa.types.is_floating(to) or pa.types.is_boolean(to)))
        or (text and pa.types.is_string(to))
        or (pa.types.is_boolean(kind) and pa.types.is_integer(to))
        or (pa.types.is_list(to) and (pa.types.is_list(kind) or pa.types.is_large_list(kind)))
    )
    if not fits:
        raise ContractError(f"column {name!r} must be {to} by the contract, the data is {kind}")
    try:
        # Rounding a double to the float that the contract promises is meant; losing an integer's digits is not.
        return column.cast(to, safe=not (pa.types.is_floating(to) or pa.types.is_list(to)))
    except pa.ArrowInvalid as error:
        raise ContractError(f"column {name!r} must be {to} by the contract: {error}") from error


def cast_rule_column(name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Check the column that a split rule reads.

    Parameters
    ----------
    name : str
        Of the column, for the message.
    column : pyarrow.ChunkedArray
        Integers, booleans or strings.

    Returns
    -------
    pyarrow.ChunkedArray
        The same; strings as pyarrow.string().

    Raises
    ------
    DataError
        If it is of another type.
    """
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind):
        return column
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return column.cast(pa.string())
    raise DataError(f"split column {name!r} must be integer, boolean or string, got {column.type}")


def cast_label(name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Bring the label to int64 or string.

    Parameters
    ----------
    name : str
        Of the column, for the message.
    column : pyarrow.ChunkedArray
        What an engine returned.

    Returns
    -------
    pyarrow.ChunkedArray
        Of type int64 or string.

    Raises
    ------
    ContractError
        If it is neither whole numbers, booleans nor text.
    DataError
        If it has a null.
    """
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    column = cast_column(name, column, pa.string() if text else pa.int64())
    if column.null_count:
        raise DataError(f"label {name!r} must have no null, got {column.null_count} among {len(column)} rows")
    return column
