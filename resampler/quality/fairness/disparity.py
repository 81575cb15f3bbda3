"""Demographic parity, equalized odds and equal opportunity, as fairlearn defines them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from resampler.errors import InvalidInputError
from resampler.quality.fairness.frame import MetricFrame

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from resampler.quality.fairness.frame import Method

_ODDS = ("recall", "fpr")


def demographic_parity_difference(
    y_true: ArrayLike, y_pred: ArrayLike, *, sensitive_features: Any, method: Method = "between_groups"
) -> float:
    """Return the difference of the greatest and the smallest selection rate of a group.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_rows,), bool
        Whether a row is of the class, and is predicted to be.
    sensitive_features, method : object
        As `MetricFrame` and its `difference` take them.

    Returns
    -------
    float
        0 where all groups are selected equally often.
    """
    return _frame(y_true, y_pred, sensitive_features, ["selection_rate"]).difference(method)["selection_rate"]


def demographic_parity_ratio(
    y_true: ArrayLike, y_pred: ArrayLike, *, sensitive_features: Any, method: Method = "between_groups"
) -> float:
    """Return the ratio of the smallest and the greatest selection rate of a group.

    Parameters
    ----------
    y_true, y_pred, sensitive_features, method
        As `demographic_parity_difference` takes them.

    Returns
    -------
    float
        1 where all groups are selected equally often.
    """
    return _frame(y_true, y_pred, sensitive_features, ["selection_rate"]).ratio(method)["selection_rate"]


def equalized_odds_difference(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    sensitive_features: Any,
    method: Method = "between_groups",
    agg: Literal["worst_case", "mean"] = "worst_case",
) -> float:
    """Return the difference between groups of recall or of the false positive rate.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_rows,), bool
        Whether a row is of the class, and is predicted to be.
    sensitive_features, method : object
        As `MetricFrame` and its `difference` take them.
    agg : {"worst_case", "mean"}
        The greater of the two, or their mean.

    Returns
    -------
    float
        0 where all groups have the same rates.
    """
    return _aggregate(agg, max, _frame(y_true, y_pred, sensitive_features, _ODDS).difference(method))


def equalized_odds_ratio(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    sensitive_features: Any,
    method: Method = "between_groups",
    agg: Literal["worst_case", "mean"] = "worst_case",
) -> float:
    """Return the ratio between groups of recall or of the false positive rate.

    Parameters
    ----------
    y_true, y_pred, sensitive_features, method
        As `equalized_odds_difference` takes them.
    agg : {"worst_case", "mean"}
        The smaller of the two, or their mean.

    Returns
    -------
    float
        1 where all groups have the same rates.
    """
    return _aggregate(agg, min, _frame(y_true, y_pred, sensitive_features, _ODDS).ratio(method))


def _frame(y_true: ArrayLike, y_pred: ArrayLike, by: Any, metrics: Sequence[str]) -> MetricFrame:
    return MetricFrame(y_true=y_true, y_pred=y_pred, sensitive_features=by, metrics=metrics)


def _aggregate(agg: str, worst: Any, found: dict[str, float]) -> float:
    if agg not in {"worst_case", "mean"}:
        raise InvalidInputError(f"agg must be 'worst_case' or 'mean', got {agg!r}")
    return float(worst(found.values())) if agg == "worst_case" else sum(found.values()) / len(found)
