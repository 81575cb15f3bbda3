"""`Layout`: what the columns of a table are, as numbers and back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from resampler.dtypes import BOOLEAN, FLOAT, INTEGER, family_of
from resampler.encoding import NO_CODE, codes_of, numbers_of, rounded, values_of
from resampler.errors import DataError, InvalidInputError, absent_column
from resampler.integers import EXACT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Layout:
    """What the columns of a table are.

    Parameters
    ----------
    schema : pyarrow.Schema
        Of the table.
    label : str
        The classes.
    features : tuple of str
        What synthetic rows have.
    categorical : tuple of str
        Those of them that are categories.
    key : tuple of str
        What identifies a row; by default all that it holds.
    nulls_are_categories : bool
        Whether a null of a categorical column is one more category, or has no code.
    dtype : str
        Of the matrix: float32 where that holds every number as they are, else float64.
    least : dict of str to int
        Of columns of integers that a float64 does not hold: what they are counted from.
    whole : bool
        Whether all numbers are whole.
    nan : tuple of str
        Numeric features that hold NaN beside, or in place of, nulls.
    """

    schema: pa.Schema
    label: str
    features: tuple[str, ...]
    categorical: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    nulls_are_categories: bool = False
    dtype: str = "float64"
    least: Mapping[str, int] = field(default_factory=dict)
    whole: bool = False
    nan: tuple[str, ...] = ()

    @property
    def numeric(self) -> tuple[str, ...]:
        """Features that are numbers."""
        return tuple(name for name in self.features if name not in self.categorical)

    @property
    def at_numeric(self) -> NDArray[np.int64]:
        """Their places in a row."""
        return np.flatnonzero([name not in self.categorical for name in self.features])

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Which features are categories."""
        return np.array([name in self.categorical for name in self.features], dtype=np.bool_)

    @property
    def counted(self) -> tuple[str, ...]:
        """Numeric features that are whole numbers or booleans, whose type as numbers follows from their values."""
        return tuple(name for name in self.numeric if family_of(self.schema.field(name).type) != FLOAT)

    def encode(self, table: pa.Table, vocabularies: Mapping[str, pa.Array]) -> NDArray[Any]:
        """Return rows as numbers.

        Parameters
        ----------
        table : pyarrow.Table of n_rows
            The features.
        vocabularies : dict of str to pyarrow.Array
            Values of each categorical column, in the order of their codes.

        Returns
        -------
        ndarray of shape (n_rows, n_features)
            NaN for a null.
        """
        matrix = np.empty((table.num_rows, len(self.features)), dtype=self.dtype)
        for j, name in enumerate(self.features):
            column = table[name]
            if name in self.categorical:
                values = vocabularies[name]
                null = code_of_null(values) if self.nulls_are_categories else NO_CODE
                matrix[:, j] = codes_of(plain(column), values, null)
            else:
                matrix[:, j] = numbers_of(column, self.least.get(name, 0))
        return matrix

    def decode(
        self,
        rows: NDArray[Any],
        codes: NDArray[Any],
        vocabularies: Mapping[str, pa.Array],
        wide: Mapping[str, NDArray[Any]],
        nulls: pa.Table | None = None,
    ) -> dict[str, pa.Array]:
        """Return numbers as columns of the table's types.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_numeric)
            Numeric features.
        codes : ndarray of shape (n_rows, n_categorical)
            Codes of the others.
        vocabularies : dict of str to pyarrow.Array
            As `encode` was given.
        wide : dict of str to ndarray of shape (n_rows,)
            Values of those columns that are made in integers.
        nulls : pyarrow.Table of n_rows, optional
            For `nan`, the cells that nulls are inherited from; by default NaN is null there, too.

        Returns
        -------
        dict of str to pyarrow.Array
            By feature. Integers are rounded to even, and NaN is null, but where it was inherited from a NaN.
        """
        columns: dict[str, pa.Array] = {}
        for at, name in enumerate(self.numeric):
            kind = self.schema.field(name).type
            missing = np.isnan(rows[:, at])
            if nulls is not None and name in self.nan:
                columns[name] = pa.array(rows[:, at], mask=missing & np.asarray(nulls[name].is_null())).cast(kind)
                continue
            values = wide[name] if name in wide else rounded(rows[:, at], kind.to_pandas_dtype())[0]
            columns[name] = pa.array(values, mask=missing if missing.any() else None).cast(kind)
        for at, name in enumerate(self.categorical_in_order):
            values = values_of(codes[:, at], vocabularies[name])
            kind = self.schema.field(name).type
            columns[name] = (
                values.cast(kind) if not pa.types.is_dictionary(kind) else values.dictionary_encode().cast(kind)
            )
        return columns

    @property
    def categorical_in_order(self) -> tuple[str, ...]:
        """Categorical features, as they stand among the features."""
        return tuple(name for name in self.features if name in self.categorical)


