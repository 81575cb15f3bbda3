"""What chance does to a category of many values, of which those are listed that were most frequent in the reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from resampler.quality.drift.chance import chi_square_p

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CHOSEN = 3.0  # standard deviations within which a count may owe its place in the list to chance


def category_p(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Return the probability that later rows of the same distribution have such counts or less likely ones.

    Parameters
    ----------
    a, b : ndarray of shape (n_values + 1,)
        Rows with each listed value, then those with others: of the reference, whose counts made the list, and later.

    Returns
    -------
    float
        From 0 to 1.

    Notes
    -----
    Of a thousand equally frequent values those are listed that had most rows by chance; later rows have fewer of them,
    and chi-square of the counts as they are would call each such category drifted. So values whose count in either set
    is within what chance makes of one that was just listed are counted as one with those that are not listed. What that
    may hide is looked at apart: where the list has all values of the reference, that more of the later rows have others
    than rows of values seen once foretell (Good and Turing); else that listed values became fewer than chance explains.

    References
    ----------
    Good: The population frequencies of species and the estimation of population parameters. Biometrika 40 (1953),
    doi:10.1093/biomet/40.3-4.237.
    """
    if not (a[-1] or b[-1]) or len(a) < 2:  # nothing was left out of the list
        return chi_square_p(a, b)
    listed, later = a[:-1].astype(np.float64), b[:-1].astype(np.float64)
    n, m = int(a.sum()), int(b.sum())
    least = max(int(listed.min()), 1) if a[-1] else 1
    near = listed - least <= _CHOSEN * np.sqrt(listed + least)
    near &= later - least * m / n <= _CHOSEN * np.sqrt(later + least * (m / n) ** 2)
    cells = (np.append(one[:-1][~near], one[-1] + one[:-1][near].sum()) for one in (a, b))
    if a[-1]:
        hidden = _fewer_p(least, int(near.sum()), int(later[near].sum()), n, m)
    else:
        once, others = int(np.count_nonzero(listed == 1)), int(b[-1])
        hidden = chi_square_p(np.array([once, n - once]), np.array([others, m - others]))
    return min(1.0, 2 * min(chi_square_p(*cells), hidden))


def _fewer_p(least: int, values: int, found: int, n: int, m: int) -> float:
    """Return the probability that later rows have as few of some values, however much chance chose them.

    Each of the values had `least` of `n` rows or more. The fewer rows are expected of each of equal values, the more of
    them there are to have so many by chance; the least expectation that explains it is the worst case. Counts are taken
    for Poisson's.
    """
    from scipy.special import pdtr, pdtrc

    low, mean = 0.0, float(least)
    for _ in range(40):
        middle = (low + mean) / 2
        low, mean = (low, middle) if n / middle * pdtrc(least - 1, middle) >= values else (middle, mean)
    return float(pdtr(found, values * mean * m / n))
