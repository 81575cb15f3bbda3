"""Cast what engines return to what the contract promises."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from feast_plugin.notices import notice
from feast_plugin.versions.contract import TIMESTAMP, TIMESTAMP_TYPE
from resampler.errors import ContractError, DataError

_MICROSECOND = pa.duration("us")
_ZONED_TEXT = r"[T ]\d.*(Z|[+-]\d\d(:?\d\d)?)$"  # a zone stands behind a time of day; a day alone has dashes too
_DAY_TEXT = r"^\d+-\d+-\d+$"
_FINER_TEXT = r"\.\d{6}\d*[1-9]"  # digits of a second behind the sixth


def is_text(kind: pa.DataType) -> bool:
    """Tell whether a type is one of Arrow's strings.

    Parameters
    ----------
    kind : pyarrow.DataType
        Of a column.

    Returns
    -------
    bool
        True for string, large_string and string_view.
    """
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def cast_timestamp(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Bring the event timestamps to microseconds in UTC.

    Parameters
    ----------
    column : pyarrow.ChunkedArray
        Timestamps of any unit, which mean UTC where they have no zone, as in Feast; dates; or ISO 8601 strings.

    Returns
    -------
    pyarrow.ChunkedArray
        Of `TIMESTAMP_TYPE`; what is finer is rounded up: rounded down, a row would stand before the values that it
        was recorded with, and the point-in-time join would not find them.

    Raises
    ------
    DataError
        If the column is nothing of the kind.
    """
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = column.type
    if not (pa.types.is_timestamp(kind) or is_text(kind) or pa.types.is_date(kind)):
        raise DataError(f"column {TIMESTAMP!r} must be a timestamp, got {kind}")
    try:
        cut, finer = _cut(column), _is_finer(column)
        return cut if finer is None else pc.add(cut, pc.cast(finer.cast(pa.int64()), _MICROSECOND))
    except pa.ArrowInvalid as error:
        raise DataError(f"column {TIMESTAMP!r} holds what is no timestamp: {error}") from error


def _cut(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Drop what is finer than a microsecond: DuckDB returns nanoseconds in UTC as text."""
    kind = column.type
    if is_text(kind):
        column = pc.replace_substring_regex(column.cast(pa.string()), r"(\.\d{6})\d+", r"\1")
        column = pc.replace_substring_regex(column, _DAY_TEXT, r"\0T00:00")
        column = pc.if_else(_has_zone(column), column, pc.binary_join_element_wise(column, "Z", ""))
    elif not pa.types.is_timestamp(kind) or kind.tz is None:
        column = column.cast(pa.timestamp("us"), safe=False)  # naive means UTC, as in Feast
    return column.cast(TIMESTAMP_TYPE, safe=False)


def _has_zone(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Say which texts give their zone."""
    return pc.match_substring_regex(column.cast(pa.string()), _ZONED_TEXT)


def _is_finer(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """Say which values microseconds cannot hold; None if the type has none."""
    kind = column.type
    if is_text(kind):
        return pc.match_substring_regex(column.cast(pa.string()), _FINER_TEXT)
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        zoned = column.cast(pa.timestamp("ns", tz="UTC"))
        return pc.less(_cut(column).cast(zoned.type), zoned)
    return None


def tell_of_timestamps(column: pa.ChunkedArray) -> None:
    """Tell the user what `cast_timestamp` takes for granted, or changes.

    Parameters
    ----------
    column : pyarrow.ChunkedArray
        Event timestamps of an entity frame, as they were given.

    Raises
    ------
    DataError
        As `cast_timestamp`.
    """
    kind = column.type
    cast = cast_timestamp(column)
    naive = column
    if is_text(kind):
        naive = column.filter(pc.invert(_has_zone(column)))
    elif pa.types.is_timestamp(kind) and kind.tz is not None:
        naive = column.slice(0, 0)
    if len(naive):
        notice(
            f"column {TIMESTAMP!r} of the entity frame has no time zone and is taken as UTC, first "
            f"{naive[0].as_py()}: give local times their zone, or convert them to UTC"
        )
    rows = _is_finer(column)
    finer = 0 if rows is None else pc.sum(rows).as_py() or 0
    if finer:
        first = cast.filter(rows)[0].as_py()
        notice(
            f"{finer} values of column {TIMESTAMP!r} of the entity frame are finer than a microsecond and were rounded "
            f"up to it, first {first}"
        )


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
    text = is_text(kind)
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
    if numeric and pa.types.is_boolean(to) and not set(pc.unique(column).to_pylist()) <= {0, 1, None}:
        raise ContractError(f"column {name!r} must be {to} by the contract, the data has numbers other than 0 and 1")
    if pa.types.is_floating(kind) and pa.types.is_integer(to):
        _check_digits(name, column, to)
    try:
        # Rounding a double to the float that the contract promises is meant; losing an integer's digits is not.
        return column.cast(to, safe=not (pa.types.is_floating(to) or pa.types.is_list(to)))
    except pa.ArrowInvalid as error:
        raise ContractError(f"column {name!r} must be {to} by the contract: {error}") from error


def _check_digits(name: str, column: pa.ChunkedArray, to: pa.DataType) -> None:
    # Feast's Dask store reads an integer column with nulls as doubles: beyond 2**53 they have lost their last digits.
    largest = pc.max(pc.abs(column)).as_py()
    if largest is not None and largest >= 2**53:
        raise ContractError(
            f"column {name!r} must be {to} by the contract, and came as {column.type} with a value of {largest:.0f}: "
            f"from {2**53} on digits are lost; use the DuckDB store, fill the nulls, or declare the feature a String"
        )


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
    if is_text(kind):
        return column.cast(pa.string())
    raise DataError(f"split column {name!r} must be integer, boolean or string, got {column.type}")


def cast_label(name: str, column: pa.ChunkedArray, promised: pa.DataType | None = None) -> pa.ChunkedArray:
    """Bring the label to the type that it is stored with.

    Parameters
    ----------
    name : str
        Of the column, for the message.
    column : pyarrow.ChunkedArray
        What an engine returned.
    promised : pyarrow.DataType, optional
        By the view that the label is from. An entity frame promises nothing: there booleans and text stay what they
        are, and integers of any width become int64, so that the same rows from CSV and Parquet are the same.

    Returns
    -------
    pyarrow.ChunkedArray
        Of type bool, int32, int64 or string.

    Raises
    ------
    ContractError
        If it is neither whole numbers, booleans nor text, or not what was promised.
    """
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if promised in (pa.bool_(), pa.int32(), pa.int64(), pa.string()):
        return cast_column(name, column, promised)
    if is_text(kind):
        return cast_column(name, column, pa.string())
    return cast_column(name, column, kind if pa.types.is_boolean(kind) else pa.int64())
