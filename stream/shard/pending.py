"""`Pending`: entries that are decoded and not yet committed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from stream.formats import Rows
from stream.shard import identity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stream.redis.entries import Entries


class Pending(NamedTuple):
    """Consecutive entries and their rows.

    Parameters
    ----------
    ms, seq : ndarray of shape (n,), uint64
        The halves of each entry's ID.
    n_rows : ndarray of shape (n,), int64
        Rows in each entry, rejected ones included.
    rows : Rows
        What the entries hold.
    """

    ms: NDArray[np.uint64]
    seq: NDArray[np.uint64]
    n_rows: NDArray[np.int64]
    rows: Rows

    @classmethod
    def of(cls, entries: Entries, rows: Rows) -> Pending:
        """Take over decoded entries.

        Parameters
        ----------
        entries : Entries
            In stream order.
        rows : Rows
            What was decoded from them.

        Returns
        -------
        Pending
            Free of the entries' buffer, unless the rows are views of it.
        """
        return cls(entries.ms, entries.seq, rows.rows_per_entry(len(entries)), rows)

    @property
    def n_entries(self) -> int:
        """Number of entries."""
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

    def reject_bytes(self) -> NDArray[np.int64]:
        """Return how large the rejects of each entry are.

        Returns
        -------
        ndarray of shape (n,), int64
            Bytes of names and values.
        """
        sizes = np.zeros(self.n_entries, dtype=np.int64)
        for reject in self.rows.rejects:
            sizes[reject.entry] += sum(map(len, reject.original))
        return sizes

    def row_ids(self) -> NDArray[np.int64]:
        """Return the identity of each accepted row.

        Returns
        -------
        ndarray of shape (n_accepted,), int64
            See `stream.shard.identity`.
        """
        entry = self.rows.entry
        return identity.row_ids(self.ms[entry], self.seq[entry], self.rows.place.view(np.uint64))

    def followed_by(self, later: Pending) -> Pending:
        """Append the entries that come next.

        Parameters
        ----------
        later : Pending
            What follows.

        Returns
        -------
        Pending
            Both.
        """
        n = self.n_entries
        rows, more = self.rows, later.rows
        joined = Rows(
            X=np.concatenate([rows.X, more.X]),
            y=np.concatenate([rows.y, more.y]),
            entry=np.concatenate([rows.entry, more.entry + n]),
            place=np.concatenate([rows.place, more.place]),
            rejects=rows.rejects + [replace(reject, entry=reject.entry + n) for reject in more.rejects],
        )
        ms, seq, n_rows = (np.concatenate(pair) for pair in zip(self[:3], later[:3], strict=True))
        return Pending(ms, seq, n_rows, joined)

    def split(self, stop: int) -> tuple[Pending, Pending | None]:
        """Part the first entries from the rest.

        Parameters
        ----------
        stop : int
            How many entries go into the first part.

        Returns
        -------
        first : Pending
            The first `stop` entries.
        rest : Pending or None
            None if there is none.
        """
        if stop == self.n_entries:
            return self, None
        rows = self.rows
        at = int(np.searchsorted(rows.entry, stop))
        early = [reject for reject in rows.rejects if reject.entry < stop]
        late = [replace(reject, entry=reject.entry - stop) for reject in rows.rejects if reject.entry >= stop]
        first = Rows(rows.X[:at], rows.y[:at], rows.entry[:at], rows.place[:at], early)
        # Copies: the rest is small, and must not keep a whole read alive.
        rest = Rows(rows.X[at:].copy(), rows.y[at:].copy(), rows.entry[at:] - stop, rows.place[at:].copy(), late)
        return (
            Pending(self.ms[:stop], self.seq[:stop], self.n_rows[:stop], first),
            Pending(self.ms[stop:], self.seq[stop:], self.n_rows[stop:], rest),
        )
