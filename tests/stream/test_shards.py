"""Several shards, several workers: each shard's output depends on its input alone."""

import threading
import time

import pytest

from stream import Settings, Worker
from stream.checkpoint import Checkpoint
from stream.commit import Commit, Committer, FencedError, MovedError
from stream.keys import ShardKeys, shard_keys
from stream.lease import Lease, is_dead, owner_name


def _await(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not come about"
        time.sleep(0.01)


@pytest.fixture
def three(client, name, make_rows, add_text):
    def fill(stream):
        for i, keys in enumerate(shard_keys(stream, 3)):
            add_text(client, keys.input, *make_rows(400, seed=i))

    return fill


def test_how_many_workers_share_the_shards_changes_no_byte(server, client, name, schema, three, read_raw):
    settings = Settings(schema, seed=1, ratio=0.5, linger_ms=10)
    for count in (1, 2, 4):
        stream = f"{name}-{count}"
        three(stream)
        workers = [Worker(server.url, stream, settings, shards=3, until_idle_s=0.3) for _ in range(count)]
        threads = [threading.Thread(target=worker.run) for worker in workers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    one = read_raw(client, f"{name}-1", 3)
    assert all(one)
    assert read_raw(client, f"{name}-2", 3) == one
    assert read_raw(client, f"{name}-4", 3) == one


def test_shards_are_shared_out_and_handed_over(server, client, name, schema, three):
    three(name)
    settings = Settings(schema, lease_ttl_ms=500)
    workers = [Worker(server.url, name, settings, shards=3) for _ in range(2)]
    threads = [threading.Thread(target=worker.run) for worker in workers]
    threads[0].start()
    _await(lambda: workers[0].owned == 3)
    threads[1].start()
    _await(lambda: (workers[0].owned, workers[1].owned) in {(2, 1), (1, 2)})
    workers[0].stop()
    threads[0].join()
    _await(lambda: workers[1].owned == 3)
    workers[1].stop()
    threads[1].join()
    assert not any(client.exists(keys.lease) for keys in shard_keys(name, 3))


@pytest.fixture
def leases(client, name):
    keys = ShardKeys(name)
    return [Lease(client, keys, f"owner-{i}", 60_000) for i in range(2)]


def test_only_one_owner_at_a_time(leases):
    first, second = leases
    assert first.acquire()
    assert not second.acquire()
    assert first.acquire()  # one's own lease can be taken again
    first.release()
    assert second.acquire()
    assert not first.renew()
    assert second.renew()
    first.release()  # another's lease is left alone
    assert not first.acquire()


def test_a_fenced_owner_writes_nothing(client, name, leases):
    first, second = leases
    keys = ShardKeys(name)
    first.acquire()
    client.hset(keys.checkpoint, "cursor", "0-0")
    client.delete(keys.lease)  # expired
    second.acquire()
    client.xadd(name, {"a": 1}, id="1-0")
    commit = Commit("0-0", "1-0", 1, [("1-0", [b"a", b"b"])], [], {"rows": 1})
    with pytest.raises(FencedError, match=r"owned by .*owner-1"):
        Committer(client, keys, first).write(commit)
    assert not client.exists(keys.output)
    Committer(client, keys, second).write(commit)
    with pytest.raises(MovedError, match="stands at '1-0', expected '0-0'"):
        Committer(client, keys, second).write(commit)
    assert client.xlen(keys.output) == 1


def test_a_dead_process_of_this_machine_need_not_be_waited_for(client, name):
    me = owner_name()
    assert not is_dead(me)
    parts = me.split(":")
    dead = ":".join([*parts[:2], "4194303", *parts[3:]])
    assert is_dead(dead)
    assert not is_dead(":".join(["elsewhere", "other", *parts[2:]]))
    assert not is_dead("junk")
    keys = ShardKeys(name)
    assert Lease(client, keys, dead, 60_000).acquire()
    assert Lease(client, keys, me, 60_000).acquire()


def test_back_pressure_waits_for_the_slowest_feed(server, client, name, schema, make_rows, add_text):
    keys = ShardKeys(name)
    X, y = make_rows(600)
    add_text(client, name, X[:200], y[:200])
    client.hset(keys.feeds, "slow", "0-0 0")
    worker = Worker(server.url, name, Settings(schema, max_lag_rows=100))
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        _await(lambda: (stored := Checkpoint.load(client, keys)) and stored.rows >= 195)
        add_text(client, name, X[200:], y[200:], first=201)
        time.sleep(0.5)
        assert Checkpoint.load(client, keys).rows <= 200
        client.hset(keys.feeds, "slow", "200-0 1000000")
        _await(lambda: Checkpoint.load(client, keys).rows >= 590)
    finally:
        worker.stop()
        thread.join()
