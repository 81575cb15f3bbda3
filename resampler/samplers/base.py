"""What every over-sampler here shares: plan each class, draw the parents, build the rows, keep the provenance."""

from __future__ import annotations

import numbers
import warnings
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from imblearn.utils._validation import ArraysTransformer
from scipy import sparse
from sklearn.base import clone
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import StrOptions

from resampler.errors import InvalidInputError
from resampler.generate import Plan, build, draw
from resampler.metric import label_key
from resampler.neighbors import METHODS, nearest_rows
from resampler.samplers.tables import from_labels, from_matrix, is_table, to_matrix
from resampler.schema import check_magnitude

if TYPE_CHECKING:
    from numpy.typing import NDArray


class InfeasibleError(InvalidInputError, RuntimeError):
    """Raise when the data leave a method nothing to make rows from; imbalanced-learn raises RuntimeError there."""


class ShortfallWarning(UserWarning):
    """Warn that fewer synthetic rows were made than asked for, and why."""


class Provenance(NamedTuple):
    """Where each synthetic row of a `fit_resample` came from, in the order of the rows.

    Parameters
    ----------
    label : ndarray of shape (n_synthetic,)
        Its class.
    base, neighbor : ndarray of shape (n_synthetic,), int64
        Positions of the parents in the `X` that was given.
    step : ndarray of shape (n_synthetic,), float32
        Numeric columns are ``X[base] + step * (X[neighbor] - X[base])``, rounded in integer columns.
    donor : ndarray of shape (n_synthetic, n_categorical), int64
        Positions of the rows that categorical columns are copied from.
    categorical_features : ndarray of shape (n_categorical,), int64
        Which columns these are.
    """

    label: NDArray[Any]
    base: NDArray[np.int64]
    neighbor: NDArray[np.int64]
    step: NDArray[np.float32]
    donor: NDArray[np.int64]
    categorical_features: NDArray[np.int64]


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


def dense_rows(X: Any) -> NDArray[Any]:
    """Return rows as kernels take them.

    Parameters
    ----------
    X : {ndarray, sparse matrix} of shape (n_samples, n_features)
        Numeric.

    Returns
    -------
    ndarray of shape (n_samples, n_features), float32 or float64
        `X` itself where it already is that; all but float32 becomes float64.

    Raises
    ------
    InvalidInputError
        If a value is beyond 1e16, where distances could overflow.
    """
    dense = X.toarray() if sparse.issparse(X) else np.asarray(X)
    rows: NDArray[Any] = np.ascontiguousarray(dense, dtype=np.float32 if dense.dtype == np.float32 else np.float64)
    check_magnitude(rows, np.ones(rows.shape[1]), [f"column {j}" for j in range(rows.shape[1])])
    return rows


def integer_columns(X: Any) -> NDArray[np.bool_]:
    """Find the columns of a frame whose synthetic values must be rounded.

    Parameters
    ----------
    X : {ndarray, sparse matrix, pandas.DataFrame, list} of shape (n_samples, n_features)
        Rows as a user gave them.

    Returns
    -------
    ndarray of shape (n_features,) or (1,), bool
        True for a frame's columns of integer and boolean dtype, nullable and Arrow ones too. A matrix shows its own.
    """
    if hasattr(X, "dtypes"):
        # A sparse pandas column has its values' dtype in `subtype`.
        return np.array([getattr(t, "subtype", t).kind in "iub" for t in X.dtypes])
    return np.zeros(1, dtype=np.bool_)


