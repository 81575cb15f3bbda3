"""Columns that follow from others in every row: copies, multiples and sums; found, and kept by synthetic rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from resampler.grids import Grid

Relations = Literal["report", "keep"]
RELATIONS = get_args(Relations)

ROWS = 512  # that are looked at first
LEAST = 20  # rows without a null, before anything is said
COLUMNS = 2_000  # of more, sums are not sought: there are as many pairs as their square
_NEAR, _NEAR_SUM = 1e-6, 1e-7  # of a candidate; what is said holds to the last bits
_HELD = 0.5  # of the values of a column that may be in a sum
_ROUNDINGS = 4


@dataclass(frozen=True, slots=True)
class Relation:
    """One column that follows from one or two others.

    Parameters
    ----------
    column : int or str
        Which column: by position, or by name where it is for people.
    terms : tuple of int or str
        The columns that it follows from.
    factor : float
        What the one is multiplied by, 1 for a copy; of a sum of two it is 1. A difference is a sum seen from another
        side.
    """

    column: Any
    terms: tuple[Any, ...]
    factor: float = 1.0

    def __str__(self) -> str:
        if len(self.terms) == 2:
            return f"{self.column} = {self.terms[0]} + {self.terms[1]}"
        return f"{self.column} = {self.terms[0]}" + ("" if self.factor == 1 else f" * {self.factor:g}")

    def of(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what the column follows to.

        Parameters
        ----------
        values : ndarray of shape (n_rows, n_terms), float64
            The columns of `terms`.

        Returns
        -------
        ndarray of shape (n_rows,), float64
            NaN where one is.
        """
        return values[:, 0] + values[:, 1] if len(self.terms) == 2 else values[:, 0] * self.factor

    def holds(self, column: NDArray[Any], values: NDArray[Any], *, single: bool) -> bool:
        """Say whether all rows keep the relation.

        Parameters
        ----------
        column, values, single
            As in `kept`.

        Returns
        -------
        bool
            Whether.
        """
        return bool(self.kept(column, values, single=single).all())

    def kept(self, column: NDArray[Any], values: NDArray[Any], *, single: bool) -> NDArray[np.bool_]:
        """Say which rows keep the relation, to the last bits.

        Parameters
        ----------
        column : ndarray of shape (n_rows,)
            Values of `column`.
        values : ndarray of shape (n_rows, n_terms)
            Those of `terms`.
        single : bool
            Whether they are rounded to float32.

        Returns
        -------
        ndarray of shape (n_rows,), bool
            Where a term is null the column has to be null, too, and nowhere else.
        """
        column, values = np.asarray(column, dtype=np.float64), np.asarray(values, dtype=np.float64)
        whole = np.isfinite(values).all(axis=1)
        size = np.maximum(np.abs(values).max(axis=1, initial=0.0) * abs(self.factor), np.abs(column))
        near = _ROUNDINGS * (2.0**-23 if single else 2.0**-52) * size
        with np.errstate(invalid="ignore"):
            close = np.abs(self.of(values) - column) <= near
        return np.where(whole, close, ~np.isfinite(column))

    def named(self, names: Sequence[Any] | dict[int, Any]) -> Relation:
        """Return the relation by names.

        Parameters
        ----------
        names : sequence or dict
            What each column is called.

        Returns
        -------
        Relation
            The same.
        """
        return Relation(names[self.column], tuple(names[j] for j in self.terms), self.factor)


