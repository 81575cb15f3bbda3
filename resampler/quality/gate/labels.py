"""Classes as files hold them: which of the three kinds a column is of, and whether two columns agree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from resampler.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

_SHOWN = 5


class Labels(NamedTuple):
    """A column of classes.

    Parameters
    ----------
    kind : {"boolean", "integer", "text"}
        What it holds.
    classes : list of object
        Distinct values, sorted.
    codes : ndarray of shape (n_rows,), int32
        Position of each row's in `classes`.
    """

    kind: str
    classes: list[Any]
    codes: NDArray[np.int32]

    @classmethod
    def of(cls, column: pa.ChunkedArray, where: str) -> Labels:
        """Read a column.

        Parameters
        ----------
        column : pyarrow.ChunkedArray
            Booleans, whole numbers of any type, or text.
        where : str
            What messages call it.

        Returns
        -------
        Labels
            Of all rows.

        Raises
        ------
        DataError
            If a value is null, or the column is of another type.
        """
        column = plain(column)
        if column.null_count:
            row = pc.index(column.is_null(), True).as_py()
            raise DataError(f"{where} has {column.null_count:,} nulls, the first in row {row:,}: leave such rows out")
        if pa.types.is_floating(column.type) or pa.types.is_decimal(column.type):
            column = _whole(column, where)
        kind = kind_of(column.type)
        if kind is None:
            raise DataError(f"{where} is of type {column.type}: classes are booleans, whole numbers or text")
        coded = column.combine_chunks().dictionary_encode()
        found = coded.dictionary.to_pylist()
        classes = sorted(found)
        position = {value: code for code, value in enumerate(classes)}
        moved = np.array([position[value] for value in found], dtype=np.int32)
        codes = coded.indices.to_numpy(zero_copy_only=False)
        return cls(kind, classes, moved[codes] if len(moved) else codes.astype(np.int32))


def plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Write a column without what is only another layout of the same values.

    Parameters
    ----------
    column : pyarrow.ChunkedArray
        Of any type.

    Returns
    -------
    pyarrow.ChunkedArray
        Without a dictionary; text of one type.
    """
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_large_string(column.type) or pa.types.is_string_view(column.type):
        column = column.cast(pa.string())
    return column


def kind_of(dtype: pa.DataType) -> str | None:
    """Say which kind of classes a type holds.

    Parameters
    ----------
    dtype : pyarrow.DataType
        Of a column.

    Returns
    -------
    {"boolean", "integer", "text"} or None
        None for any other.
    """
    if pa.types.is_boolean(dtype):
        return "boolean"
    if pa.types.is_integer(dtype):
        return "integer"
    if pa.types.is_string(dtype) or pa.types.is_large_string(dtype) or pa.types.is_string_view(dtype):
        return "text"
    return None


def _whole(column: pa.ChunkedArray, where: str) -> pa.ChunkedArray:
    try:
        return column.cast(pa.int64())
    except pa.ArrowInvalid as error:
        raise DataError(
            f"{where} has numbers with fractions, or none: classes are whole; probabilities belong in the column of "
            "scores"
        ) from error


def check_kinds(first: Labels, first_name: str, second: Labels, second_name: str) -> None:
    """Refuse two columns of classes that cannot be compared.

    Parameters
    ----------
    first, second : Labels
        The columns.
    first_name, second_name : str
        What messages call them.

    Raises
    ------
    DataError
        If one holds text and the other numbers, and so on.
    """
    if first.kind != second.kind:
        raise DataError(
            f"{second_name} holds {second.kind} classes ({shown(second.classes)}) and {first_name} {first.kind} ones "
            f"({shown(first.classes)}): write both alike"
        )


def positive_of(labels: Labels, positive: Any, where: str) -> Any:
    """Find the class that is measured.

    Parameters
    ----------
    labels : Labels
        True classes.
    positive : str, int, bool or None
        As the policy names it.
    where : str
        What messages call the column.

    Returns
    -------
    str, int or bool
        The class, of the column's kind.

    Raises
    ------
    DataError
        If the policy's is of another kind, is no class of any row, or there is none and it is not clear.
    """
    kinds = {bool: "boolean", int: "integer", str: "text"}
    if positive is None:
        if labels.kind == "boolean" or (labels.kind == "integer" and set(labels.classes) <= {0, 1}):
            positive = labels.kind == "boolean" or 1
        else:
            raise DataError(
                f"{where} has the classes {shown(labels.classes)}: say which is measured, by `positive` in [gate] of "
                "--policy FILE"
            )
    elif kinds[type(positive)] != labels.kind:
        raise DataError(
            f"positive = {positive!r} is {kinds[type(positive)]}, and {where} holds {labels.kind} classes "
            f"({shown(labels.classes)}): write it alike"
        )
    if positive not in labels.classes:
        raise DataError(
            f"{where} has no row of class {positive!r}, only of {shown(labels.classes)}: take rows of a longer time, "
            "or say which class is `positive`"
        )
    if len(labels.classes) == 1:
        raise DataError(
            f"{where} has one class, {positive!r}, alone: nothing can be missed or wrongly found; take rows of all"
        )
    return positive


def shown(values: Collection[Any]) -> str:
    """Write values for a message.

    Parameters
    ----------
    values : collection of object
        Any.

    Returns
    -------
    str
        The first five.
    """
    more = f" and {len(values) - _SHOWN:,} more" if len(values) > _SHOWN else ""
    return ", ".join(repr(value)[:60] for value in list(values)[:_SHOWN]) + more
