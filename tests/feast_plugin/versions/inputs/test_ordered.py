"""Rows that tasks read by parts are those of one pass, and what is wrong with them is said in the same words."""

from __future__ import annotations

import warnings

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from feast_plugin.notices import SnapshotWarning
from feast_plugin.versions.inputs import ordered, pieces, rows
from feast_plugin.versions.inputs.ordered import digest_by_parts
from feast_plugin.versions.inputs.request import Request
from feast_plugin.versions.inputs.rows import rows_of
from feast_plugin.versions.inputs.table import TableSource
from feast_plugin.versions.inputs.tombstones import Tombstones
from resampler.engines.inline import Inline
from resampler.engines.settings import EngineSettings
from resampler.engines.workplace import Workplace
from resampler.errors import DataError, ResamplerError
from resampler.storage import Location

N = 700
ASKED = {"label": "y", "join_keys": ["shop", "id"], "timestamp": "at"}


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Parts of a few rows, so that a small table has many."""
    monkeypatch.setattr(rows, "BATCH_ROWS", 32)
    monkeypatch.setattr(ordered, "BATCH_ROWS", 32)
    monkeypatch.setattr(rows, "FILE_ROWS", 128)
    monkeypatch.setattr(ordered, "FILE_ROWS", 128)
    monkeypatch.setattr(pieces, "RUN_ROWS", 50)
    monkeypatch.setattr(pieces, "DECODED_ROWS", 11)
    monkeypatch.setattr(pieces, "PIECE_ROWS", 90)


def table(**changed):
    rng = np.random.default_rng(7)
    columns = {
        "at": pa.array(np.datetime64("2026-01-01", "us") + rng.integers(0, 90, N).astype("m8[h]"), pa.timestamp("us")),
        "id": np.arange(N)[::-1],
        "shop": pa.array([f"s{i % 3}" for i in range(N)]),
        "amount": pa.array(np.where(rng.random(N) < 0.1, np.nan, rng.normal(size=N))),
        "visits": pa.array([None if i % 11 == 0 else i for i in range(N)], pa.int32()),
        "big": pa.array([2**60 + i for i in range(N)]),
        "embedding": pa.array([[float(i), 1.0] for i in range(N)], pa.list_(pa.float32(), 2)),
        "kind": pa.array([["a", "b", None][i % 3] for i in range(N)]).dictionary_encode(),
        "y": pa.array(np.where(np.arange(N) % 9 == 0, "rare", "usual").tolist()),
    }
    return pa.table(columns | changed)


def read(source, tmp_path, forgotten, place):
    """Rows, and what was said of them; or what was raised."""
    spool = tmp_path / "spool"
    spool.mkdir(exist_ok=True)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", SnapshotWarning)
        try:
            found = source().rows(spool, forgotten, place)
        except ResamplerError as error:
            found = error
    return found, [str(one.message) for one in said]


def both(given, tmp_path, forgotten=None, **asked):
    def source():
        return TableSource(Request(entity_df=given, **ASKED | asked), asked.get("column"))

    forgotten = forgotten or Tombstones(Location.parse(tmp_path))
    place = Workplace(tmp_path / "place", Inline(EngineSettings()))
    whole, said = read(source, tmp_path, forgotten, None)
    parted, said_by_parts = read(source, tmp_path, forgotten, place)
    assert said_by_parts == said
    if isinstance(whole, ResamplerError):
        assert (type(parted), str(parted)) == (type(whole), str(whole))
        return whole
    assert parted.table.equals(whole.table)
    assert parted.sha256() == whole.sha256() == digest_by_parts(place, parted)
    np.testing.assert_array_equal(parted.row_id, whole.row_id)
    np.testing.assert_array_equal(parted.label, whole.label)
    assert parted.classes == whole.classes
    assert rows_of(parted.paths, 100, 300, ["amount"]).equals(whole.table.slice(100, 200).select(["amount"]))
    return parted


@pytest.mark.parametrize("groups", [1, 7, 64])
@pytest.mark.parametrize("shuffled", [False, True])
def test_row_groups_and_order_decide_nothing(groups, shuffled, tmp_path):
    given = table()
    if shuffled:
        given = given.take(np.random.default_rng(1).permutation(N))
    pq.write_table(given, tmp_path / "rows.parquet", row_group_size=-(-N // groups))
    parted = both(tmp_path / "rows.parquet", tmp_path)
    assert len(parted.paths) == 6
    assert parted.sha256() == both(table(), tmp_path / "other").sha256()


def test_several_files_are_one_table(tmp_path):
    home = tmp_path / "rows"
    (home / "day=1").mkdir(parents=True)
    given = table().take(np.random.default_rng(2).permutation(N))
    names = ["b.parquet", "day=1/a.parquet", "a.parquet"]
    for at, name in enumerate(names):
        pq.write_table(given.slice(at * 250, 250), home / name)
    (home / "_metadata.parquet").write_text("not rows")
    digest = both(table(), tmp_path / "one").sha256()
    assert both(home, tmp_path / "directory").sha256() == digest
    assert both([home / name for name in names], tmp_path / "list").sha256() == digest
    source = TableSource(Request(entity_df=home, **ASKED))
    assert source.size[0] == N
    assert source.notes["entity_frame"] == {"entity_df": str(home)}


def test_files_that_differ_are_refused(tmp_path):
    pq.write_table(table(), tmp_path / "a.parquet")
    pq.write_table(table(visits=np.arange(N) / 2), tmp_path / "b.parquet")
    with pytest.raises(DataError, match=r"got column 'visits' as double in .*b.parquet, for int32 in .*a.parquet"):
        TableSource(Request(entity_df=tmp_path, **ASKED))
    pq.write_table(table().drop(["big"]), tmp_path / "b.parquet")
    with pytest.raises(DataError, match=r"got no column 'big' in .*b.parquet, for int64 in"):
        TableSource(Request(entity_df=tmp_path, **ASKED))
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"holds no .parquet file"):
        TableSource(Request(entity_df=tmp_path / "empty", **ASKED))


def test_rows_without_a_time(tmp_path):
    both(table(), tmp_path, timestamp=None, join_keys=["id"], features=["amount", "visits"])


def test_forgotten_entities_are_left_out(tmp_path):
    forgotten = Tombstones(Location.parse(tmp_path))
    forgotten.add([{"shop": pa.scalar("s1")}])
    parted = both(table(), tmp_path, forgotten)
    assert parted.table.num_rows == N - 233


def changed(name, at, value, kind=None):
    values = table()[name].to_pylist()
    for i in at:
        values[i] = value
    return {name: pa.array(values, kind)}


text = pa.array(["2026-01-01"] * 600 + ["soon"] * 100)
WRONG = {
    "no row": table().slice(0, 0),
    "null keys": table(**changed("id", (650, 651), None)),
    "null times": table(**changed("at", (3, 650), None)),
    "null labels": table(**changed("y", (3, 650), None)),
    "labels constant": table(y=pa.array(["usual"] * N)),
    "keys that stand twice": table(**changed("id", range(600, 640), 5), at=table()["at"].take([0] * N)),
    "an entity that stands twice, in the first and in the last part": table(
        id=[5, *range(1, N - 1), 5], at=table()["at"].take([0] * N), shop=["s"] * N
    ),
    "times that are none": table(at=text),
    "a time of the wrong type": table(at=np.arange(N)),
    "a feature that is null everywhere": table(visits=pa.nulls(N, pa.int32())),
    "lists of several lengths": table(embedding=pa.array([[1.0]] * 699 + [[1.0, 2.0]])),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_wrong_is_said_in_the_words_of_one_pass(kind, tmp_path):
    pq.write_table(WRONG[kind], tmp_path / "rows.parquet", row_group_size=60)
    found = both(tmp_path / "rows.parquet", tmp_path)
    assert isinstance(found, ResamplerError) or kind == "lists of several lengths"


def test_finer_times_are_counted_over_all_parts(tmp_path):
    fine = pa.array(np.arange(N) * 1001, pa.timestamp("ns"))
    both(table(at=fine), tmp_path)


def test_all_rows_forgotten(tmp_path):
    forgotten = Tombstones(Location.parse(tmp_path))
    forgotten.add([{"shop": pa.scalar(f"s{i}")} for i in range(3)])
    assert "no row is left" in str(both(table(), tmp_path, forgotten))


def test_a_file_that_changed_is_read_anew(tmp_path):
    path = tmp_path / "rows.parquet"
    pq.write_table(table(), path)
    place = Workplace(tmp_path / "place", Inline(EngineSettings()))
    forgotten = Tombstones(Location.parse(tmp_path))
    before, _ = read(lambda: TableSource(Request(entity_df=path, **ASKED)), tmp_path, forgotten, place)
    pq.write_table(table(amount=np.arange(N) * 1.5), path)
    after, _ = read(lambda: TableSource(Request(entity_df=path, **ASKED)), tmp_path, forgotten, place)
    assert after.table["amount"].to_pylist() != before.table["amount"].to_pylist()
    again, _ = read(lambda: TableSource(Request(entity_df=path, **ASKED)), tmp_path, forgotten, place)
    assert again.paths == after.paths
