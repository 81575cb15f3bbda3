"""Rows with nulls: parents whose pattern goes on, no parents, or refused; every method that takes them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict

from resampler.errors import DataError, InvalidInputError
from resampler.methods.catalog import METHODS
from resampler.methods.missing import nulls_in
from resampler.methods.oversample import oversample
from resampler.methods.parameters import Parameters
from resampler.methods.place import build, build_integers
from resampler.methods.table import Table

TAKEN = [name for name, method in METHODS.items() if method.nulls and not method.hardens]
REFUSED = [name for name, method in METHODS.items() if not method.nulls]
NAMES = ("height", "weight", "age", "country")


def rows(n=(400, 90), seed=0, share=0.3):
    """Two classes that meet; three columns of numbers and a code, the second null far more often in the rare class."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.repeat([0, 1], n))
    X = np.column_stack([rng.normal(size=(len(y), 3)) + y[:, None], rng.integers(0, 3, len(y))])
    X[rng.random(X.shape) < share] = np.nan
    X[rng.random(len(y)) < 0.5 * y, 1] = np.nan
    return X, y, rng.choice(2**40, len(y), replace=False)


def table_of(method, X, y, ids):
    takes = METHODS[method].categories
    if takes == "all":
        codes = np.where(np.isnan(X), np.nan, np.clip(np.rint(np.nan_to_num(X)) + 2, 0, 4))
        return Table(codes, y, ids, names=NAMES)
    return Table(X, y, ids, np.arange(4) == 3 if takes == "vote" else None, names=NAMES)


def made_of(table, made):
    out = build(table.X, made)
    for at, j in enumerate(made.categorical_features):
        out[:, j] = table.X[made.donor[:, at], j]
    return out


@pytest.mark.parametrize("method", TAKEN)
def test_a_row_has_the_nulls_of_its_base_and_its_values_lie_where_its_parents_have_some(method):
    table = table_of(method, *rows())
    made, _ = oversample(table, method, {1: 300}, seed=3, parameters=Parameters(missing="inherit"))
    new, base, neighbor = made_of(table, made), table.X[made.base], table.X[made.neighbor]
    assert np.isnan(base).any(axis=1).sum() > 100
    assert np.array_equal(np.isnan(new), np.isnan(base))
    if METHODS[method].place == "segment" and METHODS[method].categories != "all":
        alone = ~np.isnan(base) & np.isnan(neighbor)
        alone[:, made.categorical_features] = False
        assert alone.sum() > 20
        assert np.array_equal(new[alone], base[alone])


@pytest.mark.parametrize("method", [*TAKEN, *REFUSED])
def test_complete_rows_alone_are_parents_and_give_what_they_give_by_themselves(method):
    table = table_of(method, *rows(share=0.1))
    whole = np.flatnonzero(~np.isnan(table.X).any(axis=1))
    made, grown = oversample(table, method, {1: 40}, seed=3, parameters=Parameters(2, missing="complete"))
    alone, _ = oversample(table.take(whole), method, {1: 40}, seed=3, parameters=Parameters(2))
    assert made.base.tolist() == whole[alone.base].tolist()
    assert made.neighbor.tolist() == whole[alone.neighbor].tolist()
    assert made.donor.tolist() == whole[alone.donor].tolist()
    assert made.step.tobytes() == alone.step.tobytes()
    assert set(grown[0].bases) <= set(whole)


@pytest.mark.parametrize("method", TAKEN)
def test_refused_nulls_are_named_the_worst_column_first(method):
    X, y, ids = rows(share=0)
    nulls = int(np.isnan(X[:, 1]).sum())
    X[:2, 0] = np.nan
    with pytest.raises(DataError, match=rf"got some among 490 rows in weight \({nulls}\), height \(2\): impute them"):
        oversample(table_of(method, X, y, ids), method, {1: 5}, seed=0)


@pytest.mark.parametrize("method", REFUSED)
def test_a_method_that_measures_whole_rows_says_what_to_do(method):
    with pytest.raises(
        InvalidInputError, match=f"method '{method}' measures whole rows, got .* use missing='complete'"
    ):
        oversample(table_of(method, *rows()), method, {1: 5}, seed=0, parameters=Parameters(missing="inherit"))
    X, y, ids = rows(share=0)
    X[:, 1] = 0  # without nulls there is nothing to say
    inherit, refuse = (
        oversample(table_of(method, X, y, ids), method, {1: 5}, seed=0, parameters=Parameters(2, missing=missing))
        for missing in ("inherit", "refuse")
    )
    assert inherit.provenance.base.tolist() == refuse.provenance.base.tolist()


