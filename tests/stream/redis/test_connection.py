"""URLs, secrets, and the servers that a URL can lead to."""

import contextlib
import os
import socket
import subprocess
import threading
import time

import pytest

from resampler.errors import InvalidInputError, ResamplerError
from stream import EmbeddedServer, Settings, Worker
from stream.redis.connection import connect, raw_command, redact, resolve_url
from stream.redis.keys import ShardKeys, shard_keys
from stream.redis.server import find_server
from stream.shard.checkpoint import Checkpoint


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://me:secret@host:1/0", "redis://host:1/0"),
        ("rediss://:secret@host/0?password=secret", "rediss://host/0"),
        ("unix://me:secret@/run/redis.sock?password=secret", "unix:///run/redis.sock"),
        ("redis+sentinel://me:sec@ret@a:1,b:2/service", "redis+sentinel://a:1,b:2/service"),
        ("redis://me:a/secret@host:1/0", "redis://host:1/0"),
        ("redis://me:a#secret@host:1/0", "redis://host:1/0"),
        ("redis://me:a?secret@host:1/0", "redis://host:1/0"),
        ("redis://[secret", "the given URL"),
    ],
)
def test_what_is_shown_holds_no_secret(url, shown):
    assert redact(url) == shown


def test_the_url_comes_from_the_environment(monkeypatch):
    monkeypatch.setenv("RESAMPLER_REDIS_URL", "redis://there")
    assert resolve_url(None) == "redis://there"
    assert resolve_url("redis://here") == "redis://here"
    monkeypatch.delenv("RESAMPLER_REDIS_URL")
    with pytest.raises(InvalidInputError, match="pass --url"):
        resolve_url(None)


@pytest.mark.parametrize(
    ("url", "completed"),
    [
        ("redis://h:1/0", "redis://me:p%40ss@h:1/0"),
        ("unix:///run/redis.sock?db=1", "unix://me:p%40ss@/run/redis.sock?db=1"),
        ("redis+sentinel://a:1,b:2/main", "redis+sentinel://me:p%40ss@a:1,b:2/main"),
        ("redis://other:own@h/0", "redis://other:own@h/0"),
    ],
)
def test_user_and_password_come_from_the_environment(monkeypatch, url, completed):
    monkeypatch.setenv("RESAMPLER_REDIS_USERNAME", "me")
    monkeypatch.setenv("RESAMPLER_REDIS_PASSWORD", "p@ss")
    assert resolve_url(url) == completed


@pytest.mark.parametrize(
    "url", ["", "host:1", "http://host", "redis://host:port", "redis+sentinel://host:1", "redis://h?colour=red"]
)
def test_a_url_that_cannot_be_read(url):
    with pytest.raises(InvalidInputError, match="cannot be read"):
        connect(url)


def test_a_password_is_asked_for_and_never_shown():
    with EmbeddedServer() as server:
        admin = connect(server.url)
        admin.execute_command("ACL", "SETUSER", "me", "on", ">secret", "~*", "+@all")
        admin.config_set("requirepass", "other")
        assert connect(server.url.replace("unix://", "unix://me:secret@")).ping()
        with pytest.raises(ResamplerError, match="refuses the credentials") as caught:
            connect(server.url.replace("unix://", "unix://me:wr0ng@"))
        assert "wr0ng" not in str(caught.value)
        with pytest.raises(ResamplerError, match="refuses the credentials"):
            connect(server.url)


def test_raw_replies_keep_repeated_fields(client, name):
    client.execute_command("XADD", name, "1-0", "a", "1", "a", "2")
    assert raw_command(client, "XRANGE", name, "-", "+") == [[b"1-0", [b"a", b"1", b"a", b"2"]]]


def _cluster_node():
    """Make a node of a Cluster, and the port that it listens on."""
    port = _free_port()
    while port > 55_000:  # the bus listens 10,000 above
        port = _free_port()
    return port, EmbeddedServer(options=("--port", str(port), "--bind", "127.0.0.1", "--cluster-enabled", "yes"))


def test_a_cluster_takes_every_commit_in_one_slot(schema, make_rows, add_text):
    port, node = _cluster_node()
    with node as server, connect(server.url) as client:
        client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16_383)
        while b"cluster_state:ok" not in raw_command(client, "CLUSTER", "INFO"):
            time.sleep(0.05)
        for keys in shard_keys("fraud", 3):
            add_text(client, keys.input, *make_rows(100))
        Worker(f"redis+cluster://127.0.0.1:{port}", "fraud", Settings(schema), shards=3, until_idle_s=0.3).run()
        assert [Checkpoint.load(client, keys).rows for keys in shard_keys("fraud", 3)] == [100] * 3


