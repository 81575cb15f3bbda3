"""A stream under `hardened`: the same bytes through kills, replays and other workers, and rows that name no parents."""

import random
import threading
import time

import numpy as np
import pyarrow.parquet as pq
import pytest

from resampler import Feature, FeatureSchema, Label
from resampler.errors import InvalidInputError
from resampler.secret import SecretKey
from resampler.state import load_state
from stream import Feed, Settings, Worker
from stream.commands.export import export_parquet
from stream.formats.identity import encode
from stream.redis.keys import ShardKeys, shard_keys
from stream.shard.checkpoint import Checkpoint
from stream.shard.forget import request_forget, request_member
from stream.shard.savedstate import load_saved_state

SECRET = "a secret of more than sixteen bytes"
KEY = SecretKey(SECRET.encode())
OPTIONS = {"ratio": 0.5, "strategy": "hardened", "secret_key": KEY, "linger_ms": 20}
ROWS = 3_000


def _arguments(name):
    return (
        "run --label label --features a,b,c --ratio 0.5 --strategy hardened --secret-key env:STREAM_KEY "
        f"--until-idle 0.3 --metrics-port 0 --snapshot-rows 700 --linger-ms 20 --stream {name}"
    ).split()


def test_killed_workers_change_no_byte(client, name, make_rows, add_text, start_cli, read_raw, monkeypatch):
    monkeypatch.setenv("STREAM_KEY", SECRET)
    X, y = make_rows(ROWS)
    once, killed = f"{name}-once", f"{name}-killed"
    add_text(client, once, X, y)
    assert start_cli(*_arguments(once)).wait() == 0
    rng = random.Random(4)
    for stop in range(1_000, ROWS + 1, 1_000):
        add_text(client, killed, X[stop - 1_000 : stop], y[stop - 1_000 : stop], first=stop - 999)
        process = start_cli(*_arguments(killed))
        target = stop - rng.randrange(100, 900)
        while process.poll() is None:
            stored = Checkpoint.load(client, ShardKeys(killed))
            if stored and stored.rows >= target:
                break
            time.sleep(0.001)
        process.kill()
        process.wait()
    assert start_cli(*_arguments(killed)).wait() == 0
    assert read_raw(client, killed) == read_raw(client, once)
    assert Checkpoint.load(client, ShardKeys(killed)).synthetic > 500


