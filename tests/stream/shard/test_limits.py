"""What is too large for the server is refused with a word, or written in parts."""

import numpy as np
import pytest

from resampler import FeatureSchema, MicroBatch
from resampler.errors import InvalidInputError, ResamplerError
from stream import EmbeddedServer, Feed, Settings, Worker, encode_batch
from stream.commands.deadletters import read_letters
from stream.formats import OutputFormat
from stream.formats import limits as entry_limits
from stream.redis.connection import connect
from stream.redis.keys import ShardKeys
from stream.shard import admission, limits, savedstate
from stream.shard.checkpoint import Checkpoint
from stream.shard.commit import Commit, Committer
from stream.shard.lease import Lease
from stream.shard.limits import ServerLimits
from stream.shard.savedstate import add_saved_state, load_saved_state


def test_settings_that_can_reach_too_much_are_refused_at_the_start():
    wide = FeatureSchema.numeric([f"f{i}" for i in range(768)])
    assert Settings(wide).output_size.entry_rows == (256 << 20) // (17 * (4 * 768 + 37))
    with pytest.raises(
        InvalidInputError, match=r"batch_rows=6000 input rows with up to 16 .* lower batch_rows to 5078"
    ):
        Settings(wide, batch_rows=6_000)
    with pytest.raises(InvalidInputError, match="lower batch_rows"):
        Settings(FeatureSchema.numeric(["a"]), burst=10**7, window=10**7)
    Settings(FeatureSchema.numeric(["a"]), burst=10**7)  # no row is owed more than a window holds


