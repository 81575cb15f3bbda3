"""Resampling by parts: tables that one machine does not hold, on any engine, to the same bytes."""

from resampler.lazy import attach

__all__ = ["Resampled", "resample"]

_HOME = {"resample": "run", "Resampled": "resampled"}  # workers need neither scikit-learn nor imbalanced-learn

__getattr__, __dir__ = attach(__name__, _HOME)
