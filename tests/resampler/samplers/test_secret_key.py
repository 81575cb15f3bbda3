"""A secret key of over-samplers: other rows than the seed's, in another order, by a key that is nowhere shown."""

import pickle

import numpy as np
import pytest
from imblearn.pipeline import make_pipeline
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_score

from resampler import samplers
from resampler.errors import InvalidInputError
from resampler.secret import SecretKey

SECRET = "correct horse battery staple"


@pytest.fixture
def key(monkeypatch):
    monkeypatch.setenv("ROWS_KEY", SECRET)
    return "env:ROWS_KEY"


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [200, 40])
    return rng.normal(size=(240, 4)) + 0.7 * y[:, None], y


SAMPLERS = {
    "SMOTE": samplers.SMOTE(random_state=3),
    "BorderlineSMOTE": samplers.BorderlineSMOTE(random_state=3),
    "ADASYN": samplers.ADASYN(random_state=3),
    "SVMSMOTE": samplers.SVMSMOTE(random_state=3),
    "KMeansSMOTE": samplers.KMeansSMOTE(random_state=3, kmeans_estimator=2, cluster_balance_threshold=0.1),
    "EmbeddingSMOTE": samplers.EmbeddingSMOTE(random_state=3),
    "OverSampler": samplers.OverSampler("borderline-2", random_state=3),
    "HardenedOverSampler": samplers.HardenedOverSampler(random_state=3),
    "RandomOverSampler": samplers.RandomOverSampler(random_state=3, shrinkage=0.4),
    "SMOTENC": samplers.SMOTENC([3], random_state=3),
    "SMOTEN": samplers.SMOTEN(random_state=3),
    "SMOTEENN": samplers.SMOTEENN(random_state=3),
    "SMOTETomek": samplers.SMOTETomek(random_state=3),
}


def test_every_over_sampler_is_here():
    offered = {name for name in samplers.__all__ if hasattr(getattr(samplers, name), "provenance_")} | {
        name
        for name in samplers.__all__
        if "secret_key" in getattr(getattr(samplers, name), "_parameter_constraints", {})
    }
    assert offered == set(SAMPLERS)


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_key_gives_other_rows_and_the_same_again(name, rows, key):
    X, y = rows
    if name in ("SMOTENC", "SMOTEN"):
        X = np.round(X)
    plain = SAMPLERS[name]
    keyed = clone(plain).set_params(secret_key=key)
    without, _ = plain.fit_resample(X, y)
    first, labels = keyed.fit_resample(X, y)
    again, _ = clone(keyed).set_params(secret_key=SecretKey.read(key)).fit_resample(X, y)
    other, _ = clone(keyed).set_params(secret_key=SecretKey(b"another secret key")).fit_resample(X, y)
    np.testing.assert_array_equal(first, again)
    for found in (without, other):
        assert found.shape != first.shape or not np.array_equal(found, first)
    if name not in ("EmbeddingSMOTE", "SMOTEENN", "SMOTETomek"):
        np.testing.assert_array_equal(first[: len(X)], X)
        np.testing.assert_array_equal(samplers.replay(X, keyed.provenance_), first[len(X) :])
    assert len(labels) == len(first)


def test_rows_of_a_base_are_not_a_round_apart(rows, key):
    X, y = rows
    base = samplers.SMOTE(random_state=0, secret_key=key).fit(X, y)
    base.fit_resample(X, y)
    base = base.provenance_.base
    assert np.mean(base[40:] == base[:-40]) < 0.15


def test_without_a_random_state_rows_are_others_each_time(rows, key):
    X, y = rows
    sampler = samplers.SMOTE(secret_key=key)
    assert not np.array_equal(sampler.fit_resample(X, y)[0], sampler.fit_resample(X, y)[0])


def test_the_key_stays_out_of_what_is_shown_and_pickled(rows, key):
    X, y = rows
    sampler = samplers.SMOTE(random_state=0, secret_key=SecretKey.read(key))
    sampler.fit_resample(X, y)
    assert SECRET not in repr(sampler)
    assert SECRET.encode() not in pickle.dumps(sampler)
    assert pickle.loads(pickle.dumps(sampler)).secret_key == sampler.secret_key  # noqa: S301 - made above
    assert clone(sampler).get_params()["secret_key"] is sampler.secret_key


def test_processes_of_a_cross_validation_read_the_key_themselves(rows, key):
    model = make_pipeline(samplers.SMOTE(random_state=0, secret_key=SecretKey.read(key)), RandomForestClassifier(5))
    assert cross_val_score(model, *rows, cv=2, n_jobs=2).shape == (2,)


def test_what_is_no_key_is_said(rows):
    with pytest.raises(ValueError, match="no environment variable 'NO_SUCH'"):
        samplers.SMOTE(secret_key="env:NO_SUCH").fit_resample(*rows)
    with pytest.raises(ValueError, match="secret_key"):
        samplers.SMOTE(secret_key=5).fit_resample(*rows)
    with pytest.raises(InvalidInputError, match="give it to the smote that you pass"):
        samplers.SMOTEENN(smote=samplers.SMOTE(), secret_key=SecretKey(SECRET.encode())).fit_resample(*rows)
