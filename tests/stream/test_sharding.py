"""The number of shards: stored once, and any other number is refused by everybody."""

import json
import threading

import pytest

from resampler.errors import CorruptStateError, InvalidInputError
from stream import EmbeddedServer, Feed, Settings, Worker
from stream.redis.connection import connect
from stream.redis.keys import ShardKeys, shard_keys, shards_key
from stream.shard.checkpoint import Checkpoint
from stream.sharding import open_stream, require_shards


@pytest.fixture
def three(client, name, make_rows, add_text, run_worker):
    for i, keys in enumerate(shard_keys(name, 3)):
        add_text(client, keys.input, *make_rows(100, seed=i))
    run_worker(name, shards=3)
    return name


@pytest.mark.parametrize("told", [1, 2, 4])
def test_a_worker_is_refused(client, three, run_worker, told):
    assert client.get(shards_key(three)) == b"3"
    with pytest.raises(InvalidInputError, match=rf"has 3 shards, got {told}: pass 3; .*docs/streaming\.md"):
        run_worker(three, shards=told)
    run_worker(three, shards=3)
    assert client.get(shards_key(three)) == b"3"
    assert not client.exists(ShardKeys(three).checkpoint, ShardKeys(f"{three}.3").checkpoint)


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--label", "label", "--features", "a,b,c", "--metrics-port", "0", "--until-idle", "0.1"),
        ("run", "--label", "label", "--features", "a,b,c", "--dry-run"),
        ("status",),
        ("export", "--to", "x.parquet"),
        ("dead-letters",),
        ("dead-letters", "--resubmit", "all"),
        ("forget", "--row-id", "5-0"),
    ],
)
def test_every_command_is_refused(three, start_cli, arguments):
    process = start_cli(*arguments, "--stream", three, "--shards", 2)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    assert f"stream '{three}' has 3 shards, got 2: pass 3" in err
    assert "Traceback" not in err


def test_a_feed_is_refused(server, three):
    with pytest.raises(InvalidInputError, match="has 3 shards, got 2"):
        Feed(server.url, three, shards=2)
    with Feed(server.url, three, shards=3, only=(1,), idle_s=0.01) as feed:
        assert list(feed.cursors) == [f"{three}.1"]
        assert sum(len(batch) for batch in feed) >= 100


def test_status_says_the_same_of_all_shards(three, start_cli):
    out, _ = start_cli("status", "--stream", three, "--shards", 3, "--json").communicate(timeout=60)
    assert (json.loads(out)["rows"], json.loads(out)["lag"]) == (300, 0)


@pytest.mark.parametrize(("begun", "told"), [(3, 2), (3, 1), (3, 4), (1, 2), (2, 1)])
def test_a_stream_begun_before_the_number_was_stored_is_told_by_its_checkpoints(
    server, client, name, make_rows, add_text, run_worker, begun, told
):
    for keys in shard_keys(name, begun):
        add_text(client, keys.input, *make_rows(20))
    run_worker(name, shards=begun)
    client.delete(shards_key(name))
    for refused in (
        lambda: run_worker(name, shards=told),
        lambda: Feed(server.url, name, shards=told),
        lambda: open_stream(server.url, name, told),
    ):
        with pytest.raises(InvalidInputError, match=f"has checkpoints of .*, got {told}: pass the number"):
            refused()
    assert not client.exists(shards_key(name))
    run_worker(name, shards=begun)
    assert client.get(shards_key(name)) == str(begun).encode()


def test_a_stream_whose_last_shards_nobody_began_goes_on(client, name, make_rows, add_text, run_worker):
    for keys in shard_keys(name, 4):
        add_text(client, keys.input, *make_rows(20))
    run_worker(name, shards=4)
    client.delete(shards_key(name), *(key for i in (2, 3) for key in _beside(name, i)))
    run_worker(name, shards=4)
    assert [Checkpoint.load(client, keys).rows for keys in shard_keys(name, 4)] == [20] * 4


def test_a_stream_that_is_called_like_a_shard_is_a_stream_of_its_own(client, name, make_rows, add_text, run_worker):
    for stream in (f"{name}.0", name):
        add_text(client, stream, *make_rows(20))
        run_worker(stream)
    assert Checkpoint.load(client, ShardKeys(name)).rows == 20


def _beside(name, shard):
    keys = ShardKeys(f"{name}.{shard}")
    return keys.checkpoint, keys.output, keys.snapshot


def test_of_two_first_workers_one_is_refused(server, name, schema):
    errors = []

    def work(shards):
        try:
            Worker(server.url, name, Settings(schema), shards=shards, until_idle_s=0.2).run()
        except InvalidInputError as error:
            errors.append(str(error))

    threads = [threading.Thread(target=work, args=(shards,)) for shards in (2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(errors) == 1
    assert "shards, got" in errors[0]


@pytest.mark.parametrize("command", [("SET", "x"), ("SET", "0"), ("SET", ""), ("SADD", "3")])
def test_a_number_that_is_none_is_named(server, client, name, command):
    client.execute_command(command[0], shards_key(name), command[1])
    with pytest.raises(CorruptStateError, match=rf"key '{shards_key(name)}' must hold the stream's number of shards"):
        require_shards(server.url, name, 1)


def test_who_only_looks_stores_nothing(server, client, name):
    open_stream(server.url, name, 3)
    assert not client.exists(shards_key(name))


def test_in_a_cluster_the_number_has_a_slot_of_its_own(schema, make_rows, add_text, free_port, wait_for):
    options = ("--port", str(free_port), "--bind", "127.0.0.1", "--cluster-enabled", "yes")
    with EmbeddedServer(options=options) as server, connect(server.url) as client:
        client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16_383)
        wait_for(lambda: b"cluster_state:ok" in client.execute_command("CLUSTER", "INFO"))
        url = f"redis+cluster://127.0.0.1:{free_port}"
        for keys in shard_keys("fraud", 2):
            add_text(client, keys.input, *make_rows(20))
        Worker(url, "fraud", Settings(schema), shards=2, until_idle_s=0.2).run()
        with pytest.raises(InvalidInputError, match="has 2 shards, got 3"):
            Feed(url, "fraud", shards=3)
        client.delete(shards_key("fraud"))
        with pytest.raises(InvalidInputError, match="has checkpoints of 2 shards, got 3"):
            Worker(url, "fraud", Settings(schema), shards=3, until_idle_s=0.2).run()
