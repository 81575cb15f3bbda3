"""A feed passes over nothing: output that was trimmed, deleted or replaced before it was read is a loud stop."""

import itertools
import logging
import threading

import pytest

from resampler.errors import InvalidInputError
from stream import EmbeddedServer, Feed, OutputFormat, Settings, Worker
from stream.feed.shardfeed import ShardFeed
from stream.redis import patience
from stream.redis.connection import connect, raw_command
from stream.redis.errors import UnavailableError
from stream.redis.keys import ShardKeys
from stream.shard.checkpoint import Checkpoint
from stream.shard.commit import GapError
from stream.shard.feedplace import FeedPlace

READ = 100  # batches of a row or more that a feed has read before something happens to the rest


@pytest.fixture
def fill(client, name, make_rows, add_text, run_worker):
    def run(n=300, first=1, **parameters):
        X, y = make_rows(n, seed=first)
        add_text(client, name, X, y, first=first)
        run_worker(name, linger_ms=1, **parameters)

    return run


@pytest.fixture
def keys(name):
    return ShardKeys(name)


@pytest.fixture
def feed(server, name):
    opened = []

    def make(feed_name="trainer", **options):
        opened.append(Feed(server.url, name, name=feed_name, **{"idle_s": 0.01} | options))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def _read(feed, n=READ):
    return list(itertools.islice(iter(feed), n))


def _ids(client, keys):
    return [entry_id.decode() for entry_id, _ in raw_command(client, "XRANGE", keys.output, "-", "+")]


def _rows(batches):
    return sum(map(len, batches))


@pytest.mark.parametrize("output_format", list(OutputFormat))
def test_a_stored_place_says_how_many_rows_were_lost(client, keys, fill, feed, caplog, output_format):
    fill(output_format=output_format)
    reader = feed()
    consumed = _read(reader)
    reader.commit()
    ids = _ids(client, keys)
    whole = list(feed("other"))
    first_left = READ + 70
    client.xtrim(keys.output, minid=ids[first_left], approximate=False)
    lost = _rows(whole[READ:first_left])
    with pytest.raises(GapError, match=rf"^{lost} rows of '{keys.output}' behind {ids[READ - 1]} .*'trainer'"):
        list(feed())
    with caplog.at_level(logging.WARNING):
        rest = list(feed(allow_gap=True))
    assert f"{lost} rows of" in caplog.text
    assert _rows(consumed) + lost + _rows(rest) == _rows(whole) == Checkpoint.load(client, keys).emitted


def test_a_feed_that_is_reading_notices_as_well(client, keys, fill, feed):
    fill()
    reader = iter(feed())
    batches = [next(reader)]
    ids = _ids(client, keys)
    client.xtrim(keys.output, minid=ids[-5], approximate=False)
    with pytest.raises(GapError, match=r"^\d+ rows of"):
        batches += reader
    assert 0 < len(batches) <= 64  # what it had received is handed out


def test_kept_cursors_are_proof_enough_to_stop(client, keys, fill, feed, caplog):
    fill()
    reader = feed()
    consumed = _read(reader)
    kept = reader.cursors
    ids = _ids(client, keys)
    client.xtrim(keys.output, minid=ids[READ - 1], approximate=False)  # the entry at the place is there
    assert len(_read(feed(cursors=kept), 2)) == 2
    client.xtrim(keys.output, minid=ids[READ + 70], approximate=False)
    lost = Checkpoint.load(client, keys).emitted - _rows(list(feed("late")))
    with pytest.raises(GapError, match=rf"^up to {lost} rows .*entry {ids[READ - 1]} is gone"):
        list(feed(cursors=kept))
    with caplog.at_level(logging.WARNING):
        reader = feed(cursors=kept, allow_gap=True)
        rest = list(reader)
        reader.commit()
    assert len(rest) == len(ids) - READ - 70
    assert caplog.text.count("rows of") == 1
    # Once it has read all there is, its rows are counted.
    assert FeedPlace.parse(client.hget(keys.feeds, "trainer")).rows == Checkpoint.load(client, keys).emitted
    assert _rows(consumed) < lost


def test_cursors_that_were_committed_too_say_how_many(client, keys, fill, feed):
    fill()
    reader = feed()
    consumed = _read(reader)
    reader.commit()
    ids = _ids(client, keys)
    client.xtrim(keys.output, minid=ids[-1], approximate=False)
    lost = Checkpoint.load(client, keys).emitted - _rows(consumed) - _rows(list(feed("late")))
    with pytest.raises(GapError, match=rf"^{lost} rows"):
        list(feed(cursors=reader.cursors))


