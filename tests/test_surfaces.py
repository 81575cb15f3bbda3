"""The same rows on every surface: equal rows, identities and seed give equal bytes, whoever asks a method for them."""

import tempfile
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive import methods as naive

from feast_plugin import create_snapshot
from resampler import samplers
from resampler.errors import DataError
from resampler.identity import row_ids
from resampler.methods.catalog import METHODS
from resampler.methods.oversample import ShortfallWarning, oversample
from resampler.methods.parameters import Parameters
from resampler.methods.place import build
from resampler.methods.table import Table
from resampler.tally import learn

KEYS = ["site", "customer"]
MIXED = [name for name, method in METHODS.items() if method.categories == "vote"]
NUMERIC = [name for name, method in METHODS.items() if method.categories in ("none", "vote") and name != "smotenc"]


class Case(NamedTuple):
    """Rows in the order of a snapshot, and what is asked for."""

    table: pa.Table
    numbers: np.ndarray
    codes: np.ndarray
    y: np.ndarray
    ids: np.ndarray
    groups: np.ndarray | None
    subgroups: str
    ratio: float
    seed: int
    parameters: Parameters
    grid: str

    @property
    def X(self):  # noqa: N802 - the field's name
        return np.concatenate([self.numbers, self.codes.astype(self.numbers.dtype)], axis=1)

    @property
    def strategy(self):
        held = np.bincount(self.y)
        return {1: int(self.ratio * held[0]) - held[1]}


def named(codes):
    """A column of names; a null for NaN."""
    return pa.array(["ant", "bee", "cat"]).take(pa.array(np.nan_to_num(codes).astype(np.int64), mask=np.isnan(codes)))


def bits(rows):
    """Bytes of rows; every null has the same."""
    return np.where(np.isnan(rows), rows.dtype.type(np.nan), rows).tobytes()


@st.composite
def cases(draw, method, n_numbers, n_codes):
    """Two classes at two sites; columns whose unit of distance is 1, classes that meet or lie far apart."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    n, gap = draw(st.integers(40, 70)), draw(st.sampled_from([0.0, 1.0, 1.0, 50.0]))
    y = rng.permutation(np.repeat([0, 1], [n - n // 4, n // 4]))
    numbers = rng.normal(size=(n, n_numbers)) + gap * y[:, None]
    missing = draw(st.sampled_from(["refuse", "inherit" if METHODS[method].nulls else "complete", "complete"]))
    share = 0.0 if missing == "refuse" else 0.15 if missing == "inherit" else 0.05
    numbers[rng.random(numbers.shape) < share] = np.nan
    numbers = (numbers / np.nanstd(numbers, axis=0)).astype(dtype)
    grid = draw(st.sampled_from(["off", "auto"]))
    if grid == "auto":
        numbers[:, :1] = np.round(numbers[:, :1] * 10) / 10  # a step of .1
    codes = rng.integers(0, 3, (n, n_codes)).astype(np.float64)
    codes[rng.random(codes.shape) < share] = np.nan
    codes[:3] = np.arange(3)[:, None]
    keys = pa.table({"site": rng.choice(["north", "south"], n), "customer": rng.permutation(10 * n)[:n]})
    columns = {f"x{j}": pa.array(column, from_pandas=True) for j, column in enumerate(numbers.T)}
    columns |= {f"c{j}": named(column) for j, column in enumerate(codes.T)}
    table = pa.table({**dict(zip(KEYS, keys.columns, strict=True)), **columns, "label": y})
    order = np.lexsort([keys["customer"].to_numpy(), keys["site"].to_numpy(zero_copy_only=False).astype(str)])
    grouping = draw(st.sampled_from([None, "within", "proportional"]))
    sites = keys["site"].to_numpy(zero_copy_only=False).astype(str)[order]
    return Case(
        table.take(rng.permutation(n)), np.ascontiguousarray(numbers[order]), codes[order], y[order],
        row_ids(table.take(order), KEYS), None if grouping is None else sites, grouping or "within",
        draw(st.sampled_from([0.5, 0.75, 1.0])), draw(st.integers(0, 2**32 - 1)),
        Parameters(
            draw(st.integers(1, 3)),
            no_danger=draw(st.sampled_from(["plain", "plain", "error"])),
            shrinkage=draw(st.sampled_from([None, 0.5])) if method == "random" else None,
            missing=missing,
        ),
        grid,
    )  # fmt: skip


def directly(case, method, *, shuffle=False):
    """Values of the columns, and the provenance; a version's rows are shuffled."""
    n_numbers = case.numbers.shape[1]
    mask = np.arange(case.X.shape[1]) >= n_numbers
    grids = learn(case.X, range(n_numbers)) if case.grid == "auto" else None
    table = Table(case.X, case.y, case.ids, mask if mask.any() else None, groups=case.groups, grids=grids)
    options: dict[str, Any] = {"seed": case.seed, "parameters": case.parameters, "subgroups": case.subgroups}
    options["shuffle"] = shuffle
    made = oversample(table, method, case.strategy, **options).provenance
    rows = build(case.X, made)
    for at, j in enumerate(made.categorical_features):
        rows[:, j] = case.X[made.donor[:, at], j]
    return rows, made


