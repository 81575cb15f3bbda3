"""Kill -9 of workers and servers, frozen workers, promoted replicas: the output is that of one uninterrupted run.

Short by default; ``CHAOS=long`` is the full harness. A naive worker must fail it, or it proves nothing. Each test is
run with snapshots and without, and each takes half of the kills.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager, suppress

import pytest
import redis
from chaos import COMMIT, LONG, arm, fork, free_port, live, wait

from resampler import FeatureSchema, MicroBatch
from resampler.errors import ResamplerError
from stream import EmbeddedServer, Feed, Settings, Worker
from stream.formats.identity import encode
from stream.redis.connection import connect, raw_command
from stream.redis.keys import ShardKeys
from stream.redis.server import find_server
from stream.shard.position import input_info

WORKER_KILLS = 500 if LONG else 24
SERVER_KILLS = 30 if LONG else 3
FREEZES = 40 if LONG else 4
NAMES = ("a", "b", "c")
COMMANDS = {COMMIT: "commit", b"EVALSHA": "script", b"XREAD": "read", b"HGETALL": "look"}
CHOSEN = [COMMIT, COMMIT, COMMIT, b"EVALSHA", b"XREAD", b"HGETALL"]
PORTIONS = [0.0, 0.5, 0.97, 1.0]  # of the command's bytes, before the kill
with_snapshots_and_without = pytest.mark.parametrize("snapshot_rows", [150, 10**9])

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks and freezes processes")


def _settings(snapshot_rows, lease_ttl_ms=5_000):
    return Settings(
        FeatureSchema.numeric(NAMES),
        ratio=0.5,
        seed=9,
        capacity=500,
        linger_ms=20,
        snapshot_rows=snapshot_rows,
        lease_ttl_ms=lease_ttl_ms,
    )


def _output(client, stream):
    return raw_command(client, "XRANGE", ShardKeys(stream).output, "-", "+")


def _real_ids(url, stream):
    with Feed(url, stream, idle_s=0.01) as feed:
        batch = MicroBatch.concat(list(feed))
    return batch.row_id[~batch.is_synthetic].tolist()


def _check(client, url, stream, reference, n):
    assert _real_ids(url, stream) == [encode(f"{i + 1}-0") for i in range(n)]
    assert _output(client, stream) == reference


@pytest.fixture(scope="module")
def rows(make_rows):
    return make_rows(3_000 if LONG else 1_500, seed=5)


@pytest.fixture(scope="module")
def reference(rows, add_text):
    """Return the output of one uninterrupted run, as Redis holds it."""
    with EmbeddedServer() as server, connect(server.url) as client:
        add_text(client, "once", *rows)
        Worker(server.url, "once", _settings(10**9), until_idle_s=0.2).run()
        return _output(client, "once")


@pytest.fixture
def report(capsys):
    """Say what was done to the workers and servers, whatever pytest captures."""

    def say(text):
        with capsys.disabled():
            print(f"\nchaos: {text}", end="")

    return say if LONG else lambda _: None


@with_snapshots_and_without
def test_killed_workers(rows, reference, add_text, report, snapshot_rows):
    rng = random.Random(snapshot_rows)
    settings, n = _settings(snapshot_rows), len(rows[1])
    stream, added, kills, done = "killed", 0, 0, Counter()
    with EmbeddedServer() as server, connect(server.url) as client:
        while kills < WORKER_KILLS // 2:
            if added < n and kills % 4 == 0:  # input that comes while workers come and go
                added = _add_piece(add_text, client, stream, rows, added)
            kill = (rng.choice(CHOSEN), rng.randrange(1, 4), rng.choice(PORTIONS))
            code = wait(fork(lambda kill=kill, name=stream: live(server.url, name, settings, 0.01, kill)))
            kills += code == -signal.SIGKILL
            done[kill[::2]] += code == -signal.SIGKILL
            assert code in (0, -signal.SIGKILL)
            if code == 0 and added >= n:  # all done: begin again on another stream
                _check(client, server.url, stream, reference, n)
                stream, added = f"{stream}'", 0
        while added < n:
            added = _add_piece(add_text, client, stream, rows, added)
        assert wait(fork(lambda: live(server.url, stream, settings, 0.2))) == 0
        _check(client, server.url, stream, reference, n)
    killed_in = [portion for portion in PORTIONS if done[COMMIT, portion]]
    assert killed_in == PORTIONS if LONG else killed_in
    steps = ", ".join(f"{COMMANDS[name]} {portion:.0%} sent: {n}" for (name, portion), n in sorted(done.items()))
    report(
        f"{kills} workers killed (snapshot every {snapshot_rows} rows; {steps}), {stream.count(chr(39)) + 1} streams"
    )


def _add_piece(add_text, client, stream, rows, added):
    """Add up to the end of a later window: with IDs of its own a producer that pauses inside one has it cut there."""
    stop = added + 160 - (added + 1) % 20
    add_text(client, stream, rows[0][added:stop], rows[1][added:stop], first=added + 1)
    return min(stop, len(rows[1]))


@with_snapshots_and_without
def test_killed_servers(rows, reference, tmp_path, report, snapshot_rows):
    rng = random.Random(1)
    settings, n, kills = _settings(snapshot_rows), len(rows[1]), -(-SERVER_KILLS // 2)
    fsync = "always" if snapshot_rows == 150 else "everysec"
    with EmbeddedServer(appendonly=True, directory=tmp_path / "s", options=("--appendfsync", fsync)) as server:
        pid = fork(lambda: live(server.url, "served", settings, 30.0))
        added = 0
        for _ in range(kills):
            added = _add_again(server.url, "served", rows, added, min(n, added + n // kills + 1))
            time.sleep(rng.random() * 0.1)
            server.restart()
        _add_again(server.url, "served", rows, 0, n)
        with connect(server.url) as client:
            _await_rows(client, "served", n)
            os.kill(pid, signal.SIGTERM)
            wait(pid)
            assert wait(fork(lambda: live(server.url, "served", settings, 0.2))) == 0
            _check(client, server.url, "served", reference, n)
    report(f"{kills} servers killed (appendfsync {fsync}, snapshot every {snapshot_rows} rows)")


@with_snapshots_and_without
def test_frozen_workers_are_fenced(rows, reference, add_text, report, snapshot_rows):
    rng = random.Random(2)
    settings, n, freezes = _settings(snapshot_rows, lease_ttl_ms=150), len(rows[1]), FREEZES // 2
    with EmbeddedServer() as server, connect(server.url) as client:
        pids = [fork(lambda: live(server.url, "frozen", settings, 60.0)) for _ in range(2)]
        try:
            added, step = 0, n // freezes + 1
            for freeze in range(freezes):
                add_text(
                    client, "frozen", rows[0][added : added + step], rows[1][added : added + step], first=added + 1
                )
                added += step
                time.sleep(rng.random() * 0.02)
                os.kill(pids[freeze % 2], signal.SIGSTOP)
                time.sleep(0.35)
                os.kill(pids[freeze % 2], signal.SIGCONT)
            for pid in pids:
                os.kill(pid, signal.SIGTERM)
        finally:
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        epochs = int(client.hget(ShardKeys("frozen").checkpoint, "epoch"))
        assert epochs > freezes // 4  # the shard did change hands
        assert wait(fork(lambda: live(server.url, "frozen", settings, 0.3))) == 0
        _check(client, server.url, "frozen", reference, n)
    report(f"{freezes} freezes of two workers, {epochs} changes of owner (snapshot every {snapshot_rows} rows)")


@contextmanager
def _replicated(directory):
    """Start a primary that listens on a port, and its replica."""
    ports = free_port(), free_port()
    listen = [("--bind", "127.0.0.1", "--port", str(port), "--repl-diskless-sync-delay", "0") for port in ports]
    follow = (*listen[1], "--replicaof", "127.0.0.1", str(ports[0]))
    with (
        EmbeddedServer(directory=directory / "a", options=listen[0]) as first,
        EmbeddedServer(directory=directory / "b", options=follow) as second,
        connect(second.url) as replica,
    ):
        while replica.info("replication")["master_link_status"] != "up":
            time.sleep(0.02)
        yield first, second, replica, ports[0]


@with_snapshots_and_without
def test_promoted_replica(rows, reference, tmp_path, snapshot_rows):
    settings, n = _settings(snapshot_rows), len(rows[1])
    with _replicated(tmp_path) as (first, second, replica, _):
        pid = fork(lambda: live(first.url, "failover", settings, 60.0))
        _add_again(first.url, "failover", rows, 0, 2 * n // 3)
        with connect(first.url) as client:
            _await_rows(client, "failover", n // 3)
        first.kill()
        os.kill(pid, signal.SIGKILL)
        wait(pid)
        replica.replicaof("NO", "ONE")
        _add_again(second.url, "failover", rows, 0, n)  # the producer sends again what the replica never had
        assert wait(fork(lambda: live(second.url, "failover", settings, 0.3))) == 0
        _check(replica, second.url, "failover", reference, n)


def test_a_worker_follows_sentinel_to_the_promoted_replica(rows, reference, tmp_path):
    settings, n = _settings(150), len(rows[1])
    with _replicated(tmp_path) as (first, second, replica, port):
        sentinel_port = free_port()
        config = tmp_path / "sentinel.conf"
        config.write_text(
            f"port {sentinel_port}\nbind 127.0.0.1\ndir {tmp_path}\nsentinel monitor main 127.0.0.1 {port} 1\n"
            "sentinel down-after-milliseconds main 500\nsentinel failover-timeout main 5000\n"
        )
        url = f"redis+sentinel://127.0.0.1:{sentinel_port}/main"
        sentinel = subprocess.Popen([find_server(), str(config), "--sentinel"], stdout=subprocess.DEVNULL)
        pid = fork(lambda: _live_once_there(url, "failover", settings))
        try:
            _add_again(first.url, "failover", rows, 0, 2 * n // 3)
            with connect(first.url) as client:
                _await_rows(client, "failover", n // 3)
            first.kill()
            deadline = time.monotonic() + 60
            while replica.info("replication")["role"] != "master":
                assert time.monotonic() < deadline
                time.sleep(0.05)
            _add_again(second.url, "failover", rows, 0, n)
            _await_rows(replica, "failover", n)  # by the same worker
        finally:
            os.kill(pid, signal.SIGTERM)
            sentinel.kill()
            sentinel.wait()
            wait(pid)
        assert wait(fork(lambda: live(second.url, "failover", settings, 0.3))) == 0
        _check(replica, second.url, "failover", reference, n)


def _live_once_there(url, stream, settings):
    while True:
        try:
            return live(url, stream, settings, 60.0)
        except ResamplerError:  # Sentinel is not up yet
            time.sleep(0.05)


def test_a_naive_worker_fails_this_harness(rows, add_text):
    rng = random.Random(3)
    n = 600
    with EmbeddedServer() as server, connect(server.url) as client:
        add_text(client, "naive", rows[0][:n], rows[1][:n])
        client.xgroup_create("naive", "g", "0")
        for _ in range(20):
            kill = (b"X", rng.randrange(2, 12), rng.choice([0.0, 1.0]))
            wait(fork(lambda kill=kill: _naive(server.url, kill)))
        wait(fork(lambda: _naive(server.url, None)))
        emitted = [fields[b"id"] for _, fields in client.xrange("naive-out")]
    assert sorted(set(emitted)) != sorted(emitted) or len(set(emitted)) != n


def _naive(url, kill):
    """Write, then acknowledge: the textbook consumer."""
    client = connect(url)
    if kill:
        arm(*kill)
    cursor = "0"
    while True:
        ((_, entries),) = client.xreadgroup("g", "me", {"naive": cursor}, count=20) or [(None, [])]
        if not entries and cursor == ">":
            return
        if not entries:
            cursor = ">"
            continue
        for entry_id, _fields in entries:
            client.xadd("naive-out", {"id": entry_id})
        client.xack("naive", "g", *(entry_id for entry_id, _ in entries))


def _add_again(url, stream, rows, start, stop):
    """Add rows start..stop whatever happens to the server; an ID that is there already is refused, and that is well.

    A server that was killed may have lost what it had acknowledged (`appendfsync everysec`): begin where it stands.
    """
    i = start
    while i < stop:
        try:
            with connect(url) as client:
                i = min(i, int(input_info(client, stream).last_id.partition("-")[0]))
                while i < stop:
                    fields = dict(zip(NAMES, map(str, rows[0][i]), strict=True)) | {"label": int(rows[1][i])}
                    with suppress(redis.ResponseError):
                        client.xadd(stream, fields, id=f"{i + 1}-0")
                    i += 1
        except (redis.ConnectionError, ResamplerError):
            time.sleep(0.01)
    return stop


def _await_rows(client, stream, n):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if int(client.hget(ShardKeys(stream).checkpoint, "rows") or 0) >= n - 20:  # the last batch waits for quiet
            return
        time.sleep(0.01)
    raise AssertionError(f"{stream} did not come to {n} rows")
