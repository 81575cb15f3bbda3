"""What chance alone does to distances of counts: p-values, and values that it exceeds 5 times in 100 at most.

Two sets of rows of one distribution differ, the more the smaller they are. Each function here takes both sizes.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from resampler.quality.intervals import difference_interval as _difference
from resampler.quality.statistics import share_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

LEVEL = 0.05
_LEAST = 5.0  # expected rows of a cell in either set, for the chi-square distribution to hold
_WIDEST = 2.456  # 95 % point of a normal deviate's size over its mean


def kolmogorov_smirnov_p(distance: float, n: int, m: int) -> float:
    """Return the probability of such a distance or a larger one.

    Parameters
    ----------
    distance : float
        Of two samples; of binned ones it is at most the exact one, so that p is at least the exact one.
    n, m : int
        Their sizes.

    Returns
    -------
    float
        From 0 to 1; too large where values are tied.

    References
    ----------
    Stephens: Use of the Kolmogorov-Smirnov, Cramer-von Mises and related statistics without extensive tables. J. R.
    Stat. Soc. B 32 (1970), doi:10.1111/j.2517-6161.1970.tb00821.x: the limit, moved for small samples. The exact
    distribution takes milliseconds a feature.
    """
    from scipy.special import kolmogorov  # heavy, and commands name this module

    root = math.sqrt(n * m / (n + m))
    return float(kolmogorov((root + 0.12 + 0.11 / root) * distance))


def kolmogorov_smirnov_by_chance(n: int, m: int) -> float:
    """Return what the distance stays below, 95 times in 100 at least.

    Parameters
    ----------
    n, m : int
        Sizes of the samples.

    Returns
    -------
    float
        At most 1.

    References
    ----------
    Massart: The tight constant in the Dvoretzky-Kiefer-Wolfowitz inequality. Ann. Probab. 18 (1990),
    doi:10.1214/aop/1176990746.
    """
    return min(1.0, math.sqrt(-0.5 * math.log(LEVEL / 2)) * math.sqrt(1 / n + 1 / m))


def wasserstein_by_chance(a: NDArray[Any], b: NDArray[Any], widths: NDArray[np.float64]) -> float:
    """Return about what the area between two cumulative distributions stays below, 95 times in 100 at least.

    Parameters
    ----------
    a, b : ndarray of shape (n_cells,)
        Rows in each cell in order.
    widths : ndarray of shape (n_cells - 1,)
        What each edge stands for of the axis.

    Returns
    -------
    float
        In the unit of the widths. The mean of the area, widened as if all its parts went up and down together.
    """
    n, m = a.sum(), b.sum()
    pooled = np.cumsum(a + b)[:-1] / (n + m)
    mean = np.sqrt(2 / np.pi * pooled * (1 - pooled) * (1 / n + 1 / m)) @ widths
    return float(_WIDEST * mean)


def chi_square_p(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Return the probability that two sets of one distribution differ as much in their cells.

    Parameters
    ----------
    a, b : ndarray of shape (n_cells,)
        Rows in each cell.

    Returns
    -------
    float
        1 where all lie in one cell. Rare cells are counted as one; where that is rare too, it joins the next.

    References
    ----------
    Pearson: On the criterion that a given system of deviations ... Phil. Mag. 50 (1900),
    doi:10.1080/14786440009463897.
    """
    from scipy.special import chdtrc

    used = (a + b) > 0
    a, b = np.asarray(a[used], dtype=np.float64), np.asarray(b[used], dtype=np.float64)
    expected = (a + b) * min(a.sum(), b.sum()) / (a.sum() + b.sum())
    order = np.argsort(expected, kind="stable")
    a, b, expected = a[order], b[order], expected[order]
    rare = int(np.searchsorted(expected, _LEAST))
    if rare:
        while rare < len(expected) - 1 and expected[:rare].sum() < _LEAST:
            rare += 1
        if rare == len(expected) and rare > 1:  # nothing is frequent: the most frequent against the rest
            rare -= 1
        a, b = (np.concatenate([[one[:rare].sum()], one[rare:]]) for one in (a, b))
    if len(a) < 2:
        return 1.0
    if len(a) == 2 and min(a.sum(), b.sum()) * (a + b).min() / (a.sum() + b.sum()) < _LEAST:
        from scipy.stats import fisher_exact

        return float(fisher_exact(np.stack([a, b]).astype(np.int64)).pvalue)
    pooled = (a + b) / (a.sum() + b.sum())
    gap = a / a.sum() - b / b.sum()
    statistic = (gap**2 / pooled).sum() / (1 / a.sum() + 1 / b.sum())
    return float(chdtrc(len(a) - 1, statistic))


