"""`Cells`: where the values of one feature are counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from resampler.kernels.counting import CELLS, EDGES, NULL, count_rows
from resampler.profile.values import evenly, numbers_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

FORMAT = 2  # of profiles; 1 had 20 bins by quantiles of the rows and 10 by those of the distinct values
FITTING_ROWS = 20_000  # real training rows that cells are chosen by
VALUES = 32  # of a categorical feature, the most frequent
_HEAVY = 1 / 32  # of the rows: a value that is as frequent has a cell of its own
_STEPS = 64  # of float32 between two edges at least, so that rows of float32 fall into the cells of float64 ones
_FORMER = 20, 10  # bins of format 1

_NO_START = np.zeros(2, dtype=np.int64)
_NO_TABLE = np.zeros(1, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Cells:
    """Where the values of one feature are counted.

    Parameters
    ----------
    categorical : bool
        By value, not by bin.
    edges : tuple of float
        Of a number, ascending, at most 63: cell j holds what is above edge j - 1 and not above edge j; the first and
        the last are open.
    values : tuple of str, int or bool
        Of a category: each has a cell, and all others have the last one.
    single : bool
        The numbers are of float32. Numbers are compared in float32 where they, or those that are counted, are of it:
        0.1 is one value in both types.
    """

    categorical: bool
    edges: tuple[float, ...] = ()
    values: tuple[Any, ...] = ()
    single: bool = False

    @property
    def n(self) -> int:
        """Number of cells."""
        return len(self.values if self.categorical else self.edges) + 1

    @property
    def atoms(self) -> NDArray[np.bool_]:
        """Whether each cell of a number holds one value alone, as float32 tells values apart."""
        edges = np.asarray(self.edges)
        alone = np.zeros(self.n, dtype=np.bool_)
        alone[1:-1] = edges[:-1] == _below(edges[1:])
        return alone

    @classmethod
    def fitted(cls, values: pa.ChunkedArray, *, categorical: bool, form: int = FORMAT) -> Cells:
        """Choose cells for the values of a feature.

        Parameters
        ----------
        values : pyarrow.ChunkedArray
            Of real training rows; of many, evenly spaced `FITTING_ROWS` decide.
        categorical : bool
            Whether it is a category.
        form : int
            Format of the profile that they are for.

        Returns
        -------
        Cells
            One alone where there is no value.
        """
        values = values.take(pa.array(evenly(len(values), FITTING_ROWS)))
        if categorical:
            counts = pc.value_counts(values.drop_null().combine_chunks()).to_pylist()
            ordered = sorted(counts, key=lambda count: (-count["counts"], str(count["values"])))
            return cls(categorical=True, values=tuple(count["values"] for count in ordered[:VALUES]))
        numbers = numbers_of(values)
        numbers = numbers[np.isfinite(numbers)]
        single = form > 1 and pa.types.is_float32(values.type)
        if not len(numbers):
            return cls(categorical=False, single=single)
        if form == 1:
            found = [_quantiles(of, n) for of, n in zip((numbers, np.unique(numbers)), _FORMER, strict=True)]
            return cls(categorical=False, edges=tuple(np.unique(np.concatenate(found)).tolist()))
        return cls(categorical=False, edges=tuple(_edges(numbers).tolist()), single=single)

    def count(
        self,
        values: pa.ChunkedArray,
        groups: NDArray[np.int64] | None = None,
        n_groups: int = 1,
        *,
        numbers: NDArray[np.float64] | None = None,
    ) -> NDArray[np.int64]:
        """Count values.

        Parameters
        ----------
        values : pyarrow.ChunkedArray of shape (n_rows,)
            A column.
        groups : ndarray of shape (n_rows,), int64, optional
            The group that each is counted in, by default one.
        n_groups : int
            How many groups there are.
        numbers : ndarray of shape (n_rows,), float64, optional
            The same as `numbers_of` gives it, where it is at hand.

        Returns
        -------
        ndarray of shape (n_groups, n + 1), int64
            The last count is that of nulls and NaN.
        """
        groups = np.zeros(len(values), dtype=np.int64) if groups is None else groups
        if self.categorical:
            size = self.n + 1
            found = np.bincount(groups * size + self.places(values), minlength=size * n_groups)
            return found.reshape(n_groups, size).astype(np.int64, copy=False)
        numbers = numbers_of(values) if numbers is None else numbers
        dtype = np.float32 if self.single or pa.types.is_float32(values.type) else np.float64
        counts = np.zeros((n_groups, 1, CELLS + 1), dtype=np.int64)
        with np.errstate(over="ignore"):  # beyond float32 is infinite there
            rows = np.require(numbers, dtype, ["C", "A", "W"]).reshape(-1, 1)
        count_rows(rows, groups, self.bounds(dtype).reshape(1, -1), _NO_START, _NO_TABLE, counts)
        return self.of_places(counts[:, 0])

    def bounds(self, dtype: type) -> NDArray[Any]:
        """Return the edges as the kernel takes them.

        Parameters
        ----------
        dtype : type
            float32 or float64.

        Returns
        -------
        ndarray of shape (63,)
            Filled up with infinity.
        """
        out: NDArray[Any] = np.full(EDGES, np.inf, dtype=dtype)
        with np.errstate(over="ignore"):
            out[: len(self.edges)] = self.edges
        return out

    def of_places(self, counts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Take a feature's counts out of those of the kernel, which have the same places for all.

        Parameters
        ----------
        counts : ndarray of shape (..., 65), int64
            Of the kernel.

        Returns
        -------
        ndarray of shape (..., n + 1), int64
            The last is that of nulls.
        """
        return np.concatenate([counts[..., : self.n], counts[..., NULL:]], axis=-1)

    def places(self, values: pa.ChunkedArray) -> NDArray[np.int64]:
        """Find the cell of each value of a category.

        Parameters
        ----------
        values : pyarrow.ChunkedArray of shape (n_rows,)
            A column of the type that `values` are of.

        Returns
        -------
        ndarray of shape (n_rows,), int64
            From 0; `n` of a null.
        """
        known = pa.array(self.values, values.type)
        found = pc.fill_null(pc.index_in(values, value_set=known), len(self.values)).to_numpy().astype(np.int64)
        found[np.asarray(values.is_null())] = self.n
        return found