def snapshot_of(case, method, directory, **options):
    parameters = case.parameters
    made = create_snapshot(
        Path(directory) / "catalog", name="same", entity_df=case.table, label="label", join_keys=KEYS,
        split="stratified:1,0,0", sampler=method, seed=case.seed, ratio=case.ratio,
        k_neighbors=parameters.k_neighbors, no_danger=parameters.no_danger, shrinkage=parameters.shrinkage,
        group_by=None if case.groups is None else "site", subgroups=case.subgroups, grid=case.grid,
        missing=parameters.missing, **options,
    )  # fmt: skip
    assert set(made.manifest.schema.scale) <= {1.0}, "else other rows are near"
    return pq.read_table(f"{made.uri}/train"), pq.read_table(f"{made.uri}/lineage.parquet")


def values_of(train, case):
    """Numbers and codes of a table, in the dtype of the case."""
    numbers = [train[f"x{j}"].to_numpy() for j in range(case.numbers.shape[1])]
    names = [train[f"c{j}"] for j in range(case.codes.shape[1])]
    codes = [pa.compute.index_in(column, pa.array(["ant", "bee", "cat"])).to_numpy() for column in names]
    return np.stack([column.astype(case.numbers.dtype) for column in [*numbers, *codes]], axis=1)


def estimator_of(case, method):
    """The estimator that offers a method, or None; and the rows as it takes them."""
    options = {"random_state": case.seed, "sampling_strategy": case.ratio}
    near = {"k_neighbors": case.parameters.k_neighbors}
    on = {"grid": case.grid, "missing": case.parameters.missing}
    frame = pd.DataFrame({f"c{j}": pd.array(column, dtype="Int64") for j, column in enumerate(case.codes.T)})
    if method == "smoten":
        return samplers.SMOTEN(**options, **near, missing=on["missing"], subgroups=case.subgroups), frame
    if METHODS[method].clean is not None:
        smote = samplers.SMOTE(**options, **near, **on, subgroups=case.subgroups)
        return {"enn": samplers.SMOTEENN, "tomek": samplers.SMOTETomek}[METHODS[method].clean](
            smote=smote, missing=on["missing"]
        ), case.X
    if method == "smotenc":
        frame = pd.concat([pd.DataFrame(case.numbers).add_prefix("x"), frame], axis=1)
        features = frame.columns[case.numbers.shape[1] :].tolist()
        return samplers.SMOTENC(features, **options, **near, **on, subgroups=case.subgroups), frame
    more = {"no_danger": case.parameters.no_danger, "shrinkage": case.parameters.shrinkage}
    return samplers.OverSampler(method, **options, **near, **more, **on, subgroups=case.subgroups), case.X