def code_of_null(vocabulary: pa.Array) -> float:
    """Return the code of a null where a null is a category: that which the estimators' encoder gives the same column.

    The lowest category wins a tie of votes. NumPy has NaN for the null of a number, which scikit-learn's encoder is
    told to put below all values, and None for that of anything else, which it sorts behind them.

    Parameters
    ----------
    vocabulary : pyarrow.Array of n_values
        Values of a column, in the order of their codes.

    Returns
    -------
    float
        -2 in a column of numbers, else `n_values`.
    """
    return -2.0 if family_of(vocabulary.type) in (FLOAT, INTEGER) else float(len(vocabulary))


def plain(column: Any) -> Any:
    """Return a column without its dictionary, and what is one value as one: -0.0 is 0.0, and NaN is null.

    Parameters
    ----------
    column : pyarrow.Array or ChunkedArray
        Of any type.

    Returns
    -------
    pyarrow.Array or ChunkedArray
        Of its values.
    """
    if pa.types.is_dictionary(column.type):
        return column.cast(column.type.value_type)
    if pa.types.is_float32(column.type) or pa.types.is_float64(column.type):
        nothing = pa.scalar(None, column.type)
        return pc.if_else(pc.is_nan(column), nothing, pc.add(column, pa.scalar(0.0, column.type)))
    return column


def choose_columns(
    schema: pa.Schema, label: str, key: Sequence[str], carried: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Say which columns are features.

    Parameters
    ----------
    schema : pyarrow.Schema
        Of the table.
    label : str
        The column of classes.
    key : sequence of str
        What identifies a row.
    carried : sequence of str
        What real rows keep, and synthetic ones have not.

    Returns
    -------
    features, key : tuple of str
        In the order of the table, and as given.

    Raises
    ------
    DataError
        If a column is not there.
    InvalidInputError
        If one is two things at once, or none is left.
    """
    given = {"label": [label], "key": list(key), "carried": list(carried)}
    for what, names in given.items():
        for name in names:
            if name not in schema.names:
                raise absent_column(what, name, "the table has", schema.names)
    if label in key or label in carried:
        raise InvalidInputError(f"column {label!r} is the label, and cannot be in key or carried: leave it out there")
    kind = family_of(schema.field(label).type)
    if kind is None:
        raise InvalidInputError(
            f"label {label!r} must be of whole numbers, booleans or text, got {schema.field(label).type}: cast it"
        )
    others = {label, *key, *carried}
    features = tuple(name for name in schema.names if name not in others)
    if not features:
        raise InvalidInputError(f"no column is left as a feature beside {sorted(others)}: name fewer of them")
    return features, tuple(key)


def check_kinds(layout: Layout) -> None:
    """Refuse columns that no number stands for.

    Parameters
    ----------
    layout : Layout
        Of the table.

    Raises
    ------
    DataError
        If a feature is neither a number nor said to be a category.
    """
    kinds = {name: layout.schema.field(name).type for name in layout.numeric}
    others = [
        name
        for name, kind in kinds.items()
        if pa.types.is_dictionary(kind) or family_of(kind) not in (FLOAT, INTEGER, BOOLEAN)
    ]
    if others:
        said = f"column {others[0]!r} is" if len(others) == 1 else f"columns {others} are"
        raise DataError(
            f"{said} of {', '.join(dict.fromkeys(str(kinds[name]) for name in others))}, between which no value can be "
            "made: use a method that takes categories (SMOTENC, --method smotenc), or name what is no feature in "
            "carried or in key"
        )
    for name in layout.categorical:
        if pa.types.is_nested(layout.schema.field(name).type):
            raise DataError(
                f"column {name!r} is of {layout.schema.field(name).type}, which is no category: name it in carried"
            )


def dtype_of(schema: pa.Schema, names: Sequence[str], ranges: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """Choose the type of the matrix, and find wide integers.

    Parameters
    ----------
    schema : pyarrow.Schema
        Of the table.
    names : sequence of str
        Numeric features.
    ranges : mapping of str to (int, int, int)
        Least, most and nulls of each that is of integers or booleans; least is None where it has no value.

    Returns
    -------
    dict
        Keys dtype, least and whole of `Layout`: what the estimators make of such a table.
    """
    kinds, least = [], {}
    for name in names:
        kind = np.dtype(schema.field(name).type.to_pandas_dtype())
        if name in ranges:
            low, high, nulls = ranges[name]
            if nulls:
                kind = np.dtype(np.float64)
            if low is not None and kind.kind != "b" and (low < -EXACT or high > EXACT):
                least[name] = int(low)
        kinds.append(kind)
    found = np.result_type(*kinds) if kinds else np.dtype(np.float64)
    dtype = "float32" if found == np.float32 else "float64"
    return {"dtype": dtype, "least": least, "whole": found.kind != "f"}
