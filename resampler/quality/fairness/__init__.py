"""How measures of predictions differ between groups of rows, and what synthetic rows change there."""

from resampler.quality.fairness.disparity import (
    demographic_parity_difference,
    demographic_parity_ratio,
    equalized_odds_difference,
    equalized_odds_ratio,
)
from resampler.quality.fairness.frame import Disparity, MetricFrame
from resampler.quality.fairness.groups import Groups, ranges
from resampler.quality.fairness.growth import Change, changes
from resampler.quality.fairness.representation import Representation, representation

__all__ = [
    "Change",
    "Disparity",
    "Groups",
    "MetricFrame",
    "Representation",
    "changes",
    "demographic_parity_difference",
    "demographic_parity_ratio",
    "equalized_odds_difference",
    "equalized_odds_ratio",
    "ranges",
    "representation",
]
