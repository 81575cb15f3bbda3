"""A classifier whose probabilities are those of the real shares of the classes."""

import pickle

import numpy as np
import pytest
import sklearn
from imblearn.pipeline import make_pipeline
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import make_scorer, recall_score
from sklearn.model_selection import GridSearchCV, TunedThresholdClassifierCV, cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from resampler import (
    SMOTE,
    SMOTEENN,
    EditedNearestNeighbours,
    FeatureSchema,
    OnlineResampler,
    PriorCorrection,
    RandomOverSampler,
    RandomUnderSampler,
    calibrate,
    correct_prior,
)
from resampler.errors import DataError, InvalidInputError
from resampler.quality.measures import brier
from resampler.samplers.remedies import RefusedError

# pytest 9 dislikes the generator that scikit-learn hands to `parametrize`.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestDeprecationWarning")


@pytest.fixture(scope="module")
def rows():
    return make_classification(6000, 6, n_informative=4, weights=[0.93], flip_y=0.02, random_state=0)


@pytest.fixture(scope="module")
def three():
    X, y = make_classification(4000, 6, n_informative=4, n_classes=3, weights=[0.8, 0.15], random_state=0)
    return X, np.array(["a", "b", "c"])[y]


@parametrize_with_checks([PriorCorrection(LogisticRegression()), PriorCorrection(GaussianNB(), method="auto")])
@pytest.mark.filterwarnings("ignore:.*has no sampler among its steps")
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize(
    "sampler",
    [
        SMOTE(random_state=0),
        RandomOverSampler(random_state=0),
        RandomUnderSampler(random_state=0),
        EditedNearestNeighbours(),
        SMOTEENN(random_state=0),
        SMOTE(sampling_strategy=0.5, random_state=0),
    ],
    ids=lambda one: type(one).__name__,
)
def test_a_pipelines_rows_are_counted_before_and_after(rows, sampler):
    X, y = rows
    model = PriorCorrection(make_pipeline(StandardScaler(), sampler, LogisticRegression())).fit(X, y)
    _, y_after = clone(sampler).fit_resample(StandardScaler().fit_transform(X), y)
    assert model.real_ == dict(enumerate(np.bincount(y).tolist()))
    assert model.trained_ == dict(enumerate(np.bincount(y_after).tolist()))
    raw = model.estimator_.predict_proba(X)
    expected = correct_prior(raw, trained=np.bincount(y_after), real=np.bincount(y))
    assert model.predict_proba(X).tobytes() == expected.tobytes()
    assert (model.predict(X) == (expected[:, 1] > 0.5)).all()
    assert (np.argsort(raw[:, 1], kind="stable") == np.argsort(expected[:, 1], kind="stable")).all()
    assert brier(y, expected[:, 1]) < brier(y, raw[:, 1]) or type(sampler) is EditedNearestNeighbours
    assert (model.method_, model.compared_, model.n_features_in_) == ("prior", (), 6)


def test_two_samplers_and_a_nested_pipeline(three):
    X, y = three
    last = make_pipeline(RandomUnderSampler(random_state=0), LogisticRegression())
    model = PriorCorrection(make_pipeline(SMOTE(sampling_strategy={"c": 400}, random_state=0), last)).fit(X, y)
    assert model.trained_ == dict.fromkeys("abc", 400)
    assert model.real_ == {one: int((y == one).sum()) for one in "abc"}
    mean = model.predict_proba(X).mean(axis=0)
    np.testing.assert_allclose(mean, [model.real_[one] / len(y) for one in "abc"], atol=0.03)
    assert "fit" not in vars(model.estimator_[-1][-1])  # nothing of the counting is left
    again = pickle.loads(pickle.dumps(model))  # noqa: S301 - our own
    assert again.predict_proba(X).tobytes() == model.predict_proba(X).tobytes()


def test_counts_may_be_given(rows):
    X, y = rows
    X_new, y_new = SMOTE(random_state=0).fit_resample(X, y)
    counts = ({0: (y == 0).sum(), 1: (y == 1).sum()}, {0: 1, 1: 1})
    given = PriorCorrection(LogisticRegression(), counts=counts).fit(X_new, y_new)
    inside = PriorCorrection(make_pipeline(SMOTE(random_state=0), LogisticRegression())).fit(X, y)
    np.testing.assert_allclose(given.predict_proba(X), inside.predict_proba(X), rtol=1e-12)
    frozen = LogisticRegression().fit(X_new, y_new)
    for model in (
        PriorCorrection(FrozenEstimator(frozen), counts=counts).fit(X, y),
        calibrate(frozen, X, y, counts=counts, method="prior"),
    ):
        assert model.estimator_.coef_ is frozen.coef_
        np.testing.assert_allclose(model.predict_proba(X), inside.predict_proba(X), rtol=1e-12)
    weighted = {0: 1, 1: 1}
    balanced = PriorCorrection(LogisticRegression(class_weight="balanced"), counts=(counts[0], weighted)).fit(X, y)
    assert abs(balanced.predict_proba(X)[:, 1].mean() - y.mean()) < 0.02


