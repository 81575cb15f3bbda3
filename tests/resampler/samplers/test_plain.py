"""Matrices of numbers are checked once, and what comes of it is what comes of imbalanced-learn's own checks."""

import warnings

import numpy as np
import pytest

from resampler import samplers
from resampler.samplers import base

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 3))
Y = np.repeat([4, 7], [60, 30])
CASES = {
    "integers": (X, Y),
    "booleans": (X, Y == 7),
    "text": (X.astype(np.float32), np.where(Y == 7, "rare", "usual")),
    "one class": (X, np.zeros(90, dtype=int)),
    "nothing": (X[:0], Y[:0]),
    "no column": (X[:, :0], Y),
    "a null": (np.where(X[3, 1] == X, np.nan, X), Y),
    "an infinity": (np.where(X[3, 1] == X, np.inf, X), Y),
    "other lengths": (X[:50], Y),
    "as many classes as rows": (X, np.arange(90)),
    "columns of labels": (X, np.stack([Y, Y], axis=1)),
    "not rows by columns": (X.ravel(), np.repeat(Y, 3)),
    "great numbers": (X * 5e307, Y),
}
SAMPLERS = {
    "smote": lambda: samplers.SMOTE(random_state=0, k_neighbors=3),
    "a count": lambda: samplers.SMOTE(random_state=0, k_neighbors=3, sampling_strategy={7: 40}),
    "a share": lambda: samplers.SMOTE(random_state=0, k_neighbors=3, sampling_strategy=0.9),
    "too many": lambda: samplers.SMOTE(sampling_strategy=2.0),
    "a class that is not there": lambda: samplers.SMOTE(sampling_strategy={9: 100}),
    "a callable": lambda: samplers.SMOTE(random_state=0, sampling_strategy=lambda y: {y.max(): len(y)}),
    "no neighbours": lambda: samplers.SMOTE(k_neighbors=0),
    "classes": lambda: samplers.EditedNearestNeighbours(sampling_strategy=[4]),
    "no such word": lambda: samplers.TomekLinks(sampling_strategy="rare"),
    "both": lambda: samplers.SMOTEENN(random_state=0),
    "at random": lambda: samplers.RandomUnderSampler(random_state=0),
}


def outcome(sampler, X, y):
    """Return what comes back, or is said, and what is kept."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            found = [str(part.tolist()) for part in sampler.fit_resample(X, y)]
        except Exception as error:
            found = [type(error), str(error)]
    kept = {name: str(getattr(sampler, name, None)) for name in ("sampling_strategy_", "n_features_in_")}
    return found, [str(one.message) for one in said], kept if isinstance(found[0], str) else None


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_nothing_but_time_depends_on_who_checks(sampler, monkeypatch):
    quick = {case: outcome(SAMPLERS[sampler](), *given) for case, given in CASES.items()}
    monkeypatch.setattr(base, "resampled_plain", lambda *_: None)
    assert {case: outcome(SAMPLERS[sampler](), *given) for case, given in CASES.items()} == quick


def test_a_second_fit_forgets_the_names_of_the_first():
    pd = pytest.importorskip("pandas")
    sampler = samplers.SMOTE(random_state=0)
    sampler.fit_resample(pd.DataFrame(X, columns=list("abc")), Y)
    assert sampler.feature_names_in_.tolist() == ["a", "b", "c"]
    sampler.fit_resample(X, Y)
    assert not hasattr(sampler, "feature_names_in_")
