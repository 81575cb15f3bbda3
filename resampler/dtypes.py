"""`Dtype`: the types that a contract names, and which of them holds the values of an Arrow type. The only such list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa

FLOAT, INTEGER, BOOLEAN, TEXT = "float", "integer", "boolean", "text"  # families of dtypes
_DIGITS_FLOAT32, _DIGITS_FLOAT64 = 24, 53


@dataclass(frozen=True, slots=True)
class Dtype:
    """A type that a column may have outside the resampler.

    Parameters
    ----------
    name : str
        As a contract spells it; NumPy and Arrow know it under the same name.
    family : {"float", "integer", "boolean", "text"}
        What can be done with its values.
    digits : int
        Binary digits that a value may need; 0 for text.
    """

    name: str
    family: str
    digits: int = 0

    @property
    def numpy_dtype(self) -> np.dtype[Any]:
        """NumPy's name for it; text is objects."""
        return np.dtype(object if self.family == TEXT else self.name)

    @property
    def arrow_type(self) -> pa.DataType:
        """Arrow's name for it."""
        import pyarrow as pa

        return pa.type_for_alias(self.name)

    @property
    def bounds(self) -> tuple[int, int] | None:
        """The least and the greatest value; None where values are not whole numbers."""
        if self.family == BOOLEAN:
            return 0, 1
        if self.family != INTEGER:
            return None
        info = np.iinfo(self.name)
        return int(info.min), int(info.max)

    @property
    def exact_in_float32(self) -> bool:
        """Whether a float32 holds every value."""
        return 0 < self.digits <= _DIGITS_FLOAT32

    @property
    def exact_in_float64(self) -> bool:
        """Whether a float64 holds every value."""
        return 0 < self.digits <= _DIGITS_FLOAT64


DTYPES = {
    dtype.name: dtype
    for dtype in (
        Dtype("float32", FLOAT, 24),
        Dtype("float64", FLOAT, 53),
        Dtype("int8", INTEGER, 7),
        Dtype("int16", INTEGER, 15),
        Dtype("int32", INTEGER, 31),
        Dtype("int64", INTEGER, 63),
        Dtype("bool", BOOLEAN, 1),
        Dtype("string", TEXT),
    )
}
LABEL_DTYPES = ("int64", "string")


def family_of(arrow_type: pa.DataType) -> str | None:
    """Say what can be done with values of an Arrow type.

    Parameters
    ----------
    arrow_type : pyarrow.DataType
        Of a column, dictionary-encoded or not.

    Returns
    -------
    {"float", "integer", "boolean", "text"} or None
        None for what is none of these: times, lists, decimals.
    """
    import pyarrow as pa

    kind = arrow_type.value_type if pa.types.is_dictionary(arrow_type) else arrow_type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return TEXT
    if pa.types.is_boolean(kind):
        return BOOLEAN
    if pa.types.is_integer(kind):
        return INTEGER
    return FLOAT if pa.types.is_floating(kind) else None


def dtype_for(arrow_type: pa.DataType, among: Iterable[str] = tuple(DTYPES)) -> Dtype | None:
    """Choose the dtype that holds every value of an Arrow type.

    Parameters
    ----------
    arrow_type : pyarrow.DataType
        Of a column, dictionary-encoded or not.
    among : iterable of str
        Names of the dtypes to choose from, of each family the narrower ones first.

    Returns
    -------
    Dtype or None
        The first of the same family that is wide enough; None if there is none.
    """
    import pyarrow as pa

    kind = arrow_type.value_type if pa.types.is_dictionary(arrow_type) else arrow_type
    family = family_of(kind)
    if family == INTEGER:
        digits = kind.bit_width - pa.types.is_signed_integer(kind)
    else:
        digits = np.finfo(kind.to_pandas_dtype()).nmant + 1 if family == FLOAT else 0
    fit = (DTYPES[name] for name in among)
    return next((dtype for dtype in fit if dtype.family == family and dtype.digits >= digits), None)
