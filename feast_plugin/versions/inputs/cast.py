"""Cast what engines return to what the contract promises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from feast_plugin.notices import notice
from feast_plugin.versions.inputs.contract import TIMESTAMP, TIMESTAMP_TYPE
from resampler.dtypes import BOOLEAN, DTYPES, FLOAT, INTEGER, TEXT, family_of
from resampler.errors import ContractError, DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

LABEL_TYPES = tuple(DTYPES[name].arrow_type for name in ("bool", "int32", "int64", "string"))
_MICROSECOND = pa.duration("us")
_ZONED_TEXT = r"[T ]\d.*(Z|[+-]\d\d(:?\d\d)?)$"  # a zone stands behind a time of day; a day alone has dashes too
_DAY_TEXT = r"^\d+-\d+-\d+$"
_FINER_TEXT = r"\.\d{6}\d*[1-9]"  # digits of a second behind the sixth
# What a column of a family may be cast from; a type casts to itself, and a column of nulls to anything.
_DECIMAL, _LIST = "decimal", "list"
_NUMBERS = {INTEGER, FLOAT, _DECIMAL}
_CASTS: dict[str | None, set[str]] = {
    FLOAT: _NUMBERS,
    INTEGER: {*_NUMBERS, BOOLEAN},
    BOOLEAN: {INTEGER, FLOAT},
    TEXT: {TEXT},
    _LIST: {_LIST},
}


def _family(kind: pa.DataType) -> str | None:
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _LIST
    return _DECIMAL if pa.types.is_decimal(kind) else family_of(kind)


def cast_timestamp(column: pa.ChunkedArray, name: str = TIMESTAMP) -> pa.ChunkedArray:
    """Bring the event timestamps to microseconds in UTC.

    Parameters
    ----------
    column : pyarrow.ChunkedArray
        Timestamps of any unit, which mean UTC where they have no zone, as in Feast; dates; or ISO 8601 strings.
    name : str
        What the user calls the column, for messages.

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
    if not (pa.types.is_timestamp(kind) or family_of(kind) == TEXT or pa.types.is_date(kind)):
        raise DataError(f"column {name!r} must be a timestamp, got {kind}: name another, or cast it to timestamps")
    try:
        cut, finer = _cut(column), _is_finer(column)
        return cut if finer is None else pc.add(cut, pc.cast(finer.cast(pa.int64()), _MICROSECOND))
    except pa.ArrowInvalid as error:
        raise DataError(f"column {name!r} holds what is no timestamp: {error}") from error


def _cut(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Drop what is finer than a microsecond: DuckDB returns nanoseconds in UTC as text."""
    kind = column.type
    if family_of(kind) == TEXT:
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
    if family_of(kind) == TEXT:
        return pc.match_substring_regex(column.cast(pa.string()), _FINER_TEXT)
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        zoned = column.cast(pa.timestamp("ns", tz="UTC"))
        return pc.less(_cut(column).cast(zoned.type), zoned)
    return None


def note_timestamps(column: pa.ChunkedArray, name: str = TIMESTAMP) -> None:
    """Warn the user of what `cast_timestamp` takes for granted, or changes.

    Parameters
    ----------
    column : pyarrow.ChunkedArray
        Event timestamps of an entity frame, as they were given.
    name : str
        What the user calls the column.

    Raises
    ------
    DataError
        As `cast_timestamp`.
    """
    say_timestamps([look_at_timestamps(column, name)], name)


def look_at_timestamps(column: pa.ChunkedArray, name: str = TIMESTAMP) -> dict[str, Any]:
    """Find what `cast_timestamp` takes for granted in some rows, or changes.

    Parameters
    ----------
    column : pyarrow.ChunkedArray
        Event timestamps, as they were given.
    name : str
        What the user calls the column.

    Returns
    -------
    dict
        What `say_timestamps` takes.

    Raises
    ------
    DataError
        As `cast_timestamp`.
    """
    kind = column.type
    cast = cast_timestamp(column, name)
    naive = column
    if family_of(kind) == TEXT:
        naive = column.filter(pc.invert(_has_zone(column)))
    elif pa.types.is_timestamp(kind) and kind.tz is not None:
        naive = column.slice(0, 0)
    rows = _is_finer(column)
    finer = 0 if rows is None else pc.sum(rows).as_py() or 0
    return {
        "naive": str(naive[0].as_py()) if len(naive) else None,
        "finer": finer,
        "first": str(cast.filter(rows)[0].as_py()) if finer else None,
    }


def say_timestamps(found: Sequence[dict[str, Any]], name: str = TIMESTAMP) -> None:
    """Warn the user of what was found in the event timestamps of all rows.

    Parameters
    ----------
    found : sequence of dict
        From `look_at_timestamps`, in the order of the rows.
    name : str
        What the user calls the column.
    """
    naive = next((one["naive"] for one in found if one["naive"] is not None), None)
    if naive is not None:
        notice(
            f"column {name!r} has no time zone and is taken as UTC, first {naive}: give local times their zone, or "
            "convert them to UTC"
        )
    finer = sum(one["finer"] for one in found)
    if finer:
        first = next(one["first"] for one in found if one["finer"])
        notice(
            f"{finer} values of column {name!r} are finer than a microsecond and were rounded up to it, first {first}"
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
    source, target = _family(kind), _family(to)
    if source == FLOAT:
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, kind), column)
    if not (kind == to or pa.types.is_null(kind) or source in _CASTS.get(target, ())):
        raise ContractError(f"column {name!r} must be {to} by the contract, the data is {kind}")
    if target == BOOLEAN and source in _NUMBERS and not set(pc.unique(column).to_pylist()) <= {0, 1, None}:
        raise ContractError(f"column {name!r} must be {to} by the contract, the data has numbers other than 0 and 1")
    if (source, target) == (FLOAT, INTEGER):
        _check_digits(name, column, to)
    try:
        # Rounding a double to the float that the contract promises is meant; losing an integer's digits is not.
        return column.cast(to, safe=target not in (FLOAT, _LIST))
    except pa.ArrowInvalid as error:
        raise ContractError(f"column {name!r} must be {to} by the contract: {error}") from error


class DigitsError(ContractError):
    """Raise when integers came as doubles that have lost digits.

    Feast's Dask store reads an integer column with nulls as doubles: beyond 2**53 they have lost their last digits.

    Parameters
    ----------
    name : str
        Of the column.
    to, came : str
        Types: promised, and that it is.
    largest : float
        Value of the rows that were looked at.
    """

    def __init__(self, name: str, to: str, came: str, largest: float) -> None:
        super().__init__(
            f"column {name!r} must be {to} by the contract, and came as {came} with a value of {largest:.0f}: "
            f"from {2**53} on digits are lost; use the DuckDB store, fill the nulls, or declare the feature a String"
        )
        self.given = name, to, came, largest


def _check_digits(name: str, column: pa.ChunkedArray, to: pa.DataType) -> None:
    largest = pc.max(pc.abs(column)).as_py()
    if largest is not None and largest >= 2**53:
        raise DigitsError(name, str(to), str(column.type), largest)


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
    family = family_of(column.type)
    if family in (BOOLEAN, INTEGER):
        return column
    if family == TEXT:
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
    if promised in LABEL_TYPES:
        return cast_column(name, column, promised)
    family = family_of(column.type)
    stays = {TEXT: pa.string(), BOOLEAN: pa.bool_()}
    return cast_column(name, column, stays[family] if family in stays else pa.int64())
