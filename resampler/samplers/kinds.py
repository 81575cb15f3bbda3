"""What a column holds, and what to do about one that no number stands for."""

from __future__ import annotations

import numbers
from datetime import date, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import narwhals.stable.v2 as nw
import numpy as np
from sklearn.utils._missing import is_pandas_na

from resampler.samplers.remedies import RefusedError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ENCODE = "encode it first, or use SMOTENC and name it in categorical_features"
_OBJECTS = "leave it out of X; an argument must be neither a string nor another object, but a number"
_COUNT = "convert it to a number, such as seconds since a fixed day, or leave it out of X"


class Kind(NamedTuple):
    """What a column holds.

    Parameters
    ----------
    what : str
        In the plural, for messages.
    measured : bool
        Whether distances can be measured between its values.
    made : bool
        Whether values between two of them can be made without changing their type.
    remedy : str
        What to do where one of these is asked of it and it cannot; empty if it can.
    """

    what: str
    measured: bool = False
    made: bool = False
    remedy: str = "leave it out of X"


NUMBERS = Kind("numbers", measured=True, made=True, remedy="")
DECIMALS = Kind("decimals", measured=True, remedy="convert it to float64, or to whole numbers of its smallest unit")
TIMES = Kind("points in time", remedy=_COUNT)
SPANS = Kind("spans of time", remedy=_COUNT)
LISTS = Kind("lists", remedy="spread it into a column for each entry, or use EmbeddingSMOTE with a transformer")
TEXT = Kind("text", remedy=_ENCODE)
CATEGORIES = Kind("categories", remedy=_ENCODE)
COMPLEX = Kind("complex numbers", remedy="split it into real and imaginary parts")

_OF_NUMPY = {**dict.fromkeys("biuf", NUMBERS), "M": TIMES, "m": SPANS, "c": COMPLEX, **dict.fromkeys("US", TEXT)}
_OF_CELLS = (
    (numbers.Real, NUMBERS),
    (np.bool_, NUMBERS),
    (Decimal, DECIMALS),
    (str | bytes, TEXT),
    (timedelta | np.timedelta64, SPANS),
    (date | time | np.datetime64, TIMES),
    (numbers.Complex, COMPLEX),
    (list | tuple | set | np.ndarray, LISTS),
)
_OF_TYPES = {
    nw.Boolean: NUMBERS,
    nw.Decimal: DECIMALS,
    **dict.fromkeys((nw.Datetime, nw.Date, nw.Time), TIMES),
    nw.Duration: SPANS,
    **dict.fromkeys((nw.List, nw.Array), LISTS),
    **dict.fromkeys((nw.String, nw.Binary), TEXT),
    **dict.fromkeys((nw.Categorical, nw.Enum), CATEGORIES),
}
WIDER_THAN_NUMPY = frozenset({nw.Int128, nw.UInt128})


def kind_of_values(values: NDArray[Any]) -> Kind:
    """Say what an array holds.

    Parameters
    ----------
    values : ndarray of shape (n,)
        Of any dtype; cells of objects are looked at.

    Returns
    -------
    Kind
        Missing cells do not count; a column of nothing else counts as numbers.
    """
    if values.dtype.kind != "O":
        return _OF_NUMPY.get(values.dtype.kind, Kind(f"values of dtype {values.dtype}"))
    found = {kind for kind in map(_kind_of_type, set(map(type, values.tolist()))) if kind is not None}
    if found <= {NUMBERS}:
        return NUMBERS
    return next(iter(found - {NUMBERS})) if len(found - {NUMBERS}) == 1 else Kind("values of several types")


def _kind_of_type(cell: type) -> Kind | None:
    if cell.__name__ in ("NoneType", "NAType", "NaTType"):
        return None
    for types, kind in _OF_CELLS:
        if issubclass(cell, types):
            return kind
    return Kind(f"objects of type {cell.__name__}", remedy=_OBJECTS)


