"""One shard, step by step, by a clock of the test's own."""

import math
import socket

import pytest
import redis

from stream import Settings
from stream.metrics import Metrics
from stream.redis.keys import shard_keys
from stream.shard.checkpoint import Checkpoint
from stream.shard.commit import MovedError
from stream.shard.intake import Intake
from stream.shard.shard import QUIET_S, Shard


def _work(shard, now):
    for _ in range(4):
        now[0] += 0.1
        shard.step()


def test_what_comes_while_a_step_is_slow_still_joins_its_batch(
    server, client, name, schema, make_rows, add_text, read_raw, monkeypatch
):
    X, y = make_rows(2)
    now = [0.0]
    keys = shard_keys(name)[0]
    metrics = Metrics(name).shard(keys.input)
    shard = Shard(client, keys, Settings(schema), "here", metrics, quiet_s=2.0, clock=lambda: now[0])
    take = Intake._take

    def take_slowly(intake, entries):
        now[0] += 10  # as a compiler would take; meanwhile the second row arrives
        if not client.exists(f"{name}-second"):
            client.set(f"{name}-second", 1)
            add_text(client, name, X[1:], y[1:], first=2)
        return take(intake, entries)

    monkeypatch.setattr(Intake, "_take", take_slowly)
    assert shard.acquire()
    add_text(client, name, X[:1], y[:1])
    for _ in range(2):
        shard.step()
    assert read_raw(client, name) == [[]]
    assert shard.idle_s == 0
    now[0] += 3  # now it is quiet
    shard.step()
    (entries,) = read_raw(client, name)
    assert [entry_id for entry_id, _ in entries] == [b"2-0"]
    now[0] += 3
    shard.step()
    assert shard.idle_s >= 3
    shard.release()
    client.delete(f"{name}-second")


def test_a_last_batch_is_written_when_it_has_been_quiet_for_long_enough_and_no_later(
    server, client, name, schema, make_rows, add_text, read_raw, monkeypatch
):
    now, asked, read = [0.0], [], Intake.read
    keys = shard_keys(name)[0]
    shard = Shard(client, keys, Settings(schema), "here", Metrics(name).shard(keys.input), clock=lambda: now[0])

    def read_by_the_clock(intake, block_ms):
        asked.append(block_ms)
        taken = read(intake)
        now[0] += 0.0 if taken.decoded else block_ms / 1_000
        return taken

    monkeypatch.setattr(Intake, "read", read_by_the_clock)
    assert shard.acquire()
    add_text(client, name, *make_rows(1))  # of an ID that says nothing of when it came
    while not (written := read_raw(client, name)[0]) and len(asked) < 20:
        shard.step()
    shard.release()
    assert len(written) == 1
    assert now[0] == pytest.approx(QUIET_S, abs=0.002)
    assert sum(asked[1:]) == pytest.approx(1_000 * QUIET_S, abs=2)
    assert asked[-1] == 0


def test_a_spell_without_end_is_waited_for(server, client, name, schema, make_rows, add_text, read_raw):
    keys = shard_keys(name)[0]
    shard = Shard(client, keys, Settings(schema), "here", Metrics(name).shard(keys.input), quiet_s=math.inf)
    assert shard.acquire()
    add_text(client, name, *make_rows(1))
    for _ in range(3):
        shard.step()
    assert read_raw(client, name) == [[]]
    shard.release()


def test_a_server_that_went_back_as_a_whole_is_no_gap(server, client, name, schema, make_rows, add_text, read_raw):
    X, y = make_rows(60)
    now = [0.0]
    keys = shard_keys(name)[0]
    metrics = Metrics(name).shard(keys.input)
    shard = Shard(client, keys, Settings(schema), "here", metrics, quiet_s=0.0, clock=lambda: now[0])

    assert shard.acquire()
    add_text(client, name, X[:30], y[:30])
    _work(shard, now)
    kept = {key: client.dump(key) for key in (keys.input, keys.output, keys.checkpoint)}
    add_text(client, name, X[30:], y[30:], first=31)
    _work(shard, now)
    whole = read_raw(client, name)
    for key, value in kept.items():  # as a server does that was killed before it had written all down
        client.restore(key, 0, value, replace=True)
    now[0] += 2  # time to look at the input again
    with pytest.raises(MovedError):
        shard.step()
    assert shard.acquire()
    add_text(client, name, X[30:], y[30:], first=31)
    _work(shard, now)
    assert read_raw(client, name) == whole
    shard.release()


def test_a_commit_that_cannot_be_sent_leaves_a_shard_that_can_be_released(
    server, client, name, schema, make_rows, add_text
):
    keys = shard_keys(name)[0]
    now = [0.0]
    metrics = Metrics(name).shard(keys.input)
    shard = Shard(client, keys, Settings(schema), "here", metrics, quiet_s=0.0, clock=lambda: now[0])
    assert shard.acquire()
    add_text(client, name, *make_rows(30))
    shard.owned.writer._committer._connection._sock.shutdown(socket.SHUT_RDWR)  # as when the server is killed
    with pytest.raises(redis.ConnectionError):
        _work(shard, now)
    shard.release()
    assert not client.exists(keys.lease)
    assert shard.acquire()
    _work(shard, now)
    assert Checkpoint.load(client, keys).rows == 30
    shard.release()
