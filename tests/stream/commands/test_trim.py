"""`resampler stream trim` takes away nothing that a feed, a replay or somebody else's group still needs."""

import itertools
import json

import pyarrow.parquet as pq
import pytest

from resampler.errors import ResamplerError
from stream import Feed
from stream.commands.export import export_parquet
from stream.commands.trim import trim_shards
from stream.redis.connection import raw_command
from stream.redis.keys import ShardKeys
from stream.shard.checkpoint import Checkpoint

OPTIONS = {"linger_ms": 1, "snapshot_rows": 40}


@pytest.fixture
def keys(name):
    return ShardKeys(name)


@pytest.fixture
def filled(client, name, make_rows, add_text, run_worker):
    add_text(client, name, *make_rows(300))
    run_worker(name, **OPTIONS)
    return name


@pytest.fixture
def trim(client, keys):
    def run(**options):
        return {one.key: one for one in trim_shards([(client, keys)], **options)}

    return run


def _consume(server, name, feed_name, n, *, commit=True):
    with Feed(server.url, name, name=feed_name, idle_s=0.01) as feed:
        batches = list(itertools.islice(iter(feed), n))
        if commit:
            feed.commit()
        return batches, feed.cursors


def _ids(client, key):
    return [entry_id.decode() for entry_id, _ in raw_command(client, "XRANGE", key, "-", "+")]


def test_the_slowest_feed_and_the_snapshot_decide(client, server, filled, keys, trim, read_raw):
    _, slow = _consume(server, filled, "slow", 60)
    _consume(server, filled, "fast", 200)
    before = _ids(client, keys.output)
    whole = [batch.row_id.tolist() for batch in _consume(server, filled, "watcher", 1_000, commit=False)[0]]
    found = trim()
    place, snapshot = slow[keys.input], client.hget(keys.snapshot, "cursor").decode()
    assert found[keys.output][1:3] == (59, place)
    assert found[keys.output].because.startswith("feed 'slow' has committed no more")
    assert found[keys.input][2:] == (snapshot, "a restart replays the input from the saved state on")
    assert _ids(client, keys.output) == before[59:]
    assert _ids(client, keys.input)[0] == snapshot
    assert found[keys.input].entries > 200
    rest, _ = _consume(server, filled, "slow", 1_000)
    assert [batch.row_id.tolist() for batch in rest] == whole[60:]
    assert trim()[keys.output].entries == 200 - 60


def test_a_worker_goes_on_behind_it_to_the_byte(client, server, name, make_rows, add_text, run_worker, read_raw):
    X, y = make_rows(400)
    for stream in (f"{name}-trimmed", f"{name}-whole"):
        for start in (0, 200):
            add_text(client, stream, X[start : start + 200], y[start : start + 200], first=start + 1)
            run_worker(stream, **OPTIONS)
            if stream.endswith("trimmed"):
                _consume(server, stream, "trainer", 1_000)
                assert all(one.entries for one in trim_shards([(client, ShardKeys(stream))]))
    trimmed, whole = read_raw(client, f"{name}-trimmed")[0], read_raw(client, f"{name}-whole")[0]
    assert 0 < len(trimmed) < len(whole)
    assert trimmed == whole[-len(trimmed) :]


def test_without_a_feed_it_takes_an_explicit_word(client, filled, keys, trim):
    length = client.xlen(keys.output)
    kept = trim()[keys.output]
    assert kept[1:3] == (0, "")
    assert "--without-feeds" in kept.because
    assert client.xlen(keys.output) == length
    newest = _ids(client, keys.output)[-1]
    assert trim(without_feeds=True)[keys.output][1:] == (length - 1, newest, "it is the newest entry")


def test_with_a_feed_the_word_changes_nothing(client, server, filled, keys, trim):
    _, cursors = _consume(server, filled, "trainer", 10)
    assert trim(without_feeds=True)[keys.output][1:3] == (9, cursors[keys.input])
    client.hset(keys.feeds, "odd", "no place")
    found = trim(without_feeds=True)[keys.output]
    assert found[1:3] == (0, "0-0")
    assert f"HDEL {keys.feeds} odd" in found.because


def test_without_a_snapshot_the_input_is_kept(client, name, keys, trim, make_rows, add_text, run_worker):
    add_text(client, name, *make_rows(50))
    run_worker(name)
    found = trim()[keys.input]
    assert found[1:3] == (0, "")
    assert "there is no saved state yet" in found.because
    assert client.xlen(name) == 50


@pytest.mark.parametrize("side", ["input", "output"])
def test_groups_of_others_are_readers_too(client, server, filled, keys, trim, side):
    key = getattr(keys, side)
    _consume(server, filled, "trainer", 1_000)
    ids = _ids(client, key)
    client.xgroup_create(key, "auditors", id="0")
    assert trim()[key].entries == 0
    client.xreadgroup("auditors", "one", {key: ">"}, count=30)
    assert trim()[key][1:3] == (0, ids[0])  # nothing is acknowledged
    client.xack(key, "auditors", *ids[:20], *ids[21:30])
    assert trim()[key][1:3] == (20, ids[20])
    client.xack(key, "auditors", ids[20])
    found = trim()[key]
    assert found[1:3] == (9, ids[29])
    assert "consumer group 'auditors'" in found.because


def test_ids_are_compared_as_numbers_of_64_bits(client, keys, trim):
    first, second, third = f"9-{2**53 + 1}", f"10-{2**63 + 1}", f"10-{2**63 + 2}"
    for entry_id in (first, second, third):
        client.xadd(keys.output, {"x": 1}, id=entry_id)
    client.hset(keys.feeds, mapping={"a": f"{third} 3", "b": f"{second} 2 at-least"})
    assert trim()[keys.output][1:3] == (1, second)
    client.hset(keys.feeds, "b", f"{2**64 - 1}-0 9")  # a place beyond the end keeps the newest entry
    client.hset(keys.feeds, "a", f"{2**64 - 1}-1 9")
    assert trim()[keys.output][1:3] == (1, third)


def test_a_stream_that_is_not_there_is_named(client, keys):
    with pytest.raises(ResamplerError, match=f"stream '{keys.input}' does not exist"):
        trim_shards([(client, keys)])


def test_the_command(client, server, filled, keys, start_cli):
    _consume(server, filled, "trainer", 50)
    process = start_cli("trim", "--stream", filled, "--json")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    report = json.loads(out)
    assert report["stream"] == filled
    assert [(one["key"], one["entries"] > 0) for one in report["trimmed"]] == [(keys.input, True), (keys.output, True)]
    process = start_cli("trim", "--stream", filled)
    out, _ = process.communicate(timeout=60)
    assert f"{keys.output}: 0 entries trimmed; kept from" in out
    assert "feed 'trainer'" in out


def test_an_export_says_what_it_lacks(client, server, filled, keys, trim, tmp_path):
    _consume(server, filled, "trainer", 50)
    trim()
    rows, missing = export_parquet([(client, keys)], tmp_path / "x.parquet")
    assert missing > 0
    assert rows + missing == Checkpoint.load(client, keys).emitted
    assert pq.read_metadata(tmp_path / "x.parquet").num_rows == rows
