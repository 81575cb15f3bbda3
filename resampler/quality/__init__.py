"""What rows are worth, and what they would do to a model: measures on arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resampler.lazy import attach

if TYPE_CHECKING:
    from resampler.quality.checks.arrays import preflight
    from resampler.quality.checks.detection import Detectability, detectability
    from resampler.quality.finding import Finding

_HOME = {
    "Detectability": "checks.detection",
    "Finding": "finding",
    "detectability": "checks.detection",
    "preflight": "checks.arrays",
}

__all__ = ["Detectability", "Finding", "detectability", "preflight"]

__getattr__, __dir__ = attach(__name__, _HOME)
