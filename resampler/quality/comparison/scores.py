"""What candidates are measured by: `MEASURES`, and the cost where costs are given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from resampler.errors import InvalidInputError
from resampler.quality.measures import MEASURES, Confusion, Measure

if TYPE_CHECKING:
    from numpy.typing import NDArray

COST = "cost"
PROBABILITIES = ("brier", "calibration_error")  # what a score that is no probability has none of


def measures_with(costs: tuple[float, float] | None) -> dict[str, Measure]:
    """Return the measures by name.

    Parameters
    ----------
    costs : tuple of float, optional
        Of a false negative and of a false positive.

    Returns
    -------
    dict of str to Measure
        `MEASURES`, and ``cost`` where costs are given: the mean cost of a row.
    """
    if costs is None:
        return dict(MEASURES)
    missed, alarmed = costs

    def _cost(y_true: NDArray[Any], y_pred: NDArray[Any]) -> float:
        counts = Confusion.of(y_true, y_pred)
        return float((missed * counts.fn + alarmed * counts.fp) / max(len(y_true), 1))

    return {COST: Measure("cost a row", COST, "prediction", "low", _cost), **MEASURES}


def measure_of(name: str) -> Measure:
    """Return what is known of a measure whatever the costs are: its names, and which end is good.

    Parameters
    ----------
    name : str
        A key of `MEASURES`, or ``cost``.

    Returns
    -------
    Measure
        That.
    """
    return measures_with((1.0, 1.0))[name]


def check_measures(
    measure: str | None, tuned_by: str | None, costs: tuple[float, float] | None
) -> tuple[str, str, tuple[float, float] | None]:
    """Settle what decides and what thresholds are moved for.

    Parameters
    ----------
    measure : str, optional
        By default the cost where costs are given, else average precision: where the threshold lies is no part of it.
    tuned_by : str, optional
        By default the measure that decides if it is one of predictions, else the cost where costs are given, else F1.
    costs : tuple of float, optional
        Of a false negative and of a false positive.

    Returns
    -------
    measure, tuned_by : str
        Keys of `measures_with`.
    costs : tuple of float or None
        As numbers.

    Raises
    ------
    InvalidInputError
        If there is no such measure, a threshold cannot be moved for it, or costs are no costs.
    """
    if costs is not None:
        try:
            missed, alarmed = map(float, costs)
        except (TypeError, ValueError) as error:
            raise InvalidInputError(
                f"costs must be two numbers, of a false negative and of a false positive, got {costs!r}"
            ) from error
        if not (np.isfinite([missed, alarmed]).all() and missed > 0 and alarmed > 0):
            raise InvalidInputError(f"costs must be above 0, got {missed:g} and {alarmed:g}: use their proportion")
        costs = missed, alarmed
    known = measures_with(costs)
    decides = measure or (COST if costs else "average_precision")
    if decides not in known:
        hint = ": give costs" if decides == COST else ""
        raise InvalidInputError(f"measure must be one of {', '.join(known)}, got {decides!r}{hint}")
    if tuned_by is None:
        tuned_by = decides if decides in (COST, "f1", "g_mean") else (COST if costs else "f1")
    possible = [name for name, one in known.items() if one.of == "prediction" and name not in ("recall", "fpr")]
    if tuned_by not in possible:  # recall alone is best where every row is an alarm
        raise InvalidInputError(f"thresholds can be moved for {', '.join(possible)}, got {tuned_by!r}")
    return decides, tuned_by, costs