@pytest.mark.parametrize("output_format", OutputFormat)
def test_output_is_split_over_commits_and_changes_no_byte(
    client, name, make_rows, add_text, run_worker, read_raw, monkeypatch, output_format
):
    X, y = make_rows(2_000, minority=0.3)
    for stream in (name, f"{name}-whole"):
        add_text(client, stream, X, y)
    run_worker(f"{name}-whole", linger_ms=1, output_format=output_format, batch_rows=7)
    monkeypatch.setattr(limits, "COMMIT_BYTES", 60_000)
    commits = []
    send = Committer.send
    monkeypatch.setattr(Committer, "send", lambda self, commit: (commits.append(commit), send(self, commit))[1])
    worker = run_worker(name, linger_ms=1, output_format=output_format, batch_rows=7)
    most = max(7, 60_000 // worker.settings.output_size.bytes_behind_row(output_format))
    assert most < 200
    assert max(np.diff([0, *(commit.entries for commit in commits)])) <= most
    assert read_raw(client, name) == read_raw(client, f"{name}-whole")


def test_an_entry_whose_output_could_not_be_written_is_a_dead_letter(
    server, client, name, make_rows, run_worker, monkeypatch
):
    X, y = make_rows(500)
    monkeypatch.setattr(entry_limits, "ENTRY_BYTES", 300 * 17 * 49)
    client.xadd(name, encode_batch(X[:300], y[:300]), id="1-0")
    client.xadd(name, encode_batch(X[:301], y[:301]), id="2-0")
    client.xadd(name, encode_batch(X[300:], y[300:]), id="3-0")
    run_worker(name)
    with Feed(server.url, name, idle_s=0.01) as feed:
        batch = MicroBatch.concat(list(feed))
    np.testing.assert_array_equal(batch.X[~batch.is_synthetic], X)
    (dead,) = read_letters(client, ShardKeys(name))
    assert (dead.id, dead.reason, dead.rows) == ("2-0", "too_long", 301)
    assert "must hold at most 300 rows, got 301" in dead.detail


def test_text_output_numbers_rows_within_its_bits(client, name, make_rows, run_worker, monkeypatch):
    X, y = make_rows(200)
    monkeypatch.setattr(admission, "ROW_NUMBERS", 100 * 17)
    client.xadd(name, encode_batch(X[:100], y[:100]), id="1-0")
    client.xadd(name, encode_batch(X[:101], y[:101]), id="2-0")
    client.xadd(name, encode_batch(X[:5], y[:5]), id=f"3-{2**44 - 1}")
    client.xadd(name, encode_batch(X[:5], y[:5]), id=f"3-{2**44}")
    run_worker(name, output_format=OutputFormat.TEXT)
    letters = {dead.id: dead.reason for dead in read_letters(client, ShardKeys(name))}
    assert letters == {"2-0": "too_long", f"3-{2**44}": "out_of_range"}
    assert Checkpoint.load(client, ShardKeys(name)).rows == 105


def test_dead_letters_are_split_over_commits_too(client, name, make_rows, add_text, run_worker, monkeypatch):
    for i in range(100):
        client.xadd(name, {"junk": "x" * 1_000}, id=f"{i + 1}-0")
    monkeypatch.setattr(limits, "COMMIT_BYTES", 20_000)
    commits = []
    send = Committer.send
    monkeypatch.setattr(Committer, "send", lambda self, commit: (commits.append(commit), send(self, commit))[1])
    run_worker(name, linger_ms=1)
    assert client.xlen(ShardKeys(name).dead) == 100
    assert max(len(commit.dead_letters) for commit in commits) < 20


@pytest.mark.parametrize("size", [1 << 10, 1 << 26])
def test_a_large_snapshot_is_written_in_parts(
    client, name, make_rows, add_text, run_worker, read_raw, monkeypatch, size
):
    monkeypatch.setattr(savedstate, "PART_BYTES", size)
    X, y = make_rows(900, minority=0.4)
    for start in range(0, 900, 300):
        add_text(client, name, X[start : start + 300], y[start : start + 300], first=start + 1)
        run_worker(name, linger_ms=1, snapshot_rows=100)
    keys = ShardKeys(name)
    fields = client.hgetall(keys.snapshot)
    assert (b"state" in fields) == (size == 1 << 26)
    assert (int(fields.get(b"parts", 0)) > 5) == (size == 1 << 10)
    assert not client.exists(keys.staged)
    add_text(client, f"{name}-whole", X, y)
    run_worker(f"{name}-whole", linger_ms=1)
    assert read_raw(client, name) == read_raw(client, f"{name}-whole")
    monkeypatch.setattr(savedstate, "PART_BYTES", 1 << 26)  # a later release with other parts reads it
    run_worker(name)


def test_parts_of_a_fenced_worker_are_refused(client, name, schema, make_rows, monkeypatch):
    monkeypatch.setattr(savedstate, "PART_BYTES", 1 << 10)
    keys = ShardKeys(name)
    old, new = (Lease(client, keys, owner, 60_000) for owner in ("old", "new"))
    old.acquire()
    client.hset(keys.checkpoint, "cursor", "0-0")
    resampler = Settings(schema).new_resampler()
    resampler.process(*make_rows(100), np.arange(100))
    first, second = (Commit("0-0", "0-0", 0) for _ in range(2))
    add_saved_state(first, resampler, client, keys, old.holder)
    client.delete(keys.lease)
    new.acquire()
    with pytest.raises(ResamplerError, match="owned by another worker"):
        add_saved_state(second, resampler, client, keys, old.holder)
    resampler.process(*make_rows(100), np.arange(100, 200))
    add_saved_state(second, resampler, client, keys, new.holder)
    with pytest.raises(ResamplerError, match="owned by"):
        Committer(client, keys, old).write(first)
    Committer(client, keys, new).write(second)
    assert load_saved_state(client, keys).resampler.to_bytes() == resampler.to_bytes()
    with pytest.raises(ResamplerError, match="parts of the next saved state"):
        Committer(client, keys, new).write(second)


def test_a_server_that_takes_less_is_told_before_anything_is_sent(make_rows, schema):
    with EmbeddedServer(options=("--proto-max-bulk-len", "1mb")) as server, connect(server.url) as client:
        assert ServerLimits.read(client) == (1 << 20, 1 << 30)
        X, y = make_rows(30_000)
        client.xadd("s", encode_batch(X, y), id="1-0")
        worker = Worker(server.url, "s", Settings(schema), until_idle_s=0.1)
        with pytest.raises(
            ResamplerError, match=r"a value of \d+ bytes, and the server takes 1048576: raise proto-max"
        ):
            worker.run()
        assert not client.exists(ShardKeys("s").output)
        client.config_set("proto-max-bulk-len", 512 << 20)
        Worker(server.url, "s", Settings(schema), until_idle_s=0.1).run()
        assert Checkpoint.load(client, ShardKeys("s")).rows == 30_000
