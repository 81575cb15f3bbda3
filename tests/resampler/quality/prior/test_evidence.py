"""Corrected probabilities are those of a model that was trained without resampling, on untouched engines."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from imblearn.pipeline import make_pipeline
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

from resampler import SMOTE, PriorCorrection, calibrate
from resampler.quality.measures import brier, calibration_error

TURBOFAN = Path(__file__).parents[4] / "examples" / "turbofan" / "data" / "turbofan.parquet"
WITHIN = 0.005


@pytest.fixture(scope="module")
def engines():
    table = pq.read_table(TURBOFAN, filters=[("unit", "<=", 40)])
    X = np.column_stack([table[name].to_numpy() for name in table.column_names if name.startswith("s_")])
    unit = table["unit"].to_numpy()
    train, test = next(GroupKFold(2).split(X, groups=unit))
    return X[:, X.std(axis=0) > 0], table["fails_within_15"].to_numpy(), train, test


def scores(model, X, y):
    p = model.predict_proba(X)[:, 1]
    return np.array([brier(y, p), calibration_error(y, p)])


def trained(learner, engines):
    """Return a learner of the rows as they are, and one of balanced rows, corrected."""
    X, y, train, _ = engines
    plain = make_pipeline(StandardScaler(), learner).fit(X[train], y[train])
    balanced = make_pipeline(StandardScaler(), SMOTE(random_state=0), learner)
    return plain, PriorCorrection(balanced).fit(X[train], y[train])


def test_the_prior_is_enough_for_a_linear_model(engines):
    X, y, _, test = engines
    plain, model = trained(LogisticRegression(max_iter=300), engines)
    nothing, raw, found = (scores(one, X[test], y[test]) for one in (plain, model.estimator_, model))
    assert (raw > nothing + WITHIN).all()
    assert (found < nothing + WITHIN).all()


@pytest.mark.parametrize(
    ("learner", "method"),
    [(HistGradientBoostingClassifier(max_iter=10, random_state=0), "sigmoid"), (KNeighborsClassifier(), "isotonic")],
    ids=["boosting", "neighbours"],
)
def test_a_fitted_calibration_takes_over_where_it_is_not(learner, method, engines):
    X, y, _, test = engines
    plain, model = trained(learner, engines)
    held, left = test[::2], test[1::2]
    better = calibrate(model, X[held], y[held])
    assert better.method_ == method, better.reason_
    nothing, prior, found = (scores(one, X[left], y[left]) for one in (plain, model, better))
    assert prior[1] > nothing[1] + WITHIN
    assert found[0] < prior[0] - 0.001
    assert found[1] < nothing[1] + WITHIN
