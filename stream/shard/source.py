"""`Source`: the entries of one input stream behind a cursor, with what is known about completeness."""

from __future__ import annotations

import select
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from stream.redis.entries import Entries
from stream.redis.resp import EntryReader

if TYPE_CHECKING:
    from collections.abc import Callable

    import redis


class Read(NamedTuple):
    """One answer of the source.

    Parameters
    ----------
    entries : Entries
        In stream order; valid until the next read.
    full : bool
        Whether there were as many as were asked for, so that there may be more.
    complete_until_ms : int
        Every entry that the server stamped before this time has been read; 0 if that is not known.
    """

    entries: Entries
    full: bool
    complete_until_ms: int


class Source:
    """Read a stream forward.

    Parameters
    ----------
    client : redis.Redis
        Connection to the shard's server.
    key : str
        The input stream.
    position : str
        Read what stands behind this ID.
    count : int
        Entries asked for at once.
    clock : callable
        Monotonic seconds.
    compiled : bool
        Parse replies where they lie; False leaves it to redis-py, which is slower and the oracle in tests.

    Notes
    -----
    Behind a full answer the next question is sent at once: the server makes its reply while the caller works.
    """

    def __init__(
        self,
        client: redis.Redis,
        key: str,
        position: str,
        count: int,
        clock: Callable[[], float] = time.monotonic,
        *,
        compiled: bool = True,
    ) -> None:
        self.position = position
        self.count = count
        self._key = key
        self._clock = clock
        self._server_ahead_ms = 0.0
        self._asked: tuple[int, int] | None = None  # count and block of the question that is under way
        self._fetched: tuple[int, Entries] | None = None  # its answer, where that was taken in already
        self._pool = client.connection_pool
        self._connection: Any = self._pool.get_connection()
        sock = getattr(self._connection, "_sock", None) if compiled else None
        self._reader = EntryReader(sock) if sock is not None else None
        self._poll = select.poll()
        if sock is not None:
            self._poll.register(sock, select.POLLIN)

    def server_ms(self) -> float:
        """Estimate the server's clock from its last answer.

        Returns
        -------
        float
            Milliseconds since the epoch.
        """
        return self._clock() * 1_000 + self._server_ahead_ms

    def read(self, block_ms: int = 0) -> Read:
        """Read what comes next.

        Parameters
        ----------
        block_ms : int
            Wait this long for the first entry; 0 does not wait.

        Returns
        -------
        Read
            At most `count` entries.

        Raises
        ------
        redis.RedisError, OSError
            If the server does not answer; the source is of no use then.
        """
        if self._asked is None:
            self._ask(block_ms)
        assert self._asked is not None  # noqa: S101 - set by `_ask`
        count, blocked_ms = self._asked
        asked_ms, entries = self._fetched or self._answer(count)
        self._asked = self._fetched = None
        full = len(entries) == count
        if len(entries):
            self.position = entries.id(-1)
        if full:
            self._ask(0)
        return Read(entries, full, 0 if full else asked_ms if len(entries) else asked_ms + blocked_ms)

    def fetch(self) -> None:
        """Take in the answer to a question that is under way, if it has begun to come.

        What the last `read` gave is no longer valid then. A server that is given other work first would keep the rest
        of the answer back until that is done.

        Raises
        ------
        redis.RedisError, OSError
            As `read`.
        """
        if self._asked is not None and self._fetched is None and self._poll.poll(0):
            self._fetched = self._answer(self._asked[0])

    def _ask(self, block_ms: int) -> None:
        wait = ("BLOCK", block_ms) if block_ms else ()
        command = ("XREAD", "COUNT", self.count, *wait, "STREAMS", self._key, self.position)
        # TIME stands before XREAD: what the server stamps later than it may be missing from the reply.
        self._connection.send_packed_command(self._connection.pack_commands([("TIME",), command]))
        self._asked = self.count, block_ms

    def _answer(self, count: int) -> tuple[int, Entries]:
        if self._reader:
            asked_ms = self._reader.read_time_ms()
            self._server_ahead_ms = asked_ms - self._clock() * 1_000
            return asked_ms, self._reader.read_entries(count)
        seconds, microseconds = self._connection.read_response()
        asked_ms = int(seconds) * 1_000 + int(microseconds) // 1_000
        self._server_ahead_ms = asked_ms - self._clock() * 1_000
        reply = self._connection.read_response()
        return asked_ms, Entries.pack(reply[0][1] if reply else [])

    def close(self) -> None:
        """Give the connection up; an unread reply must not reach its next user."""
        self._connection.disconnect()
        self._pool.release(self._connection)
