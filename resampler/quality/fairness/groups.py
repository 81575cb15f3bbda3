"""Which group each row belongs to, by one or several sensitive features."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from resampler.errors import InvalidInputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

MOST = 1000  # groups: more of them are no groups but rows
RANGES = 5


class Groups(NamedTuple):
    """Rows by group.

    Parameters
    ----------
    features : tuple of str
        Names of the sensitive features.
    values : tuple of tuple
        Of each group, a value a feature, in order; None where it is null.
    codes : ndarray of shape (n_rows,), int64
        The group of each row.
    """

    features: tuple[str, ...]
    values: tuple[tuple[Any, ...], ...]
    codes: NDArray[np.int64]

    @classmethod
    def of(cls, sensitive_features: Mapping[str, Any] | pa.Table | ArrayLike | Groups) -> Groups:
        """Group rows.

        Parameters
        ----------
        sensitive_features : mapping of str to array-like, pyarrow.Table, array-like or Groups
            One column or several; rows of a group agree in all of them. A null is a value of its own. Groups stay.

        Returns
        -------
        Groups
            Those that some row is in.

        Raises
        ------
        InvalidInputError
            If a column is missing, of mixed types, of another length, or has more values than groups make sense of.
        """
        if isinstance(sensitive_features, Groups):
            return sensitive_features
        columns = _columns(sensitive_features)
        if not columns:
            raise InvalidInputError("sensitive_features needs at least one column, got none: name one")
        codes, values = np.zeros(0, dtype=np.int64), [()]
        for position, (name, column) in enumerate(columns.items()):
            found, at = _encode(name, column)
            if position and len(at) != len(codes):
                raise InvalidInputError(
                    f"sensitive feature {name!r} has {len(at)} rows, {next(iter(columns))!r} has {len(codes)}: give "
                    "columns of the same rows"
                )
            joint = at if not position else codes * len(found) + at
            present, codes = np.unique(joint, return_inverse=True) if position else (np.arange(len(found)), joint)
            codes = codes.reshape(-1)
            values = [(*values[one // max(len(found), 1)], found[one % max(len(found), 1)]) for one in present.tolist()]
            if len(values) > MOST:
                raise InvalidInputError(
                    f"sensitive features {', '.join(map(repr, list(columns)[: position + 1]))} make {len(values)} "
                    f"groups, of at most {MOST}: cut numbers into ranges first (resampler.quality.ranges), or give "
                    "fewer features"
                )
        return cls(tuple(columns), tuple(values), codes)

    def word(self, group: int) -> str:
        """Name a group for people.

        Parameters
        ----------
        group : int
            Its position in `values`.

        Returns
        -------
        str
            ``region=north, sex=f``.
        """
        return ", ".join(f"{name}={word}" for name, word in zip(self.features, self.words(group), strict=True))

    def words(self, group: int) -> tuple[str, ...]:
        """Name the values of a group.

        Parameters
        ----------
        group : int
            Its position in `values`.

        Returns
        -------
        tuple of str
            One a feature: ``null`` for a null, in brackets where rows say so in text.
        """
        found = []
        for at, value in enumerate(self.values[group]):
            word = "null" if value is None else str(value)
            while value is None and any(of[at] == word for of in self.values):
                word = f"({word})"
            found.append(word)
        return tuple(found)


def ranges(column: ArrayLike, n_ranges: int = RANGES) -> pa.Array:
    """Cut numbers into ranges of about equally many rows, so that they can be a sensitive feature.

    Parameters
    ----------
    column : array-like of shape (n_rows,)
        Numbers; NaN and null stay null.
    n_ranges : int
        How many ranges at most: equal numbers share one.

    Returns
    -------
    pyarrow.Array of shape (n_rows,), string
        ``[18, 27)`` and so on, each with its ends; the last holds its upper end.

    Raises
    ------
    InvalidInputError
        If a value is no number, or `n_ranges` is below 1.
    """
    if n_ranges < 1:
        raise InvalidInputError(f"n_ranges must be at least 1, got {n_ranges}")
    numbers = _array("column", column)
    if not (pa.types.is_integer(numbers.type) or pa.types.is_floating(numbers.type)):
        raise InvalidInputError(f"ranges are of numbers, got a column of {numbers.type}: use it as it is")
    x = numbers.cast(pa.float64()).to_numpy(zero_copy_only=False)
    known = np.isfinite(x)
    if not known.any():
        return pa.nulls(len(x), pa.string())
    ends = np.unique(np.quantile(x[known], np.arange(n_ranges + 1) / n_ranges, method="lower"))
    at = np.clip(np.searchsorted(ends, x, side="right") - 1, 0, max(len(ends) - 2, 0))
    names = [f"[{low:g}, {high:g})" for low, high in pairwise(ends)] or [f"{ends[0]:g}"]
    names[-1] = names[-1].replace(")", "]")
    return pa.DictionaryArray.from_arrays(pa.array(at, mask=~known), pa.array(names)).cast(pa.string())


def _columns(given: Any) -> dict[str, Any]:
    if isinstance(given, pa.Table):
        return {name: given[name] for name in given.column_names}
    if isinstance(given, Mapping):
        return {str(name): column for name, column in given.items()}
    if hasattr(given, "columns"):  # a data frame, of whichever library
        return {str(name): given[name] for name in given.columns}
    name = getattr(given, "name", None)
    if getattr(given, "ndim", 1) != 1:
        raise InvalidInputError(
            f"sensitive_features must be one column or a mapping of names to columns, got an array of {given.ndim} "
            "dimensions: name its columns"
        )
    return {str(name) if name is not None else "group": given}


def _array(name: str, column: Any) -> pa.Array:
    """Return a column as one Arrow array; NaN becomes null."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if not isinstance(column, pa.Array):
        try:
            column = pa.array(np.asarray(column), from_pandas=True)
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
            raise InvalidInputError(
                f"sensitive feature {name!r} has values of more than one type, or of one that cannot be compared: "
                f"{error}: make them all text"
            ) from error
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return _without_nan(column)


def _without_nan(column: pa.Array) -> pa.Array:
    return pc.if_else(pc.is_nan(column), None, column) if pa.types.is_floating(column.type) else column


def _encode(name: str, column: Any) -> tuple[list[Any], NDArray[np.int64]]:
    """Return the values of a column in order, null last, and which of them each row has."""
    column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    at = None
    if isinstance(column, pa.DictionaryArray):  # the few values are sorted, not the rows
        column, at = _in_use(column)
    encoded = _array(name, column).dictionary_encode("encode")
    order = pc.sort_indices(encoded.dictionary).to_numpy()
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    codes = rank[encoded.indices.to_numpy(zero_copy_only=False)]
    if len(order) > MOST:
        raise InvalidInputError(
            f"sensitive feature {name!r} has {len(order)} values, of at most {MOST}: cut numbers into ranges first "
            "(resampler.quality.ranges)"
        )
    return encoded.dictionary.take(pa.array(order)).to_pylist(), codes if at is None else codes[at]


def _in_use(column: pa.DictionaryArray) -> tuple[pa.Array, NDArray[np.int64]]:
    """Return the values of a dictionary that some row has, a null for rows without one, and which each row has."""
    values = column.dictionary
    at = column.indices.cast(pa.int64()).fill_null(len(values)).to_numpy()
    present = np.flatnonzero(np.bincount(at, minlength=len(values) + 1))
    place = np.zeros(len(values) + 1, dtype=np.int64)
    place[present] = np.arange(len(present))
    found = values.take(pa.array(np.where(present < len(values), present, 0), mask=present == len(values)))
    return found, place[at]
