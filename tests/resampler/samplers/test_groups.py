import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse

from resampler import samplers
from resampler.errors import InvalidInputError
from resampler.samplers import replay

GROUPED = {
    "smote": samplers.SMOTE,
    "borderline": samplers.BorderlineSMOTE,
    "adasyn": samplers.ADASYN,
    "svm": samplers.SVMSMOTE,
    "kmeans": lambda **kw: samplers.KMeansSMOTE(kmeans_estimator=2, cluster_balance_threshold=0.01, **kw),
    "nc": lambda **kw: samplers.SMOTENC(["shop", "site"], **kw),
    "embedding": lambda **kw: samplers.EmbeddingSMOTE(**kw),
}


def sites(seed=0, text=True):
    """Three sites of other sizes and shares of the rare class."""
    rng = np.random.default_rng(seed)
    y = np.repeat([0, 1, 0, 1, 0, 1], [200, 30, 100, 40, 60, 20])
    site = np.repeat(["north", "south", "west"] if text else [7, 3, 5], [230, 140, 80])
    data = pd.DataFrame({"a": rng.normal(size=450) + y, "site": site, "b": rng.normal(size=450) + y})
    return data.assign(shop=rng.integers(0, 3, 450)), y


# Without a transformer an embedding takes numbers alone.
@pytest.mark.parametrize(
    ("name", "text"), [(n, t) for n in GROUPED for t in (True, False) if (n, t) != ("embedding", True)]
)
def test_each_subgroup_is_balanced_within_itself_and_none_is_mixed(name, text):
    data, y = sites(text=text)
    sampler = GROUPED[name](random_state=0, group_by="site")
    X_new, y_new = sampler.fit_resample(data, y)
    assert X_new.dtypes.tolist() == data.dtypes.tolist()
    assert pd.crosstab(X_new["site"], y_new).to_numpy().tolist() == (
        [[200, 200], [100, 100], [60, 60]] if text else [[100, 100], [60, 60], [200, 200]]
    )
    made, site = sampler.provenance_, data["site"].to_numpy()
    assert np.array_equal(site[made.base], site[made.neighbor])
    assert np.array_equal(site[made.base], X_new["site"].to_numpy()[len(y) :])
    assert replay(data, made).equals(X_new.iloc[len(y) :].reset_index(drop=True))


def test_subgroups_of_categories_alone():
    data, y = sites()
    data = data[["site", "shop"]].astype(str)
    X_new, y_new = samplers.SMOTEN(random_state=0, group_by="site").fit_resample(data, y)
    assert pd.crosstab(X_new["site"], y_new).to_numpy().tolist() == [[200, 200], [100, 100], [60, 60]]


def test_a_ratio_holds_in_every_subgroup_and_the_sum_is_exact():
    data, y = sites()
    sampler = samplers.SMOTE(sampling_strategy=0.5, random_state=0, group_by="site")
    _, y_new = sampler.fit_resample(data, y)
    assert np.count_nonzero(y_new) == 180
    grown = data["site"].to_numpy()[sampler.provenance_.base]
    # south has 40 of 50 wanted, west 20 of 30, north 30 of 100
    assert {s: int((grown == s).sum()) for s in ("north", "south", "west")} == {"north": 70, "south": 10, "west": 10}


def test_other_subgroups_change_nothing():
    data, y = sites()
    whole = samplers.SMOTE(random_state=0, group_by="site")
    made = whole.fit_resample(data, y)[0].iloc[450:]
    north = (data["site"] == "north").to_numpy()
    alone = samplers.SMOTE(random_state=0, group_by="site").fit_resample(data[north], y[north])[0].iloc[230:]
    assert np.array_equal(made[(made["site"] == "north")][["a", "b"]], alone[["a", "b"]])


def test_every_container_and_groups_beside_the_table():
    data, y = sites()
    want = samplers.SMOTE(random_state=0, group_by="site").fit_resample(data, y)[0]
    polars = pl.from_pandas(data)
    got = samplers.SMOTE(random_state=0, group_by=1).fit_resample(polars, y)[0]
    assert got.schema == polars.schema
    assert got.to_pandas().equals(want)
    arrow = samplers.SMOTE(random_state=0, group_by="site").fit_resample(polars.to_arrow(), y)[0]
    assert arrow.schema == polars.to_arrow().schema
    assert arrow.to_pandas().equals(want)
    objects = samplers.SMOTE(random_state=0, group_by=1).fit_resample(data.to_numpy(dtype=object), y)[0]
    assert np.array_equal(objects[:, [0, 1, 2]], want[["a", "site", "b"]].to_numpy())
    numbers = data.drop(columns="site")
    beside = samplers.SMOTE(random_state=0).fit_resample(numbers, y, groups=data["site"])[0]
    assert np.array_equal(beside.to_numpy(), want[["a", "b", "shop"]].to_numpy())
    coded, _ = sites(text=False)
    sampler = samplers.SMOTE(random_state=0, group_by=1)
    got = sampler.fit_resample(sparse.csr_matrix(coded.to_numpy()), y)[0]
    made = samplers.SMOTE(random_state=0, group_by=1).fit_resample(coded.to_numpy(), y)[0]
    assert np.array_equal(got.toarray(), made)


def test_a_subgroup_too_small_is_said_and_stops_no_other():
    data, y = sites()
    y[(data["site"] == "west") & (y == 1)] = 0
    y[-3:] = 1
    with pytest.warns(
        samplers.ShortfallWarning,
        match="class 1 in subgroup 'west': made 0 of 74 synthetic rows: 5 neighbours need at least 6 rows of class 1 "
        "in subgroup 'west', got 3",
    ):
        X_new, y_new = samplers.SMOTE(random_state=0, group_by="site").fit_resample(data, y)
    assert pd.crosstab(X_new["site"], y_new).to_numpy().tolist() == [[200, 200], [100, 100], [77, 3]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"group_by": "town"}, "group_by='town' must be one of the columns .*name one"),
        ({"group_by": 4}, "group_by=4 must be below the number of columns, 4"),
        ({"group_by": -1}, "'group_by' parameter of SMOTE .*Remedy: give group_by"),
        ({"groups": [1, 2]}, "groups must be 450 values"),
        *(
            ({"groups": [without] * 5 + ["a"] * 445}, "groups must say the subgroup of every row, got 5 rows without")
            for without in (None, pd.NA)
        ),
        ({"groups": [np.nan] * 5 + [1.0] * 445}, "groups must say the subgroup of every row, got 5 rows without"),
        ({"missing": True}, "must say the subgroup of every row, got 1 rows without"),
    ],
)
def test_bad_subgroups_are_named(change, message):
    data, y = sites()
    if change.get("missing"):
        data.loc[3, "site"] = None
    rows = data.drop(columns="site") if "groups" in change else data
    with pytest.raises(InvalidInputError, match=message):
        samplers.SMOTE(group_by=change.get("group_by", "site")).fit_resample(rows, y, groups=change.get("groups"))
