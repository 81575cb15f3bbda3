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
    from resampler.quality.prior.correct import correct_prior
    from resampler.quality.prior.counts import ClassCounts
    from resampler.quality.prior.estimator import PriorCorrection, calibrate
    from resampler.quality.prior.window import ClassWindow
    from resampler.quality.privacy.arrays import audit_privacy
    from resampler.quality.privacy.audit import PrivacyAudit

_HOME = {
    "Change": "fairness",
    "ClassCounts": "prior.counts",
    "ClassWindow": "prior.window",
    "Comparison": "comparison.comparison",
    "Detectability": "checks.detection",
    "Disparity": "fairness",
    "Finding": "finding",
    "MetricFrame": "fairness",
    "PriorCorrection": "prior.estimator",
    "PrivacyAudit": "privacy.audit",
    "Representation": "fairness",
    "audit_privacy": "privacy.arrays",
    "calibrate": "prior.estimator",
    "changes": "fairness",
    "compare": "comparison.compare",
    "correct_prior": "prior.correct",
    "demographic_parity_difference": "fairness",
    "demographic_parity_ratio": "fairness",
    "detectability": "checks.detection",
    "equalized_odds_difference": "fairness",
    "equalized_odds_ratio": "fairness",
    "preflight": "checks.arrays",
    "ranges": "fairness",
    "representation": "fairness",
}

__all__ = [
    "Change",
    "ClassCounts",
    "ClassWindow",
    "Comparison",
    "Detectability",
    "Disparity",
    "Finding",
    "MetricFrame",
    "PriorCorrection",
    "PrivacyAudit",
    "Representation",
    "audit_privacy",
    "calibrate",
    "changes",
    "compare",
    "correct_prior",
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
