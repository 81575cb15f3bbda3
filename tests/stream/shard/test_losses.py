"""Streams that are deleted, renamed, trimmed or of another type: nothing is lost without a word."""

import re
import threading
import time

import pytest

from resampler.errors import CorruptStateError, ResamplerError
from stream import Settings, Worker, encode_row
from stream.commands.status import shard_status
from stream.formats import InputFormat, OutputFormat
from stream.redis.connection import raw_command
from stream.redis.keys import ShardKeys
from stream.shard.checkpoint import Checkpoint
from stream.shard.commit import Commit, Committer, CountsUpdate, GapError, LostOutputError
from stream.shard.lease import Lease


def _await(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not come about"
        time.sleep(0.01)


@pytest.fixture
def live(server, client, name, schema):
    """Start a worker on a thread; the error that ended it is what `failure` waits for."""
    threads = []

    class Live:
        def __init__(self, **parameters):
            self.worker = Worker(server.url, name, Settings(schema, **{"seed": 1, "ratio": 0.5} | parameters))
            self.error = None
            thread = threading.Thread(target=self._run)
            threads.append((self.worker, thread))
            thread.start()

        def _run(self):
            try:
                self.worker.run()
            except ResamplerError as error:
                self.error = error

        def failure(self):
            _await(lambda: self.error is not None)
            return self.error

        def read(self, n):
            _await(lambda: (stored := Checkpoint.load(client, ShardKeys(name))) and stored.read >= n)

    yield Live
    for worker, thread in threads:
        worker.stop()
        thread.join()


LOSSES = {
    "deleted": lambda client, key: client.delete(key),
    "renamed": lambda client, key: client.rename(key, f"{key}-away"),
}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("more", [0, 20, 2_000])
def test_an_input_that_is_gone_stops_the_worker(client, name, make_rows, add_text, live, loss, more):
    X, y = make_rows(2_300)
    add_text(client, name, X[:300], y[:300])
    running = live(linger_ms=1)
    running.read(300)
    LOSSES[loss](client, name)
    if more:  # producers go on
        add_text(client, name, X[300 : 300 + more], y[300 : 300 + more], first=1_000)
    error = running.failure()
    assert isinstance(error, GapError)
    assert "deleted, renamed or put back" in str(error)
    assert Checkpoint.load(client, ShardKeys(name)).rows == 300


@pytest.mark.parametrize("loss", LOSSES)
def test_an_input_that_is_gone_stops_the_next_worker(client, name, make_rows, add_text, run_worker, loss):
    X, y = make_rows(700)
    add_text(client, name, X[:300], y[:300])
    run_worker(name, linger_ms=1, snapshot_rows=50)
    LOSSES[loss](client, name)
    with pytest.raises(GapError):
        run_worker(name)
    add_text(client, name, X[300:], y[300:], first=1_000)  # as many as were there, and more
    with pytest.raises(GapError):
        run_worker(name)
    run_worker(name, linger_ms=1, allow_gap=True)
    assert Checkpoint.load(client, ShardKeys(name)).rows == 700
    run_worker(name, linger_ms=1)  # the gap is recorded: it is not met again


def test_the_commit_script_sees_that_the_input_was_replaced(client, name, make_rows, add_text):
    keys = ShardKeys(name)
    lease = Lease(client, keys, "me", 60_000)
    lease.acquire()
    client.hset(keys.checkpoint, "cursor", "500-0")
    add_text(client, name, *make_rows(999), first=600)  # another stream: 500 entries were read of the first
    for state in (None, {"state": b""}):
        commit = Commit("500-0", "610-0", 511, [("610-0", [b"a", b"b"])], state=state)
        with pytest.raises(GapError, match="is not known") as caught:
            Committer(client, keys, lease).write(commit)
        assert caught.value.lost == 0 - 500
        with pytest.raises(GapError):
            Committer(client, keys, lease, allow_gap=state is None).write(commit)
    assert not client.exists(keys.output)
    done = Committer(client, keys, lease, allow_gap=True).write(commit)
    assert done.lost == -500
    assert client.hget(keys.checkpoint, "entries") == client.hget(keys.snapshot, "entries") == b"11"


def test_a_passed_gap_is_recorded_with_a_snapshot(client, name, make_rows, add_text, run_worker, live):
    X, y = make_rows(900)
    add_text(client, name, X[:300], y[:300])
    run_worker(name, linger_ms=1)
    add_text(client, name, X[300:600], y[300:600], first=301)
    client.xtrim(name, minid="501-0", approximate=False)
    with pytest.raises(GapError, match=r"\d+ (of them|are left)|\d+ entries"):
        run_worker(name, linger_ms=1)
    run_worker(name, linger_ms=1, allow_gap=True)
    stored = Checkpoint.load(client, ShardKeys(name))
    assert stored.rows == 400
    assert stored.entries == 600
    add_text(client, name, X[600:], y[600:], first=601)
    run_worker(name, linger_ms=1)
    assert Checkpoint.load(client, ShardKeys(name)).rows == 700


def test_a_gap_that_opens_under_a_worker_is_passed_with_its_state(
    client, name, make_rows, add_text, run_worker, read_raw, live
):
    X, y = make_rows(600)
    add_text(client, name, X[:300], y[:300])
    run_worker(name, linger_ms=1, snapshot_rows=1)
    add_text(client, name, X[300:], y[300:], first=301)
    client.xtrim(name, minid="401-0", approximate=False)
    run_worker(name, linger_ms=1, snapshot_rows=10**9, allow_gap=True)
    whole = f"{name}-whole"
    add_text(client, whole, X[:300], y[:300])
    run_worker(whole, linger_ms=1)
    add_text(client, whole, X[400:], y[400:], first=401)
    run_worker(whole, linger_ms=1)
    assert read_raw(client, name) == read_raw(client, whole)


@pytest.mark.parametrize("cap", [40, 1_000])
def test_producers_may_cap_the_input(client, name, schema, make_rows, add_text, run_worker, read_raw, live, cap):
    X, y = make_rows(1_500)
    running = live(linger_ms=1, snapshot_rows=10**9)
    for start in range(0, 1_500, 30):
        stop = start + 30
        add_text(client, name, X[start:stop], y[start:stop], first=start + 1)
        running.read(stop - 1)  # the last one waits for quiet
        client.xtrim(name, maxlen=cap, approximate=False)
    running.read(1_500)
    running.worker.stop()
    _await(lambda: not running.worker.owned)
    client.delete(ShardKeys(name).lease)
    run_worker(name, linger_ms=1)  # restores its state
    whole = f"{name}-whole"
    add_text(client, whole, X, y)
    run_worker(whole, linger_ms=1)
    assert read_raw(client, name) == read_raw(client, whole)


def test_rejected_rows_count_towards_the_next_snapshot(client, name, run_worker):
    keys = ShardKeys(name)
    for i in range(300):
        client.xadd(name, {"a": "junk"}, id=f"{i + 1}-0")
    run_worker(name, linger_ms=1, snapshot_rows=100, trim=True, batch_rows=50)
    assert int(client.hget(keys.snapshot, "entries")) >= 200
    assert client.xlen(name) < 300
    worker = run_worker(name, linger_ms=1)
    stored = Checkpoint.load(client, keys)
    assert (stored.rejected, stored.read - stored.snapshot_rows < 100) == (300, True)
    labels = {"stream": name, "shard": name}
    assert worker.metrics.registry.get_sample_value("resampler_replayed_rows_total", labels) == 0


def test_an_output_that_was_deleted_stops_the_worker(client, name, make_rows, add_text, run_worker, live):
    X, y = make_rows(400)
    add_text(client, name, X[:200], y[:200])
    running = live(linger_ms=1)
    running.read(200)
    client.delete(ShardKeys(name).output)
    error = running.failure()
    assert isinstance(error, LostOutputError)
    assert "no feed has read" in str(error)
    add_text(client, name, X[200:], y[200:], first=201)
    with pytest.raises(LostOutputError):
        run_worker(name, linger_ms=1)
    run_worker(name, linger_ms=1, allow_gap=True)
    assert Checkpoint.load(client, ShardKeys(name)).rows == 400
    run_worker(name, linger_ms=1)


SETTERS = {
    "string": lambda client, key: client.set(key, "x"),
    "list": lambda client, key: client.rpush(key, "x"),
    "set": lambda client, key: client.sadd(key, "x"),
    "zset": lambda client, key: client.zadd(key, {"x": 1}),
    "hash": lambda client, key: client.hset(key, "x", "y"),
    "stream": lambda client, key: client.xadd(key, {"x": "y"}),
}
KINDS = (
    "checkpoint",
    "lease",
    "output",
    "dead",
    "snapshot",
    "input",
    "forget",
    "forgotten",
    "staged",
    "feeds",
    "drift",
)


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        (kind, found)
        for kind, wanted in zip(KINDS, ShardKeys("s").types.values(), strict=True)
        for found in SETTERS
        if found != wanted
    ],
)
def test_a_key_of_a_wrong_type_stops_a_commit_before_it_writes(client, name, make_rows, add_text, kind, found):
    keys = ShardKeys(name)
    key = getattr(keys, kind)
    lease = Lease(client, keys, "me", 60_000)
    lease.acquire()
    client.hset(keys.checkpoint, "cursor", "0-0")
    add_text(client, name, *make_rows(10))
    client.delete(key)
    SETTERS[found](client, key)
    before = {k: client.dump(k) for k in keys.types}
    commit = Commit(
        *("0-0", "9-0", 9, [("9-0", [b"a", b"b"])], [("9-0", [b"c", b"d"])], {"rows": 9}, {"state": b"s"}),
        forgotten=[b"1"],
        counts=CountsUpdate(True, {"0": b"x"}, ["1"]),
    )
    with pytest.raises(
        ResamplerError, match=f"must be a {keys.types[key]} and is a {found}, which something else wrote"
    ):
        Committer(client, keys, lease, trim=True).write(commit)
    assert {k: client.dump(k) for k in keys.types} == before


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "lease"])
def test_a_key_of_a_wrong_type_is_named_at_the_start_and_can_be_moved_away(
    client, name, make_rows, add_text, run_worker, kind
):
    keys = ShardKeys(name)
    key = getattr(keys, kind)
    client.zadd(key, {"x": 1})
    with pytest.raises(ResamplerError, match=f"{re.escape(key)}' must be a"):
        run_worker(name)
    client.rename(key, f"{name}-away")
    add_text(client, name, *make_rows(50))
    run_worker(name)
    assert Checkpoint.load(client, keys).rows == 50


