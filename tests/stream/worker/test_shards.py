"""Several shards, several workers: each shard's output depends on its input alone."""

import threading
import time
from contextlib import contextmanager

import pytest

from stream import EmbeddedServer, Settings, Worker
from stream.metrics import Metrics
from stream.redis.connection import connect
from stream.redis.keys import ShardKeys, shard_keys, workers_key
from stream.shard.checkpoint import Checkpoint
from stream.shard.commit import Commit, Committer, FencedError, MovedError
from stream.shard.intake import Intake
from stream.shard.lease import Lease, is_dead, owner_name
from stream.shard.shard import Shard
from stream.worker import health
from stream.worker.membership import Membership
from stream.worker.runner import ORPHAN_S


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


def test_shards_are_shared_out_and_handed_over(server, client, name, schema, three, wait_for):
    three(name)
    settings = Settings(schema, lease_ttl_ms=500)
    workers = [Worker(server.url, name, settings, shards=3) for _ in range(2)]
    threads = [threading.Thread(target=worker.run) for worker in workers]
    threads[0].start()
    wait_for(lambda: workers[0].owned == 3)
    threads[1].start()
    wait_for(lambda: (workers[0].owned, workers[1].owned) in {(2, 1), (1, 2)})
    workers[0].stop()
    threads[0].join()
    wait_for(lambda: workers[1].owned == 3)
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
    second.release()
    assert not second.renew()  # a renewal that was under way does not take back what was given back
    assert first.is_free()


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


def test_back_pressure_waits_for_the_slowest_feed(server, client, name, schema, make_rows, add_text, wait_for):
    keys = ShardKeys(name)
    X, y = make_rows(600)
    add_text(client, name, X[:200], y[:200])
    client.hset(keys.feeds, "slow", "0-0 0")
    worker = Worker(server.url, name, Settings(schema, max_lag_rows=100))
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        wait_for(lambda: (stored := Checkpoint.load(client, keys)) and stored.rows >= 195)
        add_text(client, name, X[200:], y[200:], first=201)
        time.sleep(0.5)
        assert Checkpoint.load(client, keys).rows <= 200
        client.hset(keys.feeds, "slow", "200-0 1000000")
        wait_for(lambda: Checkpoint.load(client, keys).rows >= 590)
    finally:
        worker.stop()
        thread.join()


@pytest.fixture
def working(server, schema):
    """Run workers of a stream while the block lasts."""

    @contextmanager
    def work(name, count=1, lease_ttl_ms=500, **options):
        settings = Settings(schema, lease_ttl_ms=lease_ttl_ms)
        workers = [Worker(server.url, name, settings, **options) for _ in range(count)]
        threads = [threading.Thread(target=worker.run) for worker in workers]
        for thread in threads:
            thread.start()
        try:
            yield workers
        finally:
            for worker in workers:
                worker.stop()
            for thread in threads:
                thread.join()

    return work


def test_a_dead_worker_of_a_clock_that_ran_ahead_keeps_no_shard(client, name, working, wait_for):
    client.zadd(workers_key(name), {"ghost": time.time() + 3_600})
    with working(name, shards=4) as (worker,):
        wait_for(lambda: worker.owned == 4)
        assert worker.healthy
        assert client.zrange(workers_key(name), 0, -1) == [worker.owner.encode()]


def test_shards_that_another_worker_does_not_take_are_taken_and_kept_until_there_is_a_new_one(
    client, name, working, wait_for
):
    """A worker that reports, and hangs otherwise."""
    ghost = Membership(connect_again(client), workers_key(name), "ghost")
    ending = threading.Event()

    def haunt():
        while not ending.wait(0.1):
            ghost.report()

    ghost.report()
    thread = threading.Thread(target=haunt)
    thread.start()
    try:
        with working(name, shards=4) as (first,):
            wait_for(lambda: first.owned == 4)
            assert first.members == {first.owner, "ghost"}
            epochs = _epochs(client, name)
            time.sleep(2 * ORPHAN_S)
            assert _epochs(client, name) == epochs  # nothing goes to and fro
            with working(name, shards=4) as (second,):
                wait_for(lambda: (first.owned, second.owned) == (2, 2))
    finally:
        ending.set()
        thread.join()


def _epochs(client, name):
    return [client.hget(keys.checkpoint, "epoch") for keys in shard_keys(name, 4)]


def connect_again(client):
    return type(client)(connection_pool=client.connection_pool)


def test_a_key_of_workers_of_another_type_is_told_and_costs_no_shard(client, name, working, wait_for, caplog):
    client.set(workers_key(name), "x")
    with working(name, shards=4) as (worker,):
        wait_for(lambda: worker.owned == 4)
        assert worker.healthy
    (told,) = [record.message for record in caplog.records if workers_key(name) in record.message]
    assert "holds something of another type" in told
    assert "rename or delete" in told


