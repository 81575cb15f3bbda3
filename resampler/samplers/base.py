"""What every sampler here shares: tables in and out, remedies; for over-samplers a plan for each class, and draws."""

from __future__ import annotations

import dataclasses
import numbers
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from imblearn.utils import check_target_type
from scipy import sparse
from sklearn.utils import _safe_indexing, check_array, check_consistent_length, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import validate_data

from resampler.errors import InvalidInputError
from resampler.grids import GRIDS
from resampler.integers import are_wide
from resampler.methods.catalog import METHODS as CATALOG
from resampler.methods.oversample import Grown, oversample
from resampler.methods.parameters import MISSING, NO_DANGER, Missing, Parameters
from resampler.methods.quota import SUBGROUPS
from resampler.methods.table import Table
from resampler.metric import check_integers
from resampler.notices import warn
from resampler.relations import find_relations, without_bounds
from resampler.samplers.contain import are_foreign, contain, missing_in, refuse_missing, take_labels, to_labels
from resampler.samplers.containers import Container
from resampler.samplers.estimator_search import EstimatorSearch
from resampler.samplers.groups import GroupColumn
from resampler.samplers.kinds import kind_of_values, require
from resampler.samplers.matrix import append_synthetic
from resampler.samplers.plain import resampled_plain
from resampler.samplers.remedies import RefusedError, with_remedies
from resampler.search_rule import METHODS, rule_name
from resampler.secret import SecretKey, draw_seed
from resampler.tally import learn

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from resampler.methods.provenance import Provenance


def seed_from(random_state: object) -> int:
    """Turn scikit-learn's `random_state` into a seed.

    Parameters
    ----------
    random_state : int, RandomState or None
        An integer is its own seed.

    Returns
    -------
    int
        From 0 to 2**64 - 1.
    """
    if isinstance(random_state, numbers.Integral):
        return int(random_state)
    return int(check_random_state(random_state).randint(0, 2**63, dtype=np.int64))


SECRET_KEY: dict[str, Any] = {"secret_key": [SecretKey, str, None]}


def keyed_by(sampler: Any) -> dict[str, Any]:
    """Say what an over-sampler's draws are keyed on.

    Parameters
    ----------
    sampler : object
        With `random_state` and `secret_key`.

    Returns
    -------
    dict
        ``seed`` and ``shuffle`` of `resampler.methods.oversample.oversample`. Without a key rows come as bases take
        turns, so that those of a shorter request are the first of a longer one.

    Raises
    ------
    InvalidInputError
        If the key is not where it should be, or too short.
    """
    key = SecretKey.of(sampler.secret_key)
    return {"seed": draw_seed(seed_from(sampler.random_state), key), "shuffle": key is not None}


