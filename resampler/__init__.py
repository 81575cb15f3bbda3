"""Rebalance rare classes: a streaming and batch resampler whose every synthetic row has its provenance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resampler.lazy import attach

if TYPE_CHECKING:
    from resampler.buffer import MinorityBuffer
    from resampler.errors import (
        ContractError,
        CorruptStateError,
        GateError,
        InvalidInputError,
        MissingExtraError,
        ResamplerError,
    )
    from resampler.online import OnlineResampler
    from resampler.presets import preset
    from resampler.provenance import MicroBatch, Synthetic
    from resampler.quality import ClassWindow, PriorCorrection, calibrate, correct_prior
    from resampler.samplers import (
        ADASYN,
        SMOTE,
        SMOTEENN,
        SMOTEN,
        SMOTENC,
        SVMSMOTE,
        BorderlineSMOTE,
        EditedNearestNeighbours,
        EmbeddingSMOTE,
        HardenedOverSampler,
        KMeansSMOTE,
        OverSampler,
        RandomOverSampler,
        RandomUnderSampler,
        SMOTETomek,
        TomekLinks,
        replay,
    )
    from resampler.schema import Feature, FeatureSchema, Label
    from resampler.secret import SecretKey

# Names are imported when they are first asked for: the estimators pull in scikit-learn, which a stream worker
# never needs.
_HOME = {
    "ADASYN": "samplers",
    "SMOTE": "samplers",
    "SMOTEENN": "samplers",
    "SMOTEN": "samplers",
    "SMOTENC": "samplers",
    "SVMSMOTE": "samplers",
    "BorderlineSMOTE": "samplers",
    "EditedNearestNeighbours": "samplers",
    "EmbeddingSMOTE": "samplers",
    "HardenedOverSampler": "samplers",
    "KMeansSMOTE": "samplers",
    "OverSampler": "samplers",
    "RandomOverSampler": "samplers",
    "RandomUnderSampler": "samplers",
    "SMOTETomek": "samplers",
    "TomekLinks": "samplers",
    "replay": "samplers",
    "ClassWindow": "quality",
    "PriorCorrection": "quality",
    "calibrate": "quality",
    "correct_prior": "quality",
    "ContractError": "errors",
    "CorruptStateError": "errors",
    "Feature": "schema",
    "FeatureSchema": "schema",
    "GateError": "errors",
    "InvalidInputError": "errors",
    "Label": "schema",
    "MicroBatch": "provenance",
    "MinorityBuffer": "buffer",
    "MissingExtraError": "errors",
    "OnlineResampler": "online",
    "ResamplerError": "errors",
    "preset": "presets",
    "SecretKey": "secret",
    "Synthetic": "provenance",
}

__all__ = [
    "ADASYN",
    "SMOTE",
    "SMOTEENN",
    "SMOTEN",
    "SMOTENC",
    "SVMSMOTE",
    "BorderlineSMOTE",
    "ClassWindow",
    "ContractError",
    "CorruptStateError",
    "EditedNearestNeighbours",
    "EmbeddingSMOTE",
    "Feature",
    "FeatureSchema",
    "GateError",
    "HardenedOverSampler",
    "InvalidInputError",
    "KMeansSMOTE",
    "Label",
    "MicroBatch",
    "MinorityBuffer",
    "MissingExtraError",
    "OnlineResampler",
    "OverSampler",
    "PriorCorrection",
    "RandomOverSampler",
    "RandomUnderSampler",
    "ResamplerError",
    "SMOTETomek",
    "SecretKey",
    "Synthetic",
    "TomekLinks",
    "calibrate",
    "correct_prior",
    "preset",
    "replay",
]

__getattr__, __dir__ = attach(__name__, _HOME)
