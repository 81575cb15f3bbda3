"""What a row of names and values means, one cell at a time: the reference for text and JSON.

The kernel of `stream.kernels.text` decodes the same rows faster; whatever it is not sure of comes here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from resampler.columns import LABEL
from resampler.schema import MAX_MAGNITUDE
from stream.formats.rejects import Reason, RejectError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from resampler.columns import Column
    from resampler.schema import FeatureSchema

MAX_NUMBER_BYTES = 64
_NUMBER = re.compile(rb"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
_NOT_FINITE = re.compile(rb"[+-]?(?:nan|inf|infinity)", re.IGNORECASE)


def read_number(name: str, text: bytes) -> float:
    """Read a decimal number.

    Parameters
    ----------
    name : str
        Column, for the message.
    text : bytes
        Digits with optional sign, point and exponent; no white space, no underscores.

    Returns
    -------
    float
        The nearest float64.

    Raises
    ------
    RejectError
        If it is longer than `MAX_NUMBER_BYTES`, not a number, or not finite.
    """
    if len(text) > MAX_NUMBER_BYTES:
        raise RejectError(
            Reason.TOO_LONG, f"{name!r} must be a number of at most {MAX_NUMBER_BYTES} bytes, got {len(text)}"
        )
    if _NUMBER.fullmatch(text):
        return float(text)
    if _NOT_FINITE.fullmatch(text):
        raise RejectError(Reason.NOT_FINITE, f"{name!r} must be finite, got {_shown(text)}")
    raise RejectError(Reason.UNPARSABLE, f"{name!r} must be a number, got {_shown(text)}")


def _shown(text: bytes) -> str:
    return repr(text[:80].decode(errors="backslashreplace"))


def _float32(name: str, value: float) -> float:
    with np.errstate(over="ignore"):
        single = float(np.float32(value))
    if not np.isfinite(single):
        raise RejectError(Reason.OUT_OF_RANGE, f"{name!r} must be finite in float32, got {value!r}")
    return single


def _integer(name: str, text: bytes, lowest: int, highest: int) -> int:
    value = read_number(name, text)
    # int() keeps the digits that float64 would round away; "3.0" and "3e2" are integers too.
    whole = int(text) if text.lstrip(b"+-").isdigit() else int(value) if value.is_integer() else None
    if whole is None:
        raise RejectError(Reason.UNPARSABLE, f"{name!r} must be an integer, got {_shown(text)}")
    if not lowest <= whole <= highest:
        raise RejectError(Reason.OUT_OF_RANGE, f"{name!r} must be in [{lowest}, {highest}], got {_shown(text)}")
    return whole


def cell_reader(column: Column) -> Callable[[bytes], float]:
    """Choose how one column's text becomes what rows hold for it.

    Parameters
    ----------
    column : Column
        A feature's or the label's.

    Returns
    -------
    callable
        From bytes to float, a label's to int; raises `RejectError`. Nothing is a nullable column's null, unless it is
        listed as a value.
    """
    read = _value_reader(column)
    if not column.nullable or b"" in (column.words or ()):
        return read
    return lambda text: read(text) if text else float("nan")


def _value_reader(column: Column) -> Callable[[bytes], float]:
    name, words, bounds = column.name, column.words, column.bounds
    if words is not None:
        if column.kind == LABEL:
            reason, rule = Reason.UNKNOWN_CLASS, f"label {name!r} must be one of {list(column.values)}"
        elif column.closed:
            reason, rule = Reason.UNKNOWN_CATEGORY, f"{name!r} must be one of {len(words)} categories"
        else:
            reason, rule = Reason.UNPARSABLE, f"{name!r} must be 0, 1, true or false"

        def read_word(text: bytes) -> float:
            if text not in words:
                raise RejectError(reason, f"{rule}, got {_shown(text)}")
            return words[text]

        return read_word
    if bounds is not None:
        lowest, highest = bounds
        if column.kind == LABEL:
            return lambda text: _integer(name, text, lowest, highest)
        return lambda text: float(np.float32(_integer(name, text, lowest, highest)))
    return lambda text: _float32(name, read_number(name, text))


def magnitude_limits(schema: FeatureSchema) -> NDArray[np.float64]:
    """Return how large each column's values may be, so that no distance overflows.

    Parameters
    ----------
    schema : FeatureSchema
        The contract.

    Returns
    -------
    ndarray of shape (n_features,), float64
        What the resampler itself refuses to go beyond.
    """
    return MAX_MAGNITUDE * schema.scale.astype(np.float64)


class CellReader:
    """Read rows given as names and values.

    Parameters
    ----------
    schema : FeatureSchema
        The contract.
    """

    def __init__(self, schema: FeatureSchema) -> None:
        self.schema = schema
        self._columns = {column.name.encode(): (j, cell_reader(column)) for j, column in enumerate(schema.columns)}
        self._limits = magnitude_limits(schema)
        self._nullable = {column.name.encode() for column in schema.columns if column.nullable}
        self._label = schema.label.name.encode()
        self._read_label = cell_reader(schema.label.column)

    def read(self, items: Sequence[bytes]) -> tuple[NDArray[np.float32], int]:
        """Read one row.

        Parameters
        ----------
        items : sequence of bytes
            Name, value, name, value, ...; in any order. A nullable column that is left out is null.

        Returns
        -------
        x : ndarray of shape (n_features,), float32
            The row.
        y : int
            Its class.

        Raises
        ------
        RejectError
            If a column is missing that is not nullable, unknown, given twice, or its value breaks the contract.
        """
        x = np.full(self.schema.n_features, np.nan, dtype=np.float32)
        y: int | None = None
        seen: set[bytes] = set()
        for name, value in zip(items[::2], items[1::2], strict=True):
            if name in seen:
                raise RejectError(Reason.DUPLICATE_FIELD, f"field {_shown(name)} must be given once, got twice")
            seen.add(name)
            if name == self._label:
                y = int(self._read_label(value))
            elif name in self._columns:
                j, read = self._columns[name]
                x[j] = read(value)
                if abs(x[j]) > self._limits[j]:
                    raise RejectError(
                        Reason.OUT_OF_RANGE, f"{_shown(name)} must be at most {self._limits[j]:g}, got {_shown(value)}"
                    )
            else:
                raise RejectError(Reason.EXTRA_FIELD, f"field {_shown(name)} is not in the contract")
        missing = [name for name in (*self._columns, self._label) if name not in seen | self._nullable]
        if missing or y is None:
            names = ", ".join(_shown(name) for name in missing[:5])
            raise RejectError(Reason.MISSING_FIELD, f"{len(missing)} fields of the contract are missing: {names}")
        return x, y


def values_table(X: NDArray[np.float32], y: NDArray[np.int64], schema: FeatureSchema) -> pa.Table:
    """Write rows as a table of values, as a producer has them.

    Parameters
    ----------
    X : ndarray of shape (n, n_features), float32
        Rows that keep the contract.
    y : ndarray of shape (n,), int64
        Their classes.
    schema : FeatureSchema
        The contract.

    Returns
    -------
    pyarrow.Table
        Each column of its own dtype.
    """
    columns = dict(zip(schema.columns, X.T, strict=True)) | {schema.label.column: y}
    return pa.table(
        {column.name: column.to_value(codes).cast(column.type.arrow_type) for column, codes in columns.items()}
    )