@lru_cache(maxsize=64)
def kind_of_type(dtype: nw.dtypes.DType) -> Kind | None:
    """Say what a column of a table holds.

    Parameters
    ----------
    dtype : narwhals.dtypes.DType
        Its type.

    Returns
    -------
    Kind or None
        None where only the cells say.
    """
    if dtype in (nw.Object, nw.Unknown):
        return None
    if dtype in WIDER_THAN_NUMPY:
        return Kind(f"numbers of type {dtype}", remedy="cast it to Int64 or Float64")
    return _OF_TYPES.get(type(dtype)) or (NUMBERS if dtype.is_numeric() else Kind(f"values of type {dtype}"))


def require(name: object, kind: Kind, *, made: bool) -> None:
    """Refuse a column that no number stands for.

    Parameters
    ----------
    name : object
        Of the column, or its position.
    kind : Kind
        What it holds.
    made : bool
        Whether values are to be made, not only measured.

    Raises
    ------
    RefusedError
        If that cannot be done.
    """
    if kind.made if made else kind.measured:
        return
    lacking = "between which none can be made" if made else "between which no distance can be measured"
    raise RefusedError(f"column {name!r} of X holds {kind.what}, {lacking}. Remedy: {kind.remedy}")


def refuse_lists(name: object, kind: Kind) -> None:
    """Refuse lists where categories are asked for.

    Parameters
    ----------
    name : object
        Of the column, or its position.
    kind : Kind
        What it holds.

    Raises
    ------
    RefusedError
        If that is lists.
    """
    if kind == LISTS:
        raise RefusedError(f"column {name!r} of X holds lists, which are no categories. Remedy: {LISTS.remedy}")


def numbers_of(name: object, values: NDArray[Any]) -> NDArray[Any]:
    """Return a column as numbers.

    Parameters
    ----------
    name : object
        Of the column, for the message.
    values : ndarray of shape (n,)
        Numbers, or cells that are numbers.

    Returns
    -------
    ndarray of shape (n,)
        Cells become float64, whole ones that a float64 does not hold int64 or uint64; a missing one is NaN.

    Raises
    ------
    RefusedError
        If a cell is no number.
    """
    if values.dtype.kind in "biuf":
        return values
    cells = values.tolist()
    if {type(cell) for cell in cells} == {int} and max(max(cells), -min(cells)) > 2**53:
        for dtype in (np.int64, np.uint64):
            if np.iinfo(dtype).min <= min(cells) and max(cells) <= np.iinfo(dtype).max:
                return np.array(cells, dtype=dtype)
    try:
        return np.array([np.nan if cell is None or is_pandas_na(cell) else cell for cell in cells], dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise RefusedError(f"column {name!r} of X: {error}. Remedy: give numbers in every cell") from error


def count_missing(values: NDArray[Any]) -> int:
    """Count missing values.

    Parameters
    ----------
    values : ndarray of shape (n_samples,)
        Of any dtype.

    Returns
    -------
    int
        Entries that are None, NaN, NaT or pandas' NA.
    """
    if values.dtype.kind in "fcmM":
        return int(np.count_nonzero(np.isnan(values)))
    return sum(map(_is_missing, values.tolist())) if values.dtype.kind == "O" else 0


def missing_cells(values: Any) -> NDArray[np.bool_]:
    """Find missing values.

    Parameters
    ----------
    values : ndarray or pandas.DataFrame of shape (n_rows, n_columns)
        Of any dtype.

    Returns
    -------
    ndarray of shape (n_rows, n_columns), bool
        True for None, NaN, NaT and pandas' NA.
    """
    cells = values.to_numpy(dtype=object) if hasattr(values, "iloc") else np.asarray(values)
    if cells.dtype.kind in "fcmM":
        return np.isnan(cells)
    if cells.dtype.kind != "O":
        return np.zeros(cells.shape, dtype=np.bool_)
    return np.array([_is_missing(cell) for cell in cells.ravel()], dtype=np.bool_).reshape(cells.shape)


def _is_missing(cell: Any) -> bool:
    return cell is None or is_pandas_na(cell) or (not hasattr(cell, "__len__") and bool(cell != cell))