def find_relations(X: NDArray[Any], numeric: Sequence[int] | None = None) -> list[Relation]:
    """Find columns that follow from others in every row.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Real rows.
    numeric : sequence of int, optional
        Which columns hold numbers, by default all.

    Returns
    -------
    list of Relation
        By position, each column at most once, in an order in which no column comes before those that it follows from.

    Notes
    -----
    Time grows with the square of the columns, and with the rows for what seems to hold: a few rows rule out the rest.
    """
    X = np.asarray(X)
    sample = X[:: max(1, len(X) // ROWS)]
    return [one for one in candidates(sample, numeric) if _confirmed(X, one, sample)]


def candidates(sample: NDArray[Any], numeric: Sequence[int] | None = None) -> list[Relation]:
    """Find what may hold in every row, by some of them.

    Parameters
    ----------
    sample : ndarray of shape (n_rows, n_features)
        Some rows.
    numeric : sequence of int, optional
        Which columns hold numbers, by default all.

    Returns
    -------
    list of Relation
        In order, as `find_relations`.
    """
    at = np.arange(sample.shape[1]) if numeric is None else np.asarray(numeric, dtype=np.int64)
    rows = np.asarray(sample[:, at], dtype=np.float64)
    moves = np.array([_moves(column) for column in rows.T], dtype=np.bool_)
    at, rows = at[moves], rows[:, moves]
    if not len(at):
        return []
    weights = np.random.Generator(np.random.Philox(0)).random(len(rows))
    found, free = _multiples(rows, weights)
    held = np.isfinite(rows[:, free])
    free = free[held.mean(axis=0) > _HELD]  # sums are recognised by rows without a null
    whole = np.isfinite(rows[:, free]).all(axis=1)
    if len(free) <= COLUMNS and np.count_nonzero(whole) >= LEAST:
        found += _sums(rows[whole], weights[whole], free)
    ordered = _in_order([Relation(int(at[r.column]), tuple(int(at[j]) for j in r.terms), r.factor) for r in found])
    return [one for one in ordered if _confirmed(sample, one, sample)]


def keep(rows: NDArray[Any], relations: Iterable[Relation], grids: Sequence[Grid | None] | None = None) -> None:
    """Make columns follow from others, in place.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features), floating
        Synthetic rows.
    relations : iterable of Relation
        By position, in order.
    grids : sequence of Grid or None, optional
        By column: what follows is put on its step, which real values keep in spite of roundings.
    """
    for one in relations:
        value = one.of(rows[:, one.terms].astype(np.float64))
        grid = None if grids is None else grids[one.column]
        if grid is not None and grid.step is not None:
            numerator, denominator = grid.fraction
            value = np.rint(value * denominator / numerator) * numerator / denominator
        if grid is not None and grid.single:
            value = value.astype(np.float32)
        known = np.isfinite(value) & np.isfinite(rows[:, one.column])  # a null is its base's
        rows[known, one.column] = value[known]


def without_bounds(
    grids: Sequence[Grid | None] | None, relations: Iterable[Relation]
) -> tuple[Grid | None, ...] | None:
    """Leave to columns that follow from others their steps alone: sums may pass what no real row does.

    Parameters
    ----------
    grids : sequence of Grid or None, or None
        By column.
    relations : iterable of Relation
        By position.

    Returns
    -------
    tuple of Grid or None, or None
        By column.
    """
    if grids is None:
        return None
    from resampler.grids import Grid

    out = list(grids)
    for one in relations:
        grid = out[one.column]
        out[one.column] = None if grid is None or grid.step is None else Grid(grid.step, single=grid.single)
    return tuple(out)


def _moves(column: NDArray[np.float64]) -> bool:
    held = column[np.isfinite(column)]
    return len(held) >= LEAST and bool(np.ptp(held) > 0)


def _multiples(rows: NDArray[np.float64], weights: NDArray[np.float64]) -> tuple[list[Relation], NDArray[np.int64]]:
    """Return copies of an earlier column and multiples of a smaller one, and the columns that are neither."""
    filled = np.where(np.isfinite(rows), rows, 0.0)
    top = np.abs(filled).argmax(axis=0)
    ratio = filled[top, np.arange(rows.shape[1])]
    shape = weights @ (filled / ratio)  # equal for multiples
    found: list[Relation] = []
    free: list[int] = []
    alike: list[int] = []
    for j in np.lexsort((np.arange(len(shape)), np.abs(ratio), np.round(shape, 6))).tolist():
        alike = [a for a in alike if abs(shape[j] - shape[a]) <= _NEAR * abs(shape[j])]
        for a in alike:
            one = Relation(j, (a,), float(f"{ratio[j] / ratio[a]:.12g}"))
            if one.holds(rows[:, j], rows[:, [a]], single=in_single(rows[:, [a, j]])):
                found.append(one)
                break
        else:
            alike.append(j)
            free.append(j)
    return found, np.sort(np.array(free, dtype=np.int64))


def _sums(rows: NDArray[np.float64], weights: NDArray[np.float64], free: NDArray[np.int64]) -> list[Relation]:
    """Return sums of two columns, by one number a column: that of a sum is the sum of theirs."""
    number = weights @ rows[:, free]
    size = weights @ np.abs(rows[:, free])
    order = np.argsort(number)
    found = []
    for at, a in enumerate(free[:-1]):
        wanted = number[at] + number[at + 1 :]
        near = _NEAR_SUM * (size[at] + size[at + 1 :])
        first = np.searchsorted(number[order], wanted - near, side="left")
        last = np.searchsorted(number[order], wanted + near, side="right")
        for b in np.flatnonzero(last > first):
            found += [
                Relation(int(free[c]), (int(a), int(free[at + 1 + b])))
                for c in order[first[b] : last[b]]
                if c not in (at, at + 1 + b)
            ]
    return found


def _in_order(relations: list[Relation]) -> list[Relation]:
    """Take each column's first relation that leads into no circle; sources come first."""
    follows: dict[int, Relation] = {}

    def leads_to(column: int, wanted: int) -> bool:
        one = follows.get(column)
        return column == wanted or (one is not None and any(leads_to(j, wanted) for j in one.terms))

    for one in relations:
        if one.column not in follows and not any(leads_to(j, one.column) for j in one.terms):
            follows[one.column] = one
    done: list[Relation] = []

    def take(one: Relation) -> None:
        if one in done:
            return
        for j in one.terms:
            if j in follows:
                take(follows[j])
        done.append(one)

    for one in follows.values():
        take(one)
    return done


def _confirmed(X: NDArray[Any], one: Relation, sample: NDArray[Any]) -> bool:
    columns = [one.column, *one.terms]
    single = X.dtype == np.float32 or all(in_single(sample[:, j]) for j in columns)
    return one.holds(X[:, one.column], X[:, one.terms], single=single)


def in_single(values: NDArray[Any]) -> bool:
    """Say whether float32 holds all values.

    Parameters
    ----------
    values : ndarray
        Of any shape.

    Returns
    -------
    bool
        True for NaN, too.
    """
    numbers = np.asarray(values, dtype=np.float64)
    with np.errstate(over="ignore"):
        return np.array_equal(numbers, numbers.astype(np.float32), equal_nan=True)
