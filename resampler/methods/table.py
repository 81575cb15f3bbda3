"""`Table`: the rows that a method sees, and how their neighbours are found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse

from resampler.errors import DataError
from resampler.integers import are_wide, offsets
from resampler.layout import as_kernel_rows
from resampler.metric import make_penalty
from resampler.neighbors import nearest_rows
from resampler.resolution import deviations
from resampler.schema import check_magnitude

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from resampler.grids import Grid
    from resampler.relations import Relation


class Table(NamedTuple):
    """Rows of several classes.

    Parameters
    ----------
    X : {ndarray, sparse matrix} of shape (n_samples, n_features)
        The rows, categorical columns as codes; NaN is a null.
    y : ndarray of shape (n_samples,)
        Class of each.
    row_ids : ndarray of shape (n_samples,), int64, or None
        Identities, 0 or more and distinct, that key the draws and decide between equal distances; None keys a row by
        its place within its class and subgroup.
    categorical : ndarray of shape (n_features,), bool, or None
        Which columns hold codes; None means none.
    units : ndarray of shape (n_features,), float64, or None
        A difference of a column's unit counts as 1 when neighbours are sought; None means 1.
    names : sequence of str
        Of the columns, for messages; may be empty.
    space : ndarray of shape (n_samples, n_dimensions), or None
        Where neighbours are sought in place of `X`.
    groups : ndarray of shape (n_samples,), or None
        Subgroup of each row: rows of two are never joined.
    around : tuple of ndarray of shape (n_all,), or None
        Class and subgroup of all rows, where the table holds only some classes; no subgroups may be None.
    grids : tuple of Grid or None, optional
        By column, what synthetic values are put on; by default they lie anywhere.
    relations : tuple of Relation
        Which columns follow from others, and are to do so in synthetic rows.
    """

    X: Any
    y: NDArray[Any]
    row_ids: NDArray[np.int64] | None = None
    categorical: NDArray[np.bool_] | None = None
    units: NDArray[np.float64] | None = None
    names: Sequence[Any] = ()
    space: NDArray[Any] | None = None
    groups: NDArray[Any] | None = None
    around: tuple[NDArray[Any], NDArray[Any] | None] | None = None
    grids: tuple[Grid | None, ...] | None = None
    relations: tuple[Relation, ...] = ()

    def take(self, rows: NDArray[np.int64]) -> Table:
        """Return some of the rows.

        Parameters
        ----------
        rows : ndarray of shape (n_taken,), int64
            Their positions.

        Returns
        -------
        Table
            In that order.
        """
        return self._replace(
            X=self.X[rows],
            y=self.y[rows],
            row_ids=None if self.row_ids is None else self.row_ids[rows],
            space=None if self.space is None else self.space[rows],
            groups=None if self.groups is None else self.groups[rows],
        )

    @property
    def measured(self) -> Any:
        """The rows in units of distance, for what is not a search: clusters, support vectors, directions.

        Raises
        ------
        ContractError
            If a value is beyond 1e16 units, whose square may overflow.
        """
        if not sparse.issparse(self.X) and self.X.dtype.kind == "f":
            _check(self.X, self.names, self.units)
        if self.units is None:
            return self.X
        return (self.X / self.units).astype(self.X.dtype if self.X.dtype.kind == "f" else np.float64)

    def penalty_of(self, members: NDArray[np.int64]) -> NDArray[np.float64] | None:
        """Return what a differing category counts among rows of a class; None where no column is categorical.

        Parameters
        ----------
        members : ndarray of shape (n_members,), int64
            Positions of the class.

        Returns
        -------
        ndarray of shape (n_features,), float64, or None
            As `resampler.metric.make_penalty` gives it.
        """
        if self.categorical is None or not self.categorical.any() or self.space is not None:
            return None
        numeric = np.flatnonzero(~self.categorical)
        spread = deviations(self.X[np.ix_(members, numeric)])
        if self.units is not None:
            spread = spread / self.units[numeric]
        return make_penalty(self.categorical, spread, self.X.shape[1])


def dense_rows(X: Any, names: Sequence[Any] = (), units: NDArray[np.float64] | None = None) -> NDArray[Any]:
    """Return rows in the form that kernels read.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Numbers.
    names : sequence of str
        Of the columns, for the message.
    units : ndarray of shape (n_features,), float64, optional
        Units of distance, by default 1.

    Returns
    -------
    ndarray of shape (n_samples, n_features), float32 or float64
        Wide integers are counted from the least of their column: distances stay what they are.

    Raises
    ------
    InvalidInputError
        If a value is beyond 1e16 units, where distances could overflow.
    """
    dense = X.toarray() if sparse.issparse(X) else np.asarray(X)
    if dense.dtype.kind in "iu" and are_wide(dense):
        dense = np.stack([offsets(column) for column in dense.T], axis=1)
    rows = as_kernel_rows(dense)
    _check(rows, names, units)
    return rows


def _check(rows: NDArray[Any], names: Sequence[Any], units: NDArray[np.float64] | None) -> None:
    n_features = rows.shape[1]
    check_magnitude(
        rows,
        np.ones(n_features) if units is None else units,
        names or [f"column {j}" for j in range(n_features)],
        np.ones(n_features, dtype=np.bool_),  # what nulls are is said before
    )


@dataclass
class Search:
    """How neighbours are found, and how well.

    Parameters
    ----------
    method : str
        One of `resampler.search_rule.METHODS`: see `resampler.neighbors.nearest_rows`.
    recall : dict
        For each class, or (class, subgroup), the share of true neighbours that a sample of its rows found.
    least_recall : float, optional
        The share of true neighbours that is asked for, whatever the method: see there.
    intervals : dict
        Likewise, the ends of its 95 % interval; without those that are not known.
    exact : dict
        Likewise, whether all of its searches were exact.
    """

    method: str = "exact"
    recall: dict[Any, float] = field(default_factory=dict)
    least_recall: float | None = None
    intervals: dict[Any, tuple[float, float]] = field(default_factory=dict)
    exact: dict[Any, bool] = field(default_factory=dict)

    def count(self, k: Any) -> int:
        """Return how many neighbours are asked for.

        Parameters
        ----------
        k : int
            The parameter.

        Returns
        -------
        int
            1 or more.
        """
        return int(k)

    def find(
        self, table: Table, rows: NDArray[Any], queries: NDArray[np.int64], k: Any, key: Any, penalty: Any, among: Any
    ) -> NDArray[np.int64]:
        """Find neighbours among rows.

        Parameters
        ----------
        table : Table
            Whose rows they are.
        rows : ndarray of shape (n_rows, n_dimensions)
            Dense.
        queries : ndarray of shape (n_queries,), int64
            Positions in `rows`.
        k : int
            How many.
        key : object
            What the recall is kept under.
        penalty : ndarray of shape (n_dimensions,), or None
            What a differing category counts.
        among : ndarray of shape (n_rows,), int64
            Positions of `rows` in the table.

        Returns
        -------
        ndarray of shape (n_queries, k), int64
            Positions in `rows`.
        """
        units = None if table.units is None or table.space is not None else 1.0 / table.units
        ids = None if table.row_ids is None else table.row_ids[among]
        found = nearest_rows(
            rows,
            self.count(k),
            queries=queries,
            row_ids=ids,
            inverse_scale=units,
            penalty=penalty,
            method=self.method,
            recall=self.least_recall,
        )
        self.keep(key, found.recall, found.interval, exact=found.exact)
        return found.indices

    def keep(self, key: Any, recall: float, interval: tuple[float, float] | None, *, exact: bool) -> None:
        """Keep what share of a class's true neighbours was found: of several searches the least.

        Parameters
        ----------
        key : object
            Class, or class and subgroup.
        recall : float
            Of this search.
        interval : tuple of float, or None
            Of 95 %, about it.
        exact : bool
            Whether all were found.
        """
        self.exact[key] = exact and self.exact.get(key, True)
        if recall > self.recall.get(key, 1.0):
            return
        self.recall[key] = recall
        self.intervals.pop(key, None)
        if interval is not None:
            self.intervals[key] = interval


def too_few(count: int, of: str, got: int, n_synthetic: int) -> DataError:
    """Return the error of a search among too few rows.

    Parameters
    ----------
    count : int
        Neighbours that are asked for.
    of : str
        What rows they are.
    got : int
        How many there are.
    n_synthetic : int
        Synthetic rows that were wanted.

    Returns
    -------
    DataError
        To be raised.
    """
    return DataError(
        f"{count} neighbours need at least {count + 1} rows of {of}, got {got}, so 0 of {n_synthetic} synthetic rows "
        "could be made: ask for fewer neighbours or gather more rows"
    )
