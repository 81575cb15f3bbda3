"""Compile, or load from the cache, every kernel that a worker runs: no row waits for the compiler."""

from __future__ import annotations

import socket

import numpy as np

from resampler.online import OnlineResampler
from resampler.schema import FeatureSchema
from stream.formats import Decoder, encode_row
from stream.kernels.cut import cut
from stream.redis.resp import EntryReader

_SCHEMA = FeatureSchema.numeric(["a", "b"], label="y")
_TEXT = {b"a": b"1.5", b"b": b"-2e3", b"y": b"1"}
_JSON = {b"json": b'{"a": 1.5, "b": -2e3, "y": 1}'}


def warm(*, clean: bool = False) -> None:
    """Pass a row of each compiled format through what a worker does with them, without a server.

    Parameters
    ----------
    clean : bool
        Whether bases are to be weighed, as every strategy but plain does: the kernels for that are others.
    """
    reply = _xread_reply([_TEXT, encode_row([1.0, 2.0], 0), _JSON])
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(reply)
        entries = EntryReader(ours).read_entries(3)
        rows = Decoder(_SCHEMA).decode(entries)
    stops = np.empty(2, dtype=np.int64)
    cut(entries.ms, np.ones(2, dtype=np.int64), 1, 1, stops)
    online = OnlineResampler(_SCHEMA, ratio=1.0, k_neighbors=1, capacity=4, clean=clean)
    n = len(rows.y)
    for i in range(4):
        online.process(rows.X, rows.y, np.arange(i * n, (i + 1) * n))
    online.buffer_stats()


def _xread_reply(entries: list[dict[bytes, bytes]]) -> bytes:
    """Write what a server answers to XREAD."""
    out = [b"*1\r\n*2\r\n$1\r\ns\r\n*%d\r\n" % len(entries)]
    for i, fields in enumerate(entries, start=1):
        out.append(b"*2\r\n$3\r\n%d-0\r\n*%d\r\n" % (i, 2 * len(fields)))
        out += [b"$%d\r\n%s\r\n" % (len(item), item) for pair in fields.items() for item in pair]
    return b"".join(out)
