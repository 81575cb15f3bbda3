"""Series of shards that move, of feeds and classes that go; what refusals, reconnections and clocks leave behind."""

import threading
import time
from types import SimpleNamespace

import pytest

from resampler.buffer import BufferStats
from resampler.online import OnlineStats
from stream import EmbeddedServer, Settings, Worker
from stream.metrics import Metrics, Refusal, ShardState
from stream.metrics.shard import MAX_FEATURES, MAX_FEEDS
from stream.redis.connection import connect
from stream.redis.keys import ShardKeys, shard_keys
from stream.shard import probe
from stream.worker.runner import ShardRunner

OF_NOW = {  # said by the owner alone
    "resampler_synthetic_ratio",
    "resampler_buffer_rows",
    "resampler_stream_lag_rows",
    "resampler_feed_lag_rows",
    "resampler_last_commit_timestamp_seconds",
    "resampler_dead_letter_entries",
    "resampler_paused",
    "resampler_idle",
    "resampler_class_target_ratio",
    "resampler_clock_skew_seconds",
}
COUNTED = {
    "resampler_rows_total",
    "resampler_samples_generated_total",
    "resampler_refused_commits_total",
    "resampler_commit_seconds_count",
    "resampler_batch_latency_seconds_bucket",
}


def _names(series):
    return {name for name, *_ in series}


def _rows(series):
    return sum(value for (name, *_), value in series.items() if name == "resampler_rows_total")


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(probe, "CHECK_S", 0.05)


def _states(found, name):
    return [found["resampler_shards", ("state", state), ("stream", name)] for state in ShardState]


def test_what_a_shard_is_now_moves_with_it_and_what_was_counted_stays(
    server, client, name, schema, serving, wait_for, make_rows, add_text, shown, exported, quick
):
    shards = [keys.input for keys in shard_keys(name, 2)]
    for keys in shard_keys(name, 2):
        add_text(client, keys.input, *make_rows(300))
        client.hset(keys.feeds, "trainer", "3-0 100")
    settings = Settings(schema, ratio=0.5, lease_ttl_ms=500)
    first = serving(server.url, name, settings, shards=2)
    wait_for(lambda: all(_names(shown(first, shard)) >= OF_NOW | COUNTED for shard in shards))
    wait_for(lambda: all(_rows(shown(first, shard)) == 300 for shard in shards))  # so that nothing is counted later
    before = {shard: shown(first, shard) for shard in shards}
    second = serving(server.url, name, settings, shards=2)
    wait_for(lambda: (first.owned, second.owned) == (1, 1))
    wait_for(lambda: sum(shown(first, shard)["resampler_shard_owned",] for shard in shards) == 1)
    (given,) = (shard for shard in shards if not shown(first, shard)["resampler_shard_owned",])
    wait_for(lambda: _names(shown(second, given)) >= OF_NOW)
    wait_for(lambda: not OF_NOW & _names(shown(first, given)))
    left = shown(first, given)
    counted = {key: value for key, value in before[given].items() if key[0] in COUNTED}
    assert counted.items() <= left.items()
    assert shown(second, given)["resampler_rows_total", "0"] == 0  # of the same class, and none of them its own
    wait_for(lambda: _states(exported(first), name) == _states(exported(second), name) == [1, 1, 0, 0])
    second.stop()
    add_text(client, given, *make_rows(50, seed=1), first=301)
    wait_for(lambda: first.owned == 2)
    wait_for(lambda: shown(first, given)["resampler_rows_total", "0"] > counted["resampler_rows_total", "0"])
    wait_for(lambda: _names(shown(first, given)) >= OF_NOW)


def test_the_lag_of_feeds(server, client, name, schema, serving, wait_for, make_rows, add_text, shown, quick, caplog):
    keys = ShardKeys(name)
    add_text(client, name, *make_rows(100))
    client.hset(keys.feeds, mapping={"fast": "100-0 1000000", "slow": "2-0 30", "odd": "junk"})
    worker = serving(server.url, name, Settings(schema, linger_ms=1))

    def lags():
        series = shown(worker, name).items()
        return {feed[0]: rows for (metric, *feed), rows in series if metric == "resampler_feed_lag_rows"}

    wait_for(lambda: int(client.hget(keys.checkpoint, "rows") or 0) == 100)
    emitted = int(client.hget(keys.checkpoint, "emitted"))
    wait_for(lambda: set(lags().values()) == {0, emitted - 30, emitted})
    client.hdel(keys.feeds, "fast", "odd")
    wait_for(lambda: list(lags().values()) == [emitted - 30])
    client.hset(keys.feeds, mapping={f"feed {i:03}": "1-0 1" for i in range(MAX_FEEDS)})
    wait_for(lambda: len(lags()) == MAX_FEEDS)
    time.sleep(0.2)
    assert caplog.text.count(f"{MAX_FEEDS + 1} feeds, of which the first {MAX_FEEDS}") == 1
    assert worker.healthy


