"""Text rows, one field a feature: the reference that says what every text and JSON row means, one cell at a time.

The kernel of `stream.kernels.text` decodes the same rows faster; whatever it is not sure of comes here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from resampler.schema import MAX_MAGNITUDE
from stream.formats.rows import Reason, RejectError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from resampler.schema import Feature, FeatureSchema, Label

MAX_NUMBER_BYTES = 64
MAX_EXACT_CODE = 1 << 24  # the first integer above which float32 merges neighbours
_NUMBER = re.compile(rb"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
_NOT_FINITE = re.compile(rb"[+-]?(?:nan|inf|infinity)", re.IGNORECASE)
BOOLS = {b"0": 0.0, b"1": 1.0, b"false": 0.0, b"true": 1.0, b"False": 0.0, b"True": 1.0}


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


def feature_reader(feature: Feature) -> Callable[[bytes], float]:
    """Choose how one column's text becomes its float32 value or code.

    Parameters
    ----------
    feature : Feature
        The column.

    Returns
    -------
    callable
        From bytes to float; raises `RejectError`.
    """
    name = feature.name
    if feature.dtype == "string" or feature.categories:
        codes = feature.vocabulary.by_text()

        def read_category(text: bytes) -> float:
            code = codes.get(text)
            if code is None:
                raise RejectError(
                    Reason.UNKNOWN_CATEGORY, f"{name!r} must be one of {len(codes)} categories, got {_shown(text)}"
                )
            return float(code)

        return read_category
    if feature.dtype == "bool":

        def read_bool(text: bytes) -> float:
            if text not in BOOLS:
                raise RejectError(Reason.UNPARSABLE, f"{name!r} must be 0, 1, true or false, got {_shown(text)}")
            return BOOLS[text]

        return read_bool
    if feature.dtype.startswith("int"):
        lowest, highest = integer_bounds(feature)
        return lambda text: float(np.float32(_integer(name, text, lowest, highest)))
    return lambda text: _float32(name, read_number(name, text))


def integer_bounds(feature: Feature) -> tuple[int, int]:
    """Return the values that an integer column may take.

    Parameters
    ----------
    feature : Feature
        A column of an integer dtype.

    Returns
    -------
    lowest, highest : int
        Inclusive. A categorical integer is its own code and has to survive float32.
    """
    info = np.iinfo(feature.dtype)
    if feature.categorical:
        return max(int(info.min), -MAX_EXACT_CODE), min(int(info.max), MAX_EXACT_CODE)
    return int(info.min), int(info.max)


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


def label_reader(label: Label) -> Callable[[bytes], int]:
    """Choose how the label's text becomes a class.

    Parameters
    ----------
    label : Label
        The class column.

    Returns
    -------
    callable
        From bytes to int: the integer itself, or a string's place among the classes. Raises `RejectError`.
    """
    codes = label.vocabulary.by_text()
    if codes:

        def read_class(text: bytes) -> int:
            if text not in codes:
                raise RejectError(
                    Reason.UNKNOWN_CLASS,
                    f"label {label.name!r} must be one of {list(label.classes)}, got {_shown(text)}",
                )
            return codes[text]

        return read_class
    info = np.iinfo(np.int64)
    return lambda text: _integer(label.name, text, int(info.min), int(info.max))


class TextReader:
    """Read rows given as names and values.

    Parameters
    ----------
    schema : FeatureSchema
        The contract.
    """

    def __init__(self, schema: FeatureSchema) -> None:
        self.schema = schema
        self._columns = {
            feature.name.encode(): (j, feature_reader(feature)) for j, feature in enumerate(schema.features)
        }
        self._limits = magnitude_limits(schema)
        self._label = schema.label.name.encode()
        self._read_label = label_reader(schema.label)

    def read(self, items: Sequence[bytes]) -> tuple[NDArray[np.float32], int]:
        """Read one row.

        Parameters
        ----------
        items : sequence of bytes
            Name, value, name, value, ...; in any order.

        Returns
        -------
        x : ndarray of shape (n_features,), float32
            The row.
        y : int
            Its class.

        Raises
        ------
        RejectError
            If a column is missing, unknown, given twice, or its value breaks the contract.
        """
        x = np.empty(self.schema.n_features, dtype=np.float32)
        y: int | None = None
        seen: set[bytes] = set()
        for name, value in zip(items[::2], items[1::2], strict=True):
            if name in seen:
                raise RejectError(Reason.DUPLICATE_FIELD, f"field {_shown(name)} must be given once, got twice")
            seen.add(name)
            if name == self._label:
                y = self._read_label(value)
            elif name in self._columns:
                j, read = self._columns[name]
                x[j] = read(value)
                if abs(x[j]) > self._limits[j]:
                    raise RejectError(
                        Reason.OUT_OF_RANGE, f"{_shown(name)} must be at most {self._limits[j]:g}, got {_shown(value)}"
                    )
            else:
                raise RejectError(Reason.EXTRA_FIELD, f"field {_shown(name)} is not in the contract")
        missing = [name for name in (*self._columns, self._label) if name not in seen]
        if missing or y is None:
            names = ", ".join(_shown(name) for name in missing[:5])
            raise RejectError(Reason.MISSING_FIELD, f"{len(missing)} fields of the contract are missing: {names}")
        return x, y