@functools.cache
def _chi_square_by_chance(free: int) -> float:
    """Return the quantile, without the checks of a general distribution, which take longer than a feature's counts."""
    from scipy.special import gammaincinv

    return float(2 * gammaincinv(free / 2, 1 - LEVEL))


def stability_by_chance(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Return what the population stability index stays below, 95 times in 100.

    Parameters
    ----------
    a, b : ndarray of shape (n_cells,)
        Rows in each cell.

    Returns
    -------
    float
        0 where all rows lie in one cell. Where distributions are near, the index is the sum of squared differences over
        shares, chi-square for these sizes.

    References
    ----------
    Yurdakul, Naranjo: Statistical properties of the population stability index, Journal of Risk Model Validation 14
    (2020), doi:10.21314/JRMV.2020.227.
    """
    free = int(np.count_nonzero((a > 0) | (b > 0))) - 1
    return float(_chi_square_by_chance(free) * (1 / a.sum() + 1 / b.sum())) if free > 0 else 0.0


def total_variation_by_chance(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Return what the total variation stays below, 95 times in 100 at least.

    Parameters
    ----------
    a, b : ndarray of shape (n_cells,)
        Rows in each cell.

    Returns
    -------
    float
        From chi-square by the inequality of Cauchy and Schwarz, so too large where many cells differ alike.
    """
    return min(1.0, 0.5 * math.sqrt(stability_by_chance(a, b)))


def jensen_shannon_by_chance(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Return what the Jensen-Shannon distance stays below, 95 times in 100.

    Parameters
    ----------
    a, b : ndarray of shape (n_cells,)
        Rows in each cell.

    Returns
    -------
    float
        In bits, its square being an eighth of chi-square where distributions are near.

    References
    ----------
    Lin: Divergence measures based on the Shannon entropy. IEEE Trans. Inf. Theory 37 (1991), doi:10.1109/18.61115.
    """
    return min(1.0, math.sqrt(stability_by_chance(a, b) / (8 * math.log(2))))


def difference_interval(before: tuple[int, int], after: tuple[int, int]) -> tuple[float, float]:
    """Say within what the difference of two shares lies.

    Parameters
    ----------
    before, after : tuple of int
        So many of so many.

    Returns
    -------
    tuple of float
        Ends of Newcombe's 95 % interval of the share after, less that before: `intervals.difference_interval`.
    """
    a, b = ((count / max(n, 1), *share_interval(count, n)) for count, n in (before, after))
    low, high = _difference(b, a)
    return float(low), float(high)


def adjusted(p: Sequence[float]) -> list[float]:
    """Adjust p-values for how many there are, so that a limit on them is one on the share of false alarms.

    Parameters
    ----------
    p : sequence of float
        One a test.

    Returns
    -------
    list of float
        In the same order; at least as large.

    References
    ----------
    Benjamini, Hochberg: Controlling the false discovery rate. J. R. Stat. Soc. B 57 (1995),
    doi:10.1111/j.2517-6161.1995.tb02031.x.
    """
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values, kind="stable")[::-1]
    ranks = np.arange(len(values), 0, -1)
    out = np.empty_like(values)
    out[order] = np.minimum.accumulate(np.minimum(values[order] * len(values) / ranks, 1.0))
    return out.tolist()