def test_a_wrong_type_under_a_worker_loses_nothing(client, name, make_rows, add_text, run_worker, read_raw, live):
    X, y = make_rows(400)
    keys = ShardKeys(name)
    add_text(client, name, X[:200], y[:200])
    running = live(linger_ms=1)
    running.read(200)
    client.set(keys.dead, "x")
    client.xadd(name, {"a": "junk"}, id="201-0")
    add_text(client, name, X[200:], y[200:], first=202)
    assert f"key {keys.dead!r} must be a stream" in str(running.failure())
    client.delete(keys.dead)
    run_worker(name, linger_ms=1)
    whole = f"{name}-whole"
    add_text(client, whole, X[:200], y[:200])
    client.xadd(whole, {"a": "junk"}, id="201-0")
    add_text(client, whole, X[200:], y[200:], first=202)
    run_worker(whole, linger_ms=1)
    assert read_raw(client, name) == read_raw(client, whole)
    assert client.xlen(keys.dead) == 1


def test_what_somebody_else_wrote_to_the_output_is_told(client, name, make_rows, add_text, run_worker):
    X, y = make_rows(200)
    add_text(client, name, X[:100], y[:100])
    run_worker(name, linger_ms=1)
    client.xadd(ShardKeys(name).output, {"x": "y"}, id="10000-0")
    add_text(client, name, X[100:], y[100:], first=101)
    before = Checkpoint.load(client, ShardKeys(name)).cursor
    with pytest.raises(ResamplerError, match=r"does not take the next entry .*something else has written to it"):
        run_worker(name, linger_ms=1)
    assert Checkpoint.load(client, ShardKeys(name)).cursor == before


