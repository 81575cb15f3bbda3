"""Over-sampling with categorical columns, by codes and votes: `SMOTENC` and `SMOTEN`."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from imblearn import over_sampling
from imblearn.utils import check_target_type
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import DataConversionWarning
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder
from sklearn.utils import _safe_indexing, check_consistent_length
from sklearn.utils._indexing import _get_column_indices
from sklearn.utils.validation import validate_data

from resampler.errors import InvalidInputError
from resampler.methods.table import Table, dense_rows
from resampler.samplers.base import Synthesizer
from resampler.samplers.containers import Container
from resampler.samplers.kinds import CATEGORIES, missing_cells, refuse_lists

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from resampler.grids import Grids
    from resampler.methods.oversample import Grown
    from resampler.methods.parameters import Missing
    from resampler.secret import SecretKey


class SMOTENC(Synthesizer, over_sampling.SMOTENC):  # type: ignore[misc]
    """Over-sample rows of numeric and categorical columns; categories are the vote of the base's neighbours.

    Parameters
    ----------
    categorical_features : "auto" or array-like
        Column numbers, names or a mask, as in imbalanced-learn; "auto" takes a frame's categorical columns,
        dictionaries of Arrow among them.
    categorical_encoder : object or None
        A one-hot encoder that fixes the categories; rows are never encoded by it.
    sampling_strategy, random_state, k_neighbors, neighbors, group_by, subgroups, grid, relations, missing, \