def test_an_online_resampler_counts_too(rows):
    X, y = rows
    online = OnlineResampler(FeatureSchema.numeric(list("abcdef")), ratio=1.0, undersample=0.5, seed=1)
    batch = online.process(X, y, np.arange(len(y)))
    model = PriorCorrection(LogisticRegression(), counts=online.stats()).fit(batch.X, batch.y)
    assert model.trained_ == dict(enumerate(np.bincount(batch.y).tolist()))
    assert model.real_ == dict(enumerate(np.bincount(y).tolist()))


def test_what_is_not_known_is_said(rows):
    X, y = rows
    with pytest.warns(UserWarning, match="LogisticRegression has no sampler among its steps, so nothing is corrected"):
        model = PriorCorrection(LogisticRegression()).fit(X, y)
    assert model.reason_ == "the classes had their real shares: nothing to correct"
    grouped = make_pipeline(RandomOverSampler(random_state=0), LogisticRegression())
    grouped[0].group_by = 0
    with pytest.warns(UserWarning, match="correct each subgroup by its own counts"):
        PriorCorrection(grouped).fit(X, y)
    fitted = LogisticRegression().fit(X, y)
    for call, message in (
        (lambda: PriorCorrection(FrozenEstimator(fitted)).fit(X, y), "fitted already does not say"),
        (lambda: calibrate(fitted, X, y), "fitted already does not say"),
        (lambda: PriorCorrection(fitted, counts=({0: 1, 1: 1},) * 2, method="auto").fit(X, y), "calibrate"),
        (lambda: PriorCorrection(LinearSVC(), counts=({0: 1, 1: 1},) * 2).fit(X, y), "LinearSVC has no predict_proba"),
        (lambda: PriorCorrection(fitted, method="platt").fit(X, y), "method must be one of prior, auto"),
        (lambda: PriorCorrection(({0: 9, 1: 1}, {0: 1, 1: 1})).fit(X, y), "fit needs a classifier, got tuple"),
        (lambda: PriorCorrection(fitted, counts=({0: 1}, {0: 1})).fit(X, y), "real must count the classes 0, 1"),
        (lambda: PriorCorrection(fitted, counts=({0: 1, 1: 1}, {0: 1, 1: 0})).fit(X, y), "trained on none"),
    ):
        with pytest.raises(InvalidInputError, match=message):
            call()
    with pytest.raises(NotFittedError):
        PriorCorrection(fitted).correct([0.5])
    with pytest.raises(NotFittedError):
        calibrate(PriorCorrection(fitted), X, y)


def test_a_correction_without_a_classifier():
    pair = ({0: 90, 1: 10}, {0: 90, 1: 90})
    assert PriorCorrection(pair).correct([0.5]).tolist() == [0.1]
    assert PriorCorrection(LogisticRegression(), counts=pair).correct([0.5]).tolist() == [0.1]


def test_a_class_that_a_fold_lacks_is_left_out(rows):
    X, y = rows
    counts = ({0: 90, 1: 10, 2: 1}, {0: 90, 1: 90, 2: 90})
    model = PriorCorrection(LogisticRegression(), counts=counts).fit(X, y)
    gone = PriorCorrection(LogisticRegression(), counts=({0: 90, 1: 0}, {0: 90, 1: 90})).fit(X, y)
    assert gone.predict_proba(X)[:, 1].max() == 0
    assert model.real_ == {0: 90, 1: 10}
    assert model.predict_proba(X).shape == (len(y), 2)


# -- what it is used with


def test_thresholds_are_scikit_learns(rows):
    X, y = rows
    model = PriorCorrection(make_pipeline(SMOTE(random_state=0), LogisticRegression()))
    tuned = TunedThresholdClassifierCV(model, scoring="balanced_accuracy", cv=3).fit(X, y)
    assert tuned.best_threshold_ < 0.3  # of probabilities that are right, half is far too high for a rare class
    assert recall_score(y, tuned.predict(X)) > recall_score(y, tuned.estimator_.predict(X)) + 0.2
    plain = TunedThresholdClassifierCV(make_pipeline(SMOTE(random_state=0), LogisticRegression()), cv=3).fit(X, y)
    assert plain.best_threshold_ > 0.3


def test_searches_set_what_is_inside(rows):
    X, y = rows
    model = PriorCorrection(make_pipeline(SMOTE(random_state=0), LogisticRegression()))
    search = GridSearchCV(model, {"estimator__smote__sampling_strategy": [0.3, 1.0]}, scoring="neg_brier_score", cv=3)
    raw = cross_val_score(model.estimator, X, y, scoring="neg_brier_score", cv=3).mean()
    assert search.fit(X, y).best_score_ > raw + 0.05