def test_how_many_workers_share_the_shards_changes_no_byte(server, client, name, schema, make_rows, add_text, read_raw):
    settings = Settings(schema, snapshot_rows=200, **OPTIONS)
    for count in (1, 2):
        stream = f"{name}-{count}"
        for i, keys in enumerate(shard_keys(stream, 2)):
            add_text(client, keys.input, *make_rows(500, seed=i))
        workers = [Worker(server.url, stream, settings, shards=2, until_idle_s=0.3) for _ in range(count)]
        threads = [threading.Thread(target=worker.run) for worker in workers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert read_raw(client, f"{name}-2", 2) == read_raw(client, f"{name}-1", 2)
    assert Checkpoint.load(client, shard_keys(f"{name}-1", 2)[0]).synthetic > 100


@pytest.mark.parametrize("snapshot_rows", [100, 10**6], ids=["from a saved state", "by replay"])
def test_a_restart_with_other_batches_goes_on_with_the_same_rows(
    client, server, name, schema, make_rows, add_text, run_worker, snapshot_rows
):
    X, y = make_rows(800, minority=0.2)
    whole = f"{name}-whole"
    add_text(client, whole, X, y)
    run_worker(whole, settings=Settings(schema, **OPTIONS))
    add_text(client, name, X[:430], y[:430])
    run_worker(name, settings=Settings(schema, snapshot_rows=snapshot_rows, batch_rows=7, **OPTIONS))
    add_text(client, name, X[430:], y[430:], first=431)
    run_worker(name, settings=Settings(schema, snapshot_rows=snapshot_rows, batch_rows=64, **OPTIONS))
    assert _rows(server, name) == _rows(server, whole)


def _rows(server, name):
    with Feed(server.url, name, idle_s=0.01) as feed:
        batches = list(feed)
    columns = ("X", "y", "is_synthetic", "row_id", "base_id", "neighbor_id", "step")
    return {column: np.concatenate([getattr(batch, column) for batch in batches]).tobytes() for column in columns}


@pytest.mark.parametrize("output_format", ["packed", "text", "arrow"])
def test_every_format_takes_rows_without_parents(client, server, name, make_rows, run_worker, output_format, tmp_path):
    features = (
        Feature("a", nulls="inherit"),
        Feature("b", grid=0.5),
        Feature("c", "string", categorical=True, categories=("red", "green", "blue"), nulls="inherit"),
    )
    schema = FeatureSchema(features, Label("label"))
    X, y = make_rows(600, minority=0.2)
    rng = np.random.default_rng(3)
    for i, (x, label) in enumerate(zip(X, y, strict=True)):
        row = {"a": x[0], "b": np.round(x[1] * 2) / 2, "c": ("red", "green")[int(x[2] > 0)], "label": label}
        row = {key: value for key, value in row.items() if key not in "ac" or rng.random() < 0.7}
        client.xadd(name, {key: str(value) for key, value in row.items()}, id=f"{i + 1}-0")  # draws are keyed on it
    run_worker(name, settings=Settings(schema, output_format=output_format, **OPTIONS))
    with Feed(server.url, name, idle_s=0.01) as feed:
        batches = list(feed)
    made = {
        field: np.concatenate([getattr(batch, field)[batch.is_synthetic] for batch in batches])
        for field in ("X", "row_id", "base_id", "neighbor_id", "step")
    }
    assert len(made["X"]) > 100
    assert {*made["row_id"], *made["base_id"], *made["neighbor_id"]} == {-1}
    assert not made["step"].any()
    assert all(batch.draw is None for batch in batches)
    values = made["X"][:, 1]
    assert (values * 2 == np.round(values * 2)).all()
    assert 0.1 < np.isnan(made["X"][:, 0]).mean() < 0.5
    path = tmp_path / "out.parquet"
    export_parquet([(client, ShardKeys(name))], path)
    table = pq.read_table(path)
    assert table.column_names == ["a", "b", "c", "label", *("is_synthetic", "row_id", "base_id", "neighbor_id", "step")]
    assert set(table["c"].to_pylist()) == {"red", "green", None}


def test_a_forgotten_row_leaves_the_saved_groups_and_every_replay(
    client, name, schema, make_rows, add_text, run_worker, read_raw
):
    X, y = make_rows(900, minority=0.2)
    settings = Settings(schema, snapshot_rows=10**6, **OPTIONS)
    gone = [f"{i + 1}-0" for i in np.flatnonzero(y[:600] == 1)[3:40:6]]
    replayed, kept = name, f"{name}-kept"
    for stream in (replayed, kept):
        keys = ShardKeys(stream)
        add_text(client, stream, X[:600], y[:600])
        run_worker(stream, settings=settings)
        request_forget([(client, keys)], [request_member(entry_id) for entry_id in gone], 0)
        run_worker(stream, settings=settings)
        meta, arrays = load_state("OnlineResampler", load_saved_state(client, keys, KEY).resampler.to_bytes())
        ids = [array for field, array in arrays.items() if field.startswith(("members", "row_ids"))]
        assert sum(map(len, ids)) > 100
        assert not np.isin(np.concatenate(ids), [encode(entry_id) for entry_id in gone]).any()
        assert meta["secret_key"] == KEY.fingerprint
    client.delete(ShardKeys(replayed).snapshot)
    for stream in (replayed, kept):
        add_text(client, stream, X[600:], y[600:], first=601)
        run_worker(stream, settings=settings)
    assert read_raw(client, replayed) == read_raw(client, kept)


def test_a_class_without_two_groups_is_said_to_wait(client, name, make_rows, add_text, start_cli, monkeypatch):
    monkeypatch.setenv("STREAM_KEY", SECRET)
    X, y = make_rows(100)
    y[:] = 0
    y[10:22] = 1
    add_text(client, name, X, y)
    process = start_cli(*_arguments(name))
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0
    assert "class 1 has 12 rows and no synthetic ones yet: these begin with 20 rows (two groups)" in err


def test_it_is_refused_without_a_secret_key(schema):
    with pytest.raises(InvalidInputError, match=r"strategy 'hardened' needs a secret key.*--secret-key ENV\|FILE"):
        Settings(schema, strategy="hardened")
