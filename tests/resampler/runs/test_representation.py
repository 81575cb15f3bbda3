"""Whose a version's synthetic rows are: columns of any type, with nulls, and those that cannot be told."""

import numpy as np
import pyarrow as pa
import pytest

from feast_plugin import create_snapshot
from resampler.runs.representation import representation_of
from resampler.training_set import open_version

N = 3000
RNG = np.random.default_rng(0)
LABEL = RNG.random(N) < 0.15


@pytest.fixture(scope="module")
def version(tmp_path_factory):
    root = tmp_path_factory.mktemp("catalog")
    floats = RNG.normal(size=N) + LABEL
    rows = {
        "id": pa.array([f"c{at}" for at in range(N)]),
        "name": pa.array([f"c{at}" for at in range(N)]),
        "few": pa.array(RNG.integers(3, size=N)),
        "many": pa.array(RNG.integers(500, size=N)),
        "null": pa.array(np.where(RNG.random(N) < 0.1, np.nan, floats), from_pandas=True),
        "text": pa.array([None if at % 7 == 0 else ("n", "s")[at % 2] for at in range(N)]),
        "flag": pa.array(RNG.random(N) < 0.3),
        "v": pa.array(list(RNG.normal(size=(N, 2)))),
        "y": pa.array(LABEL),
    }
    create_snapshot(
        root,
        name="t",
        entity_df=pa.table(rows),
        label="y",
        join_keys=["id"],
        ratio=0.5,
        split="stratified:0.6,0.2,0.2",
    )
    return open_version("t", catalog=str(root))


def test_every_kind_of_column_makes_groups(version):
    found, notes = representation_of(version, ["few", "many", "null", "text", "flag", "strange", "y"], positive=True)
    assert notes == []
    assert {name: len(groups) for name, groups in found.items()} == {
        "few": 3,
        "many": 5,
        "null": 6,
        "text": 3,
        "flag": 2,
    }
    counts = version.classes["train"]["1"]
    for groups in found.values():
        assert sum(one.real for one in groups) == counts["real"]
        assert sum(one.synthetic for one in groups) == counts["synthetic"]
        assert {one.label for one in groups} == {"True"}


def test_what_makes_no_groups_is_said(version, monkeypatch):
    monkeypatch.setattr("resampler.runs.representation.MOST", 100)  # of a small version
    found, notes = representation_of(version, ["v", "name", "id"], positive=1)
    assert found == {}
    assert notes == [
        "id is a key of t version 1, and synthetic rows have keys of their own: they favour no group by it",
        "v holds lists in t version 1: whose synthetic rows are is not known",
        "name has more than 100 values in t version 1: whose synthetic rows are is not known",
    ]
    assert representation_of(version, ["few"], positive=False) == (
        {"few": []},
        ["t version 1 has no synthetic rows of class False, so they favour no group"],
    )
    assert representation_of(version, [], positive=True) == ({}, [])
