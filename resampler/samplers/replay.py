"""Where synthetic rows came from, and the same rows again: `Provenance` and `replay`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from imblearn.utils._validation import ArraysTransformer
from scipy import sparse

from resampler.errors import InvalidInputError
from resampler.generate import build
from resampler.samplers.tables import from_matrix, is_table, to_matrix
from resampler.schema import check_magnitude

if TYPE_CHECKING:
    from numpy.typing import NDArray


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
        If it is no provenance, names rows or columns that `X` does not have, or `X` is not rows by columns.
    """
    if not isinstance(provenance, Provenance):
        raise InvalidInputError(
            f"provenance must be a Provenance, got {type(provenance).__name__}: give the sampler's provenance_"
        )
    if is_table(X) and hasattr(type(X), "columns"):
        return from_matrix(replay(to_matrix(X)[0], provenance), X)
    shape = X.shape if hasattr(X, "shape") else np.asarray(X, dtype=object).shape
    if len(shape) != 2:
        raise InvalidInputError(f"X must be rows by columns, got shape {shape}: give the X that was resampled")
    n, d = shape
    if provenance.categorical_features.size and (last := int(provenance.categorical_features.max())) >= d:
        raise InvalidInputError(f"provenance names column {last}, X has {d} columns: give the X that was resampled")
    highest = max(
        (int(a.max()) for a in (provenance.base, provenance.neighbor, provenance.donor) if a.size), default=-1
    )
    if highest >= n:
        raise InvalidInputError(f"provenance names row {highest}, X has {n} rows: give the X that was resampled")
    if hasattr(X, "iloc"):
        return append_synthetic(X, provenance, integer_columns(X)).iloc[n:].reset_index(drop=True)
    resampled = append_synthetic(X if sparse.issparse(X) else np.asarray(X), provenance, integer_columns(X))[n:]
    return ArraysTransformer(X, provenance.label).transform(resampled, provenance.label)[0]


def round_columns(X: NDArray[Any], first: int, integers: NDArray[np.bool_]) -> NDArray[Any]:
    """Round some columns of the rows from `first` on, in place.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Real rows, then synthetic ones.
    first : int
        Position of the first synthetic row.
    integers : ndarray of shape (n_features,) or (1,), bool
        The columns, as `integer_columns` gives them.

    Returns
    -------
    ndarray of shape (n_samples, n_features)
        `X` itself.
    """
    if integers.any():
        X[first:, integers] = np.rint(X[first:, integers])
    return X


def append_synthetic(X: Any, provenance: Provenance, integers: NDArray[np.bool_]) -> Any:
    """Return `X` and behind it the synthetic rows.

    Parameters
    ----------
    X : {ndarray, sparse matrix, pandas.DataFrame} of shape (n_samples, n_features)
        The real rows.
    provenance : Provenance
        Where the synthetic ones come from.
    integers : ndarray of shape (n_features,) or (1,), bool
        Columns to round, as `integer_columns` gives them.

    Returns
    -------
    object
        One new container of the same kind.
    """
    if hasattr(X, "iloc"):
        return _append_to_frame(X, provenance, integers)
    categorical = provenance.categorical_features
    if sparse.issparse(X):
        if categorical.size:
            resampled = append_synthetic(X.toarray(), provenance, integers)
            return sparse.csr_matrix(resampled).asformat(X.format)
        return _append_sparse(X, provenance)
    n, d = X.shape
    out = np.empty((n + len(provenance.base), d), dtype=X.dtype)
    out[:n] = X
    made = out[n:]
    if X.dtype in (np.float32, np.float64) and not categorical.size:
        build(np.ascontiguousarray(X), provenance.base, provenance.neighbor, provenance.step, made)
        return round_columns(out, n, integers)
    numeric = np.setdiff1d(np.arange(d), categorical)
    rows = build(dense_rows(X[:, numeric]), provenance.base, provenance.neighbor, provenance.step)
    made[:, numeric] = np.rint(rows) if X.dtype.kind in "iub" else rows
    for at, j in enumerate(categorical):
        made[:, j] = X[provenance.donor[:, at], j]
    return out if X.dtype == object else round_columns(out, n, integers)


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
        if hasattr(column.dtype, "subtype"):  # a sparse column takes no assignment
            values = np.concatenate([column.to_numpy()[:n], whole[:, at]])
            column = type(column)(values.astype(column.dtype.subtype), dtype=column.dtype)
        else:
            column.iloc[n:] = type(column)(whole[:, at]).astype(column.dtype).array
        out.isetitem(j, column)
    for at, j in enumerate(provenance.categorical_features):
        out.isetitem(j, X.iloc[np.concatenate([np.arange(n), provenance.donor[:, at]]), j].array)
    return out
