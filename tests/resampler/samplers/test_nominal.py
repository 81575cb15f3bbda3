import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse
from sklearn.neighbors import NearestNeighbors

from resampler import samplers
from resampler.errors import InvalidInputError
from resampler.samplers import replay


def mixed(n=(200, 60), seed=0):
    rng = np.random.default_rng(seed)
    m = sum(n)
    y = np.repeat(np.arange(len(n)), n)
    data = pd.DataFrame(
        {
            "amount": rng.gamma(2.0, 3.0, m) + y,
            "colour": pd.Categorical(rng.choice(["red", "green", "blue"], m, p=[0.6, 0.3, 0.1])),
            "visits": rng.poisson(4, m),
            "shop": rng.choice(["a", "b"], m),
        }
    )
    return data, y


def penalised(numeric, codes, spread):
    """Squared distances of every pair, as SMOTENC defines them."""
    squared = ((numeric[:, None] - numeric[None]) ** 2).sum(axis=2)
    squared += spread**2 * (codes[:, None] != codes[None]).sum(axis=2)
    np.fill_diagonal(squared, np.inf)
    return squared


def test_smotenc_votes_among_the_neighbours_under_the_mixed_distance():
    data, y = mixed()
    sampler = samplers.SMOTENC(["colour", "shop"], random_state=0, k_neighbors=4)
    X_new, y_new = sampler.fit_resample(data, y)
    assert np.bincount(y_new).tolist() == [200, 200]
    assert X_new.dtypes.tolist() == data.dtypes.tolist()
    members = np.flatnonzero(y == 1)
    rows = data.iloc[members]
    numeric = rows[["amount", "visits"]].to_numpy(dtype=float)
    codes = np.stack([rows["colour"].cat.codes, (rows["shop"] == "b").astype(int)], axis=1)
    spread = np.median(numeric.std(axis=0))
    assert sampler.median_std_ == {1: pytest.approx(spread)}
    near = np.argsort(penalised(numeric, codes, spread), axis=1, kind="stable")[:, :4]
    made, synthetic = sampler.provenance_, X_new.iloc[260:]
    for i in range(len(synthetic)):
        b = int(np.searchsorted(members, made.base[i]))
        assert made.neighbor[i] in members[near[b]]
        for name in ("colour", "shop"):
            votes = sorted(rows[name].iloc[near[b]])
            most = max(votes.count(v) for v in votes)
            assert synthetic[name].iloc[i] == min(v for v in votes if votes.count(v) == most)
    assert replay(data, made).equals(synthetic.reset_index(drop=True))


def test_smotenc_gives_the_same_rows_whatever_the_container():
    data, y = mixed()
    want = samplers.SMOTENC("auto", random_state=0).fit_resample(data.astype({"shop": "category"}), y)[0]
    as_object = samplers.SMOTENC([1, 3], random_state=0).fit_resample(data.to_numpy(dtype=object), y)[0]
    assert np.array_equal(as_object[:, [1, 3]], want[["colour", "shop"]].to_numpy())
    polars = pl.from_pandas(data)
    for features in ("auto", ["colour", "shop"], [1, 3]):
        got = samplers.SMOTENC(features, random_state=0).fit_resample(polars, y)[0]
        assert got.schema == polars.schema
        assert got["shop"].to_list() == want["shop"].tolist()
        assert np.array_equal(got["amount"].to_numpy(), want["amount"].to_numpy())
        assert np.array_equal(got["visits"].to_numpy(), want["visits"].to_numpy())
    coded = np.column_stack([data["amount"], data["visits"], data["shop"] == "b"]).astype("float32")
    dense = samplers.SMOTENC([2], random_state=0).fit_resample(coded, y)[0]
    for kind in ("csr", "csc"):
        got = samplers.SMOTENC([2], random_state=0).fit_resample(sparse.csr_matrix(coded).asformat(kind), y)[0]
        assert np.array_equal(got.toarray(), dense)


def test_smotenc_refuses_what_it_cannot_read():
    data, y = mixed()
    with pytest.raises(InvalidInputError, match=r"outside categorical_features must be numbers: .*name such a column"):
        samplers.SMOTENC([1]).fit_resample(data.to_numpy(dtype=object), y)
    data.loc[3, "amount"] = np.nan
    with pytest.raises(InvalidInputError, match="NaN or infinity in a numeric column"):
        samplers.SMOTENC([1, 3]).fit_resample(data, y)


CONTAINERS = [lambda d: d.to_numpy(dtype=object), lambda d: d, pl.from_pandas, lambda d: pl.from_pandas(d).to_arrow()]


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize(
    "features", [[False, True, False, True], np.array([False, True, False, True]), [-3, -1], np.array([1, 3]), (1, 3)]
)
def test_columns_mean_the_same_for_every_container(features, container):
    data, y = mixed()
    sampler = samplers.SMOTENC(features, random_state=0)
    sampler.fit_resample(container(data), y)
    assert sampler.categorical_features_.tolist() == [1, 3]


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize(
    ("features", "message"),
    [
        ([True, False], r"a mask of all 4, got shape \(2,\): give column numbers"),
        ([[1], [3]], r"got shape \(2, 1\)"),
        ([1.5, 3.0], "Remedy: change categorical_features"),
        ([1, "shop"], "Remedy: change categorical_features"),
        ([99], "all features must be in .*Remedy: change categorical_features"),
        ([-5], "all features must be in .*Remedy: change categorical_features"),
        (["zz"], r"only supported for dataframes|not columns of the dataframe|among the columns \['amount', .*'zz'"),
        ([None], "Remedy: change categorical_features"),
        ([1, 1], r"must name a column once, got \[1, 1\]: drop the repeats"),
        ([3, -1], "must name a column once"),
    ],
)
def test_columns_that_are_none_are_refused(features, message, container):
    data, y = mixed()
    with pytest.raises(InvalidInputError, match=message):
        samplers.SMOTENC(features).fit_resample(container(data), y)


