"""`Space`: how far rows are apart, nulls and categories among them, and which are nearest."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from resampler.metric import make_penalty
from resampler.neighbors import nearest_rows
from resampler.resolution import deviations

if TYPE_CHECKING:
    from numpy.typing import NDArray

NEAR = 1e-6  # units: rows that are no further apart in any column say the same


class Space(NamedTuple):
    """A distance: squared differences in units, a penalty for each category that differs, over what both rows have.

    Parameters
    ----------
    inverse : ndarray of shape (n_features,), float64
        What columns are multiplied by, 1 for categorical ones.
    penalty : ndarray of shape (n_features,), float64
        What a category that differs adds; below 0 for a numeric column.
    """

    inverse: NDArray[np.float64]
    penalty: NDArray[np.float64]

    @classmethod
    def of(cls, X: NDArray[np.float64], categorical: NDArray[np.bool_], units: NDArray[np.float64]) -> Space:
        """Fit the penalty to rows, by SMOTENC's rule.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_features), float64
            The rows.
        categorical : ndarray of shape (n_features,), bool
            Which columns hold codes.
        units : ndarray of shape (n_features,), float64
            Units of distance.

        Returns
        -------
        Space
            The distance.
        """
        numeric = np.flatnonzero(~categorical)
        spreads = np.array([spread(X[:, j]) for j in numeric]) / units[numeric]
        penalty = make_penalty(categorical, spreads, X.shape[1])
        if not penalty[categorical].all():  # all numbers are constant
            penalty[categorical] = 1.0
        return cls(np.where(categorical, 1.0, 1.0 / units), penalty)

    def rounded(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Round rows, so that those which are nearly the same are equal.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_features), float64
            The rows.

        Returns
        -------
        ndarray of shape (n_rows, n_features), float64
            In steps of `NEAR` units; categories as they are.
        """
        return np.rint(X * np.where(self.penalty < 0, self.inverse / NEAR, 1.0))

    def nearest(
        self, X: NDArray[np.float64], k: int, ids: NDArray[np.int64], queries: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Find the k rows nearest to some of the rows.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_features), float64
            The rows.
        k : int
            How many neighbours, below n_rows.
        ids : ndarray of shape (n_rows,), int64
            Distinct; they decide between equal distances.
        queries : ndarray of shape (n_queries,), int64
            Positions of the rows to find neighbours of.

        Returns
        -------
        ndarray of shape (n_queries, k), int64
            Positions; a row is never its own neighbour.
        """
        infinite = np.isinf(X)
        if infinite.any():  # no distance can be taken of such a value: it is none, like a null
            X = np.where(infinite, np.nan, X)
        found = nearest_rows(
            X, k, queries=queries, row_ids=ids, inverse_scale=self.inverse, penalty=self.penalty, method="auto"
        )
        return found.indices

    def nearest_to(self, queries: NDArray[np.float64], X: NDArray[np.float64]) -> NDArray[np.int64]:
        """Find the row nearest to each of some rows that are not among them.

        Parameters
        ----------
        queries : ndarray of shape (n_queries, n_features), float64
            Other rows.
        X : ndarray of shape (n_rows, n_features), float64
            Where to look.

        Returns
        -------
        ndarray of shape (n_queries,), int64
            Positions, ties to the first.
        """
        columns = np.ascontiguousarray(X.T)  # a column of all rows at a time: it stays in the cache
        return np.array([self._squared(query[:, None], columns).argmin() for query in queries], dtype=np.int64)

    def between(self, first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
        """Measure pairs of rows.

        Parameters
        ----------
        first, second : ndarray of shape (n_pairs, n_features), float64
            The rows.

        Returns
        -------
        ndarray of shape (n_pairs,), float64
            Their distances, infinite where no column has a value in both.
        """
        return np.sqrt(self._squared(first.T, second.T))

    def _squared(self, first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return squared distances of rows that are given as columns."""
        shape = np.broadcast_shapes(first.shape[1:], second.shape[1:])
        total, common = np.zeros(shape), np.zeros(shape)
        for a, b, inverse, penalty in zip(first, second, self.inverse, self.penalty, strict=True):
            with np.errstate(invalid="ignore"):
                difference = np.subtract(a, b)
            held = np.isfinite(difference)
            part = (difference * inverse) ** 2 if penalty < 0 else (difference != 0) * penalty
            total += np.where(held, part, 0.0)
            common += held
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(common > 0, total * (len(self.inverse) / common), np.inf)


def spread(column: NDArray[np.float64]) -> float:
    """Return the standard deviation of a column, of huge and tiny numbers too.

    Parameters
    ----------
    column : ndarray of shape (n_rows,), float64
        What is not finite does not count.

    Returns
    -------
    float
        0 where there is no value.
    """
    finite = column[np.isfinite(column)]
    return float(deviations(finite[:, None])[0]) if len(finite) else 0.0
