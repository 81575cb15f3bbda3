"""The wrapper around a retrieval job, saved by Feast's own `create_saved_dataset`."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest
from feast.errors import SavedDatasetLocationAlreadyExists
from feast.infra.offline_stores.file_source import SavedDatasetFileStorage

from feast_plugin import augment
from feast_plugin.notices import SnapshotWarning
from resampler.errors import InvalidInputError

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def augmented(project, **options):
    store = project.reopened()
    frame = project.frame().to_pandas()
    job = store.get_historical_features(frame, store.get_feature_service(options.pop("service", "all")))
    return store, augment(job, **({"label": "fraud", "ratio": 0.5, "k_neighbors": 3} | options))


# A directory on Dask alone: Feast's DuckDB store reads files.
@pytest.mark.parametrize(("offline", "path"), [("dask", "a.parquet"), ("dask", "a"), ("duckdb", "a.parquet")])
def test_feast_saves_it_and_reads_it_back(make, offline, path):
    project = make(offline=offline)
    store, job = augmented(project)
    made = store.create_saved_dataset(
        job, "mine", SavedDatasetFileStorage(str(project.path / path)), tags={"seed": "0"}
    )
    table = job.to_arrow()
    for back in (made.to_df(), project.reopened().get_saved_dataset("mine").to_df()):
        assert len(back) == table.num_rows > 400
        assert back["fraud"].sum() == table["fraud"].to_numpy().sum()
        assert back["is_synthetic"].sum() == table.num_rows - 400
    assert job.to_df()["is_synthetic"].sum() == table.num_rows - 400


def test_it_gives_the_rows_that_a_snapshot_of_all_rows_gives(make):
    project = make()
    options = {"seed": 4, "sampler": "smotenc", "clean": "enn", "undersample": 0.4, "group_by": "night"}
    _, job = augmented(project, **options)
    rows = project.frame().append_column("side", [["train"] * 400])
    snapshot = project.create(entity_df=rows, split="column:side", feature_service="all", **options)
    assert job.to_arrow().equals(pq.read_table(f"{snapshot.uri}/train/part-00000.parquet"))


def test_a_ratio_that_is_reached_is_published_as_it_is_and_says_so(make):
    _, job = augmented(make(), ratio=0.02, if_reached="publish")
    with pytest.warns(SnapshotWarning, match=r"ratio=0.02 is already reached.*published as they are"):
        assert not any(job.to_arrow()["is_synthetic"].to_pylist())


def test_what_it_refuses(make, tmp_path):
    project = make()
    _, job = augmented(project)
    with pytest.raises(InvalidInputError, match="must be absolute"):
        job.persist(SavedDatasetFileStorage("here.parquet"))
    (tmp_path / "there.parquet").touch()
    with pytest.raises(SavedDatasetLocationAlreadyExists):
        job.persist(SavedDatasetFileStorage(str(tmp_path / "there.parquet")))
    with pytest.raises(InvalidInputError, match="must be in"):
        augmented(project, ratio=3.0)
    with pytest.raises(InvalidInputError, match="clean must be one of"):
        augmented(project, clean="magic")
    with pytest.raises(InvalidInputError, match="neither a column"):
        augmented(project, label="nope")