def _quantiles(numbers: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Part numbers in n; edges are values that occur, so that values of a grid are never parted by rounding."""
    return np.quantile(numbers, np.linspace(0, 1, n + 1)[1:-1], method="inverted_cdf")


def _below(edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what parts a value from all that float32 knows below it."""
    with np.errstate(over="ignore"):
        return np.nextafter(edges.astype(np.float32), np.float32(-np.inf)).astype(np.float64)


def _around(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return edges that part values from all others."""
    below = _below(values)
    return np.union1d(values, below[np.isfinite(below)])


def _edges(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Choose up to `EDGES` edges: quantiles; about heavy values; where there is room, quantiles of the tail."""
    distinct, times = np.unique(numbers, return_counts=True)
    if 2 * len(distinct) <= EDGES:  # each value has a cell of its own
        return _around(distinct)
    edges = np.unique(_quantiles(numbers, CELLS))
    heavy = distinct[times >= max(_HEAVY * len(numbers), 2)]
    chosen = np.union1d(edges, _around(heavy))
    room = EDGES - len(chosen)
    others = np.setdiff1d(distinct, chosen)
    if room > 0 and len(others):
        more = others if len(others) <= room else np.unique(_quantiles(others, room + 1))
        chosen = np.union1d(chosen, more)
    return _apart(chosen, heavy)[:EDGES]


def _apart(edges: NDArray[np.float64], heavy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Leave out edges that stand so close to the one before that rows of float32 would fall beside them."""
    least = _STEPS * np.spacing(np.abs(edges).astype(np.float32)).astype(np.float64)
    kept: list[float] = []
    alone = {*heavy.tolist(), *_below(heavy).tolist()}
    for edge, distance in zip(edges.tolist(), least.tolist(), strict=True):
        if edge in alone or not kept or not edge - kept[-1] < distance:
            kept.append(edge)
    return np.asarray(kept)
