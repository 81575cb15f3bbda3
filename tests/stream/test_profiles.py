"""What workers have counted, as `resampler drift --stream` reads it."""

import json

import numpy as np
import pytest

from resampler.errors import CorruptStateError, DataError, ResamplerError
from resampler.profile.sources import source_of
from resampler.quality.drift.measure import measure_drift
from stream import Settings
from stream.commands.status import stream_status
from stream.drift.reference import Reference
from stream.drift.stored import Stored
from stream.profiles import from_stream
from stream.redis.keys import ShardKeys, shard_keys

NAMES = ("a", "b", "c")


@pytest.fixture(scope="module")
def profile(profile_of, make_rows):
    X, y = make_rows(4_000, seed=77)
    return profile_of(dict(zip(NAMES, X.T, strict=True)), y)


@pytest.fixture
def count(client, name, run_worker, add_text, schema, profile):
    """Run workers that count rows; return the stream's name."""

    def run(X, y, shards=1, **parameters):
        reference = Reference.matched("fraud version 3", profile, schema)
        for shard, keys in enumerate(shard_keys(name, shards)):
            add_text(client, keys.input, X[shard::shards], y[shard::shards])
        how = {"seed": 1, "ratio": 0.5, "drift_rows": 500, "drift_every": 1} | parameters
        run_worker(name, shards=shards, settings=Settings(schema, reference=reference, **how))
        return name

    return run


def test_drift_of_a_stream(server, count, make_rows, profile):
    X, y = make_rows(1_700, seed=8)
    X[500:, 1] += 1
    name = count(X, y)
    found, notes = source_of("stream")(name, profile, url=server.url)
    (note,) = notes
    assert note.startswith(f"{name}: 500 rows counted of 500 accepted, from entry 1001-0 to 1500-0; meanwhile 0.0 % of")
    assert sum(part.rows for part in found.parts) == 500
    assert [part.label for part in found.parts] == ["0", "1"]
    measured = measure_drift(profile, found)
    assert measured.by_class
    assert measured.drifted == ("b",)
    first, _ = from_stream(name, profile, url=server.url, windows=9)
    assert sum(part.rows for part in first.parts) == 1_500
    ours = np.bincount(y[:1_500], minlength=2).tolist()
    assert [part.rows for part in first.parts] == ours


def test_shards_add_up(server, count, make_rows, profile):
    X, y = make_rows(2_000, seed=9)
    whole, _ = from_stream(count(X, y, shards=2), profile, url=server.url, windows=2)
    assert {part.label: part.rows for part in whole.parts} == dict(zip("01", np.bincount(y).tolist(), strict=True))
    for place, feature in enumerate(NAMES):
        wanted = np.bincount(np.searchsorted(np.float32(profile.cells[feature].edges), X[:, place]), minlength=1)
        assert np.trim_zeros(whole.counts(feature, "stream", synthetic=False), "b").tolist() == wanted.tolist()


def test_no_window_is_full(server, count, make_rows, profile):
    name = count(*make_rows(300))
    with pytest.raises(DataError, match="one holds 500 rows, one of 1 accepted rows is counted, and 300 were accepted"):
        from_stream(name, profile, url=server.url)


def test_nothing_is_counted(server, name, run_worker, add_text, client, make_rows, profile):
    add_text(client, name, *make_rows(300))
    run_worker(name)
    with pytest.raises(DataError, match=r"count nothing in shard .* --reference"):
        from_stream(name, profile, url=server.url)


def test_another_version(server, count, make_rows, profile_of):
    name = count(*make_rows(700))
    other = profile_of(dict(zip(NAMES, make_rows(500, seed=3)[0].T, strict=True)), np.zeros(500, dtype=np.int64))
    with pytest.raises(DataError, match="is counted against fraud version 3, whose cells of 'a' are others"):
        from_stream(name, other, url=server.url)


def test_no_such_stream(server, profile):
    with pytest.raises(ResamplerError, match="nowhere"):
        from_stream("nowhere", profile, url=server.url)


def test_no_server(profile):
    with pytest.raises(ResamplerError, match="start the server or correct --url"):
        from_stream("s", profile, url="unix:///nowhere.sock")


@pytest.mark.parametrize(
    "damage",
    [
        lambda client, key: client.hset(key, "0.counts", b"\0"),
        lambda client, key: client.hdel(key, "0.counts"),
        lambda client, key: client.hset(key, "0", b"junk"),
        lambda client, key: client.hset(key, "0", b"{}"),
        lambda client, key: client.hset(key, "0", client.hget(key, "0").replace(b":0,", b":7,", 1)),
        lambda client, key: client.hset(key, "reference", b"{}"),
        lambda client, key: client.hset(key, "reference", client.hget(key, "reference").replace(b"edges", b"edge")),
        lambda client, key: client.hset(key, "reference", client.hget(key, "reference").replace(b"500", b'"500"')),
        lambda client, key: client.hdel(key, "reference"),
    ],
)
def test_damage(client, server, count, make_rows, profile, damage):
    name = count(*make_rows(700))
    damage(client, ShardKeys(name).drift)
    with pytest.raises(CorruptStateError, match="delete that key, and counting begins anew"):
        from_stream(name, profile, url=server.url)


def test_windows_that_go_meanwhile_are_no_damage(client, count, make_rows, monkeypatch):
    """A worker lets the oldest window go, or the key is deleted, between two questions."""
    name = count(*make_rows(1_100))
    keys, names = ShardKeys(name), client.hkeys(ShardKeys(name).drift)
    monkeypatch.setattr(client, "hkeys", lambda _: names)
    client.hdel(keys.drift, "0", "0.counts")
    assert [header["window"] for header in Stored.load(client, keys).headers] == [1]
    client.delete(keys.drift)
    assert Stored.load(client, keys) is None


def test_status_shows_the_windows(client, count, make_rows):
    name = count(*make_rows(1_100))
    (shard,) = stream_status(name, [(client, ShardKeys(name))])["shards"]
    drift = json.loads(json.dumps(shard["drift"]))
    assert (drift["reference"], drift["rows"], drift["every"]) == ("fraud version 3", 500, 1)
    assert [(w["window"], w["rows"], w["last"]) for w in drift["windows"]] == [(0, 500, "500-0"), (1, 500, "1000-0")]
