"""`Column`: what one column may hold, and the numbers that rows hold for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from resampler.dtypes import BOOLEAN, DTYPES, FLOAT, INTEGER, LABEL_DTYPES, TEXT, Dtype, family_of
from resampler.errors import ContractError
from resampler.pickled import pickled_briefly

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from resampler.grids import Grid

NUMERIC, CATEGORICAL, LABEL = "numeric", "categorical", "label"  # kinds of columns
REFUSE, INHERIT = "refuse", "inherit"  # a null is no value; or it is one, which a synthetic row has where its base has
NULL_RULES = (REFUSE, INHERIT)
MAX_EXACT_CODE: Final = 1 << 24  # the first integer above which float32 merges neighbours
COLUMN_RULES = {"nulls": REFUSE, "grid": None}  # what a contract says of a column only where it is something else
OFF_GRID: Final = 1e-3  # steps: what is nearer to a multiple is one, rounded ...
NEAR: Final = 4  # ... and so is what is no more units in the last place beside one
# How booleans are written. NumPy and Python capitalise them, JSON does not.
_BOOLEAN_WORDS = {b"0": 0, b"1": 1, b"false": 0, b"true": 1, b"False": 0, b"True": 1}


@pickled_briefly({"grid": None})
@dataclass(frozen=True, slots=True)
class Column:
    """What one column of a contract may hold.

    Rows hold numbers only: a feature is a float32, a label an int64. Values outside and these codes are the same for
    numbers. A listed value's code is its place in the list; the exception is an integer label, whose classes are their
    own codes. A null's code is NaN.

    Parameters
    ----------
    name : str
        Column name, non-empty.
    dtype : str
        One of `DTYPES`; of `LABEL_DTYPES` for a label.
    kind : {"numeric", "categorical", "label"}
        Only numeric columns are interpolated.
    values : tuple of (str or int)
        The list of all values, in code order. Empty where any value of the dtype may come.
    nulls : {"refuse", "inherit"}
        Whether a null is no value, so that a row that has one is refused; or is one, which a synthetic row has where
        its base has it. A label refuses.
    grid : Grid, optional
        What numbers a numeric column keeps; by default any. Synthetic values are put on it; real ones are as they come.

    Raises
    ------
    ContractError
        If one of these is none of its kind, text is numeric, a value is repeated or of another type, a label of
        text has no list, a label is nullable, or a grid is not of whole numbers where the column is, or not for
        numbers at all.
    """

    name: str
    dtype: str = "float32"
    kind: str = NUMERIC
    values: tuple[str, ...] | tuple[int, ...] = ()
    nulls: str = REFUSE
    grid: Grid | None = None

    def __post_init__(self) -> None:
        label = self.kind == LABEL
        if not isinstance(self.name, str) or not self.name:
            raise ContractError(f"{'label' if label else 'feature'} name must be a non-empty string, got {self.name!r}")
        if label and self.dtype not in LABEL_DTYPES:
            raise ContractError(f"{self}: dtype must be {' or '.join(map(repr, LABEL_DTYPES))}, got {self.dtype!r}")
        if not isinstance(self.dtype, str) or self.dtype not in DTYPES:
            raise ContractError(f"{self}: dtype must be one of {tuple(DTYPES)}, got {self.dtype!r}")
        if self.kind not in (NUMERIC, CATEGORICAL, LABEL):
            raise ContractError(f"{self}: kind must be numeric, categorical or label, got {self.kind!r}")
        if self.nulls not in NULL_RULES:
            raise ContractError(f"{self}: nulls must be one of {NULL_RULES}, got {self.nulls!r}")
        if label and self.nullable:
            raise ContractError(f"{self}: nulls must be {REFUSE!r}, got {self.nulls!r}: a row without a class is none")
        self._check_values()
        if self.grid is not None:
            self._check_grid(self.grid)

    def _check_grid(self, grid: Grid) -> None:
        if self.kind != NUMERIC:
            raise ContractError(f"{self}: grid is for numbers, got {grid}")
        bounds = [value for value in (grid.low, grid.high, *grid.values) if value is not None]
        if self.bounds is not None:
            lowest, highest = self.bounds
            if not all(value.is_integer() for value in (grid.step or 1.0, *bounds)):
                raise ContractError(f"{self}: grid must be of whole numbers for dtype {self.dtype!r}, got {grid}")
            if not all(lowest <= value <= highest for value in bounds):
                raise ContractError(
                    f"{self}: grid must lie in [{lowest}, {highest}], as {self.dtype!r} does, got {grid}"
                )
        # A bound is one of the values, so rounded as they are: 2387.9 of float32 is 1e-4 beside it.
        width = np.float32 if grid.single else np.float64
        rounding = NEAR * max((float(np.spacing(width(abs(bound)))) for bound in bounds), default=0.0)
        off = [abs(np.rint(bound / grid.step) * grid.step - bound) for bound in bounds] if grid.step else []
        if any(distance > OFF_GRID * (grid.step or 0.0) + rounding for distance in off):
            raise ContractError(f"{self}: the bounds of a grid must be multiples of its step, got {grid}")

    def _check_values(self) -> None:
        text, what = self.type.family == TEXT, "classes" if self.kind == LABEL else "categories"
        if text and self.kind == NUMERIC:
            raise ContractError(f"{self}: a string column must be categorical=True")
        if self.values and self.kind == NUMERIC:
            raise ContractError(f"{self}: categories need categorical=True")
        if len(set(self.values)) != len(self.values):
            raise ContractError(f"{self}: {what} must be distinct, got {self.values}")
        wanted = str if text else int
        for value in self.values:
            if not isinstance(value, wanted) or isinstance(value, bool):
                raise ContractError(f"{self}: {what} must be of the column's dtype ({wanted.__name__}), got {value!r}")
        if text and self.kind == LABEL and not self.values:
            raise ContractError(f"{self}: a string label needs its classes listed")

    def __str__(self) -> str:
        return f"{'label' if self.kind == LABEL else 'feature'} {self.name!r}"

    @property
    def type(self) -> Dtype:
        """What stands behind the name of the dtype."""
        return DTYPES[self.dtype]

    @property
    def nullable(self) -> bool:
        """Whether a null is a value."""
        return self.nulls == INHERIT

    @property
    def closed(self) -> bool:
        """Whether only listed values may come. Text is: where nothing is listed, nothing may."""
        return bool(self.values) or self.type.family == TEXT

    @property
    def codes(self) -> tuple[int, ...]:
        """What rows hold for each of `values`."""
        if self.kind == LABEL and self.type.family == INTEGER:
            return tuple(int(value) for value in self.values)
        return tuple(range(len(self.values)))

    @property
    def bounds(self) -> tuple[int, int] | None:
        """The least and the greatest code, of whole numbers; None where rows may hold any finite number.

        A categorical integer without a list is its own code, and has to survive float32. Text without a list has
        nothing between its bounds.
        """
        if self.closed:
            return min(self.codes, default=0), max(self.codes, default=-1)
        if self.kind == CATEGORICAL and self.type.bounds:
            return max(self.type.bounds[0], -MAX_EXACT_CODE), min(self.type.bounds[1], MAX_EXACT_CODE)
        return self.type.bounds

    @property
    def exact_in_float32(self) -> bool:
        """Whether every code that the column may hold is one float32."""
        coded = self.kind == CATEGORICAL and (self.closed or self.type.family != FLOAT)
        return coded or self.type.exact_in_float32

    @property
    def numpy_dtype(self) -> np.dtype[Any]:
        """What rows hold codes in."""
        return np.dtype(np.int64 if self.kind == LABEL else np.float32)

    @property
    def arrow_type(self) -> pa.DataType:
        """What a table holds values in: listed ones as text or int64, others as rows hold them."""
        import pyarrow as pa

        if self.values:
            return pa.string() if self.type.family == TEXT else pa.int64()
        return pa.from_numpy_dtype(self.numpy_dtype)

    @property
    def words(self) -> dict[bytes, int] | None:
        """The code of each text that may stand for a value; None where values are written as numbers.

        Keys are UTF-8.
        """
        if self.closed:
            return {str(value).encode(): code for value, code in zip(self.values, self.codes, strict=True)}
        return dict(_BOOLEAN_WORDS) if self.type.family == BOOLEAN else None

    def are_codes(self, codes: NDArray[np.number]) -> NDArray[np.bool_]:
        """Say which numbers rows may hold.

        Parameters
        ----------
        codes : ndarray of shape (n,), integer or floating
            The numbers.

        Returns
        -------
        ndarray of shape (n,), bool
            False for what is not finite, not whole where it must be, out of bounds, or the code of no listed value;
            NaN is a code where the column is nullable.
        """
        if self.closed and self.kind == LABEL:  # features' codes have no holes between their bounds
            return np.isin(codes, self.codes)
        nulls = np.isnan(codes) if self.nullable else np.zeros(len(codes), dtype=np.bool_)
        if self.bounds is None:
            return np.isfinite(codes) | nulls
        lowest, highest = self.bounds
        return ((codes >= lowest) & (codes <= highest) & (np.trunc(codes) == codes)) | nulls

    def to_code(self, values: pa.Array | pa.ChunkedArray) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return the codes of values.

        Parameters
        ----------
        values : pyarrow.Array or pyarrow.ChunkedArray of length n
            Of `arrow_type`, or of a type that casts to it without loss.

        Returns
        -------
        codes : ndarray of shape (n,), `numpy_dtype`
            A number that float32 does not hold is the nearest; NaN for a null of a nullable column; 0 where `known` is
            false.
        known : ndarray of shape (n,), bool
            Where the value is one that the column may hold, which a null is of a nullable column only.

        Raises
        ------
        ContractError
            If the type does not cast.
        """
        import pyarrow as pa
        import pyarrow.compute as pc

        if self.closed:
            listed = self._listed()
            if self.nullable and pa.types.is_floating(values.type):  # as rows and packed rows say it
                values = pc.if_else(pc.is_nan(values), None, values)
            places = np.asarray(pc.fill_null(pc.index_in(self._cast(values, listed.type), value_set=listed), -1))
            known = places >= 0
            codes = np.zeros(len(places), dtype=self.numpy_dtype)
            codes[known] = np.asarray(self.codes)[places[known]]
            if self.nullable:
                nulls = np.asarray(values.is_null())
                codes[nulls] = np.nan
                known |= nulls
            return codes, known
        if self.kind == LABEL:
            whole = self._cast(values, pa.int64())
            return np.asarray(pc.fill_null(whole, 0), dtype=np.int64), np.asarray(whole.is_valid())
        numbers = self.to_numbers(values)
        with np.errstate(over="ignore"):
            codes = numbers.astype(np.float32)
        known = self.are_codes(numbers) & (np.isfinite(codes) | np.isnan(numbers))
        codes[~known] = 0
        return codes, known

    def to_numbers(self, values: pa.Array | pa.ChunkedArray) -> NDArray[np.float64]:
        """Return values of a column without a list as they are, before rows round them.

        Parameters
        ----------
        values : pyarrow.Array or pyarrow.ChunkedArray of length n
            Numbers or booleans, or text that reads as numbers.

        Returns
        -------
        ndarray of shape (n,), float64
            NaN where a value is null. An integer that a float64 does not hold is the nearest.

        Raises
        ------
        ContractError
            If the type does not cast.
        """
        import pyarrow as pa

        family = family_of(values.type)
        if family == BOOLEAN:
            values = values.cast(pa.uint8())
        return np.asarray(self._cast(values, pa.float64(), safe=family != INTEGER))

    def to_value(self, codes: NDArray[np.number]) -> pa.Array:
        """Return the values that codes stand for.

        Parameters
        ----------
        codes : ndarray of shape (n,), integer or floating
            As rows hold them.

        Returns
        -------
        pyarrow.Array of length n
            Of `arrow_type`; null where a nullable column's code is NaN.

        Raises
        ------
        ContractError
            If values are listed and a number is the code of none.
        """
        import pyarrow as pa

        nulls = np.isnan(codes) if self.nullable else None
        if not self.values:
            if nulls is None and codes.dtype.kind in "if" and pa.from_numpy_dtype(codes.dtype) == self.arrow_type:
                # `pa.array` would import pandas, for a tenth of a worker's start.
                return pa.Array.from_buffers(self.arrow_type, len(codes), [None, pa.py_buffer(codes.tobytes())])
            return pa.array(codes, self.arrow_type, mask=nulls)
        order = np.argsort(self.codes)
        known = np.asarray(self.codes, dtype=np.int64)[order]
        places = np.searchsorted(known, codes).clip(max=len(known) - 1)
        strange = known[places] != codes
        if nulls is not None:
            strange &= ~nulls
        if strange.any():
            raise ContractError(f"{self}: code {codes[strange.argmax()]} stands for none of the {len(known)} values")
        return self._listed().take(pa.array(order[places], mask=nulls))

    def _listed(self) -> pa.Array:
        import pyarrow as pa

        return pa.array(self.values, pa.string() if self.type.family == TEXT else pa.int64())

    def _cast(
        self, values: pa.Array | pa.ChunkedArray, to: pa.DataType, *, safe: bool = True
    ) -> pa.Array | pa.ChunkedArray:
        import pyarrow as pa

        try:
            return values.cast(to, safe=safe)
        except pa.ArrowException as error:
            raise ContractError(f"column {self.name!r} must be readable as {to}: {error}") from error