secret_key
        As in `SMOTE`.

    Attributes
    ----------
    sampling_strategy_
        As in `SMOTE`.
    nn_k_
        As in `SMOTE`.
    neighbors_recall_
        As in `SMOTE`.
    neighbors_exact_
        As in `SMOTE`.
    neighbors_rule_
        As in `SMOTE`.
    n_features_in_
        As in `SMOTE`.
    feature_names_in_
        As in `SMOTE`: only where `X` has names.
    categorical_encoder_ : object
        The encoder, fitted.
    categorical_features_ : ndarray of shape (n_categorical,), int64
        Positions of the categorical columns.
    continuous_features_ : ndarray of shape (n_numeric,), int64
        Positions of the numeric columns.
    n_features_ : int
        As `n_features_in_`.
    median_std_ : dict
        For each class the median of the numeric columns' standard deviations: what a differing category counts.
    provenance_ : Provenance
        As in `SMOTE`, with the rows that categories were copied from.

    References
    ----------
    Chawla, Bowyer, Hall, Kegelmeyer: SMOTE. JAIR 16 (2002), section 6.1. Ties of the vote go to the lowest category.
    """

    _method = "smotenc"
    _must_be_numeric = False
    _needs_numbers = False
    _lengths_first = False  # imbalanced-learn's checks of the columns come before
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **over_sampling.SMOTENC._parameter_constraints,
        **Synthesizer._neighbors_constraint,
        **Synthesizer._grid_constraint,
    }

    def __init__(
        self,
        categorical_features: Any,
        *,
        categorical_encoder: Any = None,
        sampling_strategy: Any = "auto",
        random_state: Any = None,
        k_neighbors: Any = 5,
        neighbors: str = "auto",
        group_by: int | str | None = None,
        subgroups: str = "within",
        grid: Grids = "off",
        relations: str = "off",
        missing: Missing = "refuse",
        secret_key: SecretKey | str | None = None,
    ) -> None:
        super().__init__(
            categorical_features,
            categorical_encoder=categorical_encoder,
            sampling_strategy=sampling_strategy,
            random_state=random_state,
            k_neighbors=k_neighbors,
        )
        self.neighbors = neighbors
        self.group_by = group_by
        self.subgroups = subgroups
        self.grid = grid
        self.relations = relations
        self.missing = missing
        self.secret_key = secret_key

    def _check_nulls_too(self, X: Any, y: Any) -> Any:
        return over_sampling.SMOTENC._check_X_y(self, X, y)  # looks into no cell

    def _validate_column_types(self, X: Any) -> None:
        rows = X if isinstance(X, Container) else None
        frame = rows is not None and hasattr(rows.given, "iloc")
        if not isinstance(self.categorical_features, str):
            names = () if frame else self._names
            given = X if rows is None or not (frame or isinstance(rows.given, np.ndarray)) else rows.given
            self.categorical_features_ = _positions(given, names, self.categorical_features)
        elif rows is None or not (frame or rows.names):
            super()._validate_column_types(X if rows is None else rows.given)
            return
        else:
            kinds = [rows.kind(j) for j in range(rows.shape[1])]
            self.categorical_features_ = np.flatnonzero([k == CATEGORIES if frame else not k.made for k in kinds])
        self.continuous_features_ = np.setdiff1d(np.arange(X.shape[1]), self.categorical_features_)

    def _fit_resample(
        self, X: Any, y: NDArray[Any], groups: Any = None, row_ids: Any = None
    ) -> tuple[Any, NDArray[Any]]:
        self.n_features_ = X.shape[1]
        self._validate_column_types(X)
        self._validate_estimator()
        check_consistent_length(X, y)
        if isinstance(X, Container):
            for j in range(X.shape[1]):
                kind = X.kind(j)
                if j in self.categorical_features_:
                    refuse_lists(X.name(j), kind)
                elif not kind.made:
                    raise InvalidInputError(
                        f"columns outside categorical_features must be numbers: column {X.name(j)!r} of X holds "
                        f"{kind.what}; name such a column in it"
                    )
            numeric = X.numbers(self.continuous_features_)
        else:
            numeric = _safe_indexing(X, self.continuous_features_, axis=1) if self.categorical_features_.size else X
        names = [self._names[j] for j in self.continuous_features_] if self._names else ()
        rows = dense_rows(self._check_numeric(numeric), names)
        self._coded = rows
        if self.categorical_features_.size:
            self._coded = np.empty((X.shape[0], X.shape[1]), dtype=rows.dtype)
            self._coded[:, self.continuous_features_] = rows
            self._coded[:, self.categorical_features_] = self._encode(X)
        try:
            return super()._fit_resample(X, y, groups, row_ids)
        finally:
            del self._coded

    def _check_numeric(self, numeric: Any) -> NDArray[Any]:
        dense = numeric.toarray() if sparse.issparse(numeric) else np.asarray(numeric)
        try:
            rows = dense if dense.dtype.kind in "fiub" else dense.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise InvalidInputError(
                f"columns outside categorical_features must be numbers: {error}; name such a column in it"
            ) from error
        if not np.isfinite(rows).all() and (self.missing == "refuse" or np.isinf(rows).any()):
            raise InvalidInputError("Input X contains NaN or infinity in a numeric column: impute or drop it first")
        return rows

    def _encode(self, X: Any) -> NDArray[Any]:
        """Return the codes of the categorical columns; the encoder's own order of categories is that of the codes."""
        if isinstance(X, Container):
            values = X.cells(self.categorical_features_)
        else:
            values = _safe_indexing(X, self.categorical_features_, axis=1)
            values = values.toarray() if sparse.issparse(values) else values
        default = OneHotEncoder(handle_unknown="ignore")
        self.categorical_encoder_ = default if self.categorical_encoder is None else clone(self.categorical_encoder)
        self.categorical_encoder_.fit(values)
        categories = self.categorical_encoder_.categories_
        made, needed = len(self.categorical_encoder_.get_feature_names_out()), sum(c.size for c in categories)
        if made != needed:
            raise InvalidInputError(
                "SMOTENC requires a one-hot encoding with one column per category for the categorical features, "
                f"got {made} columns for {needed} categories: give an encoder that neither drops nor merges any"
            )
        codes = OrdinalEncoder(
            categories=categories, handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2
        )
        found = codes.fit_transform(values)
        if self.missing != "refuse":  # else a null is a category
            found[missing_cells(values)] = np.nan
        return found

    def _table(self, X: Any, y: NDArray[Any]) -> Table:  # noqa: ARG002
        mask = np.isin(np.arange(self.n_features_), self.categorical_features_)
        return Table(self._coded, y, categorical=mask, names=self._names)

    def _learn(self, grown: tuple[Grown, ...]) -> None:
        at = self.categorical_features_[:1]
        self.median_std_ = {
            each.part.key: float(np.sqrt(each.penalty[at][0])) for each in grown if each.penalty is not None
        }


def _positions(X: Any, names: tuple[str, ...], features: Any) -> NDArray[np.int64]:
    """Return the positions of columns given as numbers, names or a mask; `names` are those that `X` has lost."""
    entries = np.asarray(features, dtype=object)
    asked, n_columns = entries.tolist(), X.shape[1]
    is_mask = entries.size > 0 and all(isinstance(c, bool | np.bool_) for c in entries.flat)
    if entries.ndim != 1 or (is_mask and len(asked) != n_columns):
        raise InvalidInputError(
            f"categorical_features must be a list of columns or a mask of all {n_columns}, got shape {entries.shape}: "
            "give column numbers, names or a mask"
        )
    if names and all(isinstance(c, str) for c in asked):
        if missing := [c for c in asked if c not in names]:
            raise InvalidInputError(
                f"categorical_features must be among the columns {list(names)}, got {missing}: name others, or numbers"
            )
        at = [names.index(c) for c in asked]
    else:
        at = _get_column_indices(np.empty((0, n_columns)) if isinstance(X, Container) else X, asked)
    if len(set(at)) < len(at):
        raise InvalidInputError(f"categorical_features must name a column once, got {asked}: drop the repeats")
    return np.array(at, dtype=np.int64)