def test_a_single_deleted_entry_is_a_gap(client, keys, fill, feed):
    fill()
    reader = feed()
    _read(reader)
    reader.commit()
    kept = reader.cursors
    ids = _ids(client, keys)
    lost = _rows(_read(feed("other"), READ + 31)[-1:])
    client.xdel(keys.output, ids[5], ids[READ + 30])
    with pytest.raises(GapError, match=rf"^{lost} rows"):
        list(feed())
    with pytest.raises(GapError, match=rf"^up to \d+ rows .*entry {ids[READ + 30]} was deleted unread"):
        list(feed("fresh name", cursors=kept))
    assert len(list(feed(allow_gap=True))) == len(ids) - READ - 1


def test_what_was_read_may_be_deleted(client, keys, fill, feed):
    fill(150)
    reader = feed()
    list(reader)
    reader.commit()
    ids = _ids(client, keys)
    client.xdel(keys.output, ids[0], ids[77])
    client.xtrim(keys.output, maxlen=0, approximate=False)
    fill(150, first=151)
    assert next(iter(feed())).row_id[0] > 0
    emitted = Checkpoint.load(client, keys).emitted
    with feed() as again:
        list(again)
        again.commit()
    assert FeedPlace.parse(client.hget(keys.feeds, "trainer")) == FeedPlace(_ids(client, keys)[-1], emitted)


@pytest.mark.parametrize("vanish", [lambda c, key: c.delete(key), lambda c, key: c.rename(key, f"{key}.old")])
@pytest.mark.parametrize("committed", [True, False])
def test_an_output_that_is_gone_is_noticed(client, keys, fill, feed, vanish, committed):
    fill()
    reader = feed()
    _read(reader)
    if committed:
        reader.commit()
    kept = reader.cursors
    vanish(client, keys.output)
    place = kept[keys.input]
    with pytest.raises(GapError, match=rf"ends at 0-0, before the place {place} of feed .* deleted, renamed"):
        list(feed(cursors=None if committed else kept))


@pytest.mark.parametrize("committed", [True, False])
def test_an_output_that_was_made_anew_is_noticed(client, keys, fill, feed, committed):
    fill()
    reader = feed()
    consumed = _read(reader)
    if committed:
        reader.commit()
    kept = reader.cursors
    client.delete(keys.output)
    fill(100, first=301, allow_gap=True)
    emitted, left = Checkpoint.load(client, keys).emitted, _rows(list(feed("late")))
    lost = f"{emitted - left - _rows(consumed)} rows" if committed else f"up to {emitted - left} rows"
    with pytest.raises(GapError, match=f"^{lost} .* were trimmed or deleted"):
        list(feed(cursors=None if committed else kept))


def test_a_stream_that_was_begun_anew_is_noticed(client, keys, name, fill, feed):
    fill()
    reader = feed()
    _read(reader)
    reader.commit()
    place = reader.cursors
    stored = client.hget(keys.feeds, "trainer")
    client.delete(*client.scan_iter(f"*{name}*"))
    with pytest.raises(GapError, match="no worker has begun the stream"):
        list(feed(cursors=place))
    for n, message in ((20, "stand before the place"), (280, "leaves no room for what it has read")):
        fill(n, first=1_001)
        client.hset(keys.feeds, "trainer", stored)
        with pytest.raises(GapError, match=rf"rows were ever written to .* {message}"):
            list(feed())
        with pytest.raises(GapError, match="leaves no room for what it has read"):
            list(feed("fresh name", cursors=place))
        assert len(list(feed(allow_gap=True))) == len(_ids(client, keys)) >= n
        client.delete(*client.scan_iter(f"*{name}*"))


def test_a_server_that_lost_its_latest_writes_is_waited_for(client, keys, name, fill, feed, make_rows, add_text):
    fill(50)
    old = {key: client.dump(key) for key in (keys.output, keys.checkpoint)}
    fill(50, first=51)
    reader = feed(idle_s=None)
    batches = iter(reader)
    seen = [next(batches) for _ in _ids(client, keys)]
    for key, value in old.items():
        client.restore(key, 0, value, replace=True)
    rest = []
    thread = threading.Thread(target=lambda: rest.append(next(batches)))
    thread.start()
    fill(50, first=101)  # the worker writes again what was lost, with the same IDs, and goes on
    thread.join(30)
    assert rest
    assert rest[0].row_id[0] > max(batch.row_id.max() for batch in seen)


