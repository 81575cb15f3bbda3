"""Estimators with `fit_resample`, one file per family; drop-in for imbalanced-learn's."""

from resampler.methods.oversample import ShortfallWarning
from resampler.methods.provenance import Provenance
from resampler.samplers.adaptive import ADASYN, SVMSMOTE, BorderlineSMOTE
from resampler.samplers.bootstrap import RandomOverSampler, RandomUnderSampler
from resampler.samplers.cleaning import EditedNearestNeighbours, TomekLinks
from resampler.samplers.cluster import KMeansSMOTE
from resampler.samplers.combine import SMOTEENN, SMOTETomek
from resampler.samplers.embedding import ContrastWarning, EmbeddingSMOTE
from resampler.samplers.harden import HardenedOverSampler
from resampler.samplers.nominal import SMOTEN, SMOTENC
from resampler.samplers.oversampler import OverSampler
from resampler.samplers.replay import replay
from resampler.samplers.smote import SMOTE

__all__ = [
    "ADASYN",
    "SMOTE",
    "SMOTEENN",
    "SMOTEN",
    "SMOTENC",
    "SVMSMOTE",
    "BorderlineSMOTE",
    "ContrastWarning",
    "EditedNearestNeighbours",
    "EmbeddingSMOTE",
    "HardenedOverSampler",
    "KMeansSMOTE",
    "OverSampler",
    "Provenance",
    "RandomOverSampler",
    "RandomUnderSampler",
    "SMOTETomek",
    "ShortfallWarning",
    "TomekLinks",
    "replay",
]