def test_a_checkpoint_that_is_gone_is_told(client, name, make_rows, add_text, run_worker):
    keys = ShardKeys(name)
    add_text(client, name, *make_rows(100))
    run_worker(name, linger_ms=1, snapshot_rows=50)
    client.delete(keys.checkpoint)
    with pytest.raises(CorruptStateError, match=r"checkpoint .* is gone, and .*:snapshot' and .*:out' of its stream"):
        run_worker(name)
    client.delete(keys.snapshot, keys.output)
    run_worker(name)
    assert Checkpoint.load(client, keys).rows == 100


def test_a_checkpoint_put_back_behind_the_snapshot_is_told(client, name, make_rows, add_text, run_worker):
    keys = ShardKeys(name)
    X, y = make_rows(200)
    add_text(client, name, X[:100], y[:100])
    run_worker(name, linger_ms=1, snapshot_rows=50)
    old = client.dump(keys.checkpoint)
    add_text(client, name, X[100:], y[100:], first=101)
    run_worker(name, linger_ms=1, snapshot_rows=50)
    client.restore(keys.checkpoint, 0, old, replace=True)
    with pytest.raises(CorruptStateError, match="put back to an older state"):
        run_worker(name)


def test_an_input_whose_ids_begin_anew_is_told_by_a_replay(client, name, make_rows, add_text, run_worker):
    X, y = make_rows(400)
    add_text(client, name, X[:100], y[:100])
    run_worker(name, linger_ms=1)
    client.delete(name)
    for i in range(200):  # denser IDs than before
        client.xadd(
            name, dict(zip("abc", map(str, X[i]), strict=True)) | {"label": int(y[i])}, id=f"{i // 2 + 1}-{i % 2}"
        )
    with pytest.raises(GapError, match="99 more than were read"):
        run_worker(name)


