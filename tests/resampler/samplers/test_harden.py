"""`HardenedOverSampler`: groups in place of rows, in any container; no value that fewer rows than a group hold."""

import numpy as np
import pandas as pd
import pytest

from resampler import samplers
from resampler.errors import DataError, InvalidInputError
from resampler.secret import SecretKey

N, RARE = 400, 80


@pytest.fixture
def rows():
    """Numbers with nulls, whole numbers, wide ones, and categories of which one is rare in the rare class."""
    rng = np.random.default_rng(0)
    y = (np.arange(N) < RARE).astype(int)
    X = pd.DataFrame(
        {
            "a": rng.normal(size=N) + y,
            "b": rng.integers(0, 50, N),
            "c": rng.permuted(np.repeat(["x", "y"], N // 2)),
            "w": 2**60 + rng.integers(0, 1000, N),
        }
    )
    X.loc[rng.random(N) < 0.2, "a"] = np.nan
    X.loc[3:6, "c"] = "z"
    return X, y


def made(X, y, **options):
    sampler = samplers.HardenedOverSampler(["c"], random_state=0, missing="inherit", **options)
    X_new, y_new = sampler.fit_resample(X, y)
    assert np.bincount(y_new).tolist() == [N - RARE] * 2
    return sampler, X_new[N:].reset_index(drop=True)


def test_rows_have_the_types_and_the_spread_of_the_class(rows):
    X, y = rows
    sampler, new = made(X, y)
    assert new.dtypes.equals(X.dtypes)
    assert samplers.replay(X, sampler.provenance_).equals(new)
    real = X[y == 1]
    assert abs(new["a"].isna().mean() - real["a"].isna().mean()) < 0.07
    for name in ("a", "b", "w"):
        least = 2**60 if name == "w" else 0  # a float64 holds no differences of wide integers
        values, own = (rows[name].sub(least).to_numpy(np.float64) for rows in (new, real))
        assert abs(np.nanmean(values) - np.nanmean(own)) < 0.3 * np.nanstd(own)
        assert 0.7 < np.nanstd(values) / np.nanstd(own) < 1.3


def test_a_category_that_few_rows_have_is_never_drawn(rows):
    X, y = rows
    _, new = made(X, y)
    assert set(new["c"]) == {"x", "y"}
    alone = X.assign(c=[f"name {i}" for i in range(N)])
    with pytest.raises(DataError, match="column 'c' of class 1 has no category that 10 rows have"):
        made(alone, y)


def test_provenance_names_groups_and_stand_ins(rows):
    X, y = rows
    provenance = made(X, y)[0].provenance_
    n_groups = len(provenance.groups.id)
    assert provenance.groups.size.sum() == RARE
    assert provenance.base.max() < n_groups
    assert provenance.neighbor.max() < n_groups
    assert set(provenance.sources.tolist()) == {0}  # the first row of the class, for each group
    firsts = {int(X["c"][y == 1].eq(name).idxmax()) for name in ("x", "y")}
    assert set(provenance.donor.ravel().tolist()) == firsts
    assert np.mean(provenance.base[n_groups:] == provenance.base[:-n_groups]) < 0.5  # shuffled


def test_neither_the_order_of_rows_nor_other_classes_change_them(rows):
    X, y = rows
    order = np.random.default_rng(1).permutation(N)
    ids = np.arange(N)
    one, other = (samplers.HardenedOverSampler(["c"], random_state=0, missing="inherit") for _ in range(2))
    new = one.fit_resample(X, y, row_ids=ids)[0][N:].reset_index(drop=True)
    again = other.fit_resample(X.iloc[order], y[order], row_ids=order)[0][N:].reset_index(drop=True)
    assert again.equals(new)


def test_no_value_and_no_bound_on_a_grid_comes_from_few_rows():
    rng = np.random.default_rng(0)
    y = (np.arange(2_000) < 200).astype(int)
    X = np.column_stack([rng.choice([0.0, 1.0, 50.0], 2_000), rng.normal(size=2_000)])
    X[7, 0] = 30.0  # one row has it
    new = samplers.HardenedOverSampler(random_state=0, grid="auto").fit_resample(X, y)[0][2_000:]
    assert set(new[:, 0]) == {0.0, 1.0, 50.0}
    plain = samplers.SMOTE(random_state=0, grid="auto").fit_resample(X, y)[0][2_000:]
    assert 30.0 in set(plain[:, 0])


def test_groups_of_five_are_made_by_consent_alone(rows):
    X, y = rows
    with pytest.raises(InvalidInputError, match=r"10 or more, got 5: .*consent with small_groups"):
        made(X, y, group_size=5)
    with pytest.raises(InvalidInputError, match="group_size"):
        made(X, y, group_size=4, small_groups=True)
    sampler, _ = made(X, y, group_size=5, small_groups=True)
    assert sampler.provenance_.groups.size.min() >= 5
    assert len(sampler.provenance_.groups.id) == RARE // 5


@pytest.mark.parametrize(("n", "remedy"), [(15, "or consent to groups of 5"), (8, "gather more rows$")])
def test_a_class_of_fewer_than_two_groups_is_refused(n, remedy):
    X, y = np.random.default_rng(0).normal(size=(90, 2)), (np.arange(90) < n).astype(int)
    with pytest.raises(DataError, match=rf"two groups of 10, that is 20 rows of class 1, got {n}: .*{remedy}"):
        samplers.HardenedOverSampler(random_state=0).fit_resample(X, y)


@pytest.mark.parametrize("subgroups", ["within", "proportional"])
def test_groups_hold_rows_of_one_subgroup(subgroups):
    rng = np.random.default_rng(0)
    y, site = (np.arange(300) < 90).astype(int), np.arange(300) % 2
    X = rng.normal(size=(300, 2)) + 100.0 * site[:, None]
    sampler = samplers.HardenedOverSampler(random_state=0, subgroups=subgroups)
    new = sampler.fit_resample(X, y, groups=site)[0][300:]
    assert ((new[:, 0] < 50) == (site[sampler.provenance_.sources] == 0)).all()


def test_with_the_seed_known_the_statistics_of_groups_are_all_that_is_found():
    """Whoever knows seed and identities draws the same deviates, takes them off, and has means: of no row."""
    rng = np.random.default_rng(0)
    y = (np.arange(600) < 100).astype(int)
    X = rng.normal(size=(600, 4))
    sampler = samplers.HardenedOverSampler(random_state=0)
    new = sampler.fit_resample(X, y)[0][600:]
    groups = sampler.provenance_.groups
    real = X[y == 1]
    gap = np.sqrt(((groups.center[:, None] - real) ** 2).sum(axis=2)).min(axis=1)
    between = np.sqrt(((real[:, None] - real) ** 2).sum(axis=2))
    between[np.diag_indices(100)] = np.inf
    assert gap.min() > 0.1 * np.median(between.min(axis=1))  # not even near
    secret = samplers.HardenedOverSampler(random_state=0, secret_key=SecretKey(b"sixteen bytes or more"))
    other = secret.fit_resample(X, y)[0][600:]
    assert not np.isin(other, new).any()
    assert not set(secret.provenance_.groups.id.tolist()) & set(groups.id.tolist())
    assert np.array_equal(secret.provenance_.groups.center, groups.center)  # groups are those of the rows


def test_a_column_that_is_constant_in_a_group_is_not_in_its_rows():
    """Noise is at least a quarter of the class's spread: ten equal rows give rows about them, not copies."""
    rng = np.random.default_rng(0)
    X = np.concatenate([np.repeat([[5.0, 5.0]], 20, axis=0), rng.normal(size=(180, 2))])
    y = np.repeat([1, 0], [40, 160])
    new = samplers.HardenedOverSampler(random_state=0).fit_resample(X, y)[0][200:]
    assert not (new == 5.0).any()
