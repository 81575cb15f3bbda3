"""`Cloud`: synthetic rows as points, for attacks that work by geometry, and points made rows again."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import KDTree

from resampler.neighbors import nearest_rows
from resampler.profile.values import evenly

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from resampler.quality.privacy.exposure import Exposure


_VOTES = 5  # synthetic rows around a point whose categories and nulls it takes
_WIDE = 64  # columns; of more, nearness is measured along so many directions
_COMPLETE = 0.5  # share of the rows that a column may at least not be null in to be part of the geometry


@dataclass(frozen=True)
class Cloud:
    """Synthetic rows as points.

    Parameters
    ----------
    exposed : Exposure
        What they are rows of.
    kept : ndarray of shape (n_rows,), int64
        Which of the synthetic rows: without a null in `columns`, at most so many.
    columns : ndarray of shape (n_columns,), int64
        Numeric columns that vary and are seldom null.
    points : ndarray of shape (n_rows, n_columns), float64
        In units, about the middle of the rows.
    middle : ndarray of shape (n_columns,), float64
        What was subtracted.
    grain : float
        How far rounding moves a point, in units.
    """

    exposed: Exposure
    kept: NDArray[np.int64]
    columns: NDArray[np.int64]
    points: NDArray[np.float64]
    middle: NDArray[np.float64]
    grain: float

    @classmethod
    def of(cls, exposed: Exposure, rows: int, *, consecutive: bool = False) -> Cloud:
        """Take the columns and rows that geometry can use.

        Parameters
        ----------
        exposed : Exposure
            The class.
        rows : int
            At most so many.
        consecutive : bool
            Whether the first ones are taken, in their order, and not an even share.

        Returns
        -------
        Cloud
            Without any point where no numeric column varies.
        """
        made = exposed.synthetic
        null = np.isnan(made)
        with np.errstate(invalid="ignore"):
            low, high = (
                f(np.where(null, other, made), axis=0, initial=other)
                for f, other in ((np.min, np.inf), (np.max, -np.inf))
            )
        columns = (
            np.flatnonzero(~exposed.categorical & (high > low) & (null.mean(axis=0) <= 1 - _COMPLETE))
            if len(made)
            else np.empty(0, np.int64)
        )
        complete = np.flatnonzero(~null[:, columns].any(axis=1)) if len(columns) else np.empty(0, np.int64)
        if not consecutive and len(complete):  # equal rows are one point, and would fill what is near
            bits = made[np.ix_(complete, columns)].view(np.int64)
            complete = complete[np.sort(np.unique(bits, axis=0, return_index=True)[1])]
        if len(complete) > rows:
            complete = complete[:rows] if consecutive else complete[evenly(len(complete), rows)]
        values = made[np.ix_(complete, columns)]
        middle = values.mean(axis=0) if len(values) else np.zeros(len(columns))
        units = exposed.units[columns]
        grain = float(np.sqrt(np.sum((exposed.precision[columns] / units) ** 2)))
        return cls(exposed, complete, columns, (values - middle) / units, middle, grain)

    @cached_property
    def _axes(self) -> NDArray[np.float64]:
        """Directions along which wide rows are told near: as many of them, drawn, keep who is near to whom."""
        d = len(self.columns)
        return np.eye(d) if d <= _WIDE else np.random.default_rng(d).normal(size=(d, _WIDE)) / np.sqrt(_WIDE)

    @cached_property
    def _tree(self) -> KDTree:
        return KDTree(self.points @ self._axes)

    @cached_property
    def _found(self) -> dict[int, NDArray[np.int64]]:
        return {}

    def nearest(self, k: int) -> NDArray[np.int64]:
        """Return the points nearest to each.

        Parameters
        ----------
        k : int
            At most so many.

        Returns
        -------
        ndarray of shape (n_rows, k), int64
            Positions; fewer columns where there are fewer points.
        """
        n = len(self.points)
        if n < 2:
            return np.empty((n, 0), dtype=np.int64)
        if k not in self._found:
            self._found[k] = nearest_rows(self.points @ self._axes, min(k, n - 1), n_threads=1).indices
        return self._found[k]

    def nearest_to(self, places: NDArray[np.float64], k: int) -> NDArray[np.int64]:
        """Return the points nearest to some places.

        Parameters
        ----------
        places : ndarray of shape (n_places, n_columns), float64
            Anywhere.
        k : int
            At most so many.

        Returns
        -------
        ndarray of shape (n_places, k), int64
            Positions; fewer columns where there are fewer points.
        """
        _, near = self._tree.query(places @ self._axes, k=np.arange(1, min(k, len(self.points)) + 1))
        return np.asarray(near, dtype=np.int64)

    def guess(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Make rows of points.

        Parameters
        ----------
        points : ndarray of shape (n_points, n_columns), float64
            Where real rows are supposed.

        Returns
        -------
        ndarray of shape (n_points, n_features), float64
            What geometry does not know, categories and columns that are often null, is what most of the synthetic
            rows nearest to the point have, or the median of them.
        """
        made = self.exposed.synthetic
        rows = np.empty((len(points), made.shape[1]))
        rows[:, self.columns] = points * self.exposed.units[self.columns] + self.middle
        rest = np.setdiff1d(np.arange(made.shape[1]), self.columns)
        if len(rest) and len(points):
            voters = made[self.kept[self.nearest_to(points, _VOTES)]]
            for j in rest:
                column = voters[:, :, j]
                rows[:, j] = _most_frequent(column) if self.exposed.categorical[j] else _median(column)
        return rows


def _most_frequent(votes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the value that stands most often in each row, of several the nearest one; a null counts as a value."""
    equal = (votes[:, :, None] == votes[:, None, :]) | (np.isnan(votes)[:, :, None] & np.isnan(votes)[:, None, :])
    winner = equal.sum(axis=2).argmax(axis=1)
    return np.take_along_axis(votes, winner[:, None], axis=1)[:, 0]


def _median(votes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the median of each row, a null where most are null."""
    null = np.isnan(votes).mean(axis=1) > 0.5
    middle = np.nanmedian(np.where(null[:, None], 0.0, votes), axis=1)
    return np.where(null, np.nan, middle)
