"""Rows as a user gave them: real rows are taken from them as they are, synthetic ones are made from their numbers."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from resampler.errors import InvalidInputError
from resampler.integers import are_wide, offsets
from resampler.methods.place import build, build_integers
from resampler.methods.table import dense_rows
from resampler.samplers.kinds import Kind, kind_of_values, missing_cells, numbers_of, require

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from resampler.methods.provenance import Provenance


class Copied(NamedTuple):
    """Cells of new rows that are copied from real ones.

    Parameters
    ----------
    rows : ndarray of shape (n_new,), int64
        Positions of these.
    """

    rows: NDArray[np.int64]


class Inherited(NamedTuple):
    """Cells of new rows that are numbers, but where their bases have nulls of one kind or another: these are copied.

    Parameters
    ----------
    numbers : ndarray of shape (n_new,)
        Anything where `nulls` is true.
    nulls : ndarray of shape (n_new,), bool
        Where the base has no number.
    rows : ndarray of shape (n_new,), int64
        Positions of the bases.
    """

    numbers: NDArray[Any]
    nulls: NDArray[np.bool_]
    rows: NDArray[np.int64]


Cells: TypeAlias = "NDArray[Any] | Copied | Inherited"


class Container:
    """Rows that come back as they came, of which NumPy would lose something: a table, a list, an array of objects.

    A subclass says how a column is read, how rows are taken, and how new ones are put behind them.

    Parameters
    ----------
    given : object
        What the user gave.
    """

    def __init__(self, given: Any) -> None:
        self.given = given
        self._last: tuple[tuple[int, ...], Any] | None = None

    @cached_property
    def names(self) -> list[Any]:
        """Names of the columns; empty where they have none."""
        return []

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and columns."""
        return len(self.given), len(self.names)

    def __len__(self) -> int:
        return self.shape[0]

    def name(self, j: int) -> Any:
        """Return the name of column `j`, or its position.

        Parameters
        ----------
        j : int
            Its position.

        Returns
        -------
        object
            What messages call it.
        """
        return self.names[j] if self.names else int(j)

    def values(self, j: int) -> NDArray[Any]:
        """Return a column.

        Parameters
        ----------
        j : int
            Its position.

        Returns
        -------
        ndarray of shape (n_rows,)
            Of NumPy's type for it, or objects.
        """
        raise NotImplementedError

    def kind(self, j: int) -> Kind:
        """Say what a column holds.

        Parameters
        ----------
        j : int
            Its position.

        Returns
        -------
        Kind
            As its type or its cells say.
        """
        return kind_of_values(self.values(j))

    def take(self, rows: NDArray[np.int64]) -> Any:
        """Return some rows, of any types, missing values as they are.

        Parameters
        ----------
        rows : ndarray of shape (n_taken,), int64
            Positions.

        Returns
        -------
        object
            Of the type of what was given.
        """
        raise NotImplementedError

    def new_rows(self, n: int, cells: Sequence[Cells]) -> Any:
        """Make rows of the types of these.

        Parameters
        ----------
        n : int
            How many.
        cells : sequence of ndarray of shape (n,), Copied or Inherited
            A column each: numbers, rounded where the column holds whole ones, what is copied, or both.

        Returns
        -------
        object
            Of the type of what was given.
        """
        raise NotImplementedError

    def followed_by(self, new: Any) -> Any:
        """Return all rows, and new ones behind them.

        Parameters
        ----------
        new : object
            From `new_rows`.

        Returns
        -------
        object
            Of the type of what was given.
        """
        raise NotImplementedError

    def numbers(
        self,
        columns: Sequence[int] | NDArray[np.int64] | None = None,
        *,
        made: bool = True,
        codes: dict[int, NDArray[np.int64]] | None = None,
    ) -> Any:
        """Return columns as a matrix of numbers.

        Parameters
        ----------
        columns : sequence of int, optional
            By default all.
        made : bool
            Whether values are to be made from them, not only measured.
        codes : dict of int to ndarray, optional
            What stands for columns that are carried along.

        Returns
        -------
        ndarray of shape (n_rows, n_columns), or sparse matrix
            Of the columns' common dtype; a missing value is NaN. Where that is floating, integers beyond 2**53 are
            counted from their column's least.

        Raises
        ------
        RefusedError
            If two columns share a name and values are to be made, or no number stands for one of them.
        """
        wanted = tuple(range(self.shape[1])) if columns is None else tuple(int(j) for j in columns)
        if self._last is not None and not codes and self._last[0] == wanted:
            return self._last[1]
        if made:
            self._refuse_equal_names()
        matrix = _matrix(len(self), [self._numbers(j, made) if j not in (codes or ()) else codes[j] for j in wanted])  # type: ignore[index]
        if not codes:
            self._last = (wanted, matrix)
        return matrix

    def _numbers(self, j: int, made: bool) -> NDArray[Any]:
        require(self.name(j), self.kind(j), made=made)
        found = self._wide_with_nulls(j)
        if found is None:
            return numbers_of(self.name(j), self.values(j))
        counted = offsets(found[0])
        counted[found[1]] = np.nan
        return counted

    def _wide_with_nulls(self, j: int) -> tuple[NDArray[Any], NDArray[np.bool_]] | None:
        """Return a column of integers that a float64 does not hold, and where its nulls are; None for any other.

        The least of the column stands for a null.
        """
        values = self.values(j)
        if values.dtype.kind != "O" or not (missing := missing_cells(values)).any():
            return None
        held = values[~missing]
        if set(map(type, held.tolist())) != {int}:
            return None
        return spread_over(numbers_of(self.name(j), held), missing)

    def _refuse_equal_names(self) -> None:
        names = self.names
        if len(set(names)) < len(names):
            twice = next(name for i, name in enumerate(names) if name in names[:i])
            raise InvalidInputError(
                f"columns of X must have distinct names, got {twice!r} {names.count(twice)} times: rename all but one"
            )

    def cells(self, columns: Sequence[int] | NDArray[np.int64] | None = None) -> Any:
        """Return columns as they are, side by side.

        Parameters
        ----------
        columns : sequence of int, optional
            By default all.

        Returns
        -------
        ndarray of shape (n_rows, n_columns), or a frame
            Of the columns' dtype, or objects where they differ.
        """
        found = [self.values(int(j)) for j in (range(self.shape[1]) if columns is None else columns)]
        if not found:
            return np.empty((len(self), 0), dtype=object)
        same = len({column.dtype for column in found}) == 1
        return np.stack(found if same else [column.astype(object) for column in found], axis=1)

    def whole(self) -> NDArray[np.bool_]:
        """Find the columns of integer and boolean type, whose synthetic values are rounded.

        Returns
        -------
        ndarray of shape (n_columns,), bool
            Cells of objects are not looked at.
        """
        return np.array([self.values(j).dtype.kind in "iub" for j in range(self.shape[1])])

    def made(self, provenance: Provenance) -> Any:
        """Make the synthetic rows.

        Parameters
        ----------
        provenance : Provenance
            Where they come from.

        Returns
        -------
        object
            Of the type of what was given.
        """
        copied = {int(j): Copied(provenance.donor[:, at]) for at, j in enumerate(provenance.categorical_features)}
        numeric = [j for j in range(self.shape[1]) if j not in copied]
        cells: list[Cells] = [copied.get(j, Copied(provenance.sources)) for j in range(self.shape[1])]
        if numeric:
            matrix = self.numbers(numeric if copied else None)
            real = dense_rows(matrix)
            rows = build(real, provenance, columns=np.array(numeric))
            for at, j in enumerate(numeric):
                wide, nulls = self._wide(j), np.isnan(rows[:, at])
                new = rows[:, at] if wide is None else build_integers(wide, provenance, real[:, at], rows[:, at])
                null_like = provenance.sources if provenance.groups is None else _first_null(real[:, at], len(new))
                cells[j] = Inherited(new, nulls, null_like) if nulls.any() else new
        return self.new_rows(len(provenance.base), cells)

    def is_wide(self, j: int) -> bool:
        """Say whether a column is of integers that a float64 does not hold.

        Parameters
        ----------
        j : int
            Its position.

        Returns
        -------
        bool
            Then its synthetic values are made in integers.
        """
        return self._wide(j) is not None

    def _wide(self, j: int) -> NDArray[Any] | None:
        """Return a column of integers that a float64 does not hold; None for any other."""
        found = self._wide_with_nulls(j)
        if found is not None:
            return found[0]
        values = self.values(j)
        values = numbers_of(self.name(j), values) if values.dtype.kind == "O" else values
        return values if values.dtype.kind in "iu" and are_wide(values) else None