def test_a_worker_follows_its_slot_to_another_node(
    name, schema, make_rows, add_text, run_worker, client, read_raw, serving, wait_for, caplog
):
    X, y = make_rows(600)
    keys, half = ShardKeys(name), 299  # up to the end of a window
    (port, first), (other_port, second) = _cluster_node(), _cluster_node()
    with first as one, second as two, connect(one.url) as a, connect(two.url) as b:
        a.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16_383)
        a.execute_command("CLUSTER", "MEET", "127.0.0.1", other_port)
        for node in (a, b):
            wait_for(lambda node=node: b"cluster_state:ok" in raw_command(node, "CLUSTER", "INFO"))
        add_text(a, name, X[:half], y[:half])
        serving(f"redis+cluster://127.0.0.1:{port}", name, Settings(schema, seed=1, ratio=0.5))
        wait_for(lambda: int(a.hget(keys.checkpoint, "rows") or 0) == half)

        slot = a.execute_command("CLUSTER", "KEYSLOT", name)
        a_id, b_id = (raw_command(node, "CLUSTER", "MYID") for node in (a, b))
        b.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", a_id)
        a.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", b_id)
        while moving := a.execute_command("CLUSTER", "GETKEYSINSLOT", slot, 100):
            raw_command(a, "MIGRATE", "127.0.0.1", other_port, "", 0, 5_000, "KEYS", *moving)
        for node in (b, a):
            node.execute_command("CLUSTER", "SETSLOT", slot, "NODE", b_id)
        add_text(b, name, X[half:], y[half:], first=half + 1)
        wait_for(lambda: int(b.hget(keys.checkpoint, "rows") or 0) == 600)
        assert "another node has the slot" in caplog.text
        (moved,) = read_raw(b, name)
    add_text(client, name, X, y)
    run_worker(name)
    assert [moved] == read_raw(client, name)


def test_sentinel_names_the_primary(schema, make_rows, add_text, tmp_path):
    port, sentinel_port = _free_port(), _free_port()
    config = tmp_path / "sentinel.conf"
    config.write_text(
        f"port {sentinel_port}\nbind 127.0.0.1\ndir {tmp_path}\nsentinel monitor main 127.0.0.1 {port} 1\n"
    )
    with EmbeddedServer(options=("--port", str(port), "--bind", "127.0.0.1")) as server, connect(server.url) as client:
        sentinel = subprocess.Popen([find_server(), str(config), "--sentinel"], stdout=subprocess.DEVNULL)
        try:
            add_text(client, "fraud", *make_rows(100))
            url = f"redis+sentinel://127.0.0.1:{sentinel_port}/main"
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline:
                with contextlib.suppress(ResamplerError):
                    connect(url)
                    break
                time.sleep(0.05)
            Worker(url, "fraud", Settings(schema), until_idle_s=0.3).run()
            assert Checkpoint.load(client, ShardKeys("fraud")).rows == 100
        finally:
            sentinel.kill()
            sentinel.wait()


def test_a_worker_waits_while_the_memory_is_full(schema, make_rows, add_text):
    with EmbeddedServer() as server, connect(server.url) as client:
        add_text(client, "fraud", *make_rows(100))
        client.config_set("maxmemory", 1)
        worker = Worker(server.url, "fraud", Settings(schema), until_idle_s=0.3)
        thread = threading.Thread(target=worker.run)
        thread.start()
        time.sleep(0.5)
        assert thread.is_alive()
        assert not client.exists(ShardKeys("fraud").output)
        client.config_set("maxmemory", 0)
        thread.join(60)
        assert Checkpoint.load(client, ShardKeys("fraud")).rows == 100


def test_a_worker_waits_for_a_server_that_restarts(schema, make_rows, add_text, tmp_path):
    with EmbeddedServer(appendonly=True, directory=tmp_path / os.urandom(2).hex()) as server:
        worker = Worker(server.url, "fraud", Settings(schema))
        thread = threading.Thread(target=worker.run)
        thread.start()
        with connect(server.url) as client:
            add_text(client, "fraud", *make_rows(100))
            deadline = time.monotonic() + 60
            while not ((stored := Checkpoint.load(client, ShardKeys("fraud"))) and stored.rows == 100):
                assert time.monotonic() < deadline
                time.sleep(0.01)
        server.kill()
        time.sleep(0.3)
        server.start()
        with connect(server.url) as client:
            add_text(client, "fraud", *make_rows(100), first=200)
            while Checkpoint.load(client, ShardKeys("fraud")).rows < 200:
                assert time.monotonic() < deadline + 60
                time.sleep(0.01)
        worker.stop()
        thread.join()
