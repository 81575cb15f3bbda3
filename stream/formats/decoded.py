"""`Decoded`: entries and their rows, the one container from the decoder to the commit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np

from stream.formats import identity
from stream.formats.rejects import Reject

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from stream.formats.rejects import RejectError
    from stream.redis.entries import Entries


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """Consecutive entries, the accepted rows in them, and the rejects.

    Parameters
    ----------
    ms, seq : ndarray of shape (n_entries,), uint64
        The halves of each entry's ID.
    n_rows : ndarray of shape (n_entries,), int64
        Rows in each entry, rejected ones included: what output entries are cut by.
    X : ndarray of shape (n, n_features), float32
        The accepted rows, in stream order.
    y : ndarray of shape (n,), int64
        Their classes.
    entry, place : ndarray of shape (n,), int64
        Which entry each row came from, and its position therein.
    rejects : list of Reject
        In stream order.

    Notes
    -----
    Free of the buffer that the entries were read into, unless a format's rows are views of it.
    """

    ms: NDArray[np.uint64]
    seq: NDArray[np.uint64]
    n_rows: NDArray[np.int64]
    X: NDArray[np.float32]
    y: NDArray[np.int64]
    entry: NDArray[np.int64]
    place: NDArray[np.int64]
    rejects: list[Reject]

    @property
    def n_entries(self) -> int:
        """Number of entries."""
        return len(self.ms)

    @property
    def n_rejected(self) -> int:
        """Number of rows that were rejected."""
        return sum(reject.n_rows for reject in self.rejects)

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

    def row_ids(self) -> NDArray[np.int64]:
        """Return the identity of each accepted row.

        Returns
        -------
        ndarray of shape (n,), int64
            See `stream.formats.identity`.
        """
        return identity.row_ids_of(self.ms, self.seq, self.entry, self.place)

    def reject_bytes(self) -> NDArray[np.int64]:
        """Return how large the rejects of each entry are.

        Returns
        -------
        ndarray of shape (n_entries,), int64
            Bytes of names and values.
        """
        sizes = np.zeros(self.n_entries, dtype=np.int64)
        for reject in self.rejects:
            sizes[reject.entry] += sum(map(len, reject.original))
        return sizes

    def without(self, dropped: NDArray[np.bool_], rejects: list[Reject]) -> Self:
        """Turn accepted rows into rejects.

        Parameters
        ----------
        dropped : ndarray of shape (n,), bool
            Which rows.
        rejects : list of Reject
            Every reject, old and new, in any order.

        Returns
        -------
        Decoded
            The same entries with the rest of the rows.
        """
        keep = ~dropped
        entry = self.entry[keep]
        rejects = sorted(rejects, key=lambda reject: reject.entry)
        return replace(
            self,
            n_rows=_rows_per_entry(self.n_entries, entry, rejects),
            X=self.X[keep],
            y=self.y[keep],
            entry=entry,
            place=self.place[keep],
            rejects=rejects,
        )

    def followed_by(self, later: Decoded) -> Decoded:
        """Append the entries that come next.

        Parameters
        ----------
        later : Decoded
            What follows.

        Returns
        -------
        Decoded
            Both.
        """
        n = self.n_entries
        return Decoded(
            ms=np.concatenate([self.ms, later.ms]),
            seq=np.concatenate([self.seq, later.seq]),
            n_rows=np.concatenate([self.n_rows, later.n_rows]),
            X=np.concatenate([self.X, later.X]),
            y=np.concatenate([self.y, later.y]),
            entry=np.concatenate([self.entry, later.entry + n]),
            place=np.concatenate([self.place, later.place]),
            rejects=self.rejects + [replace(reject, entry=reject.entry + n) for reject in later.rejects],
        )

    def split(self, stop: int) -> tuple[Decoded, Decoded | None]:
        """Part the first entries from the rest.

        Parameters
        ----------
        stop : int
            How many entries go into the first part.

        Returns
        -------
        first : Decoded
            The first `stop` entries.
        rest : Decoded or None
            None if there is none.
        """
        if stop == self.n_entries:
            return self, None
        at = int(np.searchsorted(self.entry, stop))
        first = Decoded(
            self.ms[:stop],
            self.seq[:stop],
            self.n_rows[:stop],
            self.X[:at],
            self.y[:at],
            self.entry[:at],
            self.place[:at],
            [reject for reject in self.rejects if reject.entry < stop],
        )
        rest = Decoded(
            self.ms[stop:],
            self.seq[stop:],
            self.n_rows[stop:],
            # Copies: the rest is small, and must not keep a whole read alive.
            self.X[at:].copy(),
            self.y[at:].copy(),
            self.entry[at:] - stop,
            self.place[at:].copy(),
            [replace(reject, entry=reject.entry - stop) for reject in self.rejects if reject.entry >= stop],
        )
        return first, rest


class Collector:
    """What formats hand their rows and rejects to, run after run.

    Parameters
    ----------
    entries : Entries
        In stream order.
    n_features : int
        Width of the rows.
    """

    def __init__(self, entries: Entries, n_features: int) -> None:
        self._entries = entries
        self._n_features = n_features
        self._parts: list[tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]] = []
        self._rejects: list[Reject] = []

    def add(
        self, X: NDArray[np.float32], y: NDArray[np.int64], entry: NDArray[np.int64], place: NDArray[np.int64]
    ) -> None:
        """Take accepted rows.

        Parameters
        ----------
        X, y, entry, place : ndarray
            As in `Decoded`, behind those taken before.
        """
        self._parts.append((X, y, entry, place))

    def reject(self, entry: int, error: RejectError, items: Sequence[bytes]) -> None:
        """Take an entry that is rejected as a whole.

        Parameters
        ----------
        entry : int
            Its place.
        error : RejectError
            Why.
        items : sequence of bytes
            Its names and values in turn.
        """
        self._rejects.append(Reject(entry, error.reason, error.detail, tuple(items)))

    def reject_rows(self, reject: Reject) -> None:
        """Take some rows of an entry as a reject.

        Parameters
        ----------
        reject : Reject
            Of the entry, behind those taken before.
        """
        self._rejects.append(reject)

    def finish(self) -> Decoded:
        """Put all together.

        Returns
        -------
        Decoded
            In stream order.
        """
        if len(self._parts) == 1:
            (part,) = self._parts
        elif self._parts:
            part = tuple(np.concatenate(column) for column in zip(*self._parts, strict=True))  # type: ignore[assignment]
        else:
            none = np.empty(0, dtype=np.int64)
            part = np.empty((0, self._n_features), dtype=np.float32), none, none, none
        entries = self._entries
        n_rows = _rows_per_entry(len(entries), part[2], self._rejects)
        return Decoded(entries.ms, entries.seq, n_rows, *part, self._rejects)


def _rows_per_entry(n_entries: int, entry: NDArray[np.int64], rejects: Sequence[Reject]) -> NDArray[np.int64]:
    counts = np.bincount(entry, minlength=n_entries)
    for reject in rejects:
        counts[reject.entry] += reject.n_rows
    return counts
