"""A version, as the core opens it."""

import numpy as np
import pyarrow as pa
import pytest

from feast_plugin import alias_snapshot, create_snapshot
from resampler.errors import DataError, InvalidInputError
from resampler.training_set import open_version


@pytest.fixture
def catalog(tmp_path):
    rng = np.random.default_rng(0)
    rows = pa.table(
        {"id": np.arange(400), "a": rng.normal(size=400), "b": rng.normal(size=400), "y": rng.random(400) < 0.2}
    )
    for seed in (0, 1):
        create_snapshot(
            tmp_path / "c",
            name="t",
            entity_df=rows,
            label="y",
            join_keys=["id"],
            ratio=0.5,
            seed=seed,
            split="stratified:0.6,0.2,0.2",
        )
    alias_snapshot(tmp_path / "c", name="t", alias="prod", version=1)
    return str(tmp_path / "c")


def test_a_version_is_opened_by_number_alias_or_as_the_newest(catalog):
    for reference, version in (("t", 2), ("t:1", 1), ("t:v1", 1), ("t:prod", 1)):
        opened = open_version(reference, catalog=catalog)
        assert opened.version == version
        assert str(opened) == f"t version {version}"
    assert opened.aliases == ("prod",)
    train = opened.read("train")
    assert set(train.column_names) == {"id", "a", "b", "y", "is_synthetic"}
    assert sum(of["synthetic"] for of in opened.classes["train"].values()) == train["is_synthetic"].to_numpy().sum() > 0
    assert opened.read("test", ["a"]).num_rows == sum(of["real"] for of in opened.classes["test"].values())
    assert (opened.features, opened.label, opened.keys, opened.timestamp) == (("a", "b"), "y", ("id",), None)
    assert opened.profile.startswith(b"{")


def test_rows_with_a_time_have_its_column(tmp_path):
    at = np.datetime64("2024-01-01", "us") + np.arange(400) * np.timedelta64(1, "h")
    rows = pa.table({"id": np.arange(400), "at": at, "a": np.arange(400) * 0.5, "y": np.arange(400) % 9 == 0})
    create_snapshot(tmp_path, name="t", entity_df=rows, label="y", join_keys=["id"], timestamp="at")
    opened = open_version("t", catalog=str(tmp_path))
    assert (opened.keys, opened.timestamp) == (("id",), "event_timestamp")
    assert "event_timestamp" in opened.read("train").column_names


@pytest.mark.parametrize("reference", ["", ":1", "t:"])
def test_what_is_no_reference(reference, catalog):
    with pytest.raises(InvalidInputError, match="a version is named NAME, NAME:3 or NAME:prod"):
        open_version(reference, catalog=catalog)


def test_what_is_not_there(catalog):
    with pytest.raises(DataError, match="no alias 'best'; it has prod"):
        open_version("t:best", catalog=catalog)
    with pytest.raises(DataError, match="9"):
        open_version("t:9", catalog=catalog)
    with pytest.raises(InvalidInputError, match="give --repo, --catalog or --root"):
        open_version("t")
    with pytest.raises(InvalidInputError, match="not both"):
        open_version("t", catalog=catalog, repo=catalog)
