"""Which rows a snapshot is about: SQL that the store runs, and a span of time in place of a frame."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from feast_plugin import rebuild_snapshot
from feast_plugin.retrieval.sql import checked_sql
from resampler.errors import DataError, InvalidInputError

STORES = ["dask", "duckdb"]
SELECT = "SELECT customer_id, event_timestamp, fraud FROM payments"


def contents(snapshot):
    return [entry.sha256 for entry in snapshot.manifest.splits.values()]


@pytest.mark.parametrize("offline", STORES)
def test_without_a_frame_the_rows_are_those_of_the_labels_view(make, offline):
    project = make(offline=offline)
    whole = project.create(label="verdicts:verdict")
    span = project.create(label="verdicts:verdict", entity_df=None, start_date="2024-01-01", name="span")
    assert contents(span) == contents(whole)

    first, last = datetime(2024, 3, 3, tzinfo=UTC), datetime(2024, 3, 14, 5, tzinfo=UTC)
    inside = pc.and_(
        pc.greater_equal(project.table["event_timestamp"], pa.scalar(first)),
        pc.less_equal(project.table["event_timestamp"], pa.scalar(last)),
    )
    part = project.create(label="verdicts:verdict", entity_df=project.frame().filter(inside))
    same = project.create(label="verdicts:verdict", entity_df=None, start_date=first, end_date="2024-03-14T05:00:00")
    assert 0 < part.manifest.inputs["rows"] < 400
    assert (same.version, same.reused) == (part.version, True)


def test_a_version_of_a_span_is_retrieved_again(project):
    made = project.create(label="verdicts:verdict", entity_df=None, end_date="2024-03-10")
    file = Path(made.uri) / "train" / "part-00000.parquet"
    before = file.read_bytes()
    file.unlink()
    assert rebuild_snapshot(project.reopened(), name="pay", root=project.root).source == "store"
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "give an entity frame .* or a span of time"),
        ({"start_date": "yesterday"}, "start_date must be a time in ISO 8601, got 'yesterday'"),
        ({"start_date": "2024-03-02", "end_date": "2024-03-01"}, "must not be after"),
        ({"start_date": "2030-01-01"}, "there is no row"),
        ({"start_date": "2024-03-02", "label": "fraud"}, "'fraud' is neither a column of the entity frame"),
    ],
)
def test_a_span_that_means_nothing_is_refused(project, options, message):
    with pytest.raises(InvalidInputError, match=message):
        project.create(**({"entity_df": None, "label": "verdicts:verdict"} | options))
    assert not list(project.root.rglob("manifest.json"))


def test_a_frame_and_a_span_exclude_each_other(project):
    with pytest.raises(InvalidInputError, match="not both"):
        project.create(start_date="2024-03-02")


@pytest.mark.parametrize("offline", STORES)
def test_a_store_without_sql_says_so(make, offline):
    with pytest.raises(InvalidInputError, match=f"the {offline} offline store takes no SQL"):
        make(offline=offline).create(entity_df=SELECT)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{SELECT}; DROP TABLE payments", "one query, got 2 statements"),
        (f"{SELECT}) AS x; DROP TABLE payments; --", "cannot be parsed"),
        ("DROP TABLE payments", "must be a SELECT, got DROP"),
        ("WITH gone AS (DELETE FROM payments RETURNING customer_id) SELECT customer_id FROM gone", "got DELETE"),
        ("WITH x AS (INSERT INTO payments VALUES (1) RETURNING a) SELECT a FROM x", "got INSERT"),
        ("SELECT customer_id INTO stolen FROM payments", "got INTO"),
        ("SELECT customer_id FROM payments FOR UPDATE", "got LOCK"),
        ("COPY payments TO '/tmp/x'", "must be a SELECT, got COPY"),
        ("SELECT * FROM payments", "must name its columns"),
        ("SELECT payments.* FROM payments", "must name its columns"),
        ("SELECT 1 + 1 FROM payments", "must name its columns"),
        ("", "got 0 statements"),
    ],
)
def test_sql_that_does_more_than_read_is_refused(text, message):
    with pytest.raises(InvalidInputError, match=message):
        checked_sql(text, "postgres")


def test_a_comment_does_not_reach_the_statement_that_feast_builds():
    sql, names = checked_sql(f"{SELECT} -- )", "postgres")
    assert (sql, names) == (SELECT, ["customer_id", "event_timestamp", "fraud"])


def test_sql_gives_the_version_that_the_same_rows_give_elsewhere(shop, make, tmp_path):
    here = make().create()
    file = tmp_path / "frame.sql"
    file.write_text(f"-- everything\n{SELECT}\n")
    there = shop.create(entity_df=SELECT)
    assert there.digest == here.digest
    assert there.manifest.stored == here.manifest.stored
    assert shop.create(entity_df=file).reused
    assert shop.create(entity_df=shop.frame()).reused


def test_rows_of_sql_are_checked_like_any(shop):
    cases = {
        f"{SELECT} UNION ALL {SELECT}": r"400 repeated",
        SELECT.replace("fraud", "NULLIF(fraud, 1) AS fraud"): "must have no null",
        SELECT.replace("event_timestamp, ", ""): "lacks column 'event_timestamp'",
        f"{SELECT} WHERE fraud = 0": "two classes or more",
    }
    for sql, message in cases.items():
        with pytest.raises(DataError, match=message):
            shop.create(entity_df=sql)
    assert not list(shop.root.rglob("manifest.json"))
    assert len(pq.read_table(shop.create(entity_df=f"{SELECT} WHERE customer_id < 30").uri + "/train")) > 200