class TableMixin:
    """Mixin: any container in and out, real rows as they are, on top of one of imbalanced-learn's classes.

    imbalanced-learn sees the rows' numbers, or the container where a method needs none, and labels in an array. What
    comes back is put together here from the rows that were given.
    """

    _makes_values = True  # between real ones; else rows are only picked
    _needs_numbers = True
    _lengths_first = True
    _given: Container | None = None
    _codes: dict[int, NDArray[np.int64]] | None = None  # of columns that are carried along
    _names: tuple[Any, ...] = ()
    missing: Missing = "refuse"
    sample_indices_: NDArray[np.int64]

    _missing_constraint: ClassVar[dict[str, Any]] = {"missing": [StrOptions(set(MISSING))]}

    def fit_resample(self, X: Any, y: Any, **params: Any) -> tuple[Any, Any]:
        """Resample the data set.

        Parameters
        ----------
        X : {array-like, sparse matrix, pandas or Polars DataFrame, Arrow table} of shape (n_samples, n_features)
            The rows.
        y : array-like of shape (n_samples,)
            Their classes.
        **params : dict
            Passed on to the method.

        Returns
        -------
        X_resampled : of the type and dtypes of `X`
            The rows that were given, as they are, then the synthetic ones, class by class.
        y_resampled : of the type of `y`
            Their classes.
        """
        with with_remedies():
            refuse_missing(y)
            rows = contain(X)
            if rows is None:
                _refuse_times(X, makes_values=self._makes_values, needs_numbers=self._needs_numbers)
            names = None if rows is None else _feature_names(rows)
            self._given, self._names = rows, () if rows is None else tuple(rows.names)
            try:
                foreign = are_foreign(y)
                plain = None if rows is not None or foreign else resampled_plain(self, TableMixin, X, y, params)
                X_new, y_new = plain or super().fit_resample(  # type: ignore[misc]
                    self._visible(X), to_labels(y) if foreign else y, **params
                )
                if rows is not None:
                    X_new = self._put_together(rows, X_new)
                if foreign:
                    y_new = take_labels(y, self._sources(len(y)))
                if rows is not None and hasattr(y_new, "iloc") and hasattr(X_new, "iloc"):
                    y_new.index = X_new.index
            finally:
                self._given = self._codes = None
        if names is not None:
            self.feature_names_in_ = names
        return X_new, y_new

    def fit(self, X: Any, y: Any, **params: Any) -> Any:
        """Check the data set, and how many rows of each class there are to be; `fit_resample` does it all.

        Parameters
        ----------
        X : {array-like, sparse matrix, pandas or Polars DataFrame, Arrow table} of shape (n_samples, n_features)
            The rows.
        y : array-like of shape (n_samples,)
            Their classes.
        **params : dict
            Passed on to imbalanced-learn.

        Returns
        -------
        object
            The sampler itself.
        """
        with with_remedies():
            refuse_missing(y)
            rows = contain(X)
            names = None if rows is None else _feature_names(rows)
            self._given, self._names = rows, () if rows is None else tuple(rows.names)
            try:
                super().fit(self._visible(X), to_labels(y) if are_foreign(y) else y, **params)  # type: ignore[misc]
            finally:
                self._given = None
        if names is not None:
            self.feature_names_in_ = names
        return self

    def _visible(self, X: Any) -> Any:
        """Return what imbalanced-learn is shown."""
        if self._given is None:
            return X
        if not self._needs_numbers:
            return self._given
        return self._given.numbers(made=self._makes_values, codes=self._codes)

    def _picked(self, X: Any) -> Any:
        """Return rows at `sample_indices_`; a container's are taken later."""
        return X if self._given is not None else _safe_indexing(X, self.sample_indices_)

    def _put_together(self, rows: Container, X_new: Any) -> Any:  # noqa: ARG002 - where it cannot do without
        """Return the resampled rows in the container that was given; `X_new` is what the method returned."""
        return rows.take(self.sample_indices_)

    def _sources(self, n: int) -> NDArray[np.int64]:  # noqa: ARG002
        """Return the positions that the resampled rows' labels come from; there were n rows."""
        return self.sample_indices_

    def _check_X_y(self, X: Any, y: Any) -> Any:  # noqa: N802
        if isinstance(X, Container):
            checked = _check_labels(self, X, y)
        elif self.missing == "refuse":
            checked = super()._check_X_y(X, y)  # type: ignore[misc]
        else:
            checked = self._check_nulls_too(X, y)
        if self._lengths_first:
            check_consistent_length(*checked[:2])  # imbalanced-learn's random samplers do not
        return checked

    def _check_nulls_too(self, X: Any, y: Any) -> Any:
        """Check what imbalanced-learn checks, but that there is no null."""
        labels, one_vs_all = check_target_type(y, indicate_one_vs_all=True)
        rule = {"accept_sparse": ["csr", "csc"], "ensure_all_finite": "allow-nan"}
        return *validate_data(self, X=X, y=labels, reset=True, **rule), one_vs_all

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.input_tags.allow_nan |= self.missing != "refuse"
        return tags


def _check_labels(sampler: Any, rows: Container, y: Any) -> tuple[Container, Any, bool]:
    """Check what imbalanced-learn checks of rows that it does not look into."""
    labels, one_vs_all = check_target_type(y, indicate_one_vs_all=True)
    if 0 in rows.shape:
        check_array(np.empty(rows.shape))  # refuses it in scikit-learn's words
    sampler.n_features_in_ = rows.shape[1]
    return rows, labels, one_vs_all


def renumbered(X: Any) -> Any:
    """Give a frame's rows new labels.

    Parameters
    ----------
    X : object
        Rows in any container.

    Returns
    -------
    object
        The same; pandas' index is 0, 1, ...
    """
    return X.reset_index(drop=True) if hasattr(X, "iloc") else X


def _feature_names(rows: Container) -> NDArray[Any] | None:
    """Return the columns' names where all are text; a frame that mixes text with others is refused, as elsewhere."""
    names = rows.names
    text = [isinstance(name, str) for name in names]
    if any(text) and not all(text):
        types = sorted({type(name).__name__ for name in names})
        raise RefusedError(
            "Feature names are only supported if all input features have string names, but your input has "
            f"{types} as feature name / column name types. Remedy: X.columns = X.columns.astype(str)"
        )
    return np.array(names, dtype=object) if names and all(text) else None


