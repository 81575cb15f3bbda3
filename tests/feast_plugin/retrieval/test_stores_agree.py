"""Dask and DuckDB give one digest, whatever each of them drops, reorders or resolves in its own way."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feast import Entity, FeatureService, FeatureView, Field, FileSource, ValueType
from feast.on_demand_feature_view import on_demand_feature_view
from feast.types import Float64

from feast_plugin import rebuild_snapshot
from feast_plugin.notices import SnapshotWarning
from feast_plugin.versions.inputs.cast import cast_timestamp
from resampler.errors import ContractError, DataError

STORES = ["dask", "duckdb"]


def content(snapshot):
    return pa.concat_tables(
        pq.read_table(f"{snapshot.uri}/{split}/part-00000.parquet") for split in snapshot.datasets
    ).filter(pa.compute.field("is_synthetic") == False)  # noqa: E712 - an expression, not a comparison


def moved(table, rows, days):
    """The same rows at another time: far from every value of their entities."""
    times = table["event_timestamp"].to_numpy().copy()
    times[rows] += np.timedelta64(days, "D")
    column = pa.array(times, pa.timestamp("us", "UTC"))
    return table.set_column(table.schema.get_field_index("event_timestamp"), "event_timestamp", column)


@pytest.mark.parametrize("service", ["numbers", "all"])
def test_rows_without_a_value_in_time_stay_with_nulls(make, service):
    """Some too old for the ttl, some before the first value, some of an entity that has none: all are kept."""
    made = {}
    for offline in STORES:
        project = make(offline, offline=offline)
        frame = moved(moved(project.frame(), np.arange(30), 400), np.arange(30, 50), -400)
        stranger = pa.array([*frame["customer_id"].to_pylist()[:-5], *range(900, 905)])
        frame = frame.set_column(0, "customer_id", stranger)
        made[offline] = project.create(entity_df=frame, feature_service=service, split="stratified:0.7,0.15,0.15")
    assert made["dask"].digest == made["duckdb"].digest
    rows = content(made["dask"])
    assert rows.num_rows == 400
    assert {rows[name].null_count for name in ("amount", "score")} == {55}


def test_rows_that_one_view_has_and_another_lacks_keep_what_there_is(make):
    made = {}
    for offline in STORES:
        project = make(offline, offline=offline)
        source = project.path / "old.parquet"
        # From early March on there is nothing in this view that its ttl allows.
        pq.write_table(
            project.table.sort_by("event_timestamp").slice(0, 200).select(["customer_id", "event_timestamp", "amount"]),
            source,
        )
        early = FeatureView(
            name="early",
            entities=[project.store.get_entity("customer")],
            ttl=timedelta(hours=1),
            schema=[Field(name="amount", dtype=Float64)],
            source=FileSource(name="old", path=str(source), timestamp_field="event_timestamp"),
            online=False,
        )
        project.store.apply([early])
        made[offline] = project.create(
            feature_service=None, features=["early:amount", "numbers:score"], split="stratified:0.7,0.15,0.15"
        )
    assert made["dask"].digest == made["duckdb"].digest
    rows = content(made["dask"])
    assert (rows["amount"].null_count, rows["score"].null_count) == (200, 0)


def with_terminals(project):
    """A second entity: rows of one customer at one instant differ in their terminal alone."""
    terminals = pa.table(
        {
            "terminal_id": pa.array([f"t{i}" for i in range(4)]),
            "event_timestamp": pa.array(np.full(4, np.datetime64("2024-02-29T12", "us")), pa.timestamp("us", "UTC")),
            "height": [1.0, 2.0, 3.0, 4.0],
        }
    )
    pq.write_table(terminals, project.path / "terminals.parquet")
    terminal = Entity(name="terminal", join_keys=["terminal_id"], value_type=ValueType.STRING)
    view = FeatureView(
        name="terminals",
        entities=[terminal],
        schema=[Field(name="height", dtype=Float64)],
        source=FileSource(path=str(project.path / "terminals.parquet"), timestamp_field="event_timestamp"),
        online=False,
    )
    aliased = view.with_name("machines").with_join_key_map({"terminal_id": "machine_id"})
    numbers = project.store.get_feature_view("numbers")
    project.store.apply([terminal, view, FeatureService(name="both", features=[numbers, aliased])])
    frame = project.frame()
    copies = [frame.append_column("machine_id", pa.array([f"t{i}"] * frame.num_rows)) for i in range(3)]
    return pa.concat_tables(copies)


def test_rows_that_share_a_customer_and_an_instant_stay_apart(make):
    """Dask keeps one row for each key of the first view, however many the frame has."""
    made = {}
    for offline in STORES:
        project = make(offline, offline=offline)
        made[offline] = project.create(entity_df=with_terminals(project), feature_service="both")
    assert made["dask"].digest == made["duckdb"].digest
    rows = content(made["dask"])
    assert rows.num_rows == 1200
    assert rows["height"].null_count == rows["amount"].null_count == 0
    assert set(rows["height"].to_pylist()) == {1.0, 2.0, 3.0}


def test_on_demand_features_of_rows_without_values_are_computed_alike(make):
    made = {}
    for offline in STORES:
        project = make(offline, offline=offline)
        numbers = project.store.get_feature_view("numbers")

        @on_demand_feature_view(sources=[numbers], schema=[Field(name="filled", dtype=Float64)])
        def patched(inputs: pd.DataFrame) -> pd.DataFrame:
            return pd.DataFrame({"filled": inputs["amount"].fillna(-1.0) + 1})

        project.store.apply([patched, FeatureService(name="derived", features=[numbers, patched])])
        frame = moved(project.frame(), np.arange(40), 400)
        made[offline] = project.create(
            entity_df=frame, feature_service="derived", full_feature_names=True, split="stratified:0.7,0.15,0.15"
        ).manifest
    assert made["dask"].digest == made["duckdb"].digest
    assert made["dask"].inputs["rows"] == 400


def test_a_version_with_such_rows_is_rebuilt_from_the_store(make, tmp_path):
    project = make()
    frame = tmp_path / "frame.parquet"
    pq.write_table(moved(project.frame(), np.arange(30), 400), frame)
    made = project.create(entity_df=frame)
    file = Path(made.uri) / "train" / "part-00000.parquet"
    before = file.read_bytes()
    file.unlink()
    assert rebuild_snapshot(project.reopened(), name="pay", root=project.root).source == "store"
    assert file.read_bytes() == before


def test_a_view_that_has_nothing_for_any_row_is_named(make):
    for offline in STORES:
        project = make(offline, offline=offline)
        frame = moved(project.frame(), np.arange(400), 400)
        with pytest.raises(ContractError, match="numbers:amount is null in every row"):
            project.create(entity_df=frame)


def corrected(project, *, repeated):
    """The rows of the project, written late, some of them once more after a correction."""
    table = project.table.select(["customer_id", "event_timestamp", "amount"])
    hour = timedelta(hours=1)
    written = pa.compute.add(table["event_timestamp"], pa.scalar(hour))
    table = table.append_column("written", written)
    if repeated:
        again = table.set_column(2, "amount", pa.compute.add(table["amount"], 1000.0))
        again = again.set_column(3, "written", pa.compute.add(written, pa.scalar(hour)))
        table = pa.concat_tables([again, table])
    pq.write_table(table, project.path / "written.parquet")
    project.store.apply(
        [
            FeatureView(
                name="written",
                entities=[project.store.get_entity("customer")],
                schema=[Field(name="amount", dtype=Float64)],
                source=FileSource(
                    path=str(project.path / "written.parquet"),
                    timestamp_field="event_timestamp",
                    created_timestamp_column="written",
                ),
                online=False,
            )
        ]
    )
    return {"feature_service": None, "features": ["written:amount"]}


def test_corrections_that_dask_cannot_tell_apart_are_refused_there(make):
    """Its sort is not stable: of two rows of one instant, either may win. DuckDB takes the newest."""
    dask, duckdb = (make(offline, offline=offline) for offline in STORES)
    with pytest.raises(ContractError, match=r"'written' has 400 corrected rows, first customer_id=.*\(2 times\)"):
        dask.create(**corrected(dask, repeated=True))
    newest = content(duckdb.create(**corrected(duckdb, repeated=True)))
    by = [("event_timestamp", "ascending"), ("customer_id", "ascending")]
    np.testing.assert_allclose(
        newest.sort_by(by)["amount"].to_numpy(), duckdb.table.sort_by(by)["amount"].to_numpy() + 1000
    )
    plain = [p.create(name="plain", **corrected(p, repeated=False)).digest for p in (dask, duckdb)]
    assert plain[0] == plain[1]


@pytest.mark.parametrize("offline", STORES)
@pytest.mark.parametrize("span", [False, True])
def test_a_relative_source_is_meant_from_the_repository(make, monkeypatch, tmp_path, offline, span):
    project = make("relative", offline=offline, source="payments.parquet")
    monkeypatch.chdir(tmp_path)
    options = {"entity_df": None, "start_date": "2024-01-01T00:00:00+00:00"} if span else {}
    made = project.create(label="verdicts:verdict", **options)
    assert made.digest == make("absolute", offline=offline).create(label="verdicts:verdict").digest
    view = project.reopened().get_feature_view("numbers")
    assert view.batch_source.path == "payments.parquet"


UNITS = [(unit, zone) for unit in ("s", "ms", "us", "ns") for zone in ("UTC", "Europe/Berlin", None)]


def stamped(table, unit, zone, finer=0):
    """The same instants in another unit; a nanosecond unit may hold a rest that microseconds do not."""
    times = table["event_timestamp"].cast(pa.timestamp("us" if zone is None else unit, zone))
    if finer:
        times = pa.compute.add(times, pa.array(np.arange(len(times)) % 2 * finer, pa.duration("ns")))
    index = table.schema.get_field_index("event_timestamp")
    return table.set_column(index, "event_timestamp", times.cast(pa.timestamp(unit, zone)))


def rewrite(project, table):
    pq.write_table(table, project.source, use_compliant_nested_type=False)


@pytest.mark.parametrize(("unit", "zone"), UNITS)
def test_a_span_of_time_and_a_frame_see_timestamps_of_every_unit(make, unit, zone):
    digests = set()
    for offline in STORES:
        project = make(offline, offline=offline)
        whole = project.create(name="whole", label="verdicts:verdict").digest
        rewrite(project, stamped(project.table, unit, zone))
        span = {"entity_df": None, "start_date": "2024-01-01T00:00:00Z", "label": "verdicts:verdict"}
        digests |= {whole, project.create(**span).digest}
        if zone is not None:
            frame = stamped(project.frame(), unit, zone)
            digests.add(project.create(name="frame", label="verdicts:verdict", entity_df=frame).digest)
    assert len(digests) == 1


def test_nanoseconds_that_pandas_writes_are_found_again(make):
    """A rest below a microsecond is rounded up, so that a row still finds the values that it was recorded with."""
    digests = set()
    for offline in STORES:
        project = make(offline, offline=offline)
        table = stamped(project.table, "ns", "UTC", finer=300)
        rewrite(project, table)
        span = {"entity_df": None, "start_date": "2024-01-01T00:00:00Z", "label": "verdicts:verdict"}
        digests.add(project.create(**span).digest)
        frame = table.select(["customer_id", "event_timestamp", "fraud"])
        with pytest.warns(SnapshotWarning, match=r"200 values .* finer than a microsecond and were rounded up"):
            made = project.create(label="verdicts:verdict", entity_df=frame)
        digests.add(made.digest)
        assert content(made)["amount"].null_count == 0
    assert len(digests) == 1


@pytest.mark.parametrize("text", ["2024-03-01", "2024-03-01T00:00:00"])
def test_what_is_taken_as_utc_is_said(project, text):
    with pytest.warns(SnapshotWarning, match=f"start_date {text} has no time zone and is taken as UTC"):
        project.create(label="verdicts:verdict", entity_df=None, start_date=text)
    naive = stamped(project.frame(), "us", None)
    with pytest.warns(SnapshotWarning, match=r"'event_timestamp' has no time zone .* 2024-03-"):
        made = project.create(entity_df=naive)
    assert made.digest == project.create(name="other").digest


def test_times_that_are_text_are_read_as_those_of_a_csv(project, tmp_path):
    whole = project.create()
    naive = project.frame().to_pandas()
    naive["event_timestamp"] = naive["event_timestamp"].dt.strftime("%Y-%m-%dT%H:%M:%S")
    naive.to_csv(tmp_path / "frame.csv", index=False)
    mixed = naive.copy()
    mixed.loc[::3, "event_timestamp"] += "Z"
    mixed.loc[1::3, "event_timestamp"] = mixed.loc[1::3, "event_timestamp"].str.replace("T", " ") + "+00:00"
    for frame in (naive, tmp_path / "frame.csv", mixed):
        with pytest.warns(SnapshotWarning, match="has no time zone and is taken as UTC, first 2024"):
            assert project.create(entity_df=frame).digest == whole.digest


@pytest.mark.parametrize(
    ("text", "zoned"),
    [
        ("2024-03-01", "2024-03-01T00:00:00Z"),
        ("2024-03-01T05", "2024-03-01T05:00:00Z"),
        ("2024-03-01 05:06", "2024-03-01T05:06:00Z"),
        ("2024-03-01 05:06:07.5", "2024-03-01T05:06:07.500Z"),
        ("2024-03-01 05:06:07.1234567", "2024-03-01T05:06:07.123457Z"),
        ("2024-03-01T05:06-07", "2024-03-01T12:06:00Z"),
        ("2024-03-01T05:06:07+0200", "2024-03-01T03:06:07Z"),
    ],
)
def test_text_without_a_zone_is_utc_and_a_zone_is_kept(text, zoned):
    read = cast_timestamp(pa.chunked_array([[text, None]], pa.string())).to_pylist()
    assert read == [datetime.fromisoformat(zoned), None]


def test_text_that_is_no_time_is_refused():
    for text in ("yesterday", "01/03/2024", "2024-13-01", ""):
        with pytest.raises(DataError, match="'event_timestamp' holds what is no timestamp"):
            cast_timestamp(pa.chunked_array([[text]], pa.string()))


def test_digits_that_dask_loses_are_refused_there(make):
    """With a null among them it reads integers as doubles, which are exact up to 2**53."""
    made = {}
    for offline in STORES:
        project = make(offline, offline=offline)
        visits = [2**53 + 3, None, *project.table["visits"].to_pylist()[2:]]
        index = project.table.schema.get_field_index("visits")
        rewrite(project, project.table.set_column(index, "visits", pa.array(visits, pa.int64())))
        if offline == "dask":
            with pytest.raises(ContractError, match=r"'visits' must be int64 .* digits are lost; use the DuckDB store"):
                project.create(feature_service="all")
        else:
            made = content(project.create(feature_service="all"))
    assert 2**53 + 3 in made["visits"].to_pylist()


def test_rows_without_a_timestamp_are_refused_where_they_would_count_at_any_time(make):
    for offline in STORES:
        project = make(offline, offline=offline)
        times = pa.array([None] * 3 + project.table["event_timestamp"].to_pylist()[3:], pa.timestamp("us", "UTC"))
        index = project.table.schema.get_field_index("event_timestamp")
        rewrite(project, project.table.set_column(index, "event_timestamp", times))
        if offline == "dask":
            with pytest.raises(ContractError, match="view 'numbers' has 3 rows without 'event_timestamp'"):
                project.create()
        else:
            assert content(project.create())["amount"].null_count == 3


@pytest.mark.parametrize("offline", STORES)
def test_full_names_are_read_back_as_the_documents_say(make, offline):
    project = make(offline=offline)
    made = project.create(full_feature_names=True)
    with pytest.warns(RuntimeWarning, match="experimental"):
        back = project.reopened().get_saved_dataset(made.datasets["train"]).to_df()
    assert set(back) - {"customer_id", "event_timestamp"} == {
        "numbers__amount",
        "numbers__score",
        "resampler__fraud",
        "resampler__is_synthetic",
    }
