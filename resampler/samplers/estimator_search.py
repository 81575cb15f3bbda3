"""Neighbours that an object of scikit-learn's kind finds, where an estimator is given one in place of a number."""

from __future__ import annotations

import numbers
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone

from resampler.errors import InvalidInputError
from resampler.methods.missing import nulls_in
from resampler.methods.table import Search

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from resampler.methods.table import Table


class EstimatorSearch(Search):
    """A search by the number of neighbours, or by an object of scikit-learn's kind that counts the row itself."""

    def count(self, k: Any) -> int:
        """Return how many neighbours are asked for.

        Parameters
        ----------
        k : int or object
            The parameter.

        Returns
        -------
        int
            Without the row itself.
        """
        return int(k) if isinstance(k, numbers.Integral) else k.n_neighbors - 1

    def find(
        self, table: Table, rows: NDArray[Any], queries: NDArray[np.int64], k: Any, key: Any, penalty: Any, among: Any
    ) -> NDArray[np.int64]:
        """Find neighbours among rows.

        Parameters
        ----------
        table, rows, queries, key, penalty, among
            As `Search.find`.
        k : int or object
            How many, or what finds them: it is cloned and fitted on the rows.

        Returns
        -------
        ndarray of shape (n_queries, count(k)), int64
            Positions in `rows`.

        Raises
        ------
        InvalidInputError
            If an object would have to measure categories beside nulls.
        """
        if isinstance(k, numbers.Integral):
            return super().find(table, rows, queries, k, key, penalty, among)
        if penalty is not None and nulls_in(rows) is not None:
            raise InvalidInputError(
                "a neighbours object is shown categories as columns of 0 and 1, which have no nulls: give k_neighbors "
                "as a number, or missing='complete'"
            )
        rows = rows if penalty is None else _one_hot(rows, penalty)
        return others_found(clone(k).fit(rows), rows, queries)


def _one_hot(rows: NDArray[Any], penalty: NDArray[np.float64]) -> NDArray[Any]:
    """Return rows whose Euclidean distance is the mixed one: all that a neighbours object of others knows."""
    half = np.sqrt(penalty / 2, where=penalty >= 0, out=np.zeros(len(penalty)))
    columns = [(rows[:, [j]] == np.unique(rows[:, j])) * half[j] for j in np.flatnonzero(penalty >= 0)]
    return np.concatenate([rows[:, penalty < 0], *columns], axis=1)


def others_found(estimator: Any, rows: NDArray[Any], queries: NDArray[np.int64]) -> NDArray[np.int64]:
    """Ask a fitted neighbours object, leaving each row itself out.

    Parameters
    ----------
    estimator : object
        Fitted on `rows`; its ``n_neighbors`` counts the row itself, as imbalanced-learn has it.
    rows : ndarray of shape (n_samples, n_features)
        The rows.
    queries : ndarray of shape (n_queries,), int64
        Positions of those to find neighbours of.

    Returns
    -------
    ndarray of shape (n_queries, n_neighbors - 1), int64
        Positions; the row itself is looked for, since among duplicates it may come anywhere or not at all.
    """
    indices = estimator.kneighbors(rows[queries], return_distance=False)
    itself = indices == queries[:, None]
    others = np.argsort(itself, axis=1, kind="stable")[:, : indices.shape[1] - 1]
    return np.take_along_axis(indices, others, axis=1)
