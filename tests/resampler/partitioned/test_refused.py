"""What cannot be resampled by parts is said in one line, before anything is made."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from sklearn.neighbors import NearestNeighbors

from resampler.commands.resample import resample as command
from resampler.engines.settings import EngineSettings
from resampler.errors import InvalidInputError
from resampler.partitioned import Resampled, resample
from resampler.partitioned.settings import ResampleOptions
from resampler.samplers import SMOTE, SMOTENC, EmbeddingSMOTE, HardenedOverSampler, RandomOverSampler, TomekLinks

N = 60


def rows(**columns) -> pa.Table:
    rng = np.random.default_rng(0)
    plain = {"a": rng.normal(size=N), "b": rng.normal(size=N), "y": np.repeat(["no", "yes"], [45, 15])}
    return pa.table(plain | columns)


@pytest.fixture
def data(tmp_path):
    pq.write_table(rows(), tmp_path / "in.parquet")
    return tmp_path / "in.parquet"


@pytest.mark.parametrize(
    ("sampler", "said"),
    [
        (EmbeddingSMOTE(), "sampler must be one of .*got EmbeddingSMOTE"),
        (HardenedOverSampler(), "got HardenedOverSampler"),
        (TomekLinks(), "got TomekLinks"),
        (SMOTE(group_by="a"), "group_by does not work by parts"),
        (SMOTE(k_neighbors=NearestNeighbors(n_neighbors=4)), "k_neighbors must be a number by parts"),
        (SMOTE(sampling_strategy={"maybe": 99}), r"names classes \['maybe'\], of which there is no row"),
        (SMOTE(sampling_strategy={"yes": 3}), "With over-sampling methods"),
        (SMOTE(k_neighbors=15), "15 neighbours need at least 16 rows of class 'yes', got 15"),
    ],
    ids=["embedding", "hardened", "cleaner", "groups", "object", "class", "fewer", "few"],
)
def test_samplers(data, tmp_path, sampler, said):
    with pytest.raises(InvalidInputError, match=said):
        resample(data, sampler, label="y", out=tmp_path / "out")
    assert [one.name for one in tmp_path.iterdir()] == ["in.parquet"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"label": "z"}, "label names column 'z'; the table has a, b, y"),
        ({"key": "z"}, "key names column 'z'; the table has a, b, y"),
        ({"carried": ["y"]}, "column 'y' is the label"),
        ({"carried": ["a", "b"]}, "no column is left as a feature"),
        ({"mark": "a"}, "mark 'a' is a column of the table"),
        ({"categorical": ["c"]}, "categorical names column 'c'; the features are"),
        ({"categorical": ["a"]}, "method 'smote' takes numeric columns only"),
        ({"recall": 2}, "recall must be in"),
        ({"engine": EngineSettings(worker_memory="100MiB")}, "worker_memory=100.* is too little for task real"),
        ({"out": "s3://bucket/out"}, "out must be a directory that is mounted"),
    ],
    ids=lambda one: next(iter(one)) if isinstance(one, dict) else "",
)
def test_arguments(data, tmp_path, given, said):
    with pytest.raises(InvalidInputError, match=said):
        resample(data, SMOTE(), **{"label": "y", "out": tmp_path / "out"} | given)
    assert [one.name for one in tmp_path.iterdir()] == ["in.parquet"]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"a": ["x"] * N}, "column 'a' is of string, between which no value can be made: use a method that takes cat"),
        ({"a": ["x"] * N, "b": ["x"] * N}, r"columns \['a', 'b'\] are of string"),
        ({"a": [float("inf")] * N}, "column 'a' holds infinity in 15 rows"),
        ({"y": [1] * N}, "there must be rows of two classes or more"),
        ({"y": [None, *[1] * 30, *[0] * 29]}, "y must say the class of every row, got 1 rows without one"),
        ({"y": pa.array(range(N), pa.timestamp("s"))}, "label 'y' must be of whole numbers, booleans or text"),
    ],
    ids=["text", "texts", "infinity", "one class", "no class", "times"],
)
def test_tables(tmp_path, columns, said):
    pq.write_table(rows(**columns), tmp_path / "in.parquet")
    with pytest.raises(InvalidInputError, match=said):
        resample(tmp_path, SMOTE(), label="y", out=tmp_path / "out")
    assert [one.name for one in tmp_path.iterdir()] == ["in.parquet"]


def test_a_recall_of_a_method_that_looks_for_no_neighbours(data, tmp_path):
    with pytest.raises(InvalidInputError, match=r"recall=0.5 goes with methods that look for neighbours, .*: leave it"):
        resample(data, RandomOverSampler(), label="y", out=tmp_path / "out", recall=0.5)


def test_files(data, tmp_path):
    asked = {"label": "y", "out": tmp_path / "out"}
    for given, said in (
        (tmp_path / "nothing", "is not there"),
        ([], "dataset must be a path or URI"),
        (rows(), "got Table"),
        (ds.dataset(rows()), "dataset must be a path or URI"),
    ):
        with pytest.raises(InvalidInputError, match=said):
            resample(given, SMOTE(), **asked)
    pq.write_table(rows().select(["a", "y"]), tmp_path / "other.parquet")
    with pytest.raises(InvalidInputError, match=r"has other columns than .*\['b'\] in one of them only"):
        resample(tmp_path, SMOTE(), **asked)
    (tmp_path / "parts" / "b=1").mkdir(parents=True)
    pq.write_table(rows().select(["a", "y"]), tmp_path / "parts" / "b=1" / "0.parquet")
    with pytest.raises(InvalidInputError, match="has a column in the name of its directory"):
        resample(tmp_path / "parts", SMOTE(), **asked)
    (tmp_path / "text.parquet").write_text("rows")
    with pytest.raises(InvalidInputError, match="cannot be read as Parquet"):
        resample(tmp_path / "text.parquet", SMOTE(), **asked)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInputError, match=r"holds no file that ends in \.parquet"):
        resample(tmp_path / "empty", SMOTE(), **asked)


def test_a_dataset_of_arrow_and_labels_of_any_kind(tmp_path):
    for at, labels in enumerate(([True] * 15 + [False] * 45, ["yes"] * 15 + ["no"] * 45)):
        pq.write_table(rows(y=pa.array(labels).dictionary_encode() if at else labels), tmp_path / f"{at}.parquet")
        done = resample(ds.dataset(tmp_path / f"{at}.parquet"), SMOTE(), label="y", out=tmp_path / f"{at}")
        assert done.dataset().schema.field("y").type == pq.read_schema(tmp_path / f"{at}.parquet").field("y").type
        assert [one["synthetic"] for one in done.counts.values()] == [0, 30]


def test_the_command(data, tmp_path):
    out = tmp_path / "out"
    asked = [str(data), "--label", "y", "--out", str(out), "--ratio", "0.5", "--engine", "inline"]
    ran = CliRunner().invoke(command, [*asked, "--method", "borderline", "--m-neighbors", "5"])
    assert ran.exit_code == 0, ran.output
    assert "class yes: 15 real, 7 synthetic" in ran.output
    again = CliRunner().invoke(command, [*asked, "--method", "borderline", "--m-neighbors", "5", "--json"])
    assert Resampled.read(out).said["digest"]["synthetic"] in again.output


def test_options_that_do_not_go_with_a_method():
    assert ResampleOptions(method="adasyn", k_neighbors=7).estimator().n_neighbors == 7
    assert isinstance(ResampleOptions(method="smotenc").estimator(), SMOTENC)
    with pytest.raises(InvalidInputError, match="k_neighbors does not go with method 'random'"):
        ResampleOptions(method="random", k_neighbors=7).estimator()
    with pytest.raises(InvalidInputError, match="key must be a list of columns"):
        ResampleOptions(key="a")