class SMOTEN(Synthesizer, over_sampling.SMOTEN):  # type: ignore[misc]
    """Over-sample rows of categorical columns alone: the vote of a base and its neighbours by value difference.

    Parameters
    ----------
    categorical_encoder : object or None
        Ordinal encoder of the columns; by default `OrdinalEncoder`.
    sampling_strategy, random_state, k_neighbors, neighbors, group_by, subgroups, missing, secret_key
        As in `SMOTE`.

    Attributes
    ----------
    sampling_strategy_
        As in `SMOTE`.
    nn_k_
        As in `SMOTE`.
    neighbors_recall_
        As in `SMOTE`.
    neighbors_exact_
        As in `SMOTE`.
    neighbors_rule_
        As in `SMOTE`.
    n_features_in_
        As in `SMOTE`.
    feature_names_in_
        As in `SMOTE`: only where `X` has names.
    categorical_encoder_ : object
        The encoder, fitted.
    categorical_features_ : ndarray of shape (n_categorical,), int64
        Positions of the categorical columns.
    provenance_ : Provenance
        All columns come from donors; the step is 0 and the neighbour plays no part.

    Notes
    -----
    The value difference of two categories of a column depends on the column alone, so each category is placed in a
    space of class frequencies and the search is an ordinary one: no n x n matrix. That is the value difference
    metric with exponent 2, where imbalanced-learn takes 1; between two classes both order rows alike.

    References
    ----------
    Chawla et al.: SMOTE. JAIR 16 (2002), section 6.2. Stanfill, Waltz: Toward memory-based reasoning (1986).
    """

    _method = "smoten"
    _must_be_numeric = False
    _needs_numbers = False
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **over_sampling.SMOTEN._parameter_constraints,
        **Synthesizer._neighbors_constraint,
    }

    def __init__(
        self,
        categorical_encoder: Any = None,
        *,
        sampling_strategy: Any = "auto",
        random_state: Any = None,
        k_neighbors: Any = 5,
        neighbors: str = "auto",
        group_by: int | str | None = None,
        subgroups: str = "within",
        missing: Missing = "refuse",
        secret_key: SecretKey | str | None = None,
    ) -> None:
        super().__init__(
            categorical_encoder,
            sampling_strategy=sampling_strategy,
            random_state=random_state,
            k_neighbors=k_neighbors,
        )
        self.neighbors = neighbors
        self.group_by = group_by
        self.subgroups = subgroups
        self.missing = missing
        self.secret_key = secret_key

    def _visible(self, X: Any) -> Any:
        rows = self._given
        if rows is None:
            return X
        for j in range(rows.shape[1]):
            refuse_lists(rows.name(j), rows.kind(j))
        return rows.cells()

    def _check_nulls_too(self, X: Any, y: Any) -> Any:
        labels, one_vs_all = check_target_type(y, indicate_one_vs_all=True)
        rule = {"dtype": None, "accept_sparse": ["csr", "csc"], "ensure_all_finite": "allow-nan"}
        return *validate_data(self, X=X, y=labels, reset=True, **rule), one_vs_all

    def _validate_estimator(self) -> None:
        over_sampling.SMOTE._validate_estimator(self)  # not its own, which asks for a precomputed n x n matrix

    def _fit_resample(
        self, X: Any, y: NDArray[Any], groups: Any = None, row_ids: Any = None
    ) -> tuple[Any, NDArray[Any]]:
        if sparse.issparse(X):
            warnings.warn(
                "Passing a sparse matrix to SMOTEN is not really efficient since it is converted to a dense array",
                DataConversionWarning,
                stacklevel=2,
            )
        values = X.toarray() if sparse.issparse(X) else X
        default = OrdinalEncoder(dtype=np.int32 if self.missing == "refuse" else np.float64)
        self.categorical_encoder_ = default if self.categorical_encoder is None else clone(self.categorical_encoder)
        self._coded = np.asarray(self.categorical_encoder_.fit_transform(values), dtype=np.float64)
        if self.missing != "refuse":
            self._coded[missing_cells(values)] = np.nan
        self.categorical_features_ = np.arange(X.shape[1])
        try:
            return super()._fit_resample(X, y, groups, row_ids)
        finally:
            del self._coded

    def _table(self, X: Any, y: NDArray[Any]) -> Table:  # noqa: ARG002
        return Table(self._coded, y)
