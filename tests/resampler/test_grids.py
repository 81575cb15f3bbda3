"""What a grid is, which one values have; synthetic ones keep it, the mean, and what columns are to each other."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive import grids as naive
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from threadpoolctl import threadpool_limits

from resampler import samplers
from resampler.errors import InvalidInputError
from resampler.grids import Grid
from resampler.methods.catalog import METHODS
from resampler.methods.oversample import oversample
from resampler.methods.parameters import Parameters
from resampler.methods.place import build
from resampler.methods.table import Table
from resampler.schema import Feature, FeatureSchema
from resampler.tally import Tally, learn

STEPS = [1e-4, 0.01, 0.05, 0.25, 0.5, 1.0, 7.0, 100.0]
GRIDS = st.one_of(
    st.builds(Grid, st.sampled_from(STEPS), low=st.sampled_from([None, 0.0]), single=st.booleans()),
    st.builds(
        lambda values: Grid(values=tuple(sorted(values))), st.sets(st.floats(-1e6, 1e6, width=32), min_size=1)
    ),
    st.builds(Grid, low=st.just(-3.5), high=st.sampled_from([None, 2.5])),
)  # fmt: skip


def learned(values):
    return learn(np.asarray(values).reshape(-1, 1))[0]


@given(grid=GRIDS)
def test_a_grid_is_plain_data(grid):
    assert Grid.from_dict(json.loads(json.dumps(grid.to_dict()))) == grid


@pytest.mark.parametrize(
    "options",
    [
        {"step": 0.0}, {"step": np.inf}, {"values": (2.0, 1.0)}, {"values": (1.0,), "step": 1.0},
        {"low": 1.0, "high": 0.0}, {"low": np.nan}, {"high": np.inf}, {"values": (np.nan, 1.0)}, {"step": "1"},
        {"values": ("a", "b")}, {"values": "12"}, {"values": 5}, {"step": True}, {"low": "0"}, {"single": "yes"},
        {"step": 1e-300},
    ],
)  # fmt: skip
def test_a_grid_that_is_none_is_refused(options):
    with pytest.raises(InvalidInputError):
        Grid(**options)


@given(data=st.data(), step=st.sampled_from(STEPS), dtype=st.sampled_from([np.float32, np.float64]))
@settings(max_examples=60)
def test_a_step_is_found_and_holds_for_all_values(data, step, dtype):
    units = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1))).integers(-3000, 3000, 300)
    units[:2] = 1, -1  # the step itself
    values = np.array([naive.image(int(k), step, dtype == np.float32) for k in units]).astype(dtype)
    grid = learned(values)
    assert grid.step == step
    assert grid.has(values).all()
    assert not grid.has(values + step / 2).any()


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 400), dtype=st.sampled_from([np.float32, np.float64]))
@settings(max_examples=60)
def test_numbers_of_no_step_have_none(seed, n, dtype):
    values = np.random.default_rng(seed).normal(50, 3, n).astype(dtype)
    assert learned(values) in (None, Grid(low=0.0))


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=30)
def test_few_values_far_apart_are_a_set(seed):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=20)
    assert learned(values[rng.integers(0, 20, 4000)]) == Grid(values=tuple(np.sort(values).tolist()))
    assert learned(rng.choice([0.0, 13.0, 999.0], 4000)) == Grid(values=(0.0, 13.0, 999.0))


def test_values_that_a_new_row_might_miss_are_no_set():
    values = np.repeat(np.random.default_rng(0).normal(size=2_000), 2)  # rows that stand twice say nothing
    assert learned(values) is None


@given(seed=st.integers(0, 2**32 - 1), cuts=st.lists(st.integers(0, 3000), max_size=4))
@settings(max_examples=30)
def test_neither_order_nor_batches_matter(seed, cuts):
    rng = np.random.default_rng(seed)
    values = np.round(rng.gamma(2, 30, 3000), rng.integers(0, 4))
    values[rng.integers(0, 3000, 30)] = np.nan
    tally = Tally()
    for part in np.split(rng.permutation(values), sorted(cuts)):
        tally.add(part)
    assert tally.grid == learned(values)


def test_float_noise_beside_a_step_is_forgiven():
    prices = np.round(np.random.default_rng(0).gamma(2, 30, 1000), 2)
    assert not np.array_equal(prices * 5, np.round(prices * 5, 2))
    assert learned(np.concatenate([prices, prices * 5])).step == 0.01


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [
        (np.linspace(0.1, 9, 500), 0.0, None),
        (np.linspace(-9, -0.1, 500), None, 0.0),
        (np.linspace(-9, 9, 501) + 0.001, None, None),
        (np.clip(np.linspace(-3, 3, 500), -2.5, 2), -2.5, 2.0),
    ],
)
def test_bounds_are_zero_or_where_values_pile_up(values, low, high):
    grid = learned(values + 1e-11 * np.sin(np.arange(len(values))) * (np.abs(values) < 2))
    found = (None, None) if grid is None else (grid.low, grid.high)
    assert found == (low, high)


def table(n=240, seed=0):
    """Counts, prices, a set, a flag of each of three kinds, a copy, a double; and a class among them."""
    rng = np.random.default_rng(seed)
    y = (np.arange(n) % 4 == 0).astype(np.int64)
    kind = rng.integers(0, 3, n)
    price = np.round(rng.gamma(3, 10, n) + 20 * y, 2)
    count = rng.poisson(3 + y).astype(np.float64)
    sensor = np.array([1.5, 1.75, 2.5, 9.25, 20.0])[rng.integers(0, 5, n)]
    flags = np.eye(3)[kind]
    X = np.column_stack([price, count, sensor, flags, price, 2 * count, rng.normal(size=n) + y])
    return X, y


NUMERIC = [name for name, method in METHODS.items() if method.categories != "all" and name != "smotenc"]


def made_of(X, y, method, n, *, grids, seed=1):
    asked = Parameters(3, shrinkage=0.5 if method == "random" else None)
    given_ = Table(X, y, np.arange(len(y)), grids=grids)
    provenance = oversample(given_, method, {1: n}, seed=seed, parameters=asked).provenance
    return build(X, provenance), provenance


@pytest.mark.parametrize("method", NUMERIC)
def test_every_method_keeps_grids_and_the_mean(method):
    X, y = table()
    grids = learn(X)
    off, _ = made_of(X, y, method, 60_000, grids=None)
    rows, _ = made_of(X, y, method, 60_000, grids=grids)
    for j, grid in enumerate(grids):
        if grid is not None:
            assert grid.has(rows[:, j]).all()
    noise = (rows - off).std(axis=0) / np.sqrt(len(rows))
    apart = np.abs(rows.mean(axis=0) - off.mean(axis=0))
    for j, grid in enumerate(grids):
        low, high = (-np.inf, np.inf) if grid is None else grid.bounds
        # What leads out on one side alone is cut off at the bound.
        if method != "svm" or (low <= off[:, j].min() and off[:, j].max() <= high):
            assert apart[j] <= 4 * noise[j] + 1e-12


@pytest.mark.parametrize("method", [name for name in NUMERIC if METHODS[name].place == "segment"])
def test_rows_on_segments_keep_copies_multiples_and_one_hot_flags(method):
    X, y = table()
    rows, _ = made_of(X, y, method, 5_000, grids=learn(X))
    flags = rows[:, 3:6]
    assert ((flags == 0) | (flags == 1)).all()
    if METHODS[method].pair is not METHODS["svm"].pair:
        assert (flags.sum(axis=1) == 1).all()
    assert np.array_equal(rows[:, 0], rows[:, 6])
    assert np.array_equal(2 * rows[:, 1], rows[:, 7])


def test_sensors_of_engines_no_longer_give_synthetic_rows_away():
    data = pq.read_table(Path(__file__).parents[2] / "examples/turbofan/data/turbofan.parquet")
    y = data["fails_within_15"].to_numpy().astype(np.int64)
    X = np.column_stack([data[name].to_numpy() for name in data.column_names if name.startswith(("setting_", "s_"))])
    n, told = int(y.sum()), {}
    for grids in (None, learn(X)):
        rows, _ = made_of(X, y, "smote", n, grids=grids)
        both, made = np.concatenate([X[y == 1], rows]), np.repeat([0, 1], n)
        guess = HistGradientBoostingClassifier(max_iter=60, random_state=0)
        folds = StratifiedKFold(3, shuffle=True, random_state=0)
        with threadpool_limits(1):  # threads that wait for each other take longer than the trees
            odds = cross_val_predict(guess, both, made, cv=folds, method="predict_proba")[:, 1]
        told[grids is not None] = roc_auc_score(made, odds)
    assert told[False] > 0.9
    assert told[True] < 0.6


def test_estimators_keep_relations_where_asked():
    X, y = table()
    X = np.column_stack([X, X[:, 1] + X[:, 2]])
    sampler = samplers.OverSampler("geometric", grid="auto", relations="keep", random_state=3)
    rows = sampler.fit_resample(X, y)[0][len(y) :]
    assert np.array_equal(rows[:, -1], rows[:, 1] + rows[:, 2])
    assert np.array_equal(rows[:, 7], 2 * rows[:, 1])
    assert np.array_equal(samplers.replay(X, sampler.provenance_), rows)
    frame = pd.DataFrame(X).astype({1: np.int64, 7: np.int64}).add_prefix("x")
    made = samplers.RandomOverSampler(shrinkage=1.0, grid="auto", relations="keep", random_state=0)
    new = made.fit_resample(frame, y)[0].iloc[len(y) :]
    assert (new["x7"] == 2 * new["x1"]).all()
    assert (new["x9"] == new["x1"] + new["x2"]).all()
    with pytest.raises(InvalidInputError, match="goes with grid='auto'"):
        samplers.SMOTE(relations="keep").fit_resample(X, y)


def test_estimators_keep_what_puts_rows_on_grids():
    X, y = table()
    sampler = samplers.SMOTE(grid="auto", random_state=3)
    rows = sampler.fit_resample(X, y)[0][len(y) :]
    assert sampler.provenance_.grids == learn(X)
    assert np.array_equal(samplers.replay(X, sampler.provenance_), rows)
    some = np.arange(0, len(rows), 7)
    assert np.array_equal(build(X, sampler.provenance_.take(some)), rows[some])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("step", [1e-6, 0.001, 0.01, 0.25, 1.0])
@pytest.mark.parametrize("middle", [0.0, 0.5, 2388.0, 98765.0])
def test_a_contract_takes_every_grid_that_is_learned(dtype, step, middle):
    k, width = np.random.default_rng(0).integers(-300, 300, 4000), Fraction(str(step))
    values = ((np.rint(middle / step) + k) * width.numerator / width.denominator).astype(dtype)
    grid = learned(values)
    assert grid is not None
    assert FeatureSchema((Feature("a", str(values.dtype)),)).with_rules(grids={"a": grid}).grids == (grid,)