def test_who_begins_takes_what_there_is(client, keys, fill, feed):
    fill()
    ids = _ids(client, keys)
    client.xtrim(keys.output, minid=ids[200], approximate=False)
    reader = feed()
    assert len(list(reader)) == len(ids) - 200
    reader.commit()
    assert FeedPlace.parse(client.hget(keys.feeds, "trainer")).rows == Checkpoint.load(client, keys).emitted
    client.xtrim(keys.output, maxlen=0, approximate=False)
    later = feed("later")
    assert list(later) == []
    assert later.cursors[keys.input] == ids[-1]
    fill(20, first=301)
    assert len(list(later)) == 20


@pytest.mark.parametrize("counted", [True, False])
def test_trimming_what_has_just_been_received_is_no_gap(client, keys, fill, feed, monkeypatch, counted):
    fill(60)
    ids = _ids(client, keys)
    reader = feed()
    _read(reader, 10)
    if counted:
        reader.commit()
    look, looks = ShardFeed._look, []

    def trim_first(shard):
        if not looks:  # behind the read, before the look: all that was received, and no more
            looks.append(client.xtrim(keys.output, minid=ids[9 if not counted else -1], approximate=False))
        return look(shard)

    monkeypatch.setattr(ShardFeed, "_look", trim_first)
    assert len(list(feed(cursors=None if counted else reader.cursors))) == len(ids) - 10
    assert looks[0] > 0


def test_one_of_several_shards(client, server, name, make_rows, add_text, run_worker):
    for shard in range(2):
        add_text(client, f"{name}.{shard}", *make_rows(100, seed=shard))
    run_worker(name, shards=2, linger_ms=1)
    with Feed(server.url, name, shards=2, idle_s=0.01) as reader:
        batches = iter(reader)
        next(batches)
        reader.commit()
    client.xtrim(ShardKeys(f"{name}.0").output, maxlen=3, approximate=False)
    with Feed(server.url, name, shards=2, idle_s=0.01) as reader, pytest.raises(GapError, match=rf"{name}.0"):
        list(reader)


def test_cursors_are_checked(server, name):
    with pytest.raises(InvalidInputError, match=r"must be by input stream of .* got one of 'else'"):
        Feed(server.url, name, cursors={"else": "1-0"})
    for bad in ("x", "", "1-", "-1", f"{2**64}-0", b"1-0", None):
        with pytest.raises(InvalidInputError, match="entry ID must look like"):
            Feed(server.url, name, cursors={name: bad})


def test_a_place_is_stored_and_read_back():
    for place in (FeedPlace(), FeedPlace("5-3", 12), FeedPlace("5-3", 12, counted=False)):
        assert FeedPlace.parse(place.dump().encode()) == place
    assert FeedPlace.parse(b"5-3 12") == FeedPlace("5-3", 12)


def test_a_commit_waits_while_the_memory_is_full(schema, make_rows, add_text, monkeypatch):
    with EmbeddedServer() as server, connect(server.url) as client:
        add_text(client, "fraud", *make_rows(50))
        Worker(server.url, "fraud", Settings(schema, linger_ms=1), until_idle_s=0.1).run()
        with Feed(server.url, "fraud", idle_s=0.01) as feed:
            client.config_set("maxmemory", 1)
            rows = _rows(feed)  # reading needs no memory
            healing = threading.Timer(0.5, client.config_set, ("maxmemory", 0))
            healing.start()
            feed.commit()
            healing.join()
            assert FeedPlace.parse(client.hget(ShardKeys("fraud").feeds, "default")).rows == rows
        add_text(client, "fraud", *make_rows(5), first=51)
        Worker(server.url, "fraud", Settings(schema, linger_ms=1), until_idle_s=0.1).run()
        monkeypatch.setattr(patience, "PATIENCE_S", 0.2)
        with Feed(server.url, "fraud", idle_s=0.01) as feed:
            _rows(feed)
            client.config_set("maxmemory", 1)
            with pytest.raises(UnavailableError, match="no memory left"):
                feed.commit()
            client.config_set("maxmemory", 0)
            feed.commit()


def test_what_time_does_not_heal_is_said_at_once(client, keys, fill, feed):
    fill(20)
    reader = feed()
    _read(reader, 3)
    client.delete(keys.feeds)
    client.set(keys.feeds, "x")
    with pytest.raises(Exception, match="another type") as caught:
        reader.commit()
    assert caught.type.__name__ == "ResamplerError"
