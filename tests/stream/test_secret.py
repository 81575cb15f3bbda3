"""A stream under a secret key: which worker may go on with it, and that the secret is nowhere to be read."""

import pytest

from resampler.errors import ResamplerError
from resampler.secret import SecretKey
from stream import Settings
from stream.commands.dryrun import dry_run
from stream.redis.connection import raw_command
from stream.redis.keys import ShardKeys
from stream.shard.checkpoint import Checkpoint

SECRET, OTHER = "a secret of more than sixteen bytes", "another secret of sixteen bytes"
KEY = SecretKey(SECRET.encode())
RUN = ("run", "--features", "a,b,c", "--label", "label", "--metrics-port", "0", "--until-idle", "0.2", "--ratio", "0.5")


def _contents(client, name):
    """Everything that Redis holds of a stream, under its name or in its slot."""
    found = {}
    for key in client.scan_iter(f"*{name}*"):
        kind = client.type(key).decode()
        command = {"hash": ("HGETALL",), "stream": ("XRANGE", "-", "+"), "string": ("GET",), "set": ("SMEMBERS",)}
        command |= {"zset": ("ZRANGE", "0", "-1"), "list": ("LRANGE", "0", "-1")}
        verb, *rest = command[kind]
        found[key.decode()] = repr(raw_command(client, verb, key, *rest))
    return found


@pytest.fixture
def run(name, start_cli, monkeypatch):
    def call(secret, *options, code=0):
        monkeypatch.setenv("STREAM_KEY", secret)
        process = start_cli(*RUN, "--stream", name, *options)
        out, err = process.communicate(timeout=120)
        assert process.returncode == code, err
        assert "Traceback" not in err
        return out, err

    return call


def test_the_secret_is_nowhere_to_be_read(client, name, make_rows, add_text, run):
    add_text(client, name, *make_rows(300))
    options = ("--secret-key", "STREAM_KEY", "--snapshot-rows", "100", "-v", "--json")
    said = run(SECRET, *options)
    said += run(OTHER, *options, code=1)
    kept = _contents(client, name)
    assert {f"{{{name}}}:{end}" for end in ("out", "checkpoint", "snapshot")} < kept.keys()
    for text in (*said, *kept.values()):
        assert SECRET not in text
        assert repr(KEY._root)[2:-1] not in text
    assert f'"secret_key": "{KEY.fingerprint}"' in said[0]


def test_a_worker_with_another_key_or_none_ends_before_it_writes(client, name, make_rows, add_text, run):
    add_text(client, name, *make_rows(300))
    run(SECRET, "--secret-key", "env:STREAM_KEY")
    add_text(client, name, *make_rows(50, seed=1), first=301)
    before = _contents(client, name)
    other = SecretKey(OTHER.encode()).fingerprint
    for options, given in ((("--secret-key", "STREAM_KEY"), other), ((), "none")):
        _, err = run(OTHER, *options, code=1)
        line = f"was begun with the secret key {KEY.fingerprint}, got {given}: give that one, --secret-key ENV|FILE"
        assert line in err
    ours = {key: value for key, value in _contents(client, name).items() if "workers" not in key}
    assert ours == {key: value for key, value in before.items() if "workers" not in key}
    _, err = run(SECRET, "--secret-key", "NOWHERE", code=2)
    assert "there is no environment variable or file 'NOWHERE'" in err


def test_a_stream_without_a_key_takes_none_later(client, name, make_rows, add_text, run_worker, schema):
    add_text(client, name, *make_rows(100))
    run_worker(name)
    with pytest.raises(
        ResamplerError, match=rf"begun without a secret key, got {KEY.fingerprint}: give none, or write"
    ):
        run_worker(name, secret_key=KEY)
    assert b"secret_key" not in client.hget(ShardKeys(name).checkpoint, "parameters")


@pytest.mark.parametrize("snapshot_rows", [100, 10**6], ids=["from a saved state", "by replay"])
def test_a_stream_under_a_key_goes_on_where_it_stopped(
    client, name, schema, make_rows, add_text, run_worker, read_raw, snapshot_rows
):
    X, y = make_rows(600)
    options = {"ratio": 0.5, "seed": 1, "linger_ms": 1, "snapshot_rows": snapshot_rows, "secret_key": KEY}
    whole, plain = f"{name}-whole", f"{name}-plain"
    for stream in (whole, plain):
        add_text(client, stream, X, y)
    run_worker(whole, settings=Settings(schema, **options))
    run_worker(plain, settings=Settings(schema, **options | {"secret_key": None}))
    add_text(client, name, X[:300], y[:300])
    run_worker(name, settings=Settings(schema, **options))
    add_text(client, name, X[300:], y[300:], first=301)
    run_worker(name, settings=Settings(schema, **options))
    assert read_raw(client, name) == read_raw(client, whole) != read_raw(client, plain)


def test_a_dry_run_takes_the_key_and_counts_what_a_run_makes(client, name, schema, make_rows, add_text, run_worker):
    add_text(client, name, *make_rows(300))
    settings = Settings(schema, ratio=0.5, secret_key=KEY, quota="poisson")
    keys = ShardKeys(name)
    counted = dry_run([(client, keys)], settings)["synthetic"]
    run_worker(name, settings=settings)
    assert Checkpoint.load(client, keys).synthetic == counted > 0
