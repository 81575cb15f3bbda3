"""How far two distributions lie apart, from counts of the same cells, a null being a value like others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from resampler.quality.drift.chance import stability_by_chance

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

SOME, MUCH = 0.1, 0.25  # of the population stability index, as the trade reads it


class Drift(NamedTuple):
    """How one feature moved from one set of rows to another.

    Parameters
    ----------
    nulls : tuple of (float, float)
        Share of nulls before and after.
    distance : float
        Kolmogorov-Smirnov of ordered cells, total variation of others: 0 is equal, 1 is apart.
    jensen_shannon : float
        The square root of the Jensen-Shannon divergence in bits, from 0 to 1.
    stability : float
        Population stability index.
    chance : float
        What the index stays below in 95 of 100 pairs of sets of these sizes from one distribution.
    """

    nulls: tuple[float, float]
    distance: float
    jensen_shannon: float
    stability: float
    chance: float

    @property
    def word(self) -> str:
        """How much that is: ``none``, ``some`` or ``much``; what chance can do alone is none."""
        if self.stability <= max(SOME, self.chance):
            return "none"
        return "much" if self.stability > MUCH else "some"

    def to_dict(self) -> dict[str, Any]:
        """Return plain data.

        Returns
        -------
        dict
            The fields and `word`.
        """
        return self._asdict() | {"nulls": list(self.nulls), "word": self.word}


def drift_of(before: ArrayLike, after: ArrayLike, *, ordered: bool) -> Drift:
    """Compare two sets of rows by the counts of one feature.

    Parameters
    ----------
    before, after : array-like of shape (n_cells + 1,)
        Rows in each cell, the last count that of nulls. Both sets have a row.
    ordered : bool
        The cells stand in order, as bins of a number do.

    Returns
    -------
    Drift
        From `before` to `after`.
    """
    a, b = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    distance = kolmogorov_smirnov(a, b) if ordered else total_variation(a, b)
    return Drift(
        nulls=(float(a[-1] / a.sum()), float(b[-1] / b.sum())),
        distance=float(distance),
        jensen_shannon=jensen_shannon(a, b),
        stability=population_stability(a, b),
        chance=stability_by_chance(a, b),
    )


def kolmogorov_smirnov(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.float64]:
    """Return the largest difference of two cumulative distributions.

    Parameters
    ----------
    a, b : ndarray of shape (..., n_cells + 1)
        Rows in each cell in order, then those that are null.

    Returns
    -------
    ndarray of shape (...)
        From 0 to 1. Nulls stand below all values or above them, wherever they tell more, so that no distance is below
        the difference of the shares of nulls.
    """
    gap = a / a.sum(axis=-1, keepdims=True) - b / b.sum(axis=-1, keepdims=True)
    below = np.cumsum(np.concatenate([gap[..., -1:], gap[..., :-1]], axis=-1), axis=-1)
    above = np.cumsum(gap, axis=-1)
    return np.maximum(np.abs(below).max(axis=-1), np.abs(above).max(axis=-1))


def total_variation(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.float64]:
    """Return the share of rows that would have to take another cell.

    Parameters
    ----------
    a, b : ndarray of shape (..., n_cells)
        Rows in each cell.

    Returns
    -------
    ndarray of shape (...)
        From 0 to 1.
    """
    gap = a / a.sum(axis=-1, keepdims=True) - b / b.sum(axis=-1, keepdims=True)
    return 0.5 * np.abs(gap).sum(axis=-1)


def jensen_shannon(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Return the square root of the Jensen-Shannon divergence in bits.

    Parameters
    ----------
    a, b : ndarray of shape (n_cells,)
        Rows in each cell.

    Returns
    -------
    float
        From 0 to 1.
    """
    if np.array_equal(a / a.sum(), b / b.sum()):
        return 0.0  # where rounding could leave the root of a number below 0
    from scipy.spatial.distance import jensenshannon  # heavy, and commands name this module

    return float(np.nan_to_num(jensenshannon(a, b, base=2)))


def population_stability(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Return the population stability index, the symmetric Kullback-Leibler divergence of two sets of counts.

    Parameters
    ----------
    a, b : ndarray of shape (n_cells,)
        Rows in each cell.

    Returns
    -------
    float
        0 or more. A cell that is empty in one set alone counts as half a row there; one that is empty in both, not.
    """
    used = (a > 0) | (b > 0)
    p, q = (np.maximum(counts[used], 0.5) / counts.sum() for counts in (a, b))
    return float(((q - p) * np.log(q / p)).sum())
