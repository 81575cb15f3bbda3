"""Pauses: real rows pass, none is made, and the output follows from the input and the cursors of the switches alone."""

import pytest

from resampler import MicroBatch, OnlineResampler
from resampler.state import FORMAT_VERSION, PAUSED_VERSION
from stream import Feed, Settings
from stream.formats.identity import encode
from stream.metrics import Metrics, ShardMetrics
from stream.redis.keys import ShardKeys, shard_keys
from stream.shard import intake, limits, savedstate
from stream.shard.checkpoint import Checkpoint
from stream.shard.pause import read_switches, request_pause, request_resume, wait_until
from stream.shard.pausing import Pausing
from stream.shard.shard import Shard
from stream.shard.writing import Writer

COLUMNS = ("X", "y", "is_synthetic", "row_id", "base_id", "neighbor_id", "step")
PARAMETERS = {"linger_ms": 20, "capacity": 200, "window": 500}


def _read(server, name):
    with Feed(server.url, name, idle_s=0.01) as feed:
        return MicroBatch.concat(list(feed))


def _fields(client, name):
    return client.hgetall(ShardKeys(name).checkpoint)


@pytest.fixture
def pause_midway(client, make_rows, add_text, run_worker):
    """Read 300 rows, pause, read 300 more, go on, read the last 300; a worker of its own for each step."""

    def run(name, between=lambda: None, **parameters):
        X, y = make_rows(900, minority=0.2)
        shards = [(client, ShardKeys(name))]
        for start, switch in ((0, request_pause), (300, request_resume), (600, None)):
            stop = start + 300 - (start == 0)  # to the end of a window: where a producer pauses inside one, it is cut
            first = start - (start > 0)
            last = stop - (start == 300)
            add_text(client, name, X[first:last], y[first:last], first=first + 1)
            run_worker(name, **PARAMETERS | parameters)
            if switch:
                switch(shards, "an incident") if switch is request_pause else switch(shards)
            between()
        return X, y

    return run


@pytest.mark.parametrize("snapshot_rows", [120, 10**9])
@pytest.mark.parametrize("snapshot_is_deleted", [False, True])
@pytest.mark.parametrize("quota", ["exact", "poisson"])
def test_the_output_is_that_of_a_resampler_that_is_paused_at_these_cursors(
    server, client, name, schema, pause_midway, snapshot_rows, snapshot_is_deleted, quota
):
    def between():
        if snapshot_is_deleted:  # the documented remedy for a damaged one: a replay crosses the switches
            client.delete(ShardKeys(name).snapshot)

    X, y = pause_midway(name, between, snapshot_rows=snapshot_rows, quota=quota)
    switches = read_switches(client, ShardKeys(name))
    assert [(one.paused, one.reason) for one in switches] == [(True, "an incident"), (False, "")]
    assert [one.cursor for one in switches] == ["299-0", "599-0"]
    _check(server, name, schema, X, y, switches, quota=quota)


@pytest.mark.parametrize("commit_bytes", [1, 1 << 20])
def test_switches_between_the_commits_of_a_backlog(
    server, client, name, schema, make_rows, add_text, run_worker, monkeypatch, commit_bytes
):
    """Where one commit is on its way and the next batch is read already."""
    monkeypatch.setattr(Pausing, "EVERY_S", 0.0)
    monkeypatch.setattr(limits, "COMMIT_BYTES", commit_bytes)
    for constant in ("CHUNK_ROWS", "MAX_CHUNK_ENTRIES", "FIRST_CHUNK_ENTRIES"):
        monkeypatch.setattr(intake, constant, 64)
    X, y = make_rows(900, minority=0.2)
    add_text(client, name, X, y)
    send, sent, waiting = Writer.send, [], []

    def send_and_ask(writer, *arguments):
        send(writer, *arguments)
        waiting.append(writer.waits)
        sent.append(None)
        if len(sent) % 3 == 1:
            request_pause([(client, ShardKeys(name))], "")
        elif len(sent) % 3 == 2:
            request_resume([(client, ShardKeys(name))])

    monkeypatch.setattr(Writer, "send", send_and_ask)
    run_worker(name, **PARAMETERS)
    switches = read_switches(client, ShardKeys(name))
    assert all(waiting)
    assert len(switches) >= 6
    _check(server, name, schema, X, y, switches)


