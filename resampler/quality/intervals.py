"""Figures of predictions with their intervals: `Estimate`, for many groups of rows at once."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from resampler.quality.measures import MEASURES, average_precision, brier, equal_mass_bins
from resampler.quality.statistics import deviations, wilson

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from resampler.quality.measures import Confusion

# Measures that counts alone decide, and those that take scores.
COUNTED = (*(name for name, measure in MEASURES.items() if measure.of == "prediction"), "selection_rate")
SCORED = tuple(name for name, measure in MEASURES.items() if measure.of == "score")


class Estimate(NamedTuple):
    """One measure of each of some groups of rows.

    Parameters
    ----------
    value : ndarray of shape (n_groups,), float64
        NaN where a group has no row to measure it on.
    support : ndarray of shape (n_groups,), int64
        Rows that it is measured on: of recall those of the class, of precision those with an alarm, of the false
        positive rate those of other classes, of average precision those of the class, of others all.
    bounds : callable
        ``bounds(level)`` returns both ends as arrays; `interval` is the same with NaN where there is no value.
    """

    value: NDArray[np.float64]
    support: NDArray[np.int64]
    bounds: Callable[[float], tuple[NDArray[np.float64], NDArray[np.float64]]]

    def interval(self, level: float = 0.95) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return both ends of an interval of each group.

        Parameters
        ----------
        level : float
            How often it holds the truth, between 0 and 1.

        Returns
        -------
        tuple of ndarray, float64
            NaN where there is no value.
        """
        unmeasured = np.isnan(self.value)
        low, high = self.bounds(level)
        return np.where(unmeasured, np.nan, low), np.where(unmeasured, np.nan, high)


def counted(name: str, confusion: Confusion) -> Estimate:
    """Estimate a measure of counts.

    Parameters
    ----------
    name : str
        Of `COUNTED`.
    confusion : Confusion
        Integer arrays of shape (n_groups,).

    Returns
    -------
    Estimate
        Shares have Wilson's interval. F1 is ``2 j / (1 + j)`` of the share j of hits among hits, misses and false
        alarms, whose interval it takes. The G-mean's lies between those of its two factors, each at half the risk.
    """
    tp, fp, fn, tn = confusion
    value = np.asarray(getattr(confusion, name), dtype=np.float64)
    if name == "g_mean":

        def _bounds(level: float) -> tuple[NDArray[Any], NDArray[Any]]:
            z = deviations((1 + level) / 2)
            found, spared = wilson(tp, tp + fn, z), wilson(tn, tn + fp, z)
            return np.sqrt(found[0] * spared[0]), np.sqrt(found[1] * spared[1])

        return Estimate(value, np.minimum(tp + fn, tn + fp), _bounds)
    if name == "f1":

        def _bounds(level: float) -> tuple[NDArray[Any], NDArray[Any]]:
            low, high = wilson(tp, tp + fp + fn, deviations(level))
            return 2 * low / (1 + low), 2 * high / (1 + high)

        return Estimate(value, tp + fp + fn, _bounds)
    part, whole = {
        "recall": (tp, tp + fn),
        "precision": (tp, tp + fp),
        "fpr": (fp, fp + tn),
        "selection_rate": (tp + fp, tp + fp + fn + tn),
    }[name]
    return Estimate(value, whole, lambda level: wilson(part, whole, deviations(level)))


