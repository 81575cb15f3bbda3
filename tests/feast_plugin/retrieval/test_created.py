"""Values that arrived late are not known early, where the view says when they were created."""

from __future__ import annotations

import inspect
from datetime import timedelta
from pathlib import Path

import feast
import psycopg
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from feast import FeatureStore, FeatureView, Field, FileSource
from feast.infra.offline_stores.contrib.postgres_offline_store.postgres_source import PostgreSQLSource
from feast.types import Float64

from feast_plugin import rebuild_snapshot
from feast_plugin.notices import SnapshotWarning
from feast_plugin.retrieval import created
from feast_plugin.versions.inputs.request import Request
from resampler.errors import InvalidInputError

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BY = [("event_timestamp", "ascending"), ("customer_id", "ascending")]
LATE = {"feature_service": None, "features": ["backfilled:amount"], "filter_by_created_timestamp": True}


def with_backfill(table):
    """A value two minutes before each row, known at once, and one a minute before it, 1000 more, known a day later."""

    def ago(minutes, after, more):
        at = pc.subtract(table["event_timestamp"], pa.scalar(timedelta(minutes=minutes)))
        amount = pc.add(table["amount"], more)
        return pa.table([table["customer_id"], at, pc.add(at, pa.scalar(after)), amount], names=NAMES)

    return pa.concat_tables([ago(1, DAY, 1000.0), ago(2, timedelta(0), 0.0)])


NAMES = ["customer_id", "event_timestamp", "written", "amount"]


def view(project, source):
    schema = [Field(name="amount", dtype=Float64)]
    entities = [project.reopened().get_entity("customer")]
    made = FeatureView(name="backfilled", entities=entities, schema=schema, source=source, online=False)
    project.reopened().apply([made])


def amounts(made):
    parts = [pq.read_table(f"{made.uri}/{split}/part-00000.parquet") for split in made.datasets]
    rows = pa.concat_tables(parts).filter(pc.field("is_synthetic") == False)  # noqa: E712 - an expression
    return rows.sort_by(BY)["amount"].to_pylist()


def check(project):
    expected = project.table.sort_by(BY)["amount"]
    known = project.create(**LATE)
    assert amounts(known) == expected.to_pylist()
    assert known.manifest.inputs["filter_by_created_timestamp"] is True
    later = project.create(**LATE | {"filter_by_created_timestamp": False})
    assert amounts(later) == pc.add(expected, 1000.0).to_pylist()
    assert "filter_by_created_timestamp" not in later.manifest.inputs
    return known.digest


def test_what_was_created_later_is_not_known_on_any_file_store(make):
    digests = set()
    for offline in ("dask", "duckdb"):
        project = make(offline, offline=offline)
        file = project.path / "backfilled.parquet"
        pq.write_table(with_backfill(project.table), file)
        times = {"timestamp_field": "event_timestamp", "created_timestamp_column": "written"}
        view(project, FileSource(path=str(file), **times))
        digests.add(check(project))
    assert len(digests) == 1


def test_what_was_created_later_is_not_known_on_postgres(shop, postgres):
    rows = with_backfill(shop.table)
    with psycopg.connect(postgres) as connection, connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS backfilled")
        cursor.execute(
            "CREATE TABLE backfilled (customer_id bigint, event_timestamp timestamptz, written timestamptz, "
            "amount float8)"
        )
        cursor.executemany(
            "INSERT INTO backfilled VALUES (%s, %s, %s, %s)", list(zip(*rows.to_pydict().values(), strict=True))
        )
    times = {"timestamp_field": "event_timestamp", "created_timestamp_column": "written"}
    view(shop, PostgreSQLSource(name="backfilled", query="SELECT * FROM backfilled", **times))
    check(shop)


def test_a_row_whose_only_value_came_late_is_kept_with_a_null_and_retrieved_so_again(make, tmp_path):
    digests = set()
    for offline in ("dask", "duckdb"):
        project = make(offline, offline=offline)
        rows = with_backfill(project.table)
        late = rows.slice(0, 100)  # the first hundred rows have the late value alone
        file = project.path / "backfilled.parquet"
        pq.write_table(pa.concat_tables([late, rows.slice(500)]), file)
        times = {"timestamp_field": "event_timestamp", "created_timestamp_column": "written"}
        view(project, FileSource(path=str(file), **times))
        frame = project.path / "frame.parquet"
        pq.write_table(project.frame(), frame)
        options = LATE | {"features": ["backfilled:amount", "numbers:score"], "entity_df": frame}
        with pytest.warns(SnapshotWarning, match="numbers: the source names no created_timestamp_column"):
            made = project.create(**options)
        assert None in amounts(made)
        assert None not in amounts(project.create(**options | {"filter_by_created_timestamp": False}))
        digests.add(made.digest)
        (Path(made.uri) / "train" / "part-00000.parquet").unlink()
        assert rebuild_snapshot(project.reopened(), name="pay", root=project.root, version=1).source == "store"
    assert len(digests) == 1


def test_a_feast_and_a_store_that_cannot_are_named(project, monkeypatch):
    with pytest.raises(InvalidInputError, match="filter_by_created_timestamp is for a Feast repository"):
        Request(label="y", entity_df=pa.table({"a": [1]}), filter_by_created_timestamp=True).check_table()
    offline = created.get_offline_store_from_config(project.store.config.offline_store)
    monkeypatch.setattr(type(offline), "supports_filter_by_created_timestamp", False)
    with pytest.raises(InvalidInputError, match="the dask offline store cannot do filter_by_created_timestamp"):
        project.create(filter_by_created_timestamp=True)
    monkeypatch.undo()
    genuine = FeatureStore.get_historical_features
    signature = inspect.signature(genuine)
    without = [p for name, p in signature.parameters.items() if name != "filter_by_created_timestamp"]
    monkeypatch.setattr(genuine, "__signature__", signature.replace(parameters=without), raising=False)
    with pytest.raises(InvalidInputError, match=f"needs Feast 0.67 or later, got {feast.__version__}"):
        project.create(filter_by_created_timestamp=True)
