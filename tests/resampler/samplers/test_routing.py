"""`groups` through scikit-learn's metadata routing: pipelines, folds and searches."""

import numpy as np
import pytest
from imblearn.pipeline import make_pipeline
from sklearn import config_context
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_validate

from resampler import samplers


def grouped(n=360):
    rng = np.random.default_rng(0)
    y = (rng.random(n) < 0.25).astype(np.int64)
    return rng.normal(size=(n, 3)) + y[:, None], y, np.repeat(["north", "south", "west"], n // 3)


class Watching(LogisticRegression):
    """Remember what came out of the sampler."""

    def fit(self, X, y, sample_weight=None):
        Watching.seen.append((X.copy(), y.copy()))
        return super().fit(X, y, sample_weight)


@pytest.mark.parametrize(
    "sampler",
    [
        samplers.SMOTE(random_state=0),
        samplers.BorderlineSMOTE(random_state=0),
        samplers.ADASYN(random_state=0),
        samplers.SVMSMOTE(random_state=0),
        samplers.KMeansSMOTE(random_state=0, kmeans_estimator=2, cluster_balance_threshold=0.01),
        samplers.SMOTENC([2], random_state=0),
        samplers.SMOTEN(random_state=0),
        samplers.EmbeddingSMOTE(random_state=0),
        samplers.SMOTETomek(random_state=0),
        samplers.SMOTEENN(random_state=0),
    ],
    ids=lambda sampler: type(sampler).__name__,
)
def test_groups_reach_every_sampler_that_joins_rows(sampler):
    X, y, groups = grouped()
    X[:, 2] = np.rint(X[:, 2])
    if isinstance(sampler, samplers.SMOTEN):
        X = np.rint(X)
    X_want, y_want = clone(sampler).fit_resample(X, y, groups=groups)
    with config_context(enable_metadata_routing=True):
        Watching.seen = []
        routed = clone(sampler).set_fit_resample_request(groups=True)
        make_pipeline(routed, Watching()).fit(X, y, groups=groups)
        ((X_got, y_got),) = Watching.seen
    assert np.array_equal(X_got, X_want)
    assert np.array_equal(y_got, y_want)
    made = routed.provenance_
    assert (groups[made.base] == groups[made.neighbor]).all()


def test_groups_are_cut_into_the_folds():
    X, y, groups = grouped()
    with config_context(enable_metadata_routing=True):
        pipe = make_pipeline(samplers.SMOTE(random_state=0).set_fit_resample_request(groups=True), Watching())
        cut = GroupKFold(3)
        Watching.seen = []
        cross_validate(pipe, X, y, cv=cut, params={"groups": groups}, error_score="raise")
        assert len(Watching.seen) == 3
        for (train, _), (X_got, y_got) in zip(cut.split(X, y, groups), Watching.seen, strict=True):
            want = samplers.SMOTE(random_state=0).fit_resample(X[train], y[train], groups=groups[train])
            assert np.array_equal(X_got, want[0])
            assert np.array_equal(y_got, want[1])
        Watching.seen = []
        search = GridSearchCV(pipe, {"smote__k_neighbors": [3, 5]}, cv=cut, error_score="raise")
        search.fit(X, y, groups=groups)
        assert len(Watching.seen) == 2 * 3 + 1
        k = search.best_params_["smote__k_neighbors"]
        want = samplers.SMOTE(random_state=0, k_neighbors=k).fit_resample(X, y, groups=groups)[0]
        assert np.array_equal(Watching.seen[-1][0], want)


def test_groups_that_nobody_asked_for_are_refused_by_scikit_learn():
    X, y, groups = grouped()
    with config_context(enable_metadata_routing=True):
        pipe = make_pipeline(samplers.SMOTE(random_state=0), LogisticRegression())
        with pytest.raises(ValueError, match=r"groups.*are passed but are not explicitly set as requested or not"):
            pipe.fit(X, y, groups=groups)