@pytest.mark.parametrize("n_labels", [100, 300])
def test_lengths_are_compared_with_auto_too(n_labels):
    data = mixed()[0].astype({"shop": "category"})
    with pytest.raises(InvalidInputError, match=rf"inconsistent numbers of samples: \[260, {n_labels}\]"):
        samplers.SMOTENC("auto").fit_resample(data, np.arange(n_labels) % 3 // 2)


def test_missing_categories_are_a_category():
    data, y = mixed()
    data["shop"] = np.where(np.arange(len(data)) % 3 == 0, None, data["shop"])
    X_new, _ = samplers.SMOTENC([1, 3], random_state=0).fit_resample(data, y)
    assert X_new["shop"].iloc[260:].isna().any()


@pytest.mark.parametrize("missing", ["refuse", "inherit"])
def test_a_null_of_an_arrow_dictionary_is_the_null_of_its_text(missing):
    data, y = mixed()
    shops = pa.array(np.where(np.arange(len(data)) % 3 == 0, None, data["shop"]))
    X = pa.table({"amount": data["amount"].to_numpy(), "shop": shops})
    sampler = samplers.SMOTENC([1], random_state=0, missing=missing)
    want, _ = sampler.fit_resample(X, y)
    got, _ = sampler.fit_resample(X.set_column(1, "shop", shops.dictionary_encode()), y)
    assert want["shop"].null_count > shops.null_count
    assert got.to_pylist() == want.to_pylist()


def test_auto_takes_every_categorical_type_of_pandas():
    data, y = mixed()
    dictionary = pd.ArrowDtype(pa.dictionary(pa.int32(), pa.string()))
    X = data.astype({"colour": str}).astype({"colour": dictionary, "shop": "category"})
    sampler = samplers.SMOTENC("auto", random_state=0)
    X_new, _ = sampler.fit_resample(X, y)
    assert sampler.categorical_features_.tolist() == [1, 3]
    assert X_new.dtypes.equals(X.dtypes)
    pd.testing.assert_frame_equal(X_new.iloc[:260], X)
    pd.testing.assert_frame_equal(X_new.iloc[260:].reset_index(drop=True), replay(X, sampler.provenance_))


@pytest.mark.parametrize(
    "dtype",
    [
        "string",
        "string[pyarrow]",
        pd.ArrowDtype(pa.string()),
        pd.CategoricalDtype(pd.array(["a", "b"], dtype="string")),
        pd.ArrowDtype(pa.dictionary(pa.int32(), pa.string())),
    ],
    ids=str,
)
def test_the_missing_value_of_pandas_is_a_category_and_comes_back_as_it_came(dtype):
    data, y = mixed()
    data["shop"] = pd.Series(np.where(np.arange(260) % 3 == 0, None, data["shop"]), dtype="string").astype(dtype)
    sampler = samplers.SMOTENC([1, 3], random_state=0)
    X_new, _ = sampler.fit_resample(data, y)
    assert X_new.dtypes.equals(data.dtypes)
    pd.testing.assert_frame_equal(X_new.iloc[:260], data)
    made = X_new.iloc[260:].reset_index(drop=True)
    pd.testing.assert_frame_equal(made, replay(data, sampler.provenance_))
    assert 0 < made["shop"].isna().sum() < len(made)
    with pytest.raises(InvalidInputError, match=r"contains NaN.*Remedy: impute or drop it first"):
        samplers.SMOTEN().fit_resample(data[["shop"]], y)


def test_smoten_is_the_vote_by_value_difference():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [150, 50])
    X = rng.choice(list("abcd"), size=(200, 3)).astype(object)
    X[y == 1, 0] = rng.choice(["a", "b"], 50)
    sampler = samplers.SMOTEN(random_state=0, k_neighbors=3)
    X_new, y_new = sampler.fit_resample(X, y)
    assert np.bincount(y_new).tolist() == [150, 150]
    members = np.flatnonzero(y == 1)
    share = {(j, v): np.mean(y[X[:, j] == v] == 1) for j in range(3) for v in set(X[:, j])}
    placed = np.array([[share[j, v] for j, v in enumerate(row)] for row in X[members]])
    squared = ((placed[:, None] - placed[None]) ** 2).sum(axis=2)
    np.fill_diagonal(squared, np.inf)
    for i, row in enumerate(X_new[200:]):
        b = int(np.searchsorted(members, sampler.provenance_.base[i]))
        far = np.sort(squared[b])[3]
        assert (np.sort(squared[b])[:3] <= far).all()
        near = np.argsort(squared[b], kind="stable")[:3]
        if squared[b][near[-1]] < far - 1e-9:  # without a tie the voters are certain
            votes = [[X[members[m], j] for m in (b, *near)] for j in range(3)]
            assert row.tolist() == [min(v, key=lambda c, v=v: (-v.count(c), c)) for v in votes]
    assert np.array_equal(replay(X, sampler.provenance_), X_new[200:])


def test_a_neighbours_object_sees_the_mixed_distance():
    data, y = mixed()
    ours, theirs = (
        samplers.SMOTENC([1, 3], random_state=0, k_neighbors=k).fit_resample(data, y)[0]
        for k in (3, NearestNeighbors(n_neighbors=4))
    )
    assert ours.equals(theirs)
