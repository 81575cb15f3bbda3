"""`Rows`: a table as a comparison takes it: numbers, codes of categories, classes, groups and times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from resampler.dtypes import BOOLEAN, FLOAT, INTEGER, TEXT, family_of
from resampler.errors import DataError, InvalidInputError, absent_column

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

FEWEST_ROWS = 20  # below, a column may have a value a row by chance
_SHOWN = 5  # names of columns that a message lists


@dataclass(frozen=True, slots=True)
class Roles:
    """What each column of a table is to a comparison.

    Parameters
    ----------
    label : str
        The class.
    features : tuple of str
        What a model reads, in order; empty for all columns that are nothing else.
    drop : tuple of str
        Columns that are no features.
    categorical : tuple of str
        Columns of integers that are codes; text and booleans always are.
    group : str, optional
        Rows that agree in it are never on both sides of a fold.
    time : str, optional
        When a row happened: what is tested comes later than what was learned from.
    """

    label: str
    features: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    group: str | None = None
    time: str | None = None

    def check(self, names: Collection[str]) -> None:
        """Refuse names that no column has, or that say two things of one.

        Parameters
        ----------
        names : collection of str
            Of the table's columns.

        Raises
        ------
        InvalidInputError
            If the label, or what is dropped, is also a feature.
        DataError
            If there is no such column.
        """
        given = {"label": (self.label,), "group": (self.group,), "time": (self.time,)}
        given |= {"features": self.features, "drop": self.drop, "categorical": self.categorical}  # type: ignore[dict-item]
        for option, asked in given.items():
            for name in asked:
                if name is not None and name not in names:
                    raise absent_column(f"--{option}", name, "the rows have", names)
        for name in (self.label, self.time, *self.drop):
            if name in self.features:
                raise InvalidInputError(
                    f"column {name!r} cannot be a feature and the label, the time or dropped: say one"
                )


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows at hand.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features), float64
        Numbers; NaN for a null, a category as its code.
    y : ndarray of shape (n_rows,)
        Classes: integers, booleans or text.
    names : tuple of str
        Of the features; element j of an array ``x`` is ``x[j]``.
    categorical : ndarray of shape (n_features,), bool
        Which columns hold codes.
    groups, times : ndarray of shape (n_rows,), int64, or None
        Whom a row belongs to, and when it happened.
    notes : tuple of str
        Which columns were left out unasked, and why.
    """

    X: NDArray[np.float64]
    y: NDArray[Any]
    names: tuple[str, ...]
    categorical: NDArray[np.bool_]
    groups: NDArray[np.int64] | None = None
    times: NDArray[np.int64] | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, table: pa.Table, roles: Roles) -> Rows:
        """Read a table.

        Parameters
        ----------
        table : pyarrow.Table
            Real rows.
        roles : Roles
            What its columns are.

        Returns
        -------
        Rows
            As many, in the same order.

        Raises
        ------
        InvalidInputError
            As `Roles.check`.
        DataError
            If there is no row, a column is of a type that no model reads, a value is infinite, or a label, group or
            time is null or none.
        """
        roles.check(table.column_names)
        if not table.num_rows:
            raise DataError("there are 0 rows: nothing can be compared")
        y = classes(table[roles.label], roles.label)
        taken = {roles.label, roles.group, roles.time, *roles.drop}
        asked = roles.features or [name for name in table.column_names if name not in taken]
        blocks, notes = [], []
        names: list[str] = []
        mask: list[bool] = []
        for name in asked:
            column = table[name]
            if not roles.features and (why := _no_feature(column)):
                notes.append(f"column {name!r} was left out: {why}; --features takes it in")
                continue
            block, categorical = _numbers(column, name, coded=name in roles.categorical)
            blocks.append(block)
            names += [name] if _is_plain(column.type) else [f"{name}[{j}]" for j in range(block.shape[1])]
            mask += [categorical] * block.shape[1]
        if not blocks:
            raise DataError(f"no feature is left beside {', '.join(sorted(map(str, taken - {None})))}: name some")
        return cls(
            np.concatenate(blocks, axis=1),
            y,
            tuple(names),
            np.array(mask, dtype=np.bool_),
            None if roles.group is None else _groups(table[roles.group], roles.group),
            None if roles.time is None else _times(table[roles.time], roles.time),
            tuple(notes),
        )


def classes(column: pa.ChunkedArray, name: str) -> NDArray[Any]:
    """Return labels as an array.

    Parameters
    ----------
    column : pyarrow.ChunkedArray of n_rows
        Integers, booleans, text, or floats that are whole numbers.
    name : str
        Of the column.

    Returns
    -------
    ndarray of shape (n_rows,)
        Of int64, bool or str.

    Raises
    ------
    DataError
        If one is null, or they are no classes.
    """
    if column.null_count:
        raise DataError(
            f"label {name!r} is null in {column.null_count:,} of {len(column):,} rows: leave those rows out"
        )
    family = family_of(column.type)
    if family == TEXT:
        return np.asarray(column.cast(pa.string()).to_pylist(), dtype=np.str_)
    if family == BOOLEAN:
        return np.asarray(column, dtype=np.bool_)
    values = np.asarray(column) if family in (FLOAT, INTEGER) else np.empty(0)
    if family is None or (family == FLOAT and not (np.isfinite(values).all() and (values == np.rint(values)).all())):
        raise DataError(
            f"label {name!r} has type {column.type}: a class is a whole number, a boolean or text: cut it into classes"
        )
    return values.astype(np.int64)


