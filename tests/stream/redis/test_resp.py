"""The RESP parser against redis-py's, over a socket that gives the bytes in any portions, and against junk."""

import hiredis
import numpy as np
import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.redis.connection import connect
from stream.redis.entries import Entries
from stream.redis.resp import EntryReader
from stream.shard.source import Source

ids = st.integers(0, 2**64 - 1)
entries = st.tuples(ids, ids, st.lists(st.tuples(st.binary(max_size=20), st.binary(max_size=40)), max_size=5))


class Portions:
    """A socket that hands out `data` in portions of the given sizes, then closes."""

    def __init__(self, data, sizes):
        self._data, self._sizes, self._at = data, list(sizes), 0

    def recv_into(self, view):
        size = min(len(view), self._sizes.pop(0) if self._sizes else len(self._data))
        part = self._data[self._at : self._at + size]
        view[: len(part)] = part
        self._at += len(part)
        return len(part)


def _bulk(value):
    return b"$%d\r\n%s\r\n" % (len(value), value)


def _reply(rows):
    out = b"*2\r\n$10\r\n1700000000\r\n$6\r\n123456\r\n*1\r\n*2\r\n" + _bulk(b"key\r\n") + b"*%d\r\n" % len(rows)
    for ms, seq, pairs in rows:
        items = [item for pair in pairs for item in pair]
        out += b"*2\r\n" + _bulk(b"%d-%d" % (ms, seq)) + b"*%d\r\n" % len(items) + b"".join(map(_bulk, items))
    return out


def _oracle(data):
    reader = hiredis.Reader()
    reader.feed(data)
    reader.gets()
    return Entries.pack([(i, f) for i, f in reader.gets()[0][1]])


def _as_lists(e):
    return [(e.id(i), e.items(i)) for i in range(len(e))]


@settings(deadline=None)
@given(st.lists(entries, min_size=1, max_size=8), st.lists(st.integers(1, 30), max_size=60))
def test_equals_hiredis_however_the_bytes_arrive(rows, sizes):
    data = _reply(rows)
    reader = EntryReader(Portions(data, sizes))
    assert reader.read_time_ms() == 1_700_000_000_123
    assert _as_lists(reader.read_entries(100)) == _as_lists(_oracle(data))


@settings(deadline=None)
@given(st.lists(entries, min_size=1, max_size=3), st.data())
def test_damage_is_an_error_and_never_a_crash(rows, data):
    whole = _reply(rows)
    at = data.draw(st.integers(40, len(whole) - 1))
    damaged = whole[:at] + data.draw(st.binary(max_size=6)) + whole[at + data.draw(st.integers(0, 4)) :]
    reader = EntryReader(Portions(damaged, []))
    try:
        reader.read_time_ms()
        read = reader.read_entries(100)
    except (redis.RedisError, ValueError):
        return
    assert read.first[-1] == len(read.spans)
    assert np.all(read.spans[:, 0] <= read.spans[:, 1])
    assert read.spans.size == 0 or read.spans.max() <= len(damaged)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (b"-ERR no\r\n", redis.ResponseError),
        (b"+OK\r\n", redis.InvalidResponse),
        (b"*1\r\n*2\r\n$1\r\nk\r\n:5\r\n", redis.InvalidResponse),
        (b"x" * 5000, redis.InvalidResponse),
        (b"*1\r\n", redis.ConnectionError),
        (b"*1\r\n*2\r\n$1\r\nk\r\n*1\r\n*2\r\n$3\r\n1-0\r\n*9999999998\r\n", redis.ConnectionError),
    ],
)
def test_other_replies(reply, error):
    with pytest.raises(error):
        EntryReader(Portions(reply, [])).read_entries(100)


def test_null_is_no_entries():
    assert len(EntryReader(Portions(b"*-1\r\n", [])).read_entries(100)) == 0


@pytest.mark.parametrize("compiled", [True, False])
def test_source_reads_all_in_order(client, name, compiled):
    for i in range(1, 251):
        client.xadd(name, {b"k" * (i % 7 + 1): bytes([i]) * (i * 37)}, id=f"{i}-{i}")
    source = Source(client, name, "10-10", 40, compiled=compiled)
    seen = []
    while True:
        read = source.read(1)
        if not len(read.entries):
            break
        assert read.full == (len(read.entries) == 40)
        seen += _as_lists(read.entries)
    assert read.complete_until_ms > 1_700_000_000_000
    assert [i for i, _ in seen] == [f"{i}-{i}" for i in range(11, 251)]
    assert seen[5][1] == [b"kkk", bytes([16]) * (16 * 37)]
    source.close()


def test_source_over_a_stream_that_is_not_there(server, name):
    with connect(server.url) as client:
        source = Source(client, name, "0-0", 10)
        assert len(source.read().entries) == 0
        source.close()
