"""`Source`: the entries of one input stream behind a cursor, with what is known about completeness."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from stream.entries import Entries

if TYPE_CHECKING:
    from collections.abc import Callable

    import redis


class Read(NamedTuple):
    """One answer of the source.

    Parameters
    ----------
    entries : Entries
        In stream order; maybe none.
    complete_until_ms : int
        Every entry that the server stamped before this time has been read; 0 if that is not known.
    """

    entries: Entries
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
    """

    def __init__(
        self,
        client: redis.Redis,
        key: str,
        position: str,
        count: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.position = position
        self.count = count
        self._key = key
        self._clock = clock
        self._server_ahead_ms = 0.0
        self._pool = client.connection_pool
        self._connection: Any = self._pool.get_connection()

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
        redis.RedisError
            If the server does not answer; `position` has not moved.
        """
        connection = self._connection
        wait = ("BLOCK", block_ms) if block_ms else ()
        command = ("XREAD", "COUNT", self.count, *wait, "STREAMS", self._key, self.position)
        # TIME stands before XREAD: what the server stamps later than it may be missing from the reply.
        connection.send_packed_command(connection.pack_commands([("TIME",), command]))
        seconds, microseconds = connection.read_response()
        asked_ms = int(seconds) * 1000 + int(microseconds) // 1000
        self._server_ahead_ms = asked_ms - self._clock() * 1_000
        reply = connection.read_response()
        entries = Entries.pack(reply[0][1] if reply else [])
        if len(entries):
            self.position = entries.id(-1)
        if len(entries) == self.count:
            return Read(entries, 0)
        return Read(entries, asked_ms if len(entries) else asked_ms + block_ms)

    def close(self) -> None:
        """Give the connection up; an unread reply must not reach its next user."""
        self._connection.disconnect()
        self._pool.release(self._connection)
