"""Rows with nulls, that is NaN: parents whose nulls their synthetic rows inherit, no parents, or an error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from resampler.errors import DataError, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from resampler.methods.parameters import Missing
    from resampler.methods.table import Table

_SHOWN = 5  # columns that a message names


def nulls_in(X: Any) -> NDArray[np.bool_] | None:
    """Find the nulls of rows.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Anything that rows are kept in; only floating-point numbers have nulls.

    Returns
    -------
    ndarray of shape (n_samples, n_features), bool, or None
        None where there is none.
    """
    if getattr(X, "dtype", None) is None or X.dtype.kind != "f":
        return None
    if sparse.issparse(X):
        return np.isnan(X.toarray()) if np.isnan(X.sum()) else None
    return np.isnan(X) if np.isnan(X.min(initial=np.inf)) else None


def without_nulls(table: Table, missing: Missing, method: str, *, takes_nulls: bool) -> NDArray[np.int64] | None:
    """Choose the rows that may be parents.

    Parameters
    ----------
    table : Table
        The rows.
    missing : {"inherit", "complete", "refuse"}
        What rows with nulls are.
    method : str
        What messages call the method.
    takes_nulls : bool
        Whether it can measure rows with nulls.

    Returns
    -------
    ndarray of int64 or None
        Ascending positions; None for all rows.

    Raises
    ------
    InvalidInputError
        If nulls are to be inherited, and the method cannot.
    DataError
        If there are nulls, and they are refused.
    """
    nulls = nulls_in(table.X)
    if nulls is None:
        return None
    if missing == "complete":
        return np.flatnonzero(~nulls.any(axis=1))
    if missing == "refuse":
        raise DataError(described(nulls.sum(axis=0), len(nulls), table.names))
    if not takes_nulls:
        raise InvalidInputError(
            f"method {method!r} measures whole rows, got {int(nulls.any(axis=1).sum())} with nulls, which "
            "missing='inherit' would keep: use missing='complete', so that these are no parents, or smote"
        )
    return None


def described(counts: NDArray[np.int64], n_rows: int, names: Sequence[Any]) -> str:
    """Say where nulls are that are refused.

    Parameters
    ----------
    counts : ndarray of shape (n_features,), int64
        Nulls of each column.
    n_rows : int
        How many rows there are.
    names : sequence
        Of the columns; may be empty.

    Returns
    -------
    str
        The columns, the worst first, and what to do.
    """
    worst = [j for j in np.argsort(-counts, kind="stable").tolist() if counts[j]]
    shown = ", ".join(f"{names[j] if len(names) else f'column {j}'} ({counts[j]:,})" for j in worst[:_SHOWN])
    more = f" and {len(worst) - _SHOWN} more" if len(worst) > _SHOWN else ""
    return (
        f"missing='refuse' takes no nulls, got some among {n_rows:,} rows in {shown}{more}: impute them, or say "
        "missing='inherit', so that synthetic rows have the nulls of their bases, or 'complete', so that rows with "
        "nulls are no parents"
    )
