import threading
import time

import numpy as np
import pytest

from resampler import ContractError, CorruptStateError, FeatureSchema, MicroBatch
from resampler.errors import InvalidInputError
from stream import EmbeddedServer, Feed, OutputFormat, Settings, Worker, decode_output
from stream.formats import encode_output
from stream.formats.identity import encode
from stream.formats.packed import pack, unpack
from stream.redis.connection import connect
from stream.redis.keys import ShardKeys
from stream.shard.checkpoint import Checkpoint
from stream.shard.feedplace import FeedPlace


@pytest.fixture
def filled(client, name, make_rows, add_text, run_worker):
    X, y = make_rows(500)
    add_text(client, name, X, y)
    run_worker(name)
    return name


def test_goes_on_behind_what_was_committed(server, filled):
    with Feed(server.url, filled, idle_s=0.01) as feed:
        batches = list(feed)
    with Feed(server.url, filled, name="trainer", idle_s=0.01) as feed:
        seen = []
        for batch in feed:
            seen.append(batch)
            if len(seen) == 10:
                feed.commit()
            if len(seen) == 15:
                break
    with Feed(server.url, filled, name="trainer", idle_s=0.01) as feed:
        seen = seen[:10] + list(feed)
    assert [batch.row_id.tolist() for batch in seen] == [batch.row_id.tolist() for batch in batches]


def test_cursors_kept_with_the_model_win_over_what_is_stored(server, filled):
    with Feed(server.url, filled, idle_s=0.01) as feed:
        first = next(iter(feed))
        kept = feed.cursors
        list(feed)
        feed.commit()
    with Feed(server.url, filled, idle_s=0.01, cursors=kept) as feed:
        second = next(iter(feed))
    assert second.row_id[0] > first.row_id[0]


def test_committed_rows_are_counted_for_back_pressure(client, server, filled):
    with Feed(server.url, filled, idle_s=0.01) as feed:
        rows = sum(map(len, feed))
        feed.commit()
    assert FeedPlace.parse(client.hget(ShardKeys(filled).feeds, "default")).rows == rows


def test_rows_trimmed_before_a_consumer_came_hold_nobody_back(client, server, filled):
    keys = ShardKeys(filled)
    client.xtrim(keys.output, maxlen=3, approximate=False)
    with Feed(server.url, filled, name="late", idle_s=0.01) as feed:
        for _ in feed:
            feed.commit()
    assert FeedPlace.parse(client.hget(keys.feeds, "late")).rows == Checkpoint.load(client, keys).emitted


def test_a_server_that_restarts_is_waited_for(schema, make_rows, add_text, tmp_path):
    with EmbeddedServer(appendonly=True, directory=tmp_path / "s") as server:
        with connect(server.url) as client:
            add_text(client, "fraud", *make_rows(600))
        Worker(server.url, "fraud", Settings(schema, linger_ms=1), until_idle_s=0.2).run()
        seen, half_way, killed = [], threading.Event(), threading.Event()

        def _consume():
            with Feed(server.url, "fraud", idle_s=0.2) as feed:
                for batch in feed:
                    seen.extend(batch.row_id[~batch.is_synthetic].tolist())
                    if len(seen) == 300:
                        half_way.set()
                        killed.wait()
                    feed.commit()

        consumer = threading.Thread(target=_consume)
        consumer.start()
        half_way.wait()
        server.kill()
        killed.set()
        time.sleep(0.2)
        server.start()  # here: a server dies with the thread that started it
        consumer.join()
    assert seen == [encode(f"{i + 1}-0") for i in range(600)]


def test_refuses_a_shard_that_is_not_there(server):
    with pytest.raises(InvalidInputError, match="from 0 to 1"):
        Feed(server.url, "x", shards=2, only=(2,))


@pytest.mark.parametrize("idle_s", [float("nan"), float("inf"), -1])
def test_an_idle_time_that_never_ends_is_refused(server, idle_s):
    with pytest.raises(InvalidInputError, match="idle_s must be 0 or more and finite"):
        Feed(server.url, "x", idle_s=idle_s)


def _batch(n, d, seed=0):
    rng = np.random.default_rng(seed)
    synthetic = rng.random(n) < 0.5
    ids = [rng.integers(0, 2**62, n) for _ in range(3)]
    return MicroBatch(
        X=rng.normal(size=(n, d)).astype(np.float32),
        y=rng.integers(-9, 9, n),
        is_synthetic=synthetic,
        row_id=np.where(synthetic, -1, ids[0]),
        base_id=np.where(synthetic, ids[1], -1),
        neighbor_id=np.where(synthetic, ids[2], -1),
        step=rng.random(n).astype(np.float32),
    )


@pytest.mark.parametrize("output_format", list(OutputFormat))
def test_output_formats_read_back_to_the_bit(output_format):
    schema = FeatureSchema.numeric(["p", "q"])
    batch = _batch(1 if output_format is OutputFormat.TEXT else 17, 2)
    items = encode_output(batch, schema, output_format)
    back = decode_output(dict(zip(items[::2], items[1::2], strict=True)), schema)
    for column in ("X", "y", "is_synthetic", "row_id", "base_id", "neighbor_id", "step"):
        assert getattr(back, column).tobytes() == getattr(batch, column).tobytes()
    with pytest.raises(ContractError, match="must be of schema"):
        decode_output(dict(zip(items[::2], items[1::2], strict=True)), FeatureSchema.numeric(["p", "r"]))


@pytest.mark.parametrize("damage", [lambda p: p[:-1], lambda p: p + b"x", lambda p: b"JUNK" + p[4:], lambda p: p[:7]])
def test_damaged_output_is_named(damage):
    with pytest.raises(CorruptStateError, match="packed micro-batch"):
        unpack(damage(pack(_batch(5, 3))))
