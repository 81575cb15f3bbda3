"""Figures with their intervals: shares, and areas under a receiver operating characteristic."""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_Z = 1.959963984540054  # of a 95 % interval


def share_interval(count: int, n: int) -> tuple[float, float]:
    """Say within what the share lies that a sample shows.

    Parameters
    ----------
    count, n : int
        So many of so many.

    Returns
    -------
    tuple of float
        Ends of Wilson's 95 % interval; 0 and 1 of an empty sample.

    References
    ----------
    Wilson: Probable inference. JASA 22 (1927), doi:10.1080/01621459.1927.10502953.
    """
    low, high = wilson(count, n, _Z)
    return float(low), float(high)


def deviations(level: float) -> float:
    """Return how many standard deviations an interval reaches to each side.

    Parameters
    ----------
    level : float
        How often it holds the truth, between 0 and 1.

    Returns
    -------
    float
        1.96 for .95.
    """
    return NormalDist().inv_cdf((1 + level) / 2)


def wilson(count: ArrayLike, n: ArrayLike, z: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return Wilson's intervals of many shares, as `share_interval` of one.

    Parameters
    ----------
    count, n : array-like of one shape
        So many of so many; effective sizes need not be integers.
    z : float
        Standard deviations, as `deviations` returns them.

    Returns
    -------
    tuple of ndarray, float64
        Lower and upper ends; 0 and 1 of an empty sample.
    """
    size = np.asarray(n, dtype=np.float64)
    some = np.where(size > 0, size, 1.0)
    share, z2 = np.asarray(count, dtype=np.float64) / some, z**2
    middle = (share + z2 / (2 * some)) / (1 + z2 / some)
    rest = np.maximum(share * (1 - share), 0.0) / some  # rounding can put a mean of ones above 1
    half = z / (1 + z2 / some) * np.sqrt(rest + z2 / (4 * some * some))
    low = np.where(size > 0, np.maximum(0.0, middle - half), 0.0)
    return low, np.where(size > 0, np.minimum(1.0, middle + half), 1.0)


def areas(first: NDArray[Any], second: NDArray[Any]) -> NDArray[np.float64]:
    """Say how well each column alone tells two groups of rows apart.

    Parameters
    ----------
    first, second : ndarray of shape (n_rows, n_features)
        The groups. Null values are left out.

    Returns
    -------
    ndarray of shape (n_features,), float64
        Share of the pairs in which the first has the greater value, ties half: the area under the receiver operating
        characteristic. 0.5 where a group has no value.
    """
    found = np.full(first.shape[1], 0.5)
    for j in range(first.shape[1]):
        a, b = (column[~np.isnan(column)] for column in (first[:, j], second[:, j]))
        if len(a) and len(b):
            found[j] = area(a, b)
    return found


def area(first: NDArray[Any], second: NDArray[Any]) -> float:
    """Return the share of pairs in which the first group has the greater value, ties half.

    Parameters
    ----------
    first, second : ndarray of shape (n_rows,)
        One or more finite numbers each.

    Returns
    -------
    float
        From 0 to 1.

    References
    ----------
    Mann, Whitney: On a test of whether one of two random variables is stochastically larger. Ann. Math. Statist. 18
    (1947), doi:10.1214/aoms/1177730491.
    """
    ordered = np.sort(second)
    below = np.searchsorted(ordered, first, side="left") + np.searchsorted(ordered, first, side="right")
    return float(below.sum() / (2.0 * len(first) * len(second)))


def percent(share: float) -> str:
    """Write a share for people.

    Parameters
    ----------
    share : float
        From 0 to 1.

    Returns
    -------
    str
        With three digits at most: ``8.6 %``.
    """
    return f"{100 * share:.3g} %"