def class_named(y: NDArray[Any], text: str) -> Any:
    """Find the class that a word on the command line means.

    Parameters
    ----------
    y : ndarray of shape (n_rows,)
        Classes.
    text : str
        As `str` writes one; booleans in any case, or as 0 and 1.

    Returns
    -------
    int, bool or str
        The class.

    Raises
    ------
    DataError
        If no row has it.
    """
    values = np.unique(y).tolist()
    for value in values:
        words = {str(value)} | ({str(value).lower(), str(int(value))} if isinstance(value, bool) else set())
        if text in words:
            return value
    shown = ", ".join(map(str, values[:_SHOWN])) + (", ..." if len(values) > _SHOWN else "")
    raise DataError(f"--positive {text!r} is no class of these rows: have {shown}")


def _is_plain(kind: pa.DataType) -> bool:
    return not (pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _no_feature(column: pa.ChunkedArray) -> str | None:
    """Say why a column that nobody named is no feature, where it is none."""
    n = len(column)
    if column.null_count == n:
        return "it is null in every row"
    family = family_of(column.type)
    if n < FEWEST_ROWS or family not in (TEXT, INTEGER):
        return None
    if family == TEXT:
        distinct = pc.count_distinct(column.unify_dictionaries()).as_py()
        return f"{distinct:,} different texts in {n:,} rows name rows, not kinds" if 2 * distinct > n else None
    bounds = pc.min_max(column).as_py()
    if column.null_count or bounds["max"] - bounds["min"] + 1 != n or pc.count_distinct(column).as_py() != n:
        return None
    return "it numbers the rows"


def _numbers(column: pa.ChunkedArray, name: str, *, coded: bool) -> tuple[NDArray[np.float64], bool]:
    """Return a column as numbers, and whether they are codes."""
    if not _is_plain(column.type):
        return _finite(_elements(column, name), name), False
    family = family_of(column.type)
    if family is None:
        remedy = "say that it is the time (--time)" if pa.types.is_temporal(column.type) else "cast it to numbers"
        raise DataError(
            f"column {name!r} has type {column.type}, which no model reads: {remedy}, or leave it out (--drop)"
        )
    if coded and family == FLOAT:
        raise DataError(f"column {name!r} is {column.type}; a categorical one must be integer, boolean or text")
    if family in (TEXT, BOOLEAN) or coded:
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        values = pc.unique(column).drop_null()
        values = values.take(pc.sort_indices(values))  # so that a code does not depend on which row came first
        codes = pc.index_in(column, value_set=values)
        return np.asarray(codes.cast(pa.float64()), dtype=np.float64).reshape(-1, 1), True
    return _finite(np.asarray(column.cast(pa.float64(), safe=False)).reshape(-1, 1), name), False


def _elements(column: pa.ChunkedArray, name: str) -> NDArray[np.float64]:
    if family_of(column.type.value_type) not in (FLOAT, INTEGER):
        raise DataError(f"column {name!r} has type {column.type}, which no model reads: leave it out (--drop)")
    flat = column.combine_chunks()
    lengths = pc.unique(pc.list_value_length(flat).drop_null()).to_pylist()
    if len(lengths) != 1 or not lengths[0]:
        raise DataError(f"array column {name!r} must have one length in every row, got {sorted(lengths)[:_SHOWN]}")
    out = np.full((len(flat), lengths[0]), np.nan)
    valid = np.asarray(flat.is_valid())
    out[valid] = np.asarray(flat.drop_null().flatten().cast(pa.float64(), safe=False)).reshape(-1, lengths[0])
    return out


def _finite(values: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    if (wrong := np.isinf(values).any(axis=1)).any():
        raise DataError(
            f"column {name!r} must be finite, got an infinite value in row {int(wrong.argmax())}: make it null, or "
            "leave the column out (--drop)"
        )
    return values


def _groups(column: pa.ChunkedArray, name: str) -> NDArray[np.int64]:
    if column.null_count:
        raise DataError(
            f"group {name!r} is null in {column.null_count:,} rows: leave them out, or group by another column"
        )
    if family_of(column.type) not in (TEXT, INTEGER, BOOLEAN):
        raise DataError(f"group {name!r} has type {column.type}: whom rows belong to is said by text or integers")
    values = column.cast(pa.string()) if family_of(column.type) == TEXT else column
    return np.unique(np.asarray(values), return_inverse=True)[1].astype(np.int64)


def _times(column: pa.ChunkedArray, name: str) -> NDArray[np.int64]:
    if column.null_count:
        raise DataError(f"time {name!r} is null in {column.null_count:,} rows: leave them out")
    kind = column.type
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        to = pa.timestamp("us", getattr(kind, "tz", None))
        return np.asarray(column.cast(to, safe=False).cast(pa.int64()))
    if family_of(kind) == INTEGER:
        return np.asarray(column).astype(np.int64)
    raise DataError(f"time {name!r} has type {kind}: cast it to a timestamp, a date or an integer that grows with time")