def scored(name: str, samples: Sequence[tuple[NDArray[np.bool_], NDArray[np.float64]]]) -> Estimate:
    """Estimate a measure of scores.

    Parameters
    ----------
    name : str
        Of `SCORED`.
    samples : sequence of tuple of ndarray
        Truth and scores of each group.

    Returns
    -------
    Estimate
        Average precision has the interval of a share of the class's rows; the Brier score that of a share of as many
        rows as give its spread, which counts in some rows of the worst case, as many as Wilson's interval adds: equal
        squares, as of a group that happens to have no row of the class, are no proof of a spread of 0.

    Notes
    -----
    A calibration error is never below 0, so rows of a perfect model have one by chance. The interval takes that off:
    its lower end is the error less what chance adds on average, both ends leave room for the deviation that normal
    errors of the bins' gaps can cause (a Lipschitz function of them).

    References
    ----------
    Boyd, Eng, Page: Area under the precision-recall curve: point estimates and confidence intervals. ECML PKDD 2013,
    doi:10.1007/978-3-642-40994-3_29.
    Boucheron, Lugosi, Massart: Concentration inequalities. Oxford 2013, theorem 5.6.
    """
    size = np.array([len(y) for y, _ in samples], dtype=np.int64)
    if name == "average_precision":
        value = np.array([average_precision(*one) for one in samples], dtype=np.float64)
        positives = np.array([np.count_nonzero(y) for y, _ in samples], dtype=np.int64)
        held = np.nan_to_num(value) * positives
        return Estimate(value, positives, lambda level: wilson(held, positives, deviations(level)))
    if name == "brier":
        value = np.array([brier(*one) for one in samples], dtype=np.float64)
        spread = np.array([np.var((s - y) ** 2) if len(y) else 0.0 for y, s in samples])
        held, widest = np.nan_to_num(value), value * (1 - value)

        def _of_squares(level: float) -> tuple[NDArray[Any], NDArray[Any]]:
            z = deviations(level)
            kept = (size * spread + z * z * widest) / (size + z * z)
            rows = np.where(kept > 0, size * np.divide(widest, kept, out=np.ones(len(size)), where=kept > 0), size)
            return wilson(held * rows, rows, z)

        return Estimate(value, size, _of_squares)
    parts = [_calibration(*one) for one in samples]
    value, chance, spread = np.array(parts, dtype=np.float64).reshape(-1, 3).T

    def _bounds(level: float) -> tuple[NDArray[Any], NDArray[Any]]:
        room = math.sqrt(2 * math.log(2 / (1 - level))) * spread
        return np.maximum(value - chance - room, 0.0), np.minimum(value + room, 1.0)

    return Estimate(value, size, _bounds)


def _calibration(y: NDArray[np.bool_], s: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the expected calibration error, what chance alone adds to it, and the deviation of one."""
    if not len(s):
        return math.nan, 0.0, 0.0
    at = equal_mass_bins(s)
    gaps = np.bincount(at, s) - np.bincount(at, y)
    # What a bin's sum of gaps varies by: as its rows show it, and no less than if its scores were true.
    shown = np.bincount(at, (s - y) ** 2) - gaps**2 / np.maximum(np.bincount(at), 1)
    deviation = np.sqrt(np.maximum(shown, np.bincount(at, s * (1 - s)))) / len(s)
    value = float(np.abs(gaps).sum() / len(s))
    return value, math.sqrt(2 / math.pi) * float(deviation.sum()), float(np.sqrt((deviation**2).sum()))


def difference_interval(
    first: tuple[Any, Any, Any], second: tuple[Any, Any, Any], correlation: Any = 0.0
) -> tuple[Any, Any]:
    """Return the interval of a difference, from those of its two sides.

    Parameters
    ----------
    first, second : tuple of float or ndarray
        Value, lower end and upper end; the second is taken from the first.
    correlation : float or ndarray
        Of the two values: 0 for rows of their own, more for predictions of the same rows.

    Returns
    -------
    tuple of float or ndarray
        Both ends.

    References
    ----------
    Newcombe: Interval estimation for the difference between independent proportions. Statist. Med. 17 (1998), method
    10, doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I; Zou, Donner: Construction of confidence
    limits about effect measures. Statist. Med. 27 (2008), doi:10.1002/sim.3095, for measures that are no shares.
    """
    a, low_a, high_a = first
    b, low_b, high_b = second
    below, above = a - low_a, high_a - a
    fall, rise = b - low_b, high_b - b
    down = below**2 + rise**2 - 2 * correlation * below * rise
    up = above**2 + fall**2 - 2 * correlation * above * fall
    return a - b - np.sqrt(np.maximum(down, 0.0)), a - b + np.sqrt(np.maximum(up, 0.0))