def test_metadata_is_routed(rows):
    X, y = rows
    with sklearn.config_context(enable_metadata_routing=True):
        pipe = make_pipeline(
            RandomUnderSampler(random_state=0), LogisticRegression().set_fit_request(sample_weight=False)
        )
        PriorCorrection(pipe).fit(X, y)
        weighted = PriorCorrection(
            LogisticRegression().set_fit_request(sample_weight=True), counts=({0: 1, 1: 1}, {0: 1, 1: 1})
        )
        some = np.where(y == 1, 5.0, 1.0)
        assert not np.allclose(
            weighted.fit(X, y, sample_weight=some).predict_proba(X)[:, 1], weighted.fit(X, y).predict_proba(X)[:, 1]
        )
        groups = make_pipeline(SMOTE(random_state=0).set_fit_resample_request(groups=True), LogisticRegression())
        PriorCorrection(groups, method="auto").fit(X, y, groups=np.arange(len(y)) % 2)
        scorer = make_scorer(recall_score)
        assert len(cross_val_score(PriorCorrection(groups), X, y, cv=3, scoring=scorer, params={"groups": y * 0})) == 3


def test_refusals_of_a_sampler_pass(rows):
    X, y = rows
    with pytest.raises(RefusedError):
        PriorCorrection(make_pipeline(SMOTE(sampling_strategy={7: 3}), LogisticRegression())).fit(X, y)


# -- what is taken


def distorted(rows, of):
    """A classifier whose probabilities are those that `of` makes of the true ones, before its prior is corrected."""
    X, y = rows

    class Distorted(LogisticRegression):
        def predict_proba(self, X):
            p = of(correct_prior(super().predict_proba(X), trained=[9, 1], real=[1, 1]))
            return np.column_stack([1 - p[:, 1], p[:, 1]])

    return Distorted().fit(X[::2], y[::2]), X[1::2], y[1::2]


@pytest.mark.parametrize(
    ("of", "method"),
    [
        (lambda p: p, "prior"),  # a wrong prior alone
        (lambda p: p**3 / (p**3 + (1 - p) ** 3), "sigmoid"),  # too sure
        (lambda p: np.clip(np.round(p * 2 + 0.5) / 3 * 0.4 + (p > 0.9) * 0.1, 0, 1), "isotonic"),  # steps
    ],
    ids=["prior", "sigmoid", "isotonic"],
)
def test_a_fitted_calibration_takes_over_where_the_shape_changed(of, method):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(12000, 3))
    y = (rng.random(12000) < 1 / (1 + np.exp(3 - X @ [2.0, 1.0, 0.5]))).astype(int)
    model, X_held, y_held = distorted((X, y), of)
    found = calibrate(model, X_held, y_held, counts=({0: 9, 1: 1}, {0: 1, 1: 1}))
    assert found.method_ == method, found.reason_
    assert [one.method for one in found.compared_] == ["sigmoid", "isotonic"]
    taken = [one for one in found.compared_ if one.method == method]
    assert all(one.gain[0] > 0 for one in taken) if taken else all(one.gain[0] <= 0 for one in found.compared_)
    prior = calibrate(model, X_held, y_held, counts=({0: 9, 1: 1}, {0: 1, 1: 1}), method="prior")
    scores = [brier(y, one.predict_proba(X)[:, 1]) for one in (found, prior)]
    assert scores[0] < scores[1] - 0.002 if taken else scores[0] == scores[1]
    assert ("better" in found.reason_) == bool(taken) or "no fitted calibration" in found.reason_


def test_too_few_rows_keep_the_prior(rows):
    X, y = rows
    few = np.sort(np.concatenate([np.flatnonzero(y == 0)[:500], np.flatnonzero(y == 1)[:49]]))
    fitted = PriorCorrection(make_pipeline(SMOTE(random_state=0), LogisticRegression())).fit(X, y)
    found = calibrate(fitted, X[few], y[few])
    assert (found.method_, found.compared_) == ("prior", ())
    assert found.reason_.startswith("49 rows of class 1 are too few to tell")
    alone = PriorCorrection(make_pipeline(SMOTE(random_state=0), LogisticRegression()), method="auto")
    assert alone.fit(X[few], y[few]).reason_ == found.reason_
    with pytest.raises(DataError, match="needs 5 rows of each class, got 4 of 1"):
        calibrate(
            fitted,
            X[few[y[few] == 0].tolist() + few[y[few] == 1][:4].tolist()],
            np.repeat([0, 1], [500, 4]),
            method="isotonic",
        )
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        calibrate(fitted, X[few], y[few][:-1])
    with pytest.raises(DataError, match="class 7, which the model does not know"):
        calibrate(fitted, X[few], np.where(y[few] == 1, 7, 0))


def test_a_pipeline_is_judged_on_rows_that_it_was_not_fitted_on(three):
    X, y = three
    pipe = make_pipeline(SMOTE(random_state=0), GaussianNB())
    model = PriorCorrection(pipe, method="auto").fit(X, y)
    assert {one.method for one in model.compared_} == {"sigmoid", "isotonic"}
    assert all(one.rows == len(y) for one in model.compared_)
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1)
    again = clone(model).fit(X, y)
    assert again.reason_ == model.reason_
    assert again.predict_proba(X).tobytes() == model.predict_proba(X).tobytes()
    for method in ("sigmoid", "isotonic"):
        asked = PriorCorrection(pipe, method=method).fit(X, y)
        assert (asked.method_, asked.reason_) == (method, "asked for")
