"""`RowCounter`: counts rows of any table in the cells of a reference, and refuses what cannot be compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from resampler.dtypes import FLOAT, INTEGER, family_of
from resampler.errors import DataError
from resampler.profile.profiler import Profiler
from resampler.profile.values import label_name

if TYPE_CHECKING:
    from collections.abc import Collection

    from resampler.profile.cells import Cells
    from resampler.profile.profile import Profile

SPLIT = "later"  # of what is compared with a reference
MAX_NEW_CLASSES = 100  # beyond those of the reference; a column of more is an identity, and each class has its counts
_LABEL, _SYNTHETIC = "class", "synthetic"


class RowCounter:
    """Counts of later rows, batch by batch.

    Parameters
    ----------
    reference : Profile
        In whose cells they are counted.
    where : str
        What messages call the rows.
    label : str, optional
        The column of classes; where rows do not have it, their class is not known.
    synthetic : str, optional
        The column that marks synthetic rows, which are left out.
    arrays : collection of str
        Features that are arrays.
    ignore : collection of str
        Features that are not counted.

    Attributes
    ----------
    left_out : int
        Synthetic rows that were left out.
    """

    def __init__(
        self,
        reference: Profile,
        where: str,
        *,
        label: str | None = None,
        synthetic: str | None = None,
        arrays: Collection[str] = (),
        ignore: Collection[str] = (),
    ) -> None:
        self._cells = {name: cells for name, cells in reference.cells.items() if name not in ignore}
        self._where = where
        self._label, self._synthetic = label, synthetic
        self._known = {part.label for part in reference.parts} | {""}
        self._new: set[str] = set()
        self._arrays = frozenset(arrays)
        self._profiler = Profiler(self._cells, _LABEL, _SYNTHETIC)
        self.left_out = 0

    def columns(self, names: Collection[str]) -> list[str]:
        """Name the columns that are needed of those that there are.

        Parameters
        ----------
        names : collection of str
            Those that there are.

        Returns
        -------
        list of str
            Features, then class and mark where there are such.

        Raises
        ------
        DataError
            If a feature is missing.
        """
        missing = [name for name in self._cells if name not in names]
        if missing:
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            raise DataError(
                f"{self._where} has no column {missing[0]!r}{more}, which the reference has: name it so, or leave it "
                "out (--ignore)"
            )
        beside = [name for name in (self._label, self._synthetic) if name is not None and name in names]
        return [*self._cells, *beside]

    def add(self, rows: pa.Table) -> None:
        """Count the next rows.

        Parameters
        ----------
        rows : pyarrow.Table
            With a column a feature, in any order; others play no part.

        Raises
        ------
        DataError
            If a column is missing, or holds what cannot be compared.
        """
        rows = rows.select(self.columns(rows.column_names))
        if self._synthetic in rows.column_names:
            made = pc.fill_null(self._marks(rows[self._synthetic]), False)
            self.left_out += pc.sum(made).as_py() or 0
            rows = rows.filter(pc.invert(made))
        if not rows.num_rows:
            return
        columns = {name: self._conformed(rows[name], name, cells) for name, cells in self._cells.items()}
        columns[_LABEL] = self._classes(rows)
        columns[_SYNTHETIC] = pa.chunked_array([np.zeros(rows.num_rows, dtype=np.bool_)])
        self._profiler.add(SPLIT, pa.table(columns))

    def profile(self) -> Profile:
        """Return what was counted.

        Returns
        -------
        Profile
            Of one split, `SPLIT`, by class.
        """
        return self._profiler.profile()

    def _marks(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        try:
            return column.cast(pa.bool_())
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise DataError(
                f"{self._where}: column {self._synthetic!r} must say of each row whether it is synthetic, got "
                f"{column.type}: rename it, or write booleans"
            ) from error

    def _classes(self, rows: pa.Table) -> pa.ChunkedArray:
        if self._label is None or self._label not in rows.column_names:
            return pa.chunked_array([pa.array([""] * rows.num_rows, pa.string())])
        column = _plain(rows[self._label])
        if pa.types.is_floating(column.type):  # integers among which there are nulls
            try:
                column = column.cast(pa.int64())
            except pa.ArrowInvalid as error:
                raise DataError(
                    f"{self._where}: label {self._label!r} must be a class, got numbers that are no integers: {error}"
                ) from error
        try:
            encoded = column.combine_chunks().dictionary_encode()
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise DataError(f"{self._where}: label {self._label!r} must be a class, got {column.type}") from error
        found = [label_name(value) for value in encoded.dictionary.to_pylist()]
        self._new |= set(found) - self._known
        if len(self._new) > MAX_NEW_CLASSES:
            raise DataError(
                f"{self._where}: label {self._label!r} must be a class, and has more than {MAX_NEW_CLASSES} values "
                f"that the reference does not have, such as {min(self._new)!r}: name the column of classes (--label)"
            )
        names = pa.array(found, pa.string())
        return pa.chunked_array([pc.fill_null(names.take(encoded.indices), "")])

    def _conformed(self, column: pa.ChunkedArray, name: str, cells: Cells) -> pa.ChunkedArray:
        column = _plain(column)
        if pa.types.is_null(column.type):
            kind = pa.array(cells.values).type if cells.categorical and cells.values else pa.float64()
            return column.cast(pa.string() if cells.categorical and not cells.values else kind)
        if cells.categorical:
            return self._category(column, name, cells)
        if (name in self._arrays) != pa.types.is_list(column.type):
            wanted = "an array of numbers" if name in self._arrays else "a number"
            raise DataError(
                f"{self._where}: {name!r} is {wanted} in the reference, got {column.type}: give it the type that it "
                "had, or leave it out (--ignore)"
            )
        held = column.type.value_type if name in self._arrays else column.type
        if not _is_number(held):
            raise DataError(
                f"{self._where}: {name!r} is a number in the reference, got {column.type}: give it the type that it "
                "had, or leave it out (--ignore)"
            )
        if name in self._arrays:
            lengths = pc.unique(pc.list_value_length(column.drop_null()))
            if len(lengths) > 1:
                raise DataError(f"{self._where}: arrays of {name!r} must be of one length, got {lengths.to_pylist()}")
        elif pa.types.is_boolean(held) or pa.types.is_decimal(held):
            column = column.cast(pa.float64(), safe=False)
        return column

    def _category(self, column: pa.ChunkedArray, name: str, cells: Cells) -> pa.ChunkedArray:
        known = pa.array(cells.values) if cells.values else pa.array([], column.type)
        families = [family_of(kind) or str(kind) for kind in (known.type, column.type)]
        if families[0] == families[1] or families == [INTEGER, FLOAT]:
            try:
                return column.cast(known.type)
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
                pass
        shown = ", ".join(repr(value) for value in cells.values[:3])
        raise DataError(
            f"{self._where}: {name!r} has categories such as {shown} in the reference, got {column.type}: give it the "
            "type that it had, or leave it out (--ignore)"
        )


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column without encodings of its type."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _plain(column.cast(kind.value_type))
    if pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return column.cast(pa.list_(kind.value_type))
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return column.cast(pa.string())
    return column


def _is_number(kind: pa.DataType) -> bool:
    checks = pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_decimal
    return any(check(kind) for check in checks)
