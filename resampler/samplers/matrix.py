"""Matrices of numbers: as kernels take them, and with the synthetic rows behind the real ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from resampler.errors import InvalidInputError
from resampler.generate import build
from resampler.integers import are_wide, interpolate_integers, offsets, to_dtype
from resampler.layout import as_kernel_rows
from resampler.schema import check_magnitude

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from resampler.samplers.provenance import Provenance


def dense_rows(X: Any, names: Sequence[Any] = ()) -> NDArray[Any]:
    """Return rows as kernels take them.

    Parameters
    ----------
    X : {ndarray, sparse matrix} of shape (n_samples, n_features)
        Numeric.
    names : sequence, optional
        Of the columns, for the message.

    Returns
    -------
    ndarray of shape (n_samples, n_features), float32 or float64
        `X` itself where it already is that; all but float32 becomes float64, integers beyond 2**53 counted from the
        least of their column.

    Raises
    ------
    InvalidInputError
        If a value is beyond 1e16, where distances could overflow.
    """
    dense = X.toarray() if sparse.issparse(X) else np.asarray(X)
    if dense.dtype.kind in "iu" and are_wide(dense):
        dense = np.stack([offsets(column) for column in dense.T], axis=1)
    rows = as_kernel_rows(dense)
    check_magnitude(rows, np.ones(rows.shape[1]), names or [f"column {j}" for j in range(rows.shape[1])])
    return rows


def sliceable(X: Any) -> Any:
    """Return a sparse matrix in a format that parts can be taken of, as imbalanced-learn does.

    Parameters
    ----------
    X : sparse matrix of shape (n_samples, n_features)
        In any format.

    Returns
    -------
    sparse matrix
        `X` itself where it is CSR or CSC, else as CSR.
    """
    return X if X.format in ("csr", "csc") else X.tocsr()


def append_synthetic(X: Any, provenance: Provenance) -> Any:
    """Return a matrix and behind it the synthetic rows.

    Parameters
    ----------
    X : {ndarray, sparse matrix} of shape (n_samples, n_features)
        The real rows.
    provenance : Provenance
        Where the synthetic ones come from.

    Returns
    -------
    {ndarray, sparse matrix}
        A new one of the same dtype; values are rounded where that is integer.
    """
    categorical = provenance.categorical_features
    if sparse.issparse(X):
        if categorical.size:
            return type(X)(append_synthetic(X.toarray(), provenance))
        return sparse.vstack([X, made_sparse(X, provenance)], format=X.format)
    n, d = X.shape
    out = np.empty((n + len(provenance.base), d), dtype=X.dtype)
    out[:n] = X
    made = out[n:]
    if X.dtype in (np.float32, np.float64) and not categorical.size:
        build(out[:n], provenance.base, provenance.neighbor, provenance.step, made)
        return out
    numeric = np.setdiff1d(np.arange(d), categorical)
    rows = build(dense_rows(X[:, numeric]), provenance.base, provenance.neighbor, provenance.step)
    for at, j in enumerate(numeric):
        wide = X.dtype.kind in "iu" and are_wide(X[:, j])
        pair = X[provenance.base, j], X[provenance.neighbor, j]
        made[:, j] = interpolate_integers(*pair, provenance.step) if wide else to_dtype(rows[:, at], X.dtype)
    for at, j in enumerate(categorical):
        made[:, j] = X[provenance.donor[:, at], j]
    return out


def made_sparse(X: Any, provenance: Provenance) -> Any:
    """Make synthetic rows without making them dense.

    Parameters
    ----------
    X : sparse matrix of shape (n_samples, n_features)
        The real rows.
    provenance : Provenance
        Where the synthetic ones come from; no column is copied.

    Returns
    -------
    sparse matrix of shape (n_synthetic, n_features)
        Of the dtype of `X`.

    Raises
    ------
    InvalidInputError
        If it is of integers, and one is beyond 2**53.
    """
    if X.dtype.kind in "iu" and are_wide(X.data):
        raise InvalidInputError(
            f"a sparse matrix of {X.dtype} must hold integers within 2**53, got {max(X.data, key=abs)}: between wider "
            "ones values are made in dense columns only; leave that column out, or give .toarray()"
        )
    rows = X.tocsr() if X.dtype in (np.float32, np.float64) else X.tocsr().astype(np.float64)
    base = rows[provenance.base]
    step = sparse.diags(provenance.step.astype(rows.dtype))
    made = base + step @ (rows[provenance.neighbor] - base)
    if X.dtype.kind in "iub":
        made.data = to_dtype(made.data, X.dtype)
    return made.astype(X.dtype)