def _first_null(column: NDArray[Any], n: int) -> NDArray[np.int64]:
    """Return the first null of a column, n times: a null of a group is none of a row."""
    return np.full(n, np.isnan(column).argmax())


def spread_over(held: NDArray[Any], missing: NDArray[np.bool_]) -> tuple[NDArray[Any], NDArray[np.bool_]] | None:
    """Put a column's integers where they belong, and the least of them where there is none.

    Parameters
    ----------
    held : ndarray of shape (n_held,)
        The values of the column.
    missing : ndarray of shape (n_rows,), bool
        Where there is none.

    Returns
    -------
    tuple of ndarray of shape (n_rows,), or None
        The values, and `missing`; None where a float64 holds them all.
    """
    if held.dtype.kind not in "iu" or not are_wide(held):
        return None
    out = np.full(len(missing), held.min())
    out[~missing] = held
    return out, missing


def _matrix(n: int, columns: list[NDArray[Any]]) -> NDArray[Any]:
    dtype = np.result_type(*columns) if columns else np.dtype(np.float64)
    out = np.empty((n, len(columns)), dtype=dtype)
    for at, column in enumerate(columns):
        wide = dtype.kind == "f" and column.dtype.kind in "iu" and are_wide(column)
        out[:, at] = offsets(column) if wide else column
    return out
