"""Counts of the input against a version, in Redis: whatever happens to workers, each row is counted once."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
from dataclasses import replace

import pytest
from chaos import fork, live, wait

from resampler.errors import ResamplerError
from stream import EmbeddedServer, Settings, Worker, encode_row
from stream.drift.stored import Stored
from stream.formats.table import INPUTS, InputFormat
from stream.redis.connection import connect
from stream.redis.keys import ShardKeys, shard_keys


def _settings(reference, schema, **parameters):
    return Settings(
        schema,
        reference=reference,
        **{"seed": 1, "ratio": 0.5, "drift_rows": 100, "drift_every": 2, "linger_ms": 20} | parameters,
    )


def _windows(client, name, shards=1):
    return [client.hgetall(keys.drift) for keys in shard_keys(name, shards)]


@pytest.fixture(scope="module")
def rows(make_rows):
    return make_rows(1_500, seed=5)


@pytest.fixture
def once(client, name, run_worker, add_text, rows, reference, schema):
    """Return what one uninterrupted run counts."""
    add_text(client, f"{name}-once", *rows)
    run_worker(f"{name}-once", settings=_settings(reference, schema))
    (counted,) = _windows(client, f"{name}-once")
    return counted


def test_windows(client, once, rows):
    said = json.loads(once[b"reference"])
    assert (said["reference"], said["rows"], said["every"]) == ("fraud version 3", 100, 2)
    headers = [json.loads(once[name]) for name in sorted(filter(bytes.isdigit, once), key=int)]
    assert [header["window"] for header in headers] == list(range(len(headers)))
    assert 5 <= len(headers) <= 9
    assert {header["rows"] for header in headers} == {100}
    assert headers[0]["first"] == "1-0"
    assert sum(header["accepted"] for header in headers) == int(headers[-1]["last"].partition("-")[0])


def test_nothing_without_a_reference(client, name, run_worker, add_text, rows):
    add_text(client, name, *rows)
    run_worker(name, snapshot_rows=200)
    assert _windows(client, name) == [{}]
    assert not client.hexists(ShardKeys(name).snapshot, "counts")


def test_the_output_is_the_same(client, name, once, run_worker, add_text, read_raw, rows):
    add_text(client, name, *rows)
    run_worker(name, linger_ms=20)
    assert read_raw(client, name) == read_raw(client, f"{name}-once")


@pytest.mark.skipif(sys.platform != "linux", reason="forks")
@pytest.mark.parametrize("snapshot_rows", [150, 10**9])
def test_killed_workers(once, reference, schema, add_text, rows, snapshot_rows):
    rng = random.Random(snapshot_rows)
    settings = _settings(reference, schema, snapshot_rows=snapshot_rows)
    kills = 0
    with EmbeddedServer() as server, connect(server.url) as client:
        add_text(client, "killed", *rows)
        code = -1
        while code != 0:
            kill = None
            if kills < 12:
                kill = (
                    rng.choice([b"EVALSHA", b"EVALSHA", b"XREAD"]),
                    rng.randrange(1, 5),
                    rng.choice([0.0, 0.5, 1.0]),
                )
            code = wait(fork(lambda kill=kill: live(server.url, "killed", settings, 0.05, kill)))
            kills += code == -signal.SIGKILL
            assert code in (0, -signal.SIGKILL)
        assert kills >= 5
        assert client.hgetall(ShardKeys("killed").drift) == once


@pytest.mark.skipif(sys.platform != "linux", reason="forks")
def test_killed_servers(once, reference, schema, add_text, rows, tmp_path):
    X, y = rows
    settings = _settings(reference, schema, snapshot_rows=150)
    directory, options = tmp_path / "s", ("--appendfsync", "always")
    with EmbeddedServer(appendonly=True, directory=directory, options=options) as server:
        pid = fork(lambda: live(server.url, "served", settings, 60.0))
        for first in range(0, 1_500, 500):
            with connect(server.url) as client:
                add_text(client, "served", X[first : first + 500], y[first : first + 500], first=first + 1)
            server.restart()
        os.kill(pid, signal.SIGTERM)
        wait(pid)
        assert wait(fork(lambda: live(server.url, "served", settings, 0.2))) == 0
        with connect(server.url) as client:
            assert client.hgetall(ShardKeys("served").drift) == once


def test_two_shards_and_two_workers(client, name, server, run_worker, add_text, rows, reference, schema):
    X, y = rows
    settings = _settings(reference, schema)
    for shard, keys in enumerate(shard_keys(name, 2)):
        add_text(client, keys.input, X[shard::2], y[shard::2])
        add_text(client, f"{name}-{shard}", X[shard::2], y[shard::2])
        run_worker(f"{name}-{shard}", settings=settings)
    other = fork(lambda: Worker(server.url, name, settings, shards=2, until_idle_s=0.5).run())
    run_worker(name, shards=2, until_idle_s=0.5, settings=settings)
    assert wait(other) == 0
    assert _windows(client, name, 2) == [*_windows(client, f"{name}-0"), *_windows(client, f"{name}-1")]


def test_formats_count_the_same(client, name, run_worker, rows, reference, schema):
    X, y = rows
    for kind in InputFormat:
        if kind is InputFormat.AUTO:
            continue
        made = INPUTS[kind](schema)
        entries = made.encode(X, y)
        assert entries
        for i, items in enumerate(entries, start=1):
            client.execute_command("XADD", f"{name}-{kind}", f"{i}-0", *items)
        run_worker(f"{name}-{kind}", settings=_settings(reference, schema, drift_every=1))
    found = [_windows(client, f"{name}-{kind}")[0] for kind in InputFormat if kind is not InputFormat.AUTO]
    counts = [{field: value for field, value in of.items() if field.endswith(b".counts")} for of in found]
    assert len(counts[0]) == 15
    assert all(of == counts[0] for of in counts)


def test_the_newest_windows_are_kept(client, name, once, run_worker, add_text, rows, reference, schema):
    add_text(client, name, *rows)
    run_worker(name, settings=_settings(reference, schema, drift_windows=2))
    (kept,) = _windows(client, name)
    newest = max(int(field) for field in once if field.isdigit())
    fields = {f"{number}{of}".encode() for number in (newest - 1, newest) for of in ("", ".counts")}
    assert kept == {field: once[field] for field in fields | {b"reference"}}


def test_dead_letters_are_not_counted_but_said(client, name, run_worker, rows, reference, schema):
    X, y = rows
    for i, (x, label) in enumerate(zip(X, y, strict=True)):
        client.xadd(name, encode_row(x, label) if i % 5 else {"junk": "1"}, id=f"{i + 1}-0")
    run_worker(name, settings=_settings(reference, schema))
    (counted,) = _windows(client, name)
    header = json.loads(counted[b"0"])
    assert header["rows"] == 100
    assert header["rejected"] == pytest.approx(header["accepted"] / 4, abs=2)


def test_another_reference_begins_anew(client, name, run_worker, add_text, rows, reference, schema, caplog):
    X, y = rows
    add_text(client, name, X[:1_000], y[:1_000])
    run_worker(name, settings=_settings(reference, schema))
    caplog.clear()
    add_text(client, name, X[1_000:], y[1_000:], first=1_001)
    run_worker(name, settings=_settings(replace(reference, name="fraud version 4"), schema, drift_every=1))
    assert "counting against fraud version 4 begins here: one of 1 accepted rows, in windows of 100" in caplog.text
    assert "that were counted against fraud version 3, or otherwise, are dropped" in caplog.text
    (counted,) = _windows(client, name)
    assert sorted(int(field) for field in counted if field.isdigit()) == [0, 1, 2, 3, 4]
    assert json.loads(counted[b"0"])["first"] == "1001-0"


def test_rows_that_were_not_counted_begin_anew(client, name, run_worker, add_text, rows, reference, schema, caplog):
    X, y = rows
    settings = _settings(reference, schema)
    add_text(client, name, X[:500], y[:500])
    run_worker(name, settings=settings)
    add_text(client, name, X[500:900], y[500:900], first=501)
    run_worker(name, settings=replace(settings, reference=None, snapshot_rows=100))
    caplog.clear()
    add_text(client, name, X[900:], y[900:], first=901)
    run_worker(name, settings=settings)
    assert "windows are dropped, as rows behind them were not counted" in caplog.text
    assert json.loads(_windows(client, name)[0][b"0"])["first"] == "901-0"


@pytest.mark.parametrize(("more", "goes_on"), [(20, True), (300, False)])
def test_rows_of_a_worker_without_reference(
    client, name, once, run_worker, add_text, rows, reference, schema, more, goes_on
):
    """A replay counts them, but a window that they filled up was never written."""
    X, y = rows
    settings = _settings(reference, schema)
    start = int(json.loads(once[b"3"])["first"].partition("-")[0])
    stop = start + more
    for first, last, used in ((0, start, reference), (start, stop, None), (stop, 1_500, reference)):
        add_text(client, name, X[first:last], y[first:last], first=first + 1)
        run_worker(name, settings=replace(settings, reference=used))
    (counted,) = _windows(client, name)
    assert (counted == once) is goes_on
    assert json.loads(counted[b"0"])["first"] == ("1-0" if goes_on else f"{stop + 1}-0")


def test_the_deleted_key_begins_anew(client, name, run_worker, add_text, rows, reference, schema):
    X, y = rows
    settings = _settings(reference, schema)
    add_text(client, name, X[:700], y[:700])
    run_worker(name, settings=settings)
    client.delete(ShardKeys(name).drift)
    add_text(client, name, X[700:], y[700:], first=701)
    run_worker(name, settings=settings)
    (counted,) = _windows(client, name)
    assert json.loads(counted[b"0"])["first"] == "701-0"


def test_the_key_is_deleted_while_a_worker_counts(
    client, server, name, serving, wait_for, add_text, rows, reference, schema
):
    X, y = rows
    settings = _settings(reference, schema, drift_every=1)
    keys = ShardKeys(name)
    serving(server.url, name, settings)
    for first, last, window in ((0, 320, b"2"), (320, 640, b"5")):
        add_text(client, name, X[first:last], y[first:last], first=first + 1)
        wait_for(lambda window=window: client.hexists(keys.drift, window))
        stored = Stored.load(client, keys)
        assert [header["rows"] for header in stored.headers] == [100, 100, 100]
        client.delete(keys.drift)
    assert Stored.load(client, keys) is None


@pytest.mark.parametrize("damage", [b"", b"junk", b"\xff\n\1"])
def test_damaged_counts_of_a_saved_state_stop_no_row(
    client, name, run_worker, add_text, read_raw, rows, reference, schema, caplog, damage
):
    X, y = rows
    settings = _settings(reference, schema, linger_ms=1)
    keys = ShardKeys(name)
    add_text(client, name, X[:700], y[:700])
    run_worker(name, settings=settings)
    client.hset(keys.snapshot, "counts", damage)
    add_text(client, name, X[700:], y[700:], first=701)
    run_worker(name, settings=settings)
    assert f"the counts in '{keys.snapshot}' are damaged" in caplog.text
    assert "counting against fraud version 3 begins here" in caplog.text
    assert json.loads(_windows(client, name)[0][b"0"])["first"] == "701-0"
    add_text(client, f"{name}-whole", X, y)
    run_worker(f"{name}-whole", linger_ms=1)
    assert read_raw(client, name) == read_raw(client, f"{name}-whole")


def test_a_key_of_another_type(client, name, run_worker, add_text, rows, reference, schema):
    add_text(client, name, *rows)
    client.set(ShardKeys(name).drift, "mine")
    with pytest.raises(ResamplerError, match="drift' must be a hash and is a string"):
        run_worker(name, settings=_settings(reference, schema))
    assert client.xlen(ShardKeys(name).output) == 0


def test_metrics(server, client, name, serving, wait_for, add_text, make_rows, reference, schema):
    X, y = make_rows(1_000, seed=6)
    X[:, 2] += 3
    add_text(client, name, X, y)
    worker = serving(server.url, name, _settings(reference, schema))
    labels = {"stream": name, "shard": name}

    def value(metric, **more):
        return worker.metrics.registry.get_sample_value(metric, labels | more)

    wait_for(lambda: value("resampler_drift_windows_total") >= 4)
    wait_for(lambda: value("resampler_drift_window_rows") == 100)
    assert value("resampler_drift_distance", feature="c") > 0.8 > 0.3 > value("resampler_drift_distance", feature="a")
    assert value("resampler_drift_stability_index", feature="c") > 1
    assert value("resampler_drift_distance_max") == value("resampler_drift_distance", feature="c")
