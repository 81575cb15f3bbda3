"""Estimators with `fit_resample`, one file per family; drop-in for imbalanced-learn's."""

from resampler.samplers.smote import SMOTE

__all__ = ["SMOTE"]
