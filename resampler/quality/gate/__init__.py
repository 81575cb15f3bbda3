"""Whether predictions of real rows are good enough: figures with intervals, held against a policy."""

from resampler.quality.gate.answer import Answer, ask
from resampler.quality.gate.baseline import Baseline
from resampler.quality.gate.predictions import Predictions
from resampler.quality.gate.rules import GateRules

__all__ = ["Answer", "Baseline", "GateRules", "Predictions", "ask"]
