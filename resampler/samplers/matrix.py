"""Matrices of numbers, with the synthetic rows behind the real ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from resampler.errors import InvalidInputError
from resampler.integers import are_wide, to_dtype
from resampler.methods.missing import nulls_in
from resampler.methods.place import build, build_integers
from resampler.methods.table import dense_rows

if TYPE_CHECKING:
    from resampler.methods.provenance import Provenance


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
        plain = provenance.place == "segment" and provenance.grids is None and nulls_in(X) is None
        if categorical.size or not plain:
            return type(X)(append_synthetic(X.toarray(), provenance))
        return sparse.vstack([X, made_sparse(X, provenance)], format=X.format)
    n, d = X.shape
    out = np.empty((n + len(provenance.base), d), dtype=X.dtype)
    out[:n] = X
    made = out[n:]
    if X.dtype in (np.float32, np.float64) and not categorical.size:
        build(out[:n], provenance, made)
        return out
    numeric = np.setdiff1d(np.arange(d), categorical)
    real = dense_rows(X[:, numeric])
    rows = build(real, provenance, columns=numeric)
    for at, j in enumerate(numeric):
        if X.dtype.kind in "iu" and are_wide(X[:, j]):
            made[:, j] = build_integers(X[:, j], provenance, real[:, at], rows[:, at])
        else:
            made[:, j] = to_dtype(rows[:, at], X.dtype)
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
        Where the synthetic ones come from: on the segment, and no column is copied.

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