def _check(server, name, schema, X, y, switches, quota="exact"):
    """Compare the output with that of a resampler in memory that is paused at the same cursors."""
    resampler = OnlineResampler(schema, ratio=0.5, seed=1, capacity=200, window=500, quota=quota)
    ids, parts, first = [encode(f"{i + 1}-0") for i in range(len(y))], [], 0
    for switch in [*switches, None]:
        last = len(y) if switch is None else int(switch.cursor.partition("-")[0])
        parts.append(resampler.process(X[first:last], y[first:last], ids[first:last]))
        assert not (resampler.paused and parts[-1].n_synthetic)
        first = last
        resampler.paused = bool(switch and switch.paused)
    wanted, found = MicroBatch.concat(parts), _read(server, name)
    assert wanted.n_synthetic > 50
    for column in COLUMNS:
        assert getattr(found, column).tobytes() == getattr(wanted, column).tobytes(), column


def test_a_stream_that_never_paused_has_the_bytes_that_it_had(client, name, make_rows, add_text, run_worker):
    add_text(client, name, *make_rows(300))
    run_worker(name, **PARAMETERS)
    assert b"pauses" not in _fields(client, name)
    assert not client.exists(ShardKeys(name).pause)
    request_pause([(client, ShardKeys(name))], "")
    run_worker(name, **PARAMETERS)
    assert client.hget(ShardKeys(name).snapshot, "state")[4] == PAUSED_VERSION  # an earlier release reads no such state
    request_resume([(client, ShardKeys(name))])
    run_worker(name, **PARAMETERS)
    assert client.hget(ShardKeys(name).snapshot, "state")[4] == FORMAT_VERSION


def test_a_request_is_seen_four_times_a_second_by_an_idle_shard(server, client, name, schema, make_rows, add_text):
    now = [0.0]
    keys = shard_keys(name)[0]
    metrics = Metrics(name)
    shard = Shard(client, keys, Settings(schema), "here", metrics.shard(keys.input), quiet_s=0.0, clock=lambda: now[0])

    def shown():
        return metrics.registry.get_sample_value("resampler_paused", {"stream": name, "shard": name})

    add_text(client, name, *make_rows(30))
    assert shard.acquire()
    assert shown() == 0
    for _ in range(3):
        now[0] += 1
        shard.step()
    assert request_pause([(client, keys)], "") == []
    shard.step()
    assert shown() == 0
    now[0] += Pausing.EVERY_S
    shard.step()
    assert shown() == 1
    assert Checkpoint.load(client, keys).changes.paused
    shard.release()


def test_a_paused_shard_is_never_shown_as_going_on_while_it_changes_hands(
    client, name, schema, make_rows, add_text, run_worker, monkeypatch
):
    keys = ShardKeys(name)
    add_text(client, name, *make_rows(30))
    request_pause([(client, keys)], "")
    run_worker(name)
    metrics, seen, restored = Metrics(name), [], ShardMetrics.restored

    def shown():
        return metrics.registry.get_sample_value("resampler_paused", {"stream": name, "shard": name})

    def restored_and_scraped(shard, *arguments):
        restored(shard, *arguments)
        seen.append(shown())

    monkeypatch.setattr(ShardMetrics, "restored", restored_and_scraped)
    settings = Settings(schema, seed=1, ratio=0.5)
    shard = Shard(client, keys, settings, "next", metrics.shard(keys.input))
    assert shard.acquire()
    assert (seen, shown()) == ([None], 1)
    shard.release()


@pytest.mark.parametrize("asks", ["pause, resume", "pause, resume, pause", "pause, pause"])
def test_what_is_asked_for_quickly_comes_to_what_was_asked_last(
    server, client, name, make_rows, add_text, run_worker, read_raw, asks
):
    X, y = make_rows(600, minority=0.2)
    shards = [(client, ShardKeys(name))]
    add_text(client, name, X[:299], y[:299])
    run_worker(name, **PARAMETERS)
    for ask in asks.split(", "):
        stood = request_pause(shards, ask) if ask == "pause" else request_resume(shards)
    assert len(stood if isinstance(stood, list) else []) == (asks == "pause, pause")
    add_text(client, name, X[299:], y[299:], first=300)
    run_worker(name, **PARAMETERS)
    paused = asks.endswith("pause")
    assert [one.paused for one in read_switches(client, ShardKeys(name))] == [True] * paused
    (shard,) = wait_until(shards, paused=paused)
    assert shard.done
    later = _read(server, name)
    assert later.is_synthetic[later.row_id.tolist().index(encode("300-0")) :].any() != paused