def _refuse_times(X: Any, *, makes_values: bool, needs_numbers: bool) -> None:
    """Refuse an array of dates, which scikit-learn passes on as if they were numbers."""
    if needs_numbers and isinstance(X, np.ndarray) and X.dtype.kind in "mM":
        require(0, kind_of_values(X[:0].ravel()), made=makes_values)


class Synthesizer(TableMixin):
    """Mixin: over-sampling by interpolation, on top of one of imbalanced-learn's classes.

    A subclass names its method of `resampler.methods.catalog`, and says what it is asked for.
    """

    k_neighbors: Any
    neighbors: str
    group_by: int | str | None
    subgroups: str
    grid: str = "off"
    relations: str = "off"
    random_state: Any
    secret_key: SecretKey | str | None = None
    sampling_strategy_: dict[Any, int]
    provenance_: Provenance
    neighbors_recall_: dict[Any, float]
    neighbors_exact_: dict[Any, bool]
    neighbors_rule_: str

    _neighbors_constraint: ClassVar[dict[str, Any]] = {
        "neighbors": [StrOptions(set(METHODS))],
        "group_by": [Interval(numbers.Integral, 0, None, closed="left"), str, None],
        "subgroups": [StrOptions(set(SUBGROUPS))],
        **TableMixin._missing_constraint,
        **SECRET_KEY,
    }
    _grid_constraint: ClassVar[dict[str, Any]] = {
        "grid": [StrOptions(set(GRIDS))],
        "relations": [StrOptions({"off", "keep"})],
    }
    _danger_constraint: ClassVar[dict[str, Any]] = {"no_danger": [StrOptions(set(NO_DANGER))]}

    def fit_resample(
        self, X: Any, y: Any, *, groups: Any = None, row_ids: Any = None, **params: Any
    ) -> tuple[Any, Any]:
        """Resample the data set.

        Parameters
        ----------
        X : {array-like, sparse matrix, pandas or Polars DataFrame, Arrow table} of shape (n_samples, n_features)
            The rows.
        y : array-like of shape (n_samples,)
            Their classes.
        groups : array-like of shape (n_samples,), optional
            The subgroup of each row, in place of `group_by`. It can be routed through a pipeline:
            ``set_fit_resample_request(groups=True)``.
        row_ids : array-like of shape (n_samples,), int64, optional
            Distinct identities, 0 or more: a row's synthetic rows stay the same bits when other rows come or go, and
            are those that a snapshot of rows with these ids has. By default a row's place within its class.
        **params : dict
            Passed on to the method.

        Returns
        -------
        X_resampled : of the type and dtypes of `X`
            The rows that were given, then the synthetic ones, class by class.
        y_resampled : of the type of `y`
            Their classes.
        """
        self._codes = None
        if self.group_by is not None and groups is None:
            with with_remedies():
                self._validate_params()  # type: ignore[attr-defined]
                column = GroupColumn(X, self.group_by)
            groups = column.values
            if column.is_text and self._must_be_numeric:
                self._codes = {column.at: np.unique(groups, return_inverse=True)[1]}
        return super().fit_resample(X, y, groups=groups, row_ids=row_ids, **params)

    def _put_together(self, rows: Container, X_new: Any) -> Any:  # noqa: ARG002
        return rows.followed_by(rows.made(self.provenance_))

    def _sources(self, n: int) -> NDArray[np.int64]:
        return np.concatenate([np.arange(n), self.provenance_.sources])

    _must_be_numeric = True
    _method: str

    def _table(self, X: Any, y: NDArray[Any]) -> Table:
        """Return the rows as the method sees them."""
        return Table(X, y, names=self._names)

    def _parameters(self) -> Parameters:
        """Return what the method is asked for."""
        return Parameters(self.k_neighbors)

    def _asked(self) -> dict[str, Any]:
        """Return what `oversample` is asked for, whatever the rows; how many of each class is known by then."""
        return {
            "method": self._method,
            "wanted": self.sampling_strategy_,
            "parameters": dataclasses.replace(self._parameters(), missing=self.missing),
            "subgroups": self.subgroups,
            **keyed_by(self),
        }

    def _fit_resample(
        self, X: Any, y: NDArray[Any], groups: Any = None, row_ids: Any = None
    ) -> tuple[Any, NDArray[Any]]:
        self._validate_estimator()  # type: ignore[attr-defined]
        self.neighbors_recall_, self.neighbors_exact_ = {}, {}
        self.neighbors_rule_ = rule_name(self.neighbors)
        table = self._table(X, y)
        if groups is not None:
            table = table._replace(groups=_checked(groups, len(y)))
        if row_ids is not None:
            table = table._replace(row_ids=identities(row_ids, len(y)))
        asked = self._asked()
        least = asked["parameters"].group_size if CATALOG[self._method].hardens else 1
        table = keeping(table, self.grid, self.relations, self._given, self._codes or (), rows=least)
        search = EstimatorSearch(self.neighbors_rule_, self.neighbors_recall_, exact=self.neighbors_exact_)
        done = oversample(table, search=search, strict=False, **asked)
        self._learn(done.grown)
        for grown in done.grown:
            if grown.penalty is None and grown.bases.size and _all_equal(X, grown.bases):
                warn(
                    f"{grown.part.name}: the {len(grown.bases)} rows that synthetic ones start from are all equal, so "
                    "these are copies of them: drop constant columns, and resample before you round or bin",
                    UserWarning,
                )
        self.provenance_ = done.provenance
        if self._codes:
            carried = self.provenance_.sources[:, None]
            self.provenance_ = self.provenance_._replace(
                donor=carried, categorical_features=np.array(list(self._codes))
            )
        y_new = np.concatenate([y, self.provenance_.label])
        return (append_synthetic(X, self.provenance_) if self._given is None else X), y_new

    def _learn(self, grown: tuple[Grown, ...]) -> None:
        """Keep what users may ask of the fitted sampler."""


