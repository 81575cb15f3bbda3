"""Learners by name, by import path and as they are."""

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.ensemble import HistGradientBoostingClassifier, VotingClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import RobustScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from resampler.errors import InvalidInputError, MissingExtraError
from resampler.quality.comparison.learners import Learner


@pytest.mark.parametrize(
    ("asked", "name", "params"),
    [
        ("logistic", "LogisticRegression", {"max_iter": 1000}),
        ("boosting", "HistGradientBoostingClassifier", {}),
        ("sklearn.tree:DecisionTreeClassifier", "DecisionTreeClassifier", {}),
        ("sklearn.tree.DecisionTreeClassifier", "DecisionTreeClassifier", {}),
        ('tree {"max_depth": 5}', "DecisionTreeClassifier(max_depth=5)", {"max_depth": 5}),
        ('tree{"max_depth": 5}', "DecisionTreeClassifier(max_depth=5)", {"max_depth": 5}),
        ('logistic {"C": 2}', "LogisticRegression(C=2)", {"max_iter": 1000, "C": 2}),
        (DecisionTreeClassifier(max_depth=5), "DecisionTreeClassifier(max_depth=5)", {"max_depth": 5}),
        (LinearSVC(), "LinearSVC", {}),
    ],
)
def test_a_learner_is_found(asked, name, params):
    learner = Learner.of(asked)
    assert learner.name == name
    assert learner.params == params
    assert learner.gives_probabilities == (name != "LinearSVC")


@pytest.mark.parametrize(
    ("asked", "error", "said"),
    [
        ("nothing", InvalidInputError, "a learner is one of logistic, boosting"),
        ("nowhere.at:All", MissingExtraError, "learner 'nowhere.at:All' needs nowhere: install nowhere"),
        ("sklearn.tree:Oak", InvalidInputError, "'sklearn.tree:Oak' cannot be imported"),
        ("tree {", InvalidInputError, "parameters of a learner are a JSON object"),
        ("tree [1]", InvalidInputError, "parameters of a learner are a JSON object, got '.1.'"),
        ('tree {"height": 1}', InvalidInputError, "cannot be made with"),
        ("sklearn.linear_model:LinearRegression", InvalidInputError, "must be a classifier, got a LinearRegression"),
        (LinearRegression(), InvalidInputError, "must be a classifier"),
        (KMeans(), InvalidInputError, "must be a classifier"),
        (object(), InvalidInputError, "must be a classifier with scikit-learn's methods"),
        ("math:sqrt", InvalidInputError, "cannot be made with"),
        (VotingClassifier([("a", GaussianNB())]), InvalidInputError, "has neither: take another"),
    ],
)
def test_what_is_no_learner(asked, error, said):
    with pytest.raises(error, match=said):
        Learner.of(asked)


def test_every_seed_is_set():
    vote = VotingClassifier([("a", DecisionTreeClassifier(random_state=5)), ("b", LogisticRegression())], voting="soft")
    made = Learner.of(vote).seeded(7, np.zeros(2, dtype=bool))
    assert [value for name, value in made.get_params().items() if name.endswith("random_state")] == [7, 7]


def rows(nulls):
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=200) * 100, rng.integers(0, 4, 200)]).astype(float)
    if nulls:
        X[:30] = np.nan
    return X, X[:, 0] > 0


@pytest.mark.parametrize("nulls", [False, True])
@pytest.mark.parametrize(
    "asked",
    [
        "logistic",
        "boosting",
        "tree",
        GaussianNB(),
        LinearSVC(),
        "neighbors",
        make_pipeline(RobustScaler(), DecisionTreeClassifier()),
    ],
)
def test_a_learner_gets_rows_that_it_can_read(asked, nulls):
    X, y = rows(nulls)
    learner = Learner.of(asked)
    for mask in (np.array([False, True]), np.array([False, False]), np.array([True, True])):
        transformer, words = learner.preparation(X, mask)
        assert words
        X_some = np.column_stack([X[:, 1], X[:, 1]]) if mask.all() else X
        model = learner.seeded(0, mask).fit(transformer.fit(X_some).transform(X_some), y)
        unseen = X_some.copy()
        unseen[:, 1] = 17.0  # a category that was not learned
        assert model.predict(transformer.transform(unseen)).shape == (200,)


def test_boosting_knows_categories():
    learner = Learner.of(HistGradientBoostingClassifier(max_iter=5))
    assert learner.seeded(0, np.array([False, True])).categorical_features.tolist() == [True, False]
    assert learner.preparation(rows(nulls=True)[0], np.array([False, True]))[1] == "categories and nulls as they are"
    many = np.column_stack([np.zeros(2000), np.arange(2000) % 1000])
    transformer, _ = learner.preparation(many, np.array([False, True]))
    assert transformer.fit_transform(many)[:, 0].max() < 255
