"""Where output entries end, and which of them nothing can join any more: what the input decides, not its arrival."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stream.kernels.cut import cut
from stream.shard import limits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stream.formats import Decoded
    from stream.settings import Settings

# An entry whose ID is older than this when it is read bears an ID of the producer's own making, or had to wait for a
# worker: the server's clock says nothing about what may still follow it.
STALE_MS = 1_000


class Cutting:
    """Cut entries into batches, of which each becomes an output entry.

    Parameters
    ----------
    settings : Settings
        How long a batch waits, and how much it holds.

    Notes
    -----
    A batch holds the rows of consecutive input entries whose IDs fall in the same `linger_ms` milliseconds, at most
    `batch_rows` of them, and bears the ID of the last one. That is a function of the input alone: timing, crashes and
    the number of workers change no byte. It is written once nothing can join it: a later entry was read, or the
    server's clock has passed those milliseconds and nothing more had come. Where producers set IDs of their own the
    clock proves nothing, and a quiet spell has to do.
    """

    def __init__(self, settings: Settings) -> None:
        self._linger_ms = settings.linger_ms
        self._batch_rows = settings.batch_rows
        self._row_bytes = settings.output_size.bytes_behind_row(settings.output_format)

    def window_end_ms(self, pending: Decoded) -> int:
        """Return when the last batch can no longer be joined, by the IDs of its entries.

        Parameters
        ----------
        pending : Decoded
            At least one entry.

        Returns
        -------
        int
            Milliseconds, as in an entry's ID.
        """
        return (int(pending.ms[-1]) // self._linger_ms + 1) * self._linger_ms

    def wait_ms(self, pending: Decoded, server_ms: float) -> float | None:
        """Return how long to leave the last batch open before it is worth reading again.

        Parameters
        ----------
        pending : Decoded
            At least one entry.
        server_ms : float
            The server's clock.

        Returns
        -------
        float or None
            Milliseconds; None where its IDs have nothing to do with that clock.
        """
        left_ms = self.window_end_ms(pending) - server_ms
        return max(left_ms, 0.0) if -STALE_MS <= left_ms <= self._linger_ms else None

    def closed(self, pending: Decoded, complete_until_ms: int, *, quiet: bool) -> NDArray[np.int64]:
        """Return where the batches end that nothing can join.

        Parameters
        ----------
        pending : Decoded
            At least one entry.
        complete_until_ms : int
            Every entry that the server stamped before this time has been read.
        quiet : bool
            Whether nothing has come for so long that the last batch is complete, whatever the clock says.

        Returns
        -------
        ndarray of shape (n_batches,), int64
            Behind which entry each ends.
        """
        stops = np.empty(pending.n_entries, dtype=np.int64)
        stops = stops[: cut(pending.ms, pending.n_rows, self._linger_ms, self._batch_rows, stops)]
        passed = 0 <= complete_until_ms - self.window_end_ms(pending) <= STALE_MS
        return stops if passed or quiet else stops[:-1]

    def batches_of_commit(self, pending: Decoded, stops: NDArray[np.int64]) -> int:
        """Return how many of the next batches go into one commit, by what their output may need at most.

        Parameters
        ----------
        pending : Decoded
            Holds the batches' entries.
        stops : ndarray of shape (n_batches,), int64
            Where the batches end.

        Returns
        -------
        int
            At least 1.
        """
        sizes = np.cumsum(self._row_bytes * pending.n_rows + pending.reject_bytes())[stops - 1]
        return max(1, int(np.searchsorted(sizes, limits.COMMIT_BYTES, side="right")))