def test_the_clock_is_the_servers(client, name, working, wait_for, monkeypatch):
    def server_s():
        seconds, microseconds = client.time()
        return seconds + microseconds / 1e6

    real = time.time
    for ahead_s in (3_600, -3_600):  # of this machine
        monkeypatch.setattr(time, "time", lambda ahead_s=ahead_s: real() + ahead_s)
        before_s = server_s()
        with working(name, count=2, shards=4) as workers:
            wait_for(lambda workers=workers: [worker.owned for worker in workers] == [2, 2])
            reported = client.zrange(workers_key(name), 0, -1, withscores=True)
            assert {owner.decode() for owner, _ in reported} == {worker.owner for worker in workers}
            assert all(before_s - 0.01 <= at <= server_s() + 0.01 for _, at in reported)


def test_a_worker_that_stands_by_while_a_shard_has_no_owner_is_not_healthy(
    client, name, working, wait_for, monkeypatch
):
    monkeypatch.setattr(health, "STALLED_S", 0.5)
    monkeypatch.setattr(Worker, "claims", lambda *_, **__: False)
    with working(name) as (worker,):
        # A busy machine can hold the thread up for longer than that first: another complaint, and it passes.
        wait_for(lambda: any(f"shard {name}: without an owner for " in said for said in worker.complaints()))
        client.set(ShardKeys(name).lease, "another")
        wait_for(lambda: worker.healthy)


def test_a_step_that_takes_longer_than_the_lease_keeps_the_shard(
    client, name, working, wait_for, make_rows, add_text, monkeypatch
):
    """As a compiler, a snapshot or a long batch does; another worker stands by all the while."""
    computed = threading.Event()
    take = Intake._take

    def take_slowly(intake, entries):
        if not computed.is_set():
            stop = time.monotonic() + 4.0  # more than twice the lease
            while time.monotonic() < stop:
                hash("busy")
            computed.set()
        return take(intake, entries)

    monkeypatch.setattr(Intake, "_take", take_slowly)
    monkeypatch.setattr(health, "STALLED_S", 2.0)
    # A busy machine can hold the heartbeat up for half a second.
    with working(name, count=2, lease_ttl_ms=1_500) as workers:
        wait_for(lambda: sum(worker.owned for worker in workers) == 1)
        epoch = client.hget(ShardKeys(name).checkpoint, "epoch")
        add_text(client, name, *make_rows(50))
        while not computed.is_set():
            assert all(worker.healthy for worker in workers)
            time.sleep(0.01)
        wait_for(lambda: Checkpoint.load(client, ShardKeys(name)).rows == 50)
        assert client.hget(ShardKeys(name).checkpoint, "epoch") == epoch


def test_a_shard_that_hangs_is_unhealthy_and_another_worker_takes_it(
    client, name, working, wait_for, make_rows, add_text, monkeypatch
):
    hanging, released = threading.Event(), threading.Event()
    take = Intake._take

    def hang(intake, entries):
        if not hanging.is_set():
            hanging.set()
            released.wait(60)
        return take(intake, entries)

    monkeypatch.setattr(Intake, "_take", hang)
    monkeypatch.setattr(health, "STALLED_S", 0.5)
    with working(name) as (first,):
        wait_for(lambda: first.owned == 1)
        add_text(client, name, *make_rows(50))
        wait_for(lambda: any(said.startswith(f"shard {name}: no progress for ") for said in first.complaints()))
        wait_for(lambda: any(said.startswith(f"shard {name}: no progress for ") for said in first.hanging()))
        with working(name) as (second,):
            wait_for(lambda: second.owned == 1)
            wait_for(lambda: Checkpoint.load(client, ShardKeys(name)).rows == 50)
            released.set()
            wait_for(lambda: first.owned == 0 and first.healthy)  # fenced, and standing by
        rows = client.xrange(ShardKeys(name).output)
        assert len(rows) == len({entry_id for entry_id, _ in rows})


def test_the_heartbeat_tells_the_shard_that_its_lease_is_lost(client, name, schema, make_rows, add_text, wait_for):
    keys = ShardKeys(name)
    shard = Shard(client, keys, Settings(schema, lease_ttl_ms=150), "here", Metrics(name).shard(name))
    assert shard.acquire()
    add_text(client, name, *make_rows(50))
    there = Lease(client, keys, "there")
    wait_for(lambda: client.delete(keys.lease) and there.acquire())  # the heartbeat may renew it between the two
    wait_for(lambda: shard.owned.heartbeat.lost)
    with pytest.raises(FencedError, match="owned by another worker by now"):
        shard.step()
    assert client.get(keys.lease) == b"there"
    shard.release()
    assert client.get(keys.lease) == b"there"


def test_a_lease_is_kept_while_the_memory_is_full(schema, wait_for):
    with EmbeddedServer() as server, connect(server.url) as client:
        keys = ShardKeys("fraud")
        lease = Lease(client, keys, "here", 60_000)
        assert lease.acquire()
        client.config_set("maxmemory", 1)
        client.pexpire(keys.lease, 1_000)
        assert lease.renew()
        assert client.pttl(keys.lease) > 1_000