class TableMixin:
    """Mixin: Polars and Arrow in and out, on top of one of imbalanced-learn's classes."""

    _integers: NDArray[np.bool_]
    _names: tuple[str, ...] = ()

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
            The rows that were given, then the synthetic ones, class by class.
        y_resampled : of the type of `y`
            Their classes.
        """
        table, labels = is_table(X), is_table(y)
        matrix, self._names = to_matrix(X) if table else (X, ())
        X_new, y_new = super().fit_resample(matrix, np.asarray(y) if labels else y, **params)  # type: ignore[misc]
        if table:
            self.feature_names_in_ = np.array(self._names, dtype=object)
        return from_matrix(X_new, X) if table else X_new, from_labels(y_new, y) if labels else y_new

    def _check_X_y(self, X: Any, y: Any) -> Any:  # noqa: N802
        self._integers = integer_columns(X)
        return super()._check_X_y(X, y)  # type: ignore[misc]


class Synthesizer(TableMixin):
    """Mixin: over-sampling by interpolation, on top of one of imbalanced-learn's classes.

    A subclass says in `_plan` which rows of a class are bases, and with which neighbours.
    """

    neighbors: str
    random_state: Any
    sampling_strategy_: dict[Any, int]
    provenance_: Provenance
    neighbors_recall_: dict[Any, float]

    _neighbors_constraint: ClassVar[dict[str, Any]] = {"neighbors": [StrOptions(set(METHODS))]}

    def _plan(self, X: Any, y: NDArray[Any], label: Any, n_synthetic: int) -> Plan | None:
        """Say what the rows of class `label` are made of; None (after a warning) if nothing can be."""
        raise NotImplementedError

    def _fit_resample(self, X: Any, y: NDArray[Any]) -> tuple[Any, NDArray[Any]]:
        self._validate_estimator()  # type: ignore[attr-defined]
        self.neighbors_recall_ = {}
        categorical = np.asarray(getattr(self, "categorical_features_", ()), dtype=np.int64)
        seed = seed_from(self.random_state)
        parts = []
        for label, n_synthetic in self.sampling_strategy_.items():
            plan = self._plan(X, y, label, n_synthetic) if n_synthetic else None
            if plan is None:
                continue
            parents = draw(plan, n_synthetic, seed, label_key(label))
            labels = np.full(n_synthetic, label, dtype=y.dtype)
            donors = np.empty((len(plan.bases), 0), dtype=np.int64) if plan.donors is None else plan.donors
            parts.append((labels, *parents[1:], donors[parents.turn]))
        if not parts:
            none = np.empty(0, dtype=np.int64)
            parts.append((y[:0], none, none, none.astype(np.float32), np.empty((0, len(categorical)), dtype=np.int64)))
        columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
        self.provenance_ = Provenance._make((*columns, categorical))
        return _append(X, self.provenance_, self._integers), np.concatenate([y, self.provenance_.label])

    def _search(
        self,
        X: Any,
        members: NDArray[np.int64],
        k: Any,
        label: Any,
        *,
        within: NDArray[np.int64] | None = None,
        penalty: NDArray[np.float64] | None = None,
    ) -> NDArray[np.int64]:
        """Return the positions of the neighbours of rows `members` among rows `within`, which hold them (or all)."""
        among = np.arange(X.shape[0]) if within is None else within
        rows = dense_rows(X if within is None else X[among])
        queries = np.searchsorted(among, members)
        count = int(k) if isinstance(k, numbers.Integral) else k.n_neighbors - 1
        if len(among) <= count:
            raise InvalidInputError(
                f"{count} neighbours need at least {count + 1} rows of class {label!r}, got {len(among)}: "
                "ask for fewer neighbours or gather more rows"
            )
        if isinstance(k, numbers.Integral):
            found = nearest_rows(rows, count, queries=queries, penalty=penalty, method=self.neighbors)
            self.neighbors_recall_[label] = min(found.recall, self.neighbors_recall_.get(label, 1.0))
            return among[found.indices]
        return among[others_found(clone(k).fit(rows), rows, queries)]


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


def replay(X: Any, provenance: Provenance) -> Any:
    """Rebuild synthetic rows from the real ones.

    Parameters
    ----------
    X : as given to `fit_resample`
        The real rows.
    provenance : Provenance
        What the sampler kept.

    Returns
    -------
    object
        The synthetic rows, of the type and dtypes of `X`, bit for bit.

    Raises
    ------
    InvalidInputError
        If the provenance names rows that `X` does not have.
    """
    if is_table(X):
        return from_matrix(replay(to_matrix(X)[0], provenance), X)
    n = X.shape[0] if hasattr(X, "shape") else len(X)
    highest = max(
        (int(a.max()) for a in (provenance.base, provenance.neighbor, provenance.donor) if a.size), default=-1
    )
    if highest >= n:
        raise InvalidInputError(f"provenance names row {highest}, X has {n} rows: give the X that was resampled")
    if hasattr(X, "iloc"):
        return _append(X, provenance, integer_columns(X)).iloc[n:].reset_index(drop=True)
    resampled = _append(X if sparse.issparse(X) else np.asarray(X), provenance, integer_columns(X))[n:]
    return ArraysTransformer(X, provenance.label).transform(resampled, provenance.label)[0]


def warn_shortfall(made: int, asked: int, label: object, why: str) -> None:
    """Warn that a class stays smaller than asked for.

    Parameters
    ----------
    made, asked : int
        Synthetic rows.
    label : object
        The class.
    why : str
        The cause and the remedy.
    """
    warnings.warn(f"class {label!r}: made {made} of {asked} synthetic rows: {why}", ShortfallWarning, stacklevel=6)


def _append(X: Any, provenance: Provenance, integers: NDArray[np.bool_]) -> Any:
    """Return `X` and behind it the synthetic rows, in one new container of the same kind."""
    if hasattr(X, "iloc"):
        return _append_to_frame(X, provenance, integers)
    categorical = provenance.categorical_features
    if sparse.issparse(X):
        if categorical.size:
            resampled = _append(X.toarray(), provenance, integers)
            return sparse.csr_matrix(resampled).asformat(X.format)
        return _append_sparse(X, provenance)
    n, d = X.shape
    out = np.empty((n + len(provenance.base), d), dtype=X.dtype)
    out[:n] = X
    made = out[n:]
    if X.dtype in (np.float32, np.float64) and not categorical.size:
        build(np.ascontiguousarray(X), provenance.base, provenance.neighbor, provenance.step, made)
        if integers.any():
            made[:, integers] = np.rint(made[:, integers])
        return out
    numeric = np.setdiff1d(np.arange(d), categorical)
    rows = build(dense_rows(X[:, numeric]), provenance.base, provenance.neighbor, provenance.step)
    made[:, numeric] = np.rint(rows) if X.dtype.kind in "iub" else rows
    for at, j in enumerate(categorical):
        made[:, j] = X[provenance.donor[:, at], j]
    return out


def _append_sparse(X: Any, provenance: Provenance) -> Any:
    rows = X.tocsr() if X.dtype in (np.float32, np.float64) else X.tocsr().astype(np.float64)
    base = rows[provenance.base]
    step = sparse.diags(provenance.step.astype(rows.dtype))
    made = base + step @ (rows[provenance.neighbor] - base)
    if X.dtype.kind in "iub":
        made.data = np.rint(made.data)
    return sparse.vstack([X, made.astype(X.dtype)], format=X.format)


def _append_to_frame(X: Any, provenance: Provenance, integers: NDArray[np.bool_]) -> Any:
    n = len(X)
    numeric = np.setdiff1d(np.arange(X.shape[1]), provenance.categorical_features)
    rows = build(dense_rows(X.iloc[:, numeric].to_numpy()), provenance.base, provenance.neighbor, provenance.step)
    whole = np.where(integers[numeric], np.rint(rows), rows)
    out = X.iloc[np.concatenate([np.arange(n), provenance.base])].reset_index(drop=True)
    for at, j in enumerate(numeric):
        column = out.iloc[:, j].copy()
        column.iloc[n:] = type(column)(whole[:, at]).astype(column.dtype).array
        out.isetitem(j, column)
    for at, j in enumerate(provenance.categorical_features):
        out.isetitem(j, X.iloc[np.concatenate([np.arange(n), provenance.donor[:, at]]), j].array)
    return out
