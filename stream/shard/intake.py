"""`Intake`: entries of an input stream, read, decoded and admitted: what a step, a replay and a dry run take in."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from stream.formats import Decoder
from stream.redis.entryid import id_pair
from stream.shard.admission import Admission
from stream.shard.source import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import redis

    from stream.formats import Decoded
    from stream.redis.entries import Entries
    from stream.settings import Settings

CHUNK_ROWS = 8_192  # what one read aims at: several output entries, so that a backlog costs few round trips
MAX_CHUNK_ENTRIES = 8_192
CHUNK_BYTES = 16 << 20  # and at most, as far as the entries before show
FIRST_CHUNK_ENTRIES = 16  # until it is known how many rows an entry holds


class Taken(NamedTuple):
    """What one read brought.

    Parameters
    ----------
    decoded : Decoded or None
        The entries and their rows; None where nothing had come.
    full : bool
        Whether there were as many as were asked for, so that there may be more.
    complete_until_ms : int
        Every entry that the server stamped before this time has been read; 0 if that is not known.
    arrived_s : float
        When they came, by the intake's clock.
    """

    decoded: Decoded | None
    full: bool
    complete_until_ms: int
    arrived_s: float


class Intake:
    """Take in what stands behind a place of an input stream.

    Parameters
    ----------
    client : redis.Redis
        Connection to the shard's server.
    key : str
        The input stream.
    settings : Settings
        The contract, the formats and the limits.
    position : str
        Begin behind this ID.
    labels : iterable of int
        Classes that the resampler has counted already.
    clock : callable
        Monotonic seconds.
    """

    def __init__(
        self,
        client: redis.Redis,
        key: str,
        settings: Settings,
        position: str,
        labels: Iterable[int] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.position = position
        self._client = client
        self._key = key
        self._clock = clock
        self._decoder = Decoder(settings.schema, settings.input_format)
        self._admission = Admission(settings, labels)
        self._source = Source(client, key, position, FIRST_CHUNK_ENTRIES, clock)

    def server_ms(self) -> float:
        """Estimate the server's clock from its last answer.

        Returns
        -------
        float
            Milliseconds since the epoch.
        """
        return self._source.server_ms()

    def read(self, block_ms: int = 0) -> Taken:
        """Take in what comes next.

        Parameters
        ----------
        block_ms : int
            Wait this long for the first entry; 0 does not wait.

        Returns
        -------
        Taken
            Valid after the next read too.

        Raises
        ------
        redis.RedisError, OSError
            If the server does not answer; the intake is of no use then.
        """
        entries, full, complete_until_ms = self._source.read(block_ms)
        arrived_s = self._clock()
        return Taken(self._take(entries) if len(entries) else None, full, complete_until_ms, arrived_s)

    def up_to(self, stop: str) -> Iterator[Decoded]:
        """Take in what stands between the place and an entry; what was read behind it is read again.

        Parameters
        ----------
        stop : str
            ID of the last entry.

        Yields
        ------
        Decoded
            Read by read; what is missing is passed over.

        Raises
        ------
        redis.RedisError, OSError
            As `read`.
        """
        while id_pair(self.position) < id_pair(stop) and len(entries := self._source.read().entries.up_to(stop)):
            yield self._take(entries)
        count = self._source.count
        self._source.close()
        self._source = Source(self._client, self._key, self.position, count, self._clock)

    def fetch(self) -> None:
        """Take in the answer to a question that is under way, if it has begun to come: see `Source.fetch`."""
        self._source.fetch()

    def close(self) -> None:
        """Give the connection up."""
        self._source.close()

    def _take(self, entries: Entries) -> Decoded:
        decoded = self._admission.admit(entries, self._decoder.decode(entries))
        self.position = entries.id(-1)
        self._source.count = next_count(self._source.count, entries, decoded)
        return decoded


def next_count(count: int, entries: Entries, decoded: Decoded) -> int:
    """Aim the next read at `CHUNK_ROWS` and `CHUNK_BYTES`; grow slowly, as later entries may hold more.

    Parameters
    ----------
    count : int
        Entries asked for this time.
    entries : Entries
        What came.
    decoded : Decoded
        What was decoded from it.

    Returns
    -------
    int
        Entries to ask for next time.
    """
    n = decoded.n_entries
    rows_per_entry = max(1.0, float(decoded.n_rows.sum()) / n)
    bytes_per_entry = max(1.0, float(entries.spans[-1, 1] - entries.spans[0, 0]) / n) if len(entries.spans) else 1.0
    return int(
        min(
            max(1.0, CHUNK_ROWS / rows_per_entry), max(1.0, CHUNK_BYTES / bytes_per_entry), 4 * count, MAX_CHUNK_ENTRIES
        )
    )
