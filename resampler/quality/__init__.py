"""What rows are worth, and what they would do to a model: measures on arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resampler.lazy import attach

if TYPE_CHECKING:
    from resampler.quality.checks.arrays import preflight
    from resampler.quality.checks.detection import Detectability, detectability
    from resampler.quality.comparison.compare import compare
    from resampler.quality.comparison.comparison import Comparison
    from resampler.quality.fairness import (
        Change,
        Disparity,
        MetricFrame,
        Representation,
        changes,
        demographic_parity_difference,
        demographic_parity_ratio,
        equalized_odds_difference,
        equalized_odds_ratio,
        ranges,
        representation,
    )
    from resampler.quality.finding import Finding

_HOME = {
    "Change": "fairness",
    "Comparison": "comparison.comparison",
    "Detectability": "checks.detection",
    "Disparity": "fairness",
    "Finding": "finding",
    "MetricFrame": "fairness",
    "Representation": "fairness",
    "changes": "fairness",
    "demographic_parity_difference": "fairness",
    "demographic_parity_ratio": "fairness",
    "compare": "comparison.compare",
    "detectability": "checks.detection",
    "equalized_odds_difference": "fairness",
    "equalized_odds_ratio": "fairness",
    "preflight": "checks.arrays",
    "ranges": "fairness",
    "representation": "fairness",
}

__all__ = [
    "Change",
    "Comparison",
    "Detectability",
    "Disparity",
    "Finding",
    "MetricFrame",
    "Representation",
    "changes",
    "compare",
    "demographic_parity_difference",
    "demographic_parity_ratio",
    "detectability",
    "equalized_odds_difference",
    "equalized_odds_ratio",
    "preflight",
    "ranges",
    "representation",
]

__getattr__, __dir__ = attach(__name__, _HOME)
