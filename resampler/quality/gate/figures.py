"""Figures with their intervals: exact values, and within what the values of all rows like these lie."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from resampler.quality.gate.resampled import Cells, drawn_counts
from resampler.quality.intervals import COUNTED, SCORED, counted, difference_interval, scored
from resampler.quality.measures import Confusion

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from resampler.quality.intervals import Estimate

_TAILS = (2.5, 97.5)


class Figure(NamedTuple):
    """One figure.

    Parameters
    ----------
    value : float
        Of these rows; NaN where they cannot have one.
    low, high : float
        Ends of a 95 % interval.
    rows : int
        Rows that carry it: of a recall, those of the class.
    """

    value: float
    low: float
    high: float
    rows: int

    def to_dict(self) -> dict[str, Any]:
        """Write it as JSON can hold it.

        Returns
        -------
        dict
            None in place of NaN.
        """
        ends = {"value": self.value, "low": self.low, "high": self.high}
        return {name: None if math.isnan(end) else end for name, end in ends.items()} | {"rows": self.rows}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Figure:
        """Read it.

        Parameters
        ----------
        data : dict
            From `to_dict`.

        Returns
        -------
        Figure
            The same.
        """
        value, low, high = (math.nan if data[name] is None else float(data[name]) for name in ("value", "low", "high"))
        return cls(value, low, high, int(data["rows"]))


def figures(
    y_true: NDArray[np.bool_], y_pred: NDArray[np.bool_], score: NDArray[np.float64] | None
) -> dict[str, Figure]:
    """Measure predictions.

    Parameters
    ----------
    y_true, y_pred : ndarray of shape (n_rows,), bool
        Whether a row is of the class, and is predicted to be.
    score : ndarray of shape (n_rows,), float64, or None
        Its probability.

    Returns
    -------
    dict of str to Figure
        By measure; those of scores only where there are some.
    """
    count = Confusion(*(np.array([one], dtype=np.int64) for one in Confusion.of(y_true, y_pred)))
    found = {name: by_group(counted(name, count))[0] for name in COUNTED}
    if score is not None:
        found |= {name: by_group(scored(name, [(y_true, score)]))[0] for name in SCORED}
    return found


def by_group(estimate: Estimate) -> list[Figure]:
    """Take the figures of groups.

    Parameters
    ----------
    estimate : Estimate
        Of some groups.

    Returns
    -------
    list of Figure
        Of each, with a 95 % interval.
    """
    parts = (estimate.value, *estimate.interval(), estimate.support)
    return [
        Figure(value, min(low, value), max(high, value), rows)
        for value, low, high, rows in zip(*(part.tolist() for part in parts), strict=True)
    ]


def difference(first: Figure, second: Figure) -> Figure:
    """Subtract a figure of other rows.

    Parameters
    ----------
    first, second : Figure
        Of rows that do not know each other.

    Returns
    -------
    Figure
        First minus second.
    """
    low, high = difference_interval(first[:3], second[:3])
    return Figure(first.value - second.value, float(low), float(high), min(first.rows, second.rows))


def paired_differences(
    y_true: NDArray[np.bool_],
    first: tuple[NDArray[np.bool_], NDArray[np.float64] | None],
    second: tuple[NDArray[np.bool_], NDArray[np.float64] | None],
    known: tuple[Mapping[str, Figure], Mapping[str, Figure]],
) -> dict[str, Figure]:
    """Subtract the figures of two models on the same rows.

    Parameters
    ----------
    y_true : ndarray of shape (n_rows,), bool
        Whether a row is of the class.
    first, second : tuple
        What each model says: predicted, and its score or None.
    known : tuple of mapping
        The exact figures of both.

    Returns
    -------
    dict of str to Figure
        First minus second, by measure that both have; their intervals by a bootstrap that draws a row for both at once,
        and of width 0 where all decisions and scores are the same. That of the calibration error is the wider one of
        rows that were not shared.
    """
    (predicted, score), (other_predicted, other_score) = first, second
    drawn = drawn_counts(y_true, predicted, other_predicted)
    off: list[dict[str, Any]] = [{}, {}]  # what levels of scores lose
    if score is not None and other_score is not None:
        cells = Cells.of(y_true, [score, other_score])
        drawn = [counts | scored for counts, scored in zip(drawn, cells.drawn(), strict=True)]
        off = cells.as_they_are()
    found = {}
    for name in known[0]:
        if name not in known[1]:
            continue
        value = known[0][name].value - known[1][name].value
        rows = min(known[0][name].rows, known[1][name].rows)
        if name not in drawn[0]:
            found[name] = difference(known[0][name], known[1][name])
        elif _same(first, second):
            found[name] = Figure(value, value, value, rows)
        else:
            draws = drawn[0][name] - drawn[1][name]
            if name in off[0]:
                draws = draws + value - (off[0][name][0] - off[1][name][0])
            found[name] = Figure(value, *_within(draws, value), rows)
    return found


def _same(
    first: tuple[NDArray[np.bool_], NDArray[np.float64] | None],
    second: tuple[NDArray[np.bool_], NDArray[np.float64] | None],
) -> bool:
    """Whether it is one model: it decides alike and scores alike. Decisions alone are alike by chance, too."""
    (predicted, score), (other_predicted, other_score) = first, second
    if score is None or other_score is None:
        return False
    return np.array_equal(predicted, other_predicted) and np.array_equal(score, other_score)


def _within(draws: NDArray[np.float64], value: float) -> tuple[float, float]:
    """Return the ends of the middle 95 % of draws, the figure itself included."""
    there = draws[~np.isnan(draws)]
    if not len(there) or math.isnan(value):
        return -1.0, 1.0
    low, high = np.percentile(there, _TAILS)
    return float(min(low, value)), float(max(high, value))
