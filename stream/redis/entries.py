"""`Entries`: stream entries as one buffer of bytes and the offsets of every name and value in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from resampler.layout import as_kernel_array

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Entries:
    """Consecutive entries of one stream, undecoded.

    Parameters
    ----------
    buffer : ndarray of shape (n_bytes,), uint8
        Holds every name and value.
    ms, seq : ndarray of shape (n,), uint64
        The halves of each entry's ID.
    first : ndarray of shape (n + 1,), int64
        Entry i owns the spans ``first[i]`` to ``first[i + 1]``.
    spans : ndarray of shape (n_spans, 2), int64
        Start and stop in `buffer` of name, value, name, value, ...
    """

    buffer: NDArray[np.uint8]
    ms: NDArray[np.uint64]
    seq: NDArray[np.uint64]
    first: NDArray[np.int64]
    spans: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ms)

    def id(self, i: int) -> str:
        """Return the ID of entry `i`.

        Parameters
        ----------
        i : int
            Place of the entry; negative counts from the end.

        Returns
        -------
        str
            ``ms-seq``.
        """
        return f"{self.ms[i]}-{self.seq[i]}"

    def items(self, i: int) -> list[bytes]:
        """Return the names and values of entry `i` in turn, as XADD took them.

        Parameters
        ----------
        i : int
            Place of the entry.

        Returns
        -------
        list of bytes
            Name, value, name, value, ...
        """
        spans = self.spans[self.first[i] : self.first[i + 1]].tolist()
        return [self.buffer[start:stop].tobytes() for start, stop in spans]

    def up_to(self, entry_id: str) -> Entries:
        """Return the entries whose IDs do not exceed `entry_id`.

        Parameters
        ----------
        entry_id : str
            ``ms-seq``.

        Returns
        -------
        Entries
            The leading ones, on the same buffer.
        """
        ms, seq = (np.uint64(part) for part in entry_id.split("-"))
        n = int(np.count_nonzero((self.ms < ms) | ((self.ms == ms) & (self.seq <= seq))))
        return replace(self, ms=self.ms[:n], seq=self.seq[:n], first=self.first[: n + 1])

    @classmethod
    def pack(cls, entries: Sequence[tuple[bytes, Sequence[bytes]]]) -> Entries:
        """Lay out entries that redis-py has parsed.

        Parameters
        ----------
        entries : sequence of (ID, names and values in turn)
            In order.

        Returns
        -------
        Entries
            What the RESP parser makes of the same reply.
        """
        ids = [entry_id.split(b"-") for entry_id, _ in entries]
        lengths = np.array([len(item) for _, items in entries for item in items], dtype=np.int64)
        stops = np.cumsum(lengths)
        counts = np.array([len(items) for _, items in entries], dtype=np.int64)
        return cls(
            buffer=as_kernel_array(
                np.frombuffer(b"".join(item for _, items in entries for item in items), np.uint8), np.uint8
            ),
            ms=np.array([int(ms) for ms, _ in ids], dtype=np.uint64),
            seq=np.array([int(seq) for _, seq in ids], dtype=np.uint64),
            first=np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts)]),
            spans=np.column_stack([stops - lengths, stops]).reshape(-1, 2),
        )
