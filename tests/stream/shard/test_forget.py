"""What was forgotten stays forgotten, through every way in which a shard's state is restored."""

import json

import pytest

from resampler import MicroBatch
from stream import Feed, Settings
from stream.formats import InputFormat, OutputFormat
from stream.formats.identity import encode
from stream.redis.keys import ShardKeys, shard_keys
from stream.shard.forget import is_reached, read_forgotten, request_forget, request_member, row_id_of


def _minority_ids(y, stop):
    return [f"{i + 1}-0" for i in range(stop) if y[i] == 1]


@pytest.fixture
def forget_midway(client, make_rows, add_text, run_worker):
    """Read 300 rows, forget some of the minority, read 300 more, and again."""

    def run(name, **parameters):
        X, y = make_rows(900, minority=0.3)
        keys = ShardKeys(name)
        gone = []
        for start in (0, 300, 600):
            add_text(client, name, X[start : start + 300], y[start : start + 300], first=start + 1)
            run_worker(name, linger_ms=1, **parameters)
            ids = _minority_ids(y, start + 300)[:: 3 + start // 300]
            gone.append([encode(entry_id) for entry_id in ids])
            assert request_forget([(client, keys)], [request_member(entry_id) for entry_id in ids], 0).pending == len(
                ids
            )
            run_worker(name, linger_ms=1, **parameters)
        return gone

    return run


@pytest.mark.parametrize("snapshot_rows", [120, 10**9])
def test_deleting_the_snapshot_does_not_bring_forgotten_rows_back(
    server, client, name, make_rows, add_text, run_worker, read_raw, forget_midway, snapshot_rows
):
    gone = forget_midway(name, snapshot_rows=snapshot_rows)
    forget_midway(f"{name}-kept", snapshot_rows=snapshot_rows)
    assert read_raw(client, name) == read_raw(client, f"{name}-kept")
    client.delete(ShardKeys(name).snapshot)  # the documented remedy for a damaged one
    X, y = make_rows(400, seed=1, minority=0.3)
    for stream in (name, f"{name}-kept"):
        add_text(client, stream, X, y, first=901)
        run_worker(stream, linger_ms=1)
    assert read_raw(client, name) == read_raw(client, f"{name}-kept")  # the state that wrote the output
    with Feed(server.url, name, idle_s=0.01) as feed:
        batch = MicroBatch.concat(list(feed))
    later = batch.row_id.tolist().index(encode("901-0"))
    parents = {*batch.base_id[later:].tolist(), *batch.neighbor_id[later:].tolist()}
    assert parents > {-1}
    assert not parents & {row_id for ids in gone for row_id in ids}


def test_what_was_forgotten_is_recorded_with_its_cursor(client, name, forget_midway):
    gone = forget_midway(name)
    records = list(read_forgotten(client, ShardKeys(name), "0-0", "900-0"))
    assert [record.cursor for record in records] == ["300-0", "600-0", "900-0"]
    assert [sorted(record.held) for record in records] == [sorted(ids) for ids in gone]
    assert [r.cursor for r in read_forgotten(client, ShardKeys(name), "300-0", "600-0")] == ["600-0"]


@pytest.mark.parametrize("text", ["5-0", "5-700:3", "5-700000:3", f"{2**43}-5", "5-1000000"])
def test_a_request_waits_until_its_row_is_read(text):
    member = request_member(text)
    assert row_id_of(member) == encode(text)
    ms, _, seq = text.partition(":")[0].partition("-")
    assert not is_reached(member, f"{int(ms) - 1}-99")
    assert is_reached(member, f"{ms}-{seq}")


def test_a_row_that_is_not_read_yet_never_enters(server, client, name, make_rows, add_text, run_worker):
    X, y = make_rows(100, minority=0.5)
    add_text(client, name, X, y)
    for i in range(20):  # IDs whose row ids are hashes: sequence numbers beyond 19 bits
        fields = dict(zip("abc", map(str, X[i]), strict=True)) | {"label": 1}
        client.xadd(name, fields, id=f"200-{2**20 + i}")
    request_forget([(client, ShardKeys(name))], [request_member(f"200-{2**20 + i}") for i in range(20)], 0)
    run_worker(name, linger_ms=1)
    add_text(client, name, *make_rows(200, seed=2, minority=0.3), first=300)
    run_worker(name, linger_ms=1)
    with Feed(server.url, name, idle_s=0.01) as feed:
        batch = MicroBatch.concat(list(feed))
    later = batch.row_id.tolist().index(encode("300-0"))
    assert not {*batch.base_id[later:].tolist()} & {encode(f"200-{2**20 + i}") for i in range(20)}
    assert not client.exists(ShardKeys(name).forget)


def test_forget_names_the_shard(client, name, make_rows, add_text, run_worker, start_cli):
    for keys in shard_keys(name, 2):
        add_text(client, keys.input, *make_rows(50))
    run_worker(name, shards=2)
    common = ("--stream", name, "--shards", 2, "--row-id", "7-0", "--json")
    out, err = start_cli("forget", *common).communicate()
    assert "row ids are not unique across shards: asked of all 2" in err
    assert json.loads(out)["shards"] == [f"{name}.0", f"{name}.1"]
    run_worker(name, shards=2)
    out, err = start_cli("forget", *common, "--shard", 1).communicate()
    assert (json.loads(out)["shards"], err) == ([f"{name}.1"], "")
    assert [client.scard(keys.forget) for keys in shard_keys(name, 2)] == [0, 1]
    process = start_cli("forget", *common, "--shard", 2)
    assert "--shard must be below --shards 2" in process.communicate()[1]
    assert process.returncode == 2


@pytest.mark.parametrize("restart", ["formats", "same"])
def test_a_replay_reads_entries_as_they_were_read_first(
    client, name, make_rows, add_text, run_worker, read_raw, restart
):
    """Formats may change between two lives; what the first life rejected must not come in by a replay."""
    X, y = make_rows(300, minority=0.3)
    for stream in (name, f"{name}-once"):
        add_text(client, stream, X[:200], y[:200])
        for i in range(20):
            fields = dict(zip("abc", map(str, X[i]), strict=True)) | {"label": 1}
            client.xadd(stream, fields, id=f"201-{2**44 + i}")  # cannot be written as text
        for i in range(20):
            client.xadd(stream, {"json": '{"a": 1, "b": 2, "c": 3, "label": 1}'}, id=f"202-{i}")  # not text
        text = {"input_format": InputFormat.TEXT, "output_format": OutputFormat.TEXT, "linger_ms": 1}
        run_worker(stream, **text)
        assert client.xlen(ShardKeys(stream).dead) == 40
    if restart == "formats":
        run_worker(name)  # replays, and then reads as it is told
        client.delete(ShardKeys(f"{name}-once").snapshot)
    add_text(client, name, X[200:], y[200:], first=300)
    add_text(client, f"{name}-once", X[200:], y[200:], first=300)
    run_worker(name, **text)
    run_worker(f"{name}-once", **text)
    assert read_raw(client, name) == read_raw(client, f"{name}-once")


@pytest.mark.parametrize("held_back", [False, True])
def test_a_quiet_stream_and_one_that_is_held_back_forget_too(
    client, name, schema, make_rows, add_text, serving, server, wait_for, held_back
):
    X, y = make_rows(200, minority=0.3)
    keys = ShardKeys(name)
    add_text(client, name, X, y)
    if held_back:
        client.hset(keys.feeds, "slow", "0-0 0")
    serving(server.url, name, Settings(schema, linger_ms=1, max_lag_rows=1 if held_back else None))
    wait_for(lambda: int(client.hget(keys.checkpoint, "rows") or 0) >= (5 if held_back else 199))
    row_id = _minority_ids(y, int(client.hget(keys.checkpoint, "rows")))[0]
    assert request_forget([(client, keys)], [request_member(row_id)], 60) == (0, 1)
    assert request_forget([(client, keys)], [request_member("1-77")], 60) == (0, 0)  # there was no such row
