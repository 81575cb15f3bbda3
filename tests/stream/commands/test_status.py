"""`resampler stream status`: what whoever is called at night looks at first."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from resampler.monitoring.window import Window
from stream import EmbeddedServer
from stream.commands.status import shard_status
from stream.commands.statuslines import MOST_FEEDS, status_lines
from stream.maintenance import StreamWindows
from stream.redis.connection import connect
from stream.redis.keys import ShardKeys


def _server_time(client):
    seconds, microseconds = client.time()
    return datetime.fromtimestamp(seconds + microseconds / 1e6, UTC)


def test_when_the_last_commit_was_by_the_servers_clock(client, name, make_rows, add_text, run_worker):
    before = _server_time(client)
    add_text(client, name, *make_rows(100))
    run_worker(name)
    last = datetime.fromisoformat(shard_status(client, ShardKeys(name))["last_commit"])
    assert before - timedelta(milliseconds=1) <= last <= _server_time(client)
    client.hdel(ShardKeys(name).checkpoint, "time")  # as an earlier release left it
    assert shard_status(client, ShardKeys(name))["last_commit"] is None
    run_worker(name)


def test_lines(server, client, name, make_rows, add_text, run_worker, call):
    keys = ShardKeys(name)
    add_text(client, name, *make_rows(100))
    client.xadd(name, {"a": "1", "label": "0"}, id="200-0")
    run_worker(name)
    emitted = int(client.hget(keys.checkpoint, "emitted"))
    client.hset(keys.feeds, mapping={f"feed {i:02}": f"1-0 {i}" for i in range(MOST_FEEDS + 2)})
    now = datetime.now(UTC)
    until = (now + timedelta(hours=1)).isoformat()
    StreamWindows(name, server.url).declare(Window(name, now.isoformat(), until, "ann", "a retrain"))
    said, _ = call("status", "--stream", name)
    lines = said.splitlines()
    assert lines[0] == f"{name}: maintenance until {until}, declared by ann: a retrain"
    assert ", 1 dead letters, owner none, last commit 20" in lines[1]
    assert lines[2:4] == [f"  feed feed 00: {emitted} rows behind", f"  feed feed 01: {emitted - 1} rows behind"]
    assert lines[1 + MOST_FEEDS + 1] == "  and 2 feeds that are less far behind"
    report = json.loads(call("status", "--stream", name, "--json")[0])
    assert report["maintenance"]["reason"] == "a retrain"
    assert report["shards"][0]["refusal"] is None
    assert list(status_lines(report)) == lines[: 1 + MOST_FEEDS + 2]


@pytest.mark.parametrize(
    ("reason", "words", "spoil"),
    [
        ("full", "has no memory left", lambda client: client.config_set("maxmemory", 1)),
        ("readonly", "is a read-only replica", lambda client: client.replicaof("127.0.0.1", 1)),
    ],
)
def test_a_server_that_refuses_to_write(call, reason, words, spoil):
    with EmbeddedServer() as server, connect(server.url) as client:
        client.xadd("fraud", {"a": "1"})
        before = client.xinfo_stream("fraud")["length"], client.dbsize()
        spoil(client)
        said, _ = call("status", "--stream", "fraud", "--url", server.url)
        (line,) = (line for line in said.splitlines() if line.startswith("  writes are refused"))
        assert line.startswith(f"  writes are refused ({reason}): Redis at {server.url} {words}")
        assert (client.xinfo_stream("fraud")["length"], client.dbsize()) == before