@pytest.mark.parametrize("method", TAKEN)
def test_neither_threads_nor_the_order_of_rows_change_a_byte(method, monkeypatch):
    X, y, ids = rows((1500, 300))
    X = np.round(X * 4) / 4  # sums of columns without rounding
    parameters = Parameters(missing="inherit")
    table = table_of(method, X, y, ids)
    made = oversample(table, method, {1: 200}, seed=3, parameters=parameters).provenance
    monkeypatch.setattr("numba.config.NUMBA_NUM_THREADS", 1)
    order = np.random.default_rng(1).permutation(len(y))
    other = oversample(table.take(order), method, {1: 200}, seed=3, parameters=parameters).provenance
    if method == "adasyn":  # whose weights' sum follows the order
        made, other = (one._replace(step=np.sort(one.step)) for one in (made, other))
        made, other = (one._replace(base=np.sort(b), neighbor=np.sort(a)) for one, b, a in (
            (made, made.base, made.neighbor), (other, order[other.base], order[other.neighbor])
        ))  # fmt: skip
        assert made.base.tolist() == other.base.tolist()
        return
    assert made.base.tolist() == order[other.base].tolist()
    assert made.neighbor.tolist() == order[other.neighbor].tolist()
    assert made_of(table, made).tobytes() == made_of(table.take(order), other).tobytes()


@pytest.mark.parametrize("method", ["smote", "smotenc", "geometric", "random"])
def test_the_share_of_nulls_by_class_and_column_is_kept_and_tells_no_row(method):
    X, y, ids = rows((3000, 600), seed=5, share=0.15)
    table = table_of(method, X, y, ids)
    made, _ = oversample(table, method, {1: 2000}, seed=3, parameters=Parameters(missing="inherit"))
    real, new = np.isnan(table.X[y == 1]), np.isnan(made_of(table, made))
    share = real.mean(axis=0)
    assert (np.abs(new.mean(axis=0) - share) <= 3 * np.sqrt(share * (1 - share) / len(real))).all()
    pattern = np.concatenate([real, new]).astype(float)
    told = np.repeat([0, 1], [len(real), len(new)])
    descent = np.concatenate([np.flatnonzero(y == 1), made.base])  # a row and its copies are in one fold
    tree = ExtraTreesClassifier(100, random_state=0)
    odds = cross_val_predict(tree, pattern, told, groups=descent, cv=GroupKFold(5), method="predict_proba")[:, 1]
    assert roc_auc_score(told, odds) < 0.55


@given(n=st.integers(2, 30), share=st.sampled_from([0.0, 0.3, 0.9]), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=25)
def test_wide_integers_stay_between_parents_that_have_some(n, share, seed):
    rng = np.random.default_rng(seed)
    values, nulls = 2**60 + rng.integers(0, 1000, n), rng.random(n) < share
    real = np.where(nulls, np.nan, (values - values.min()).astype(float))[:, None]
    y = np.ones(n, dtype=np.int64)
    made, _ = oversample(Table(real, y), "smote", {1: 40}, seed=0, parameters=Parameters(1, missing="inherit"))
    built = build(real, made)[:, 0]
    whole = build_integers(np.where(nulls, 0, values), made, real[:, 0], built)
    for i, (b, a) in enumerate(zip(made.base, made.neighbor, strict=True)):
        if not nulls[b]:
            assert (
                min(values[b], values[b if nulls[a] else a]) <= whole[i] <= max(values[b], values[b if nulls[a] else a])
            )


def test_nulls_of_what_has_none_and_of_sparse_rows():
    assert nulls_in(np.arange(4)) is None
    assert nulls_in(np.ones((2, 2))) is None
    assert nulls_in(["a"]) is None
    X = np.array([[0.0, np.nan], [2.0, 0.0]])
    assert nulls_in(X).tolist() == [[False, True], [False, False]]
    assert nulls_in(sparse.csr_matrix(X)).tolist() == [[False, True], [False, False]]
    assert nulls_in(sparse.csr_matrix(np.nan_to_num(X))) is None


@pytest.mark.parametrize(("method", "remedy"), [("smoten", "use missing='inherit', or"), ("svm", ": leave out")])
def test_a_class_without_a_complete_row_is_named_with_a_remedy_that_the_method_has(method, remedy):
    X = np.arange(40.0).reshape(20, 2)
    X[:, 1] = np.nan
    categorical = np.ones(2, dtype=np.bool_) if method == "smoten" else None
    table = Table(X, np.repeat([0, 1], [14, 6]), categorical=categorical)
    with pytest.raises(DataError, match=f"no row of class 1 without a null.*{remedy}"):
        oversample(table, method, {1: 4}, seed=3, parameters=Parameters(2, missing="complete"))