def keeping(
    table: Table, grid: str, relations: str, given: Container | None, carried: Collection[int] = (), *, rows: int = 1
) -> Table:
    """Learn from all rows what synthetic ones are to keep.

    Parameters
    ----------
    table : Table
        The rows.
    grid : {"off", "auto"}
        Whether values are put on grids.
    relations : {"off", "keep"}
        Whether columns that follow from others do so.
    given : Container, optional
        What their numbers are from.
    carried : collection of int
        Columns that are carried along.
    rows : int
        Rows that must hold a value or a bound for it to be kept.

    Returns
    -------
    Table
        With grids and relations of the columns that are interpolated, and not in integers.

    Raises
    ------
    InvalidInputError
        If relations are to be kept without grids.
    """
    if grid == "off":
        if relations == "keep":
            raise InvalidInputError(
                "relations='keep' goes with grid='auto', got grid='off': whole numbers would part when they are rounded"
            )
        return table
    X = table.X.toarray() if sparse.issparse(table.X) else np.asarray(table.X)
    made = np.ones(X.shape[1], dtype=np.bool_) if table.categorical is None else ~table.categorical
    made[list(carried)] = False
    numeric = [
        j
        for j in np.flatnonzero(made).tolist()
        if not (given is not None and given.is_wide(j)) and not (X.dtype.kind in "iu" and are_wide(X[:, j]))
    ]
    found = find_relations(X, numeric) if relations == "keep" else []
    return table._replace(grids=without_bounds(learn(X, numeric, rows), found), relations=tuple(found))


def _all_equal(X: Any, rows: NDArray[np.int64]) -> bool:
    if not isinstance(X, np.ndarray) or len(rows) < 2 or not np.array_equal(X[rows[0]], X[rows[1]]):
        return False  # two rows nearly always suffice, and a sparse matrix has better to do
    return bool((X[rows] == X[rows[0]]).all())


def identities(row_ids: Any, n_samples: int) -> NDArray[np.int64]:
    """Check rows' identities.

    Parameters
    ----------
    row_ids : array-like of shape (n_samples,)
        What a user gave.
    n_samples : int
        How many rows there are.

    Returns
    -------
    ndarray of shape (n_samples,), int64
        The same.

    Raises
    ------
    InvalidInputError
        If they are not distinct integers of 0 or more, one a row.
    """
    ids = check_integers("row_ids", row_ids, n_samples)
    if n_samples and (ids.min() < 0 or len(np.unique(ids)) != n_samples):
        raise InvalidInputError(f"row_ids must be {n_samples} distinct integers of 0 or more, one a row")
    return ids


def _checked(groups: Any, n_samples: int) -> NDArray[Any]:
    values = np.asarray(groups)
    if values.shape != (n_samples,):
        raise InvalidInputError(f"groups must be {n_samples} values, one a row, got shape {values.shape}")
    if missing := missing_in(groups):
        raise InvalidInputError(
            f"groups must say the subgroup of every row, got {missing} rows without: give these a subgroup of their "
            "own, or drop them"
        )
    return values if values.dtype.kind in "iubf" else values.astype(str)
