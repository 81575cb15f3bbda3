"""Hardened rows are the same bytes whoever asks for them: a method, an estimator or a version, under a secret key."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from feast_plugin import create_snapshot
from resampler.identity import row_ids
from resampler.methods.oversample import oversample
from resampler.methods.parameters import Parameters
from resampler.methods.place import build
from resampler.methods.table import Table
from resampler.samplers import HardenedOverSampler
from resampler.secret import SecretKey, draw_seed
from resampler.tally import learn

KEY = SecretKey(b"a secret of sixteen bytes or more")
NAMES = ["ant", "bee", "cat"]
SEED = 7


@pytest.fixture(params=["numbers", "categories", "nulls", "grids", "subgroups"])
def case(request):
    """Rows in the order of a version, whose units of distance are 1; what else is asked for."""
    rng = np.random.default_rng(0)
    n = 240
    y = rng.permutation(np.repeat([0, 1], [n - 90, 90]))
    numbers = rng.normal(size=(n, 3)) + y[:, None]
    numbers /= numbers.std(axis=0)
    codes = np.empty((n, 0))
    if request.param == "grids":
        numbers[:, 0] = np.round(numbers[:, 0] * 10) / 10
    if request.param == "nulls":
        numbers[rng.random(numbers.shape) < 0.15] = np.nan
    if request.param in ("categories", "nulls"):
        codes = rng.integers(0, 3, (n, 2)).astype(float)
    if request.param == "nulls":
        codes[rng.random(codes.shape) < 0.15] = np.nan
    site = np.sort(rng.choice(["north", "south"], n)) if request.param == "subgroups" else np.full(n, "north")
    return {
        "numbers": numbers,
        "codes": codes,
        "y": y,
        "table": pa.table({"site": site, "customer": np.arange(n)}),
        "group_by": "site" if request.param == "subgroups" else None,
        "grid": "auto" if request.param == "grids" else "off",
        "missing": "inherit" if request.param == "nulls" else "refuse",
    }


def directly(case):
    X = np.concatenate([case["numbers"], case["codes"]], axis=1)
    mask = np.arange(X.shape[1]) >= 3
    parameters = Parameters(3, missing=case["missing"])
    table = Table(
        X,
        case["y"],
        row_ids(case["table"], ["site", "customer"]),
        mask,
        groups=case["table"]["site"].to_numpy().astype(str) if case["group_by"] else None,
        grids=learn(X, range(3), rows=parameters.group_size) if case["grid"] == "auto" else None,
    )
    wanted = {1: int((case["y"] == 0).sum() - case["y"].sum())}
    made = oversample(table, "hardened", wanted, seed=draw_seed(SEED, KEY), parameters=parameters).provenance
    rows = build(X[:, :3], made, columns=np.arange(3))
    return np.concatenate([rows, X[made.donor, np.flatnonzero(mask)]], axis=1)


def by_estimator(case):
    frame = pd.DataFrame(case["numbers"]).add_prefix("x")
    for j, column in enumerate(case["codes"].T):
        frame[f"c{j}"] = pd.array(column, dtype="Int64")
    sampler = HardenedOverSampler(
        [f"c{j}" for j in range(case["codes"].shape[1])] or None,
        random_state=SEED, secret_key=KEY, k_neighbors=3, grid=case["grid"], missing=case["missing"],
    )  # fmt: skip
    groups = case["table"]["site"].to_numpy().astype(str) if case["group_by"] else None
    ids = row_ids(case["table"], ["site", "customer"])
    X_new, _ = sampler.fit_resample(frame, case["y"], row_ids=ids, groups=groups)
    return X_new.iloc[len(frame) :].to_numpy(dtype=np.float64, na_value=np.nan)


def by_version(case, directory):
    columns = {f"x{j}": pa.array(column, from_pandas=True) for j, column in enumerate(case["numbers"].T)}
    for j, column in enumerate(case["codes"].T):
        at = pa.array(np.nan_to_num(column).astype(int), mask=np.isnan(column))
        columns[f"c{j}"] = pa.array(NAMES).take(at)
    table = case["table"]
    given = pa.table({**dict(zip(table.column_names, table.columns, strict=True)), **columns, "label": case["y"]})
    made = create_snapshot(
        Path(directory) / "catalog", name="same", entity_df=given, label="label", join_keys=["site", "customer"],
        split="stratified:1,0,0", sampler="hardened", seed=SEED, secret_key=KEY, ratio=1.0, k_neighbors=3,
        group_by=case["group_by"], grid=case["grid"], missing=case["missing"],
    )  # fmt: skip
    train = pq.read_table(f"{made.uri}/train")
    train = train.filter(train["is_synthetic"])
    values = [train[f"x{j}"].to_numpy() for j in range(3)]
    categorical = [train[f"c{j}"] for j in range(case["codes"].shape[1])]
    values += [pa.compute.index_in(column, pa.array(NAMES)).to_numpy() for column in categorical]
    return np.stack([np.asarray(column, dtype=np.float64) for column in values], axis=1)


def test_estimator_version_and_method_give_the_same_bytes(case, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rows, estimated, published = directly(case), by_estimator(case), by_version(case, tmp_path)
    assert len(rows) > 0
    assert np.array_equal(estimated, rows, equal_nan=True)
    assert np.array_equal(published, rows, equal_nan=True)