@pytest.mark.parametrize(("taken_by", "state"), [("another", ShardState.ELSEWHERE), (None, ShardState.UNKNOWN)])
def test_a_shard_that_was_taken_away_is_not_without_an_owner(
    server, client, name, schema, serving, wait_for, make_rows, add_text, monkeypatch, taken_by, state
):
    keys, seen = ShardKeys(name), []
    wait_out = ShardRunner._wait_out

    def look_and_wait(runner, words):
        seen.append(runner.state)
        wait_out(runner, words)

    monkeypatch.setattr(ShardRunner, "_wait_out", look_and_wait)
    worker = serving(server.url, name, Settings(schema, linger_ms=1))
    wait_for(lambda: worker.owned)
    if taken_by:
        client.hset(keys.checkpoint, "holder", "99 another")
    else:  # the server went back to an older state
        client.hset(keys.checkpoint, "cursor", "0-1")
    add_text(client, name, *make_rows(50))
    wait_for(lambda: seen)
    assert set(seen) == {state}


def test_classes_that_leave_and_features_beyond_the_limit(exported, caplog):
    metrics = Metrics("fraud")
    shard = metrics.shard("fraud")
    shard.owned(True)
    worker = SimpleNamespace(metrics=metrics)

    def labels(metric):
        return sorted(
            dict(given).get("class") or dict(given)["feature"]
            for name, *given in exported(worker)
            if name == f"resampler_{metric}"
        )

    for classes in ((0, 1, 2), (0, 2)):
        counts = dict.fromkeys(classes, 50)
        shard.restored(OnlineStats(counts, counts, counts, counts), 1.0)
        stats = BufferStats(*([0] * len(BufferStats._fields)))._replace(recall=0.5, neighbor_distance=2.0)
        shard.measured(dict.fromkeys(classes, stats))
        for metric in ("buffer_rows", "buffer_recall", "neighbor_distance"):
            assert labels(metric) == [str(label) for label in classes]
    assert labels("rows_total") == ["0", "1", "2"]
    for _ in range(2):
        shard.counted(1, 100, {f"f{i:03}": (0.1, i / 200) for i in range(MAX_FEATURES + 1)})
    assert caplog.text.count(f"{MAX_FEATURES + 1} features, of which the first {MAX_FEATURES}") == 1
    assert labels("drift_distance") == labels("drift_stability_index") == [f"f{i:03}" for i in range(MAX_FEATURES)]
    found = exported(worker)
    assert found["resampler_drift_distance_max", ("shard", "fraud"), ("stream", "fraud")] == MAX_FEATURES / 200


def test_the_clock_of_the_worker_against_the_servers(
    server, name, schema, serving, wait_for, shown, quick, monkeypatch
):
    worker = serving(server.url, name, Settings(schema))

    def skew():
        return shown(worker, name).get(("resampler_clock_skew_seconds",))

    wait_for(lambda: skew() is not None)
    assert abs(skew()) < 1
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() - 5)
    wait_for(lambda: abs(skew() + 5) < 1)  # the worker's less the server's


def _refused(found, reason):
    return found["resampler_refused_commits_total", reason]


def test_a_lease_that_cannot_be_kept_is_a_refusal_though_nothing_comes_to_be_committed(
    schema, serving, wait_for, shown
):
    """A server that takes no writes takes none of producers either: nothing else would say so."""
    with EmbeddedServer() as server, connect(server.url) as client:
        worker = serving(server.url, "fraud", Settings(schema, lease_ttl_ms=600))
        wait_for(lambda: worker.owned)
        client.replicaof("127.0.0.1", 1)
        wait_for(lambda: _refused(shown(worker, "fraud"), Refusal.READONLY) > 2)
        client.replicaof("no", "one")
        worker.stop()