def test_info_of_groups_is_kept(client, name, make_rows, add_text, run_worker):
    add_text(client, name, *make_rows(100))
    run_worker(name, linger_ms=1)
    ((*_, group),) = [raw_command(client, "XINFO", "GROUPS", name)]
    fields = dict(zip(group[::2], group[1::2], strict=True))
    assert (fields[b"entries-read"], fields[b"lag"]) == (100, 0)


@pytest.mark.parametrize("length", [0, 30])
def test_a_start_in_the_future_is_waited_for(client, name, make_rows, add_text, run_worker, length):
    X, y = make_rows(60)
    add_text(client, name, X[:length], y[:length])
    run_worker(name, start="1000-5")
    run_worker(name, start="1000-5")
    add_text(client, name, X[length:], y[length:], first=1_001)
    run_worker(name, start="1000-5")
    assert Checkpoint.load(client, ShardKeys(name)).rows == 60 - length


def test_a_replay_under_other_formats_than_the_first_reading_is_refused(client, name, make_rows, add_text, run_worker):
    X, y = make_rows(300)
    add_text(client, name, X[:150], y[:150])
    run_worker(name, linger_ms=1)
    for i in range(150, 200):
        client.xadd(name, encode_row(X[i], y[i]), id=f"{i + 1}-0")
    run_worker(name, linger_ms=1, input_format=InputFormat.ROW)
    client.delete(ShardKeys(name).snapshot)
    with pytest.raises(CorruptStateError, match=r"has counted rows by class as .* formats were changed"):
        run_worker(name, linger_ms=1, input_format=InputFormat.ROW)


def test_a_replaced_input_that_was_passed_is_met_again_without_its_snapshot(
    client, name, make_rows, add_text, run_worker
):
    X, y = make_rows(300)
    add_text(client, name, X[:200], y[:200])
    run_worker(name, linger_ms=1)
    client.delete(name)
    add_text(client, name, X[200:250], y[200:250], first=500)
    run_worker(name, linger_ms=1, allow_gap=True)
    assert shard_status(client, ShardKeys(name))["lag"] == 0
    client.delete(ShardKeys(name).snapshot)
    add_text(client, name, X[250:], y[250:], first=600)
    with pytest.raises(GapError, match="must be replayed"):
        run_worker(name, linger_ms=1)


def test_a_burst_nearly_as_large_as_the_cap_is_followed_by_a_snapshot(client, name, make_rows, add_text, live):
    X, y = make_rows(1_800)
    keys = ShardKeys(name)
    running = live(linger_ms=1, snapshot_rows=10**9)
    for start in (0, 900):
        add_text(client, name, X[start : start + 900], y[start : start + 900], first=start + 1)
        client.xtrim(name, maxlen=1_000, approximate=False)
        running.read(start + 900)
    _await(lambda: int(client.hget(keys.snapshot, "entries") or 0) > 900)  # more would be lost with the next burst


def test_packed_output_behind_text_of_the_same_millisecond_says_what_to_do(client, name, make_rows, run_worker):
    X, y = make_rows(200)
    for i in range(200):
        if i == 100:
            run_worker(name, output_format=OutputFormat.TEXT)
        client.xadd(name, encode_row(X[i], y[i]), id=f"5-{i + 1}")
    with pytest.raises(ResamplerError, match="start again with --output-format text"):
        run_worker(name)
    run_worker(name, output_format=OutputFormat.TEXT)
    client.xadd(name, encode_row(X[0], y[0]), id="6-0")
    run_worker(name)
    assert Checkpoint.load(client, ShardKeys(name)).rows == 201
