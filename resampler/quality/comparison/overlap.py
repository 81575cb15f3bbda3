"""Means over parts of one set of rows, with intervals that allow for what the parts share."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from resampler.quality.comparison.comparison import Figure
from resampler.quality.statistics import deviations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from resampler.quality.comparison.comparison import Part

LEVEL = 0.95
LEAST = 3  # values, for an interval: by two it is 13 times as wide as their distance
_BOTH_WAYS = 2.0  # each row is tested by a model of the other and the other way round, so that areas rise together


def is_above_chance(areas: Sequence[float], parts: Sequence[Part]) -> bool:
    """Say whether scores tell the positive class from others at all.

    Parameters
    ----------
    areas : sequence of float
        Areas under the receiver operating characteristic, one a part.
    parts : sequence of Part
        In that order.

    Returns
    -------
    bool
        Whether the areas of a repetition's parts, in which no row is tested twice, lie above a half by more than chance
        does in 95 of 100 cases; of several repetitions, the mean of their statistics.

    Notes
    -----
    What a linear model of one part owes to pairs of rows, it owes to them again when parts change places: on labels
    drawn at random the statistic of five folds has a deviation of 1.4, not 1. Their variance counts twice, which makes
    it careful for trees (.9 to 1.1) and neighbours (1.2).

    References
    ----------
    Mann, Whitney: Ann. Math. Statist. 18 (1947), doi:10.1214/aoms/1177730491. Without ties, which make it careful.
    """
    found = []
    for seed in {part.seed for part in parts}:
        mine = [(value, part) for value, part in zip(areas, parts, strict=True) if part.seed == seed]
        variance = 0.0
        for _, part in mine:
            rare, common = part.positives_test, part.n_test - part.positives_test
            variance += (part.n_test + 1) / (12 * rare * common)
        found.append(sum(value - 0.5 for value, _ in mine) / math.sqrt(_BOTH_WAYS * variance))
    return bool(found) and float(np.mean(found)) > deviations(2 * LEVEL - 1)  # on one side


class Overlap:
    """How values of parts make a mean and an interval.

    Parameters
    ----------
    parts : sequence of Part
        In the order of the values.
    same : bool
        Whether every seed has the same folds: then a fold's values over its seeds are one value, their mean.

    References
    ----------
    Nadeau, Bengio: Inference for the generalization error. Machine Learning 52 (2003), doi:10.1023/A:1024068626366:
    variance times ``1/J + n_test/n_train`` in place of ``1/J``, for training parts overlap. Over repeated folds:
    Bouckaert, Frank: Evaluating the replicability of significance tests. PAKDD 2004, doi:10.1007/978-3-540-24775-3_3.
    """

    def __init__(self, parts: Sequence[Part], *, same: bool) -> None:
        self.units = [[i] for i in range(len(parts))]
        if same:
            folds = sorted({part.fold for part in parts})
            self.units = [[i for i, part in enumerate(parts) if part.fold == fold] for fold in folds]
        self.share = float(np.mean([part.n_test / part.n_train for part in parts])) if parts else math.nan

    def figure(self, values: Sequence[float], *, among: int = 1) -> Figure:
        """Return the mean of some values, and within what it lies.

        Parameters
        ----------
        values : sequence of float
            One a part; those that are NaN are left out.
        among : int
            How many such intervals are looked at together: 95 % is that all of them hold (Bonferroni).

        Returns
        -------
        Figure
            Student's interval, its variance corrected; its ends are NaN with fewer than three values.
        """
        from scipy.special import stdtrit

        means = [np.nanmean(taken) for unit in self.units if not np.isnan(taken := [values[i] for i in unit]).all()]
        n = len(means)
        mean = float(np.mean(means)) if n else math.nan
        if n < LEAST:
            return Figure(mean, math.nan, math.nan, tuple(map(float, values)))
        error = math.sqrt(float(np.var(means, ddof=1)) * (1 / n + self.share))
        half = float(stdtrit(n - 1, 1 - (1 - LEVEL) / (2 * among))) * error
        return Figure(mean, mean - half, mean + half, tuple(map(float, values)))
