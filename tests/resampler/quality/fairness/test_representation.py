"""Subgroups that synthetic rows favour are found, by count, of arrays and of a published version."""

import numpy as np
import pyarrow as pa
import pytest

from feast_plugin import create_snapshot
from resampler.errors import InvalidInputError
from resampler.quality.fairness import representation
from resampler.training_set import open_version


def test_counts_shares_and_the_favoured_subgroup():
    region = np.repeat(["n", "s", "n", "s"], [300, 100, 20, 180])
    made = np.repeat([False, True], [400, 200])
    found = representation({"region": region}, labels=np.full(600, "fraud"), is_synthetic=made)
    assert [(one.group, one.real, one.synthetic) for one in found] == [("region=s", 100, 180), ("region=n", 300, 20)]
    assert found[0].share_of_real == 0.25
    assert found[0].share_of_synthetic == 0.9
    assert [one.over_represented for one in found] == [True, False]
    assert found[0].interval[0] < 0.65 < found[0].interval[1]


def test_chance_favours_nobody():
    rng = np.random.default_rng(0)
    named = 0
    for _ in range(200):
        region = rng.integers(0, 4, 400)
        found = representation(
            {"region": region}, labels=np.ones(400, dtype=np.int64), is_synthetic=np.arange(400) < 200
        )
        named += any(one.over_represented for one in found)
    assert named <= 14


def test_a_version_is_read_by_its_own_columns(tmp_path):
    rng = np.random.default_rng(0)
    rows = pa.table(
        {"id": np.arange(600), "age": rng.normal(40, 9, 600), "b": rng.normal(size=600), "y": rng.random(600) < 0.2}
    )
    create_snapshot(
        tmp_path, name="t", entity_df=rows, label="y", join_keys=["id"], ratio=0.5, split="stratified:0.6,0.2,0.2"
    )
    version = open_version("t", catalog=str(tmp_path))
    train = version.read("train", ["age", version.label, version.synthetic])
    found = representation(train.select(["age"]), labels=train[version.label], is_synthetic=train[version.synthetic])
    assert len(found) == 5
    assert {one.label for one in found} == {"True"}
    assert sum(one.synthetic for one in found) == sum(of["synthetic"] for of in version.classes["train"].values())
    assert found[0].group.startswith("age=[")
    assert found[0].to_dict()["over_represented"] == found[0].over_represented


def test_columns_of_other_lengths():
    with pytest.raises(InvalidInputError, match="is_synthetic has 1 rows, labels 2"):
        representation({"r": ["a", "b"]}, labels=[1, 1], is_synthetic=[True])
