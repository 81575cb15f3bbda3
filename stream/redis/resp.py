"""`EntryReader`: XREAD replies from the socket to `Entries`, past redis-py's parser, which takes 20 us a row."""

from __future__ import annotations

import select
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import redis

from stream.kernels.resp import DONE, MALFORMED, NEED_BYTES, PARSED, parse_entries
from stream.redis.entries import Entries

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FIRST_BUFFER_BYTES = 1 << 20
_MAX_LINE_BYTES = 4_096
# Redis hands a long reply out in portions of 64 kB, some 20 us apart. To sleep until the next takes far longer.
_PORTION_S = 50e-6


class EntryReader:
    """Read TIME and XREAD replies (RESP2) from a socket.

    Parameters
    ----------
    sock : socket.socket
        Connected; nothing unread in it. What `recv_into` raises, the methods raise.

    Notes
    -----
    The entries that `read_entries` returns lie in the reader's own buffer: they are valid until the next call.
    """

    def __init__(self, sock: Any) -> None:
        self._socket = sock
        self._poll = select.poll()
        if hasattr(sock, "fileno"):
            self._poll.register(sock, select.POLLIN)
        self._buffer: NDArray[np.uint8] = np.empty(_FIRST_BUFFER_BYTES, dtype=np.uint8)
        self._at = self._stop = 0
        self._spans: NDArray[np.int64] = np.empty((1_024, 2), dtype=np.int64)

    def read_time_ms(self) -> int:
        """Read the reply to TIME.

        Returns
        -------
        int
            Milliseconds since the epoch.

        Raises
        ------
        redis.RedisError
            If the server replied with an error or something else.
        """
        self._compact()
        if self._line() != b"*2":
            raise redis.InvalidResponse("the reply to TIME must be two numbers")
        seconds, microseconds = int(self._bulk()), int(self._bulk())
        return seconds * 1_000 + microseconds // 1_000

    def read_entries(self, limit: int) -> Entries:
        """Read the reply to XREAD of one stream.

        Parameters
        ----------
        limit : int
            How many were asked for; more are refused.

        Returns
        -------
        Entries
            None of them where the reply is null.

        Raises
        ------
        redis.RedisError
            If the server replied with an error or something else.
        """
        head = self._line()
        if head in (b"*-1", b"$-1"):
            return Entries.pack([])
        if head != b"*1" or self._line() != b"*2":
            raise redis.InvalidResponse("the reply to XREAD must be one stream")
        self._bulk()  # the stream's name
        count = self._line()
        if not (count[:1] == b"*" and count[1:].isdigit() and int(count[1:]) <= limit):
            raise redis.InvalidResponse(f"the reply to XREAD must hold at most {limit} entries")
        return self._entries(int(count[1:]))

    def _entries(self, n: int) -> Entries:
        state = np.array([self._at, 0], dtype=np.int64)
        ms, seq = np.empty(n, dtype=np.uint64), np.empty(n, dtype=np.uint64)
        first = np.zeros(n + 1, dtype=np.int64)
        flows = True
        while True:
            status = parse_entries(self._buffer, self._stop, state, ms, seq, first, self._spans)
            self._at = int(state[0])
            if status == DONE:
                return Entries(self._buffer, ms, seq, first, self._spans[: first[n]])
            if status == MALFORMED:
                raise redis.InvalidResponse(f"the reply to XREAD is not RESP2 behind entry {state[PARSED]}")
            if status == NEED_BYTES:
                flows = flows and self._portion_comes()
                self._receive()
            else:
                spans = np.empty((2 * len(self._spans), 2), dtype=np.int64)
                spans[: len(self._spans)] = self._spans
                self._spans = spans

    def _line(self) -> bytes:
        while True:
            head = self._buffer[self._at : min(self._stop, self._at + _MAX_LINE_BYTES)].tobytes()
            line, found, _ = head.partition(b"\r\n")
            if found:
                self._at += len(line) + 2
                if line[:1] == b"-":
                    raise redis.ResponseError(line[1:].decode(errors="replace"))
                return line
            if len(head) == _MAX_LINE_BYTES:
                raise redis.InvalidResponse("a line of the reply has no end")
            self._receive()

    def _bulk(self) -> bytes:
        head = self._line()
        if not (head[:1] == b"$" and head[1:].isdigit()):
            raise redis.InvalidResponse("the reply must hold a string here")
        length = int(head[1:])
        while self._stop - self._at < length + 2:
            self._receive()
        value = self._buffer[self._at : self._at + length].tobytes()
        self._at += length + 2
        return value

    def _compact(self) -> None:
        rest = self._buffer[self._at : self._stop].copy()
        if len(self._buffer) > max(_FIRST_BUFFER_BYTES, 8 * self._stop):  # one huge reply is not kept room for
            self._buffer = np.empty(len(self._buffer) // 2, dtype=np.uint8)
        self._buffer[: len(rest)] = rest
        self._at, self._stop = 0, len(rest)

    def _portion_comes(self) -> bool:
        """Look for the next portion as long as a server takes that does nothing else; return whether it came."""
        deadline = time.perf_counter() + _PORTION_S
        while not self._poll.poll(0):
            if time.perf_counter() > deadline:
                return False
        return True

    def _receive(self) -> None:
        if self._stop == len(self._buffer):
            grown = np.empty(2 * len(self._buffer), dtype=np.uint8)
            grown[: self._stop] = self._buffer
            self._buffer = grown
        received = self._socket.recv_into(memoryview(self._buffer)[self._stop :])  # type: ignore[arg-type]
        if not received:
            raise redis.ConnectionError("the server closed the connection")
        self._stop += received