def compare(case, method, *, estimator=True):
    """The rows of the three surfaces; where one says that they cannot be made, so do the others."""
    cleaner = METHODS[method].clean
    with tempfile.TemporaryDirectory() as directory, warnings.catch_warnings():
        warnings.simplefilter("ignore", ShortfallWarning)
        try:
            rows, made = directly(case, method, shuffle=True)
        except DataError:
            with pytest.raises(DataError):
                snapshot_of(case, method, directory)
            return
        train, lineage = snapshot_of(case, method, directory)
    n = len(case.y)
    real = train.filter(pa.compute.invert(train["is_synthetic"]))
    published = values_of(train.filter(train["is_synthetic"]), case)
    stays = np.ones(len(rows), dtype=np.bool_)
    if cleaner is not None:
        both, labels = np.concatenate([case.X, rows]), np.concatenate([case.y, made.label])
        gone = _gone(both, labels, cleaner, case)
        stays = ~np.isin(n + np.arange(len(rows)), gone)
        kept = np.setdiff1d(np.arange(n), [i for i in gone if i < n and case.y[i] == 0])
    else:
        kept = np.arange(n)
    assert bits(values_of(real, case)) == bits(case.X[kept])
    assert bits(published) == bits(rows[stays])
    assert lineage["base_id"].to_numpy().tolist() == case.ids[made.base][stays].tolist()
    assert lineage["neighbor_id"].to_numpy().tolist() == case.ids[made.neighbor][stays].tolist()
    assert lineage["step"].to_numpy().tobytes() == made.step[stays].tobytes()
    if not estimator:
        return
    sampler, X = estimator_of(case, method)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ShortfallWarning)
        rows, made = directly(case, method)
        X_new, y_new = sampler.fit_resample(X, case.y, row_ids=case.ids, groups=case.groups)
    if cleaner is not None:
        both, labels = np.concatenate([case.X, rows]), np.concatenate([case.y, made.label])
        gone = _gone(both, labels, cleaner, case)
        order = np.setdiff1d(np.arange(len(labels)), gone)
        order = order if cleaner == "tomek" else order[np.argsort(labels[order], kind="stable")]
        assert bits(np.asarray(X_new)) == bits(both[order])
    else:
        values = X_new.to_numpy(dtype=rows.dtype, na_value=np.nan) if hasattr(X_new, "iloc") else X_new
        assert bits(values[n:].astype(rows.dtype)) == bits(rows)
        assert (y_new[n:] == made.label).all()


def _gone(rows, labels, cleaner, case):
    """Positions that a cleaner names by its definition, whoever may take them out."""
    whole = np.flatnonzero(~np.isnan(rows).any(axis=1))
    if case.parameters.missing == "complete" and len(whole) < len(rows):
        return [int(whole[i]) for i in _gone(rows[whole], labels[whole], cleaner, case)]
    if case.codes.size:  # categories count what the deviations of all rows say
        world = naive.World(
            rows, labels, np.arange(len(rows)), None, 1, 1, np.arange(rows.shape[1]) >= case.numbers.shape[1],
            np.ones(rows.shape[1]),
        )  # fmt: skip
        world.label, world.y = 0, np.zeros(len(rows))
        near = [world.nearest(i, 3) for i in range(len(rows))]
        if cleaner == "enn":
            return [i for i, found in enumerate(near) if any(labels[j] != labels[i] for j in found)]
        return [i for i, (j, *_) in enumerate(near) if near[j][0] == i and labels[j] != labels[i]]
    if cleaner == "enn":
        return naive.edited(rows, labels, range(len(rows)), 3, vote=False)
    return naive.tomek_links(rows, labels)


@pytest.mark.parametrize("method", NUMERIC)
@given(data=st.data())
@settings(max_examples=5)
def test_rows_of_numbers(method, data):
    compare(data.draw(cases(method, data.draw(st.integers(2, 3)), 0)), method)


@pytest.mark.parametrize("method", MIXED)
@given(data=st.data())
@settings(max_examples=4)
def test_rows_of_numbers_and_categories(method, data):
    compare(data.draw(cases(method, 2, 2)), method, estimator=method == "smotenc")


@given(data=st.data())
@settings(max_examples=6)
def test_rows_of_categories(data):
    compare(data.draw(cases("smoten", 0, 3)), "smoten")
