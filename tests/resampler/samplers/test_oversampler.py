"""Any method by its name: the rows of the class of that method."""

import numpy as np
import pytest
from imblearn.pipeline import make_pipeline
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from resampler import samplers
from resampler.errors import ContractError, DataError, InvalidInputError
from resampler.methods.catalog import METHODS
from resampler.methods.oversample import ShortfallWarning
from resampler.samplers.oversampler import OFFERED

CLASSES = {
    "smote": samplers.SMOTE(),
    "borderline": samplers.BorderlineSMOTE(),
    "borderline-2": samplers.BorderlineSMOTE(kind="borderline-2"),
    "adasyn": samplers.ADASYN(n_neighbors=4),
    "kmeans": samplers.KMeansSMOTE(),
    "svm": samplers.SVMSMOTE(),
    "random": samplers.RandomOverSampler(),
}


def rows(gap=1.0, n=(90, 30, 20)):
    rng = np.random.default_rng(0)
    y = rng.permutation(np.repeat(np.arange(len(n)), n))
    return rng.normal(size=(len(y), 3)) + gap * y[:, None], y


@pytest.mark.parametrize(("method", "shrinkage"), [*((name, None) for name in CLASSES), ("random", 0.5)])
def test_rows_are_those_of_the_methods_class(method, shrinkage):
    X, y = rows()
    sampler = CLASSES[method].set_params(random_state=5)
    known = {"row_ids": np.random.default_rng(1).permutation(len(y))}
    if method == "random":
        sampler.set_params(shrinkage=shrinkage)
    else:
        sampler.set_params(**({} if method == "adasyn" else {"k_neighbors": 4}))
        known["groups"] = y * 0
    ours = samplers.OverSampler(method, random_state=5, k_neighbors=4, shrinkage=shrinkage)
    made, labels = ours.fit_resample(X, y, **known)
    theirs, their_labels = sampler.fit_resample(X, y, **known)
    assert made.tobytes() == theirs.tobytes()
    assert labels.tolist() == their_labels.tolist()
    assert ours.provenance_.place == ("smoothed" if method == "random" and shrinkage else METHODS[method].place)
    assert samplers.replay(X, ours.provenance_).tobytes() == made[len(y) :].tobytes()


@pytest.mark.parametrize("method", OFFERED)
def test_every_method_that_is_offered_makes_rows_and_replays_them(method):
    X, y = rows()
    sampler = samplers.OverSampler(method, random_state=5, k_neighbors=2)
    made, labels = sampler.fit_resample(X.astype(np.float32), y)
    assert made.dtype == np.float32
    assert np.bincount(labels).tolist() == [90, 90, 90]
    assert samplers.replay(X.astype(np.float32), sampler.provenance_).tobytes() == made[len(y) :].tobytes()


@pytest.mark.parametrize("method", [name for name in OFFERED if METHODS[name].needs_danger])
def test_what_happens_without_danger_is_said_at_the_users_own_line(method):
    X, y = rows(gap=1_000.0, n=(40, 20))
    with pytest.warns(ShortfallWarning, match="the plain method's rows were made") as told:
        make_pipeline(samplers.OverSampler(method, random_state=0), LogisticRegression()).fit(X, y)
    assert [warning.filename for warning in told] == [__file__]
    with pytest.raises(DataError, match="0 of 20 synthetic rows could be made"):
        samplers.OverSampler(method, no_danger="error").fit_resample(X, y)


@pytest.mark.parametrize("method", ["smoteenn", "smoten", "nope"])
def test_a_method_that_is_not_offered_is_named(method):
    with pytest.raises(InvalidInputError, match=f"must be one of .*, got '{method}'"):
        samplers.OverSampler(method).fit_resample(*rows())


@pytest.mark.parametrize("row_ids", [np.zeros(140, np.int64), -np.arange(140), np.arange(3), np.arange(140) / 2])
@pytest.mark.parametrize("sampler", [samplers.OverSampler(), samplers.RandomOverSampler(), samplers.SMOTETomek()])
def test_identities_that_are_none_are_named(sampler, row_ids):
    with pytest.raises(InvalidInputError, match="row_ids must be 140 "):
        sampler.fit_resample(*rows(), row_ids=row_ids)


def test_the_width_of_noise_is_refused_where_no_noise_is_made():
    with pytest.raises(InvalidInputError, match="shrinkage goes with method 'random', got method 'smote'"):
        samplers.OverSampler("smote", shrinkage=0.5).fit_resample(*rows())


def test_a_former_name_is_taken_with_a_warning():
    X, y = rows()
    with pytest.warns(DeprecationWarning, match="'adaptive' is called 'adasyn' now") as warned:
        made, _ = samplers.OverSampler("adaptive", random_state=0).fit_resample(X, y)
    assert len(warned) == 1
    assert made.tobytes() == samplers.OverSampler("adasyn", random_state=0).fit_resample(X, y)[0].tobytes()


@pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.csc_array])
def test_directions_of_a_sparse_matrix(container):
    X, y = rows()
    sampler = samplers.OverSampler("embedding", random_state=0)
    dense, _ = sampler.fit_resample(X, y)
    made, _ = sampler.fit_resample(container(X), y)
    assert made.toarray().tobytes() == dense.tobytes()


def test_directions_of_integers_whose_squares_no_integer_holds():
    X, y = rows()
    whole = (X * 1e10).astype(np.int64)
    sampler = samplers.OverSampler("embedding", random_state=0)
    sampler.fit_resample(whole, y)
    parents = sampler.provenance_
    sampler.fit_resample(whole.astype(np.float64), y)
    assert parents.neighbor.tolist() == sampler.provenance_.neighbor.tolist()


@pytest.mark.parametrize("method", ["kmeans", "svm", "embedding"])
def test_values_whose_squares_overflow_are_named_before_others_compute_with_them(method):
    X, y = rows()
    with pytest.raises(ContractError, match=r"within 1e\+16 units"):
        samplers.OverSampler(method).fit_resample(X * 1e200, y)
