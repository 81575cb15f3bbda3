"""A stop that is asked for while a thread is in a step that nothing can interrupt, as in the compiler."""

import threading
import time

import pytest

from stream import Settings, Worker
from stream.redis.keys import ShardKeys
from stream.shard import lease as lease_module
from stream.shard import shard as shard_module
from stream.shard.lease import Lease
from stream.shard.shard import Shard
from stream.worker import worker as module


def test_a_stop_does_not_wait_for_the_kernels(server, name, schema, monkeypatch, wait_for):
    compiled, begun = threading.Event(), threading.Event()
    monkeypatch.setattr(module, "warm", lambda **_: (begun.set(), compiled.wait()))
    worker = Worker(server.url, name, Settings(schema))
    running = threading.Thread(target=worker.run)
    running.start()
    wait_for(begun.is_set)
    worker.stop()
    running.join(60)
    assert not running.is_alive()  # while what compiles goes on
    assert not worker.begun
    compiled.set()


def test_a_shard_is_given_back_in_the_middle_of_a_step(
    server, client, name, schema, make_rows, add_text, run_worker, read_raw, monkeypatch, wait_for, caplog
):
    whole = f"{name}-whole"
    for stream in (name, whole):
        add_text(client, stream, *make_rows(300))
    settings = Settings(schema, ratio=0.5, seed=1)
    compiled, begun, step = threading.Event(), threading.Event(), Shard.step

    def waiting(shard):
        begun.set()
        compiled.wait()
        step(shard)

    monkeypatch.setattr(Shard, "step", waiting)
    monkeypatch.setattr(module, "GIVE_BACK_S", 10.0)
    worker = Worker(server.url, name, settings)
    running = threading.Thread(target=worker.run)
    running.start()
    wait_for(begun.is_set)
    assert client.exists(ShardKeys(name).lease)
    worker.stop(within_s=10.0)
    running.join(60)
    assert "1 of 1 shards were in a step that does not end in time" in caplog.text
    assert not client.exists(ShardKeys(name).lease)
    (thread,) = (runner.thread for runner in worker._runners)
    compiled.set()  # what it goes on to commit is refused
    thread.join(60)
    assert not thread.is_alive()
    assert client.xlen(ShardKeys(name).output) == 0
    monkeypatch.setattr(Shard, "step", step)
    for stream in (name, whole):
        run_worker(stream, settings=settings)
    assert read_raw(client, name) == read_raw(client, whole)


def test_a_stop_with_a_limit_hurries_one_without_and_no_later_stop_puts_it_off(
    server, name, schema, monkeypatch, wait_for
):
    ended, begun = threading.Event(), threading.Event()
    monkeypatch.setattr(Shard, "step", lambda _: (begun.set(), ended.wait()))
    worker = Worker(server.url, name, Settings(schema))
    running = threading.Thread(target=worker.run)
    running.start()
    wait_for(begun.is_set)
    worker.stop()
    running.join(0.5)
    assert running.is_alive()  # it waits for the shard
    worker.stop(within_s=0.2)
    worker.stop(within_s=3_600)
    running.join(10)
    in_time = not running.is_alive()
    ended.set()
    running.join()
    assert in_time


@pytest.mark.parametrize("where", ["before it is asked for", "at the server", "on the way back"])
def test_a_lease_that_is_on_its_way_is_given_back_too(where, server, client, name, schema, monkeypatch, wait_for):
    on_its_way, goes_on, restored = threading.Event(), threading.Event(), threading.Event()
    acquire, load = Lease.acquire, lease_module.load_script

    def wait(here):
        if here == where:
            on_its_way.set()
            goes_on.wait()

    def load_slow(client, script):
        run = load(client, script)
        if script != "acquire":
            return run

        def run_slowly(**given):
            wait("at the server")
            answer = run(**given)
            wait("on the way back")
            return answer

        return run_slowly

    monkeypatch.setattr(lease_module, "load_script", load_slow)
    monkeypatch.setattr(Lease, "acquire", lambda lease: (wait("before it is asked for"), acquire(lease))[1])
    monkeypatch.setattr(shard_module, "Owned", lambda _: restored.wait())  # as long as the process lives
    monkeypatch.setattr(module, "GIVE_BACK_S", 60.0)
    worker = Worker(server.url, name, Settings(schema))
    running = threading.Thread(target=worker.run)
    running.start()
    wait_for(on_its_way.is_set)
    worker.stop(within_s=60.0)
    running.join(0.5)
    goes_on.set()
    running.join(30)
    assert not running.is_alive()
    keys = ShardKeys(name)
    time.sleep(0.1)
    left = client.get(keys.lease), client.hget(keys.checkpoint, "holder")
    restored.set()
    assert left == (None, None)