def test_a_stream_that_no_worker_has_begun_begins_paused(
    server, client, name, make_rows, add_text, run_worker, wait_for
):
    add_text(client, name, *make_rows(300, minority=0.2))
    shards = [(client, ShardKeys(name))]
    request_pause(shards, "")
    (shard,) = wait_until(shards, paused=True, wait_s=5)  # nobody is waited for
    assert (shard.owner, shard.done, shard.switch) == (None, False, None)
    run_worker(name, **PARAMETERS)
    client.delete(ShardKeys(name).snapshot)
    run_worker(name, **PARAMETERS)
    assert not _read(server, name).is_synthetic.any()
    assert [one.cursor for one in read_switches(client, ShardKeys(name))] == ["0-0"]


def test_forgetting_and_pausing_go_together(server, client, name, make_rows, add_text, run_worker, read_raw):
    """A replay meets both, in order."""
    X, y = make_rows(900, minority=0.3)
    for stream in (name, f"{name}-kept"):
        shards = [(client, ShardKeys(stream))]
        for start in (0, 300, 600):
            add_text(client, stream, X[start : start + 300], y[start : start + 300], first=start + 1)
            run_worker(stream, linger_ms=1)
            ids = [encode(f"{i + 1}-0") for i in range(start, start + 300) if y[i] == 1]
            client.sadd(ShardKeys(stream).forget, *ids[::3])
            request_pause(shards, "") if start == 0 else request_resume(shards)
            run_worker(stream, linger_ms=1)
            if stream == name:
                client.delete(ShardKeys(stream).snapshot)
        run_worker(stream, linger_ms=1)
    assert read_raw(client, name) == read_raw(client, f"{name}-kept")


def test_shards_switch_each_at_its_own_cursor(server, client, name, schema, make_rows, add_text, serving, wait_for):
    keys = shard_keys(name, 2)
    for shard, rows in zip(keys, (100, 200), strict=True):
        add_text(client, shard.input, *make_rows(rows))
    serving(server.url, name, Settings(schema, linger_ms=1), shards=2)
    wait_for(lambda: all((found := Checkpoint.load(client, one)) and found.rows >= 99 for one in keys))
    shards = [(client, one) for one in keys]
    request_pause(shards, "both")
    found = wait_until(shards, paused=True, wait_s=60)
    assert all(shard.done and shard.owner for shard in found)
    for shard in (0, 1):
        client.xadd(keys[shard].input, {"a": 1, "b": 2, "c": 3, "label": 1}, id=f"{1000 + shard}-0")
    wait_for(lambda: all(Checkpoint.load(client, one).cursor > "1" for one in keys))
    request_resume(shards)
    found = wait_until(shards, paused=False, wait_s=60)
    assert all(shard.done for shard in found)
    assert len({shard.switch.cursor for shard in found}) == 2


def test_a_batch_that_is_left_open_for_long_does_not_keep_a_request_waiting(
    server, client, name, schema, serving, wait_for
):
    keys = ShardKeys(name)
    serving(server.url, name, Settings(schema, linger_ms=600_000))
    client.xadd(keys.input, {"a": 1, "b": 2, "c": 3, "label": 1})
    wait_for(lambda: client.get(keys.lease))
    request_pause([(client, keys)], "")
    (shard,) = wait_until([(client, keys)], paused=True, wait_s=60)
    assert (shard.done, shard.switch.cursor) == (True, "0-0")


def test_a_shard_that_waits_for_a_slow_feed_is_paused_too(
    server, client, name, schema, make_rows, add_text, serving, wait_for
):
    keys = ShardKeys(name)
    client.hset(keys.feeds, "slow", "0-0 0")
    add_text(client, name, *make_rows(200))
    serving(server.url, name, Settings(schema, linger_ms=1, max_lag_rows=10))
    wait_for(lambda: (found := Checkpoint.load(client, keys)) and found.emitted > 10)
    request_pause([(client, keys)], "")
    (shard,) = wait_until([(client, keys)], paused=True, wait_s=60)
    assert shard.done


@pytest.mark.parametrize("snapshot_rows", [120, 10**9])
def test_a_switch_whose_saved_state_is_sent_in_parts(
    server, client, name, schema, pause_midway, monkeypatch, snapshot_rows
):
    monkeypatch.setattr(savedstate, "PART_BYTES", 2_000)
    parts = []

    def between():
        parts.append(int(client.hget(ShardKeys(name).snapshot, "parts") or 0))
        if len(parts) < 3:
            client.hset(ShardKeys(name).staged, "state.0", "what a worker that was killed has left")

    X, y = pause_midway(name, between, snapshot_rows=snapshot_rows)
    switches = read_switches(client, ShardKeys(name))
    assert [one.cursor for one in switches] == ["299-0", "599-0"]
    assert parts[1] > 2
    assert not client.exists(ShardKeys(name).staged)
    _check(server, name, schema, X, y, switches)
