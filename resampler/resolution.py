"""The lower end of magnitude: where squares of differences would vanish, rows are multiplied by a power of two.

A float32 holds no square of a difference below 2**-63 in full, a float64 none below 2**-511: rows in units of 1e-23
would all be at distance 0 of each other, and their neighbours whatever order they stand in. A power of two changes no
digit, so all that does not vanish is ordered as before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

MIN_REACH = 1e-16  # units of scale that the rows of a stream's class must reach: it cannot be multiplied by anything
_ROWS_AT_ONCE = 4_096


class Range(NamedTuple):
    """Exponents of two between which distances of a dtype are measured.

    Parameters
    ----------
    least : int
        Values from here on differ by what has a square; 0 does too.
    most : int
        What the widest column's span may be brought to, so that no sum of squares overflows.
    """

    least: int
    most: int


RANGES = {np.dtype(np.float32): Range(-39, 50), np.dtype(np.float64): Range(-458, 450)}


def resolve(
    X: NDArray[Any], inverse_scale: NDArray[Any], penalty: NDArray[np.float64]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.float64]]:
    """Return rows whose differences have squares, and the metric that goes with them.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features), float32 or float64
        Within 1e16 units of scale; NaN is a null.
    inverse_scale : ndarray of shape (n_features,), of the dtype of `X`
        What columns are multiplied by.
    penalty : ndarray of shape (n_features,), float64
        What a differing category adds to a squared distance; negative for a numeric column.

    Returns
    -------
    X : ndarray of shape (n_samples, n_features)
        As given where nothing vanishes. Else in units of scale times a power of two, in float64 where a float32 has no
        room for the least and the greatest.
    inverse_scale, penalty : ndarray of shape (n_features,)
        What belongs to that.

    Notes
    -----
    Costs one reading of `X`, and a copy where something would vanish. In float64, differences below 1e-273 of the
    widest column's span count as none.
    """
    numeric = penalty < 0
    exponent = exponent_of(X, inverse_scale, numeric, RANGES[X.dtype])
    if exponent is None:
        return X, inverse_scale, penalty
    least = _least(X, inverse_scale, numeric)
    if X.dtype == np.float32 and np.frexp(least)[1] - 1 + exponent < RANGES[X.dtype].least:
        return resolve(X.astype(np.float64), inverse_scale.astype(np.float64), penalty)
    rows = np.empty_like(X)
    factors = np.where(numeric, inverse_scale, 1).astype(np.float64)
    powers = np.where(numeric, exponent, 0)
    with np.errstate(over="ignore"):  # a column of one value may be too large for this
        for part in _parts(len(X)):
            rows[part] = np.ldexp(X[part].astype(np.float64), powers) * factors
    flat = numeric & (_spans(X, inverse_scale) == 0)  # all rows are equal in it
    rows[:, flat] = np.where(np.isnan(X[:, flat]), np.nan, 0)
    return rows, np.ones_like(inverse_scale), scaled_penalty(penalty, exponent)


def scaled_penalty(penalty: NDArray[np.float64], exponent: int) -> NDArray[np.float64]:
    """Return the penalties that belong to rows times a power of two.

    Parameters
    ----------
    penalty : ndarray of shape (n_features,), float64
        Negative for a numeric column.
    exponent : int
        Of the power.

    Returns
    -------
    ndarray of shape (n_features,), float64
        Those of categorical columns times its square.
    """
    return np.ldexp(penalty, np.where(penalty < 0, 0, 2 * exponent))


def exponent_of(X: NDArray[Any], inverse_scale: NDArray[Any], numeric: NDArray[np.bool_], limits: Range) -> int | None:
    """Find the power of two that brings the widest column as high as it may be.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features), float32 or float64
        The rows.
    inverse_scale : ndarray of shape (n_features,)
        What columns are multiplied by.
    numeric : ndarray of shape (n_features,), bool
        Those that count.
    limits : Range
        Of the dtype that distances are measured in.

    Returns
    -------
    int or None
        Its exponent; None where no square vanishes as it is, or all rows are equal.
    """
    if np.frexp(_floor(X) * float(inverse_scale.min(initial=np.inf)))[1] - 1 >= limits.least:
        return None
    if np.frexp(_least(X, inverse_scale, numeric))[1] - 1 >= limits.least:
        return None
    span = float(_spans(X, inverse_scale)[numeric].max(initial=0.0))
    return limits.most - int(np.frexp(span)[1]) if span > 0 else None


def at_unit(X: Any) -> Any:
    """Multiply a matrix of tiny numbers by a power of two, for what other libraries do with it.

    Parameters
    ----------
    X : {ndarray, sparse matrix} of floating dtype
        Finite.

    Returns
    -------
    {ndarray, sparse matrix}
        `X` itself where its greatest value is 2**-20 or more, or 0.
    """
    largest = abs(X).max() if X.size else 0
    if X.dtype.kind != "f" or not 0 < largest < 2.0**-20:
        return X
    # In two steps, for the whole power may be beyond the dtype.
    exponent = -int(np.frexp(largest)[1])
    half = exponent // 2
    return X * X.dtype.type(2.0**half) * X.dtype.type(2.0 ** (exponent - half))


def in_float32(
    X: NDArray[np.float64],
    inverse_scale: NDArray[np.float64],
    penalty: NDArray[np.float64],
    center: NDArray[np.float64],
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float64]]:
    """Return rows in units of scale about a center, and the metric that goes with them: twice as many fit a vector.

    About their mean, because what all rows have in common would take the digits in which they differ; times a power of
    two where squares would vanish in float32.

    Parameters
    ----------
    X, inverse_scale, penalty
        As of `resolve`, in float64.
    center : ndarray of shape (n_features,), float64
        What numeric columns are measured from.

    Returns
    -------
    X : ndarray of shape (n_samples, n_features), float32
        The rows.
    inverse_scale : ndarray of shape (n_features,), float32
        Ones.
    penalty : ndarray of shape (n_features,), float64
        Times the square of that power of two.
    """
    exponent = exponent_of(X, inverse_scale, penalty < 0, RANGES[np.dtype(np.float32)]) or 0
    shift = np.where(penalty < 0, center, 0)
    rows = np.empty(X.shape, dtype=np.float32)
    for part in _parts(len(X)):  # no second matrix of float64
        rows[part] = np.ldexp((X[part] - shift) * inverse_scale, np.where(penalty < 0, exponent, 0))
    return rows, np.ones(X.shape[1], dtype=np.float32), scaled_penalty(penalty, exponent)


def rows_at_unit(X: NDArray[Any]) -> NDArray[Any]:
    """Multiply each row of tiny numbers by a power of two, which changes no angle.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features), floating
        Finite.

    Returns
    -------
    ndarray of shape (n_samples, n_features)
        `X` itself where no row needs it.
    """
    largest = np.abs(X).max(axis=1, initial=0)
    tiny = (largest > 0) & (largest < 2.0**-20)
    if X.dtype.kind != "f" or not tiny.any():
        return X
    exponents = np.where(tiny, -np.frexp(largest)[1], 0)
    return np.ldexp(X, exponents[:, None])


def deviations(X: NDArray[Any], dtype: Any = np.float64) -> NDArray[Any]:
    """Return the standard deviation of each column, of tiny and huge numbers too.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features), floating
        Finite, or NaN for a null.
    dtype : dtype
        What sums are taken in; float32 or float64.

    Returns
    -------
    ndarray of shape (n_features,)
        Of that dtype; sums are divided by n_samples, or by the number of a column's values where it has nulls; NaN
        for a column that has no value.
    """
    largest = np.abs(X).max(initial=0)
    if np.isnan(largest):
        columns = (column[~np.isnan(column)] for column in X.T)
        return np.array([deviations(c[:, None], dtype)[0] if c.size else np.nan for c in columns], dtype=dtype)
    exponent = int(np.frexp(largest)[1])
    if abs(exponent) < (400 if dtype == np.float64 else 40):  # squares neither vanish nor overflow
        return X.std(axis=0, dtype=dtype)
    return np.ldexp(np.ldexp(X, -exponent).std(axis=0, dtype=dtype), exponent)


def reach(
    X: NDArray[np.floating[Any]], scale: NDArray[np.floating[Any]], numeric: NDArray[np.bool_]
) -> tuple[float, bool]:
    """Say how far from 0 rows lie, and whether that is far enough for their distances to be distinguished.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features), floating
        The rows; NaN for a null.
    scale : ndarray of shape (n_features,)
        Unit of distance of each column.
    numeric : ndarray of shape (n_features,), bool
        Columns that are measured.

    Returns
    -------
    furthest : float
        In units of scale; 0 without rows or such columns.
    enough : bool
        Whether that is 1e-16 or more.
    """
    values = np.abs(X[:, numeric])
    values[np.isnan(values)] = 0  # nulls reach nowhere
    sizes = values.max(axis=0, initial=0).astype(np.float64)
    furthest = float((sizes / scale[numeric]).max(initial=0.0))
    return furthest, furthest >= MIN_REACH


def _parts(n: int) -> Iterator[slice]:
    return (slice(first, first + _ROWS_AT_ONCE) for first in range(0, n, _ROWS_AT_ONCE))


def _floor(X: NDArray[Any]) -> float:
    """Return the least size of all values that are not 0, in one pass: bits, less 1, order as sizes do but for 0."""
    whole = np.dtype(f"u{X.itemsize}")
    least = np.array([np.iinfo(whole).max], dtype=whole)
    for part in _parts(len(X)):
        np.minimum(least, (np.abs(X[part]).view(whole) - whole.type(1)).min(initial=least[0]), out=least)
    return float((least + whole.type(1)).view(X.dtype)[0]) or np.inf


def _least(X: NDArray[Any], inverse_scale: NDArray[Any], numeric: NDArray[np.bool_]) -> float:
    """Return the least value in units of scale that is not 0; infinite where all are."""
    least = np.full(X.shape[1], np.inf)
    for part in _parts(len(X)):
        sizes = np.abs(X[part])
        np.minimum(least, np.where(sizes > 0, sizes, np.inf).min(axis=0), out=least)
    return float((least * inverse_scale.astype(np.float64))[numeric].min(initial=np.inf))


def _spans(X: NDArray[Any], inverse_scale: NDArray[Any]) -> NDArray[np.float64]:
    low, high = X.min(axis=0).astype(np.float64), X.max(axis=0).astype(np.float64)
    if np.isnan(low).any():
        low[:], high[:] = np.inf, -np.inf
        for part in _parts(len(X)):  # fmin and fmax forget what they have behind a signalling NaN
            null = np.isnan(X[part])
            np.minimum(low, np.where(null, np.inf, X[part]).min(axis=0), out=low)
            np.maximum(high, np.where(null, -np.inf, X[part]).max(axis=0), out=high)
        low, high = np.where(low <= high, low, 0), np.where(low <= high, high, 0)  # a column of nulls spans nothing
    return (high - low) * inverse_scale.astype(np.float64)
