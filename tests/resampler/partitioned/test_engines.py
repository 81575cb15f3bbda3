"""One digest on every engine, with any number of workers; frames of Ray Data, Dask and Spark in and out."""

from __future__ import annotations

import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from resampler.engines.settings import EngineSettings
from resampler.partitioned import resample
from resampler.samplers import SMOTEENN, SMOTENC

CITIES = np.array(["x", "z"])


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    y = (rng.random(400) < 0.2).astype(np.int64)
    return pa.table(
        {"a": rng.normal(size=400), "b": rng.normal(size=400), "city": CITIES[rng.integers(0, 2, 400)], "y": y}
    )


@pytest.fixture(scope="module")
def plain(rows, tmp_path_factory):
    """Return the digests of a table in one row group, inline."""
    folder = tmp_path_factory.mktemp("plain")
    pq.write_table(rows, folder / "in.parquet")
    return digests(folder / "in.parquet", folder, EngineSettings(engine="inline"))


def digests(data, folder, engine):
    """Return the digests of what two samplers make of a table."""
    mixed = resample(data, SMOTENC(["city"], random_state=1), label="y", out=folder / "mixed", engine=engine)
    plain = {"label": "y", "carried": ["city"], "engine": engine}
    cleaned = resample(data, SMOTEENN(random_state=1), out=folder / "cleaned", **plain)
    return mixed.digest, cleaned.digest


def in_pieces(rows, folder, groups):
    shuffled = rows.take(pa.array(np.random.default_rng(groups).permutation(rows.num_rows)))
    pq.write_table(shuffled, folder / "pieces.parquet", row_group_size=-(-rows.num_rows // groups))
    return folder / "pieces.parquet"


def check_engine(rows, plain, folder, monkeypatch, engine):
    monkeypatch.setattr("resampler.partitioned.inputs.UNIT_ROWS", 60)
    data = in_pieces(rows, folder, 7)
    assert digests(data, folder, engine) == plain


@pytest.mark.parametrize("groups", [7, 64])
def test_inline(rows, plain, tmp_path, monkeypatch, groups):
    monkeypatch.setattr("resampler.partitioned.inputs.UNIT_ROWS", 60)
    monkeypatch.setattr("resampler.partitioned.extract.CHUNK_ROWS", 20)
    monkeypatch.setattr("resampler.partitioned.matrix.CHUNK_ROWS", 30)
    monkeypatch.setattr("resampler.partitioned.synthetic.PART_ROWS", 50)
    assert digests(in_pieces(rows, tmp_path, groups), tmp_path, EngineSettings(engine="inline")) == plain


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_processes(rows, plain, tmp_path, monkeypatch, workers):
    check_engine(rows, plain, tmp_path, monkeypatch, EngineSettings(engine="processes", workers=workers))


@pytest.mark.xdist_group("ray")
def test_ray(rows, plain, tmp_path, monkeypatch):
    ray = pytest.importorskip("ray")
    frames = pytest.importorskip("ray.data")
    check_engine(rows, plain, tmp_path, monkeypatch, EngineSettings(engine="ray", workers=2))
    if not ray.is_initialized():
        ray.init(num_cpus=2, include_dashboard=False)
    given = frames.from_arrow(rows)
    done = resample(given, SMOTENC(["city"], random_state=1), label="y", out=tmp_path / "frame")
    assert done.digest == plain[0]
    assert done.frame().count() == done.dataset().count_rows()
    ray.shutdown()


@pytest.mark.xdist_group("dask")
def test_dask(rows, plain, tmp_path, monkeypatch):
    pytest.importorskip("distributed")
    import dask.dataframe

    check_engine(rows, plain, tmp_path, monkeypatch, EngineSettings(engine="dask", workers=2))
    given = dask.dataframe.from_pandas(rows.to_pandas(), npartitions=3)
    done = resample(given, SMOTENC(["city"], random_state=1), label="y", out=tmp_path / "frame")
    assert done.digest == plain[0]
    assert len(done.frame()) == done.dataset().count_rows()


@pytest.mark.xdist_group("spark")
@pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java")
def test_spark(rows, plain, tmp_path, monkeypatch):
    sql = pytest.importorskip("pyspark.sql")
    check_engine(rows, plain, tmp_path, monkeypatch, EngineSettings(engine="spark", workers=2))
    session = sql.SparkSession.builder.master("local[2]").getOrCreate()
    given = session.createDataFrame(rows.to_pandas())
    done = resample(given, SMOTENC(["city"], random_state=1), label="y", out=tmp_path / "frame")
    assert done.digest == plain[0]
    assert done.frame().count() == done.dataset().count_rows()
    session.stop()