def test_a_server_that_is_full_or_a_replica_is_there_and_refuses(
    schema, serving, wait_for, make_rows, add_text, shown, exported
):
    with EmbeddedServer() as server, connect(server.url) as client:
        worker = serving(server.url, "fraud", Settings(schema, lease_ttl_ms=500))
        wait_for(lambda: worker.owned)
        add_text(client, "fraud", *make_rows(50))
        wait_for(lambda: shown(worker, "fraud").get(("resampler_rows_total", "0"), 0) > 30)
        for refusal, break_, mend in (
            (Refusal.FULL, lambda: client.config_set("maxmemory", 1), lambda: client.config_set("maxmemory", 0)),
            (Refusal.READONLY, lambda: client.replicaof("127.0.0.1", 1), lambda: client.replicaof("no", "one")),
        ):
            broken_s = time.time()
            break_()
            client.client_kill_filter(_type="normal", skipme=True)  # the lease has to be taken again
            wait_for(lambda refusal=refusal: _refused(shown(worker, "fraud"), refusal) >= 3)
            found = shown(worker, "fraud")
            assert found["resampler_server_up",] == 1
            assert "resampler_stream_lag_rows" not in _names(found)  # nobody measures it
            mend()
            wait_for(lambda: worker.owned)
            # Of the last commit, not of when the shard was taken again.
            assert shown(worker, "fraud")["resampler_last_commit_timestamp_seconds",] < broken_s
        assert _states(exported(worker), "fraud") == [1, 0, 0, 0]
        worker.stop()


def test_a_server_that_is_gone(schema, serving, wait_for, make_rows, add_text, shown, exported):
    with EmbeddedServer() as server:
        worker = serving(server.url, "fraud", Settings(schema))
        wait_for(lambda: worker.owned)
        wait_for(lambda: shown(worker, "fraud")["resampler_server_up",] == 1)
        assert shown(worker, "fraud")["resampler_reconnects_total",] == 0
        server.kill()
        wait_for(lambda: shown(worker, "fraud")["resampler_reconnects_total",] >= 2)
        wait_for(lambda: shown(worker, "fraud")["resampler_server_up",] == 0)
        wait_for(lambda: not OF_NOW & _names(shown(worker, "fraud")))
        found = shown(worker, "fraud")
        assert not any(_refused(found, refusal) for refusal in Refusal)
        wait_for(lambda: _states(exported(worker), "fraud") == [0, 0, 0, 1])
        server.restart()
        wait_for(lambda: worker.owned)
        wait_for(lambda: shown(worker, "fraud")["resampler_server_up",] == 1)
        worker.stop()


def test_a_server_that_has_never_been_there(schema, name, serving, wait_for, shown):
    worker = serving("unix:///nowhere/redis.sock", name, Settings(schema))
    wait_for(lambda: shown(worker, name)["resampler_reconnects_total",] >= 2)
    wait_for(lambda: shown(worker, name)["resampler_server_up",] == 0)


@pytest.mark.parametrize(
    ("refusal", "spoil"),
    [
        (Refusal.MOVED, lambda client, keys: client.hset(keys.checkpoint, "holder", "another")),
        (Refusal.GAP, lambda *_: None),
        (Refusal.TYPE, lambda client, keys: client.set(keys.dead, "mine")),
        (Refusal.OTHER, lambda client, keys: client.xadd(keys.output, {"a": "b"}, id="999999-0")),
    ],
)
def test_why_a_commit_was_refused(server, client, name, schema, wait_for, make_rows, add_text, shown, refusal, spoil):
    """One that no later attempt can bring through ends the worker, and is counted before."""
    keys = ShardKeys(name)
    worker = Worker(server.url, name, Settings(schema), until_idle_s=None)
    ended = []

    def run():
        try:
            worker.run()
        except Exception as error:
            ended.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        wait_for(lambda: worker.owned)
        add_text(client, name, *make_rows(20))
        wait_for(lambda: shown(worker, name).get(("resampler_rows_total", "0"), 0) > 10)
        spoil(client, keys)
        if refusal == Refusal.GAP:
            with client.pipeline(transaction=True) as pipe:  # in one step: rows, all but one of which nobody can read
                for i in range(20):
                    pipe.xadd(name, {"a": 1, "b": 2, "c": 3, "label": 0}, id=f"{21 + i}-0")
                pipe.xtrim(name, maxlen=1, approximate=False)
                pipe.execute()
        else:
            add_text(client, name, *make_rows(20), first=21)
        wait_for(lambda: _refused(shown(worker, name), refusal) >= 1 or ended)
        assert _refused(shown(worker, name), refusal) == 1
    finally:
        worker.stop()
        thread.join()
