"""`Admission`: which rows that keep the contract the stream cannot take all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from resampler.online import MAX_CLASSES
from stream.formats import Reason, Reject, encode_batch
from stream.formats.limits import ENTRY_BYTES
from stream.formats.table import OUTPUTS
from stream.shard.outputs import MAX_ROW_SEQ, ROW_NUMBERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from stream.formats import Decoded
    from stream.redis.entries import Entries
    from stream.settings import Settings


class Admission:
    """Turn rows into rejects whose output could not be written, or whose class is one too many.

    Parameters
    ----------
    settings : Settings
        What is fixed for the life of a stream, and the output format.
    labels : iterable of int
        Classes that the resampler has counted already.

    Notes
    -----
    An entry is rejected as a whole where its ID or its size is the reason. The decision depends on the entry, the
    contract and the settings alone, so a replay decides the same.
    """

    def __init__(self, settings: Settings, labels: Iterable[int] = ()) -> None:
        self._classes = _ClassLimit(labels)
        self._output_format = settings.output_format
        self._row_an_entry = OUTPUTS[settings.output_format].row_an_entry
        self._size = settings.output_size

    def admit(self, entries: Entries, decoded: Decoded) -> Decoded:
        """Reject what cannot be taken.

        Parameters
        ----------
        entries : Entries
            What `decoded` was decoded from.
        decoded : Decoded
            In stream order.

        Returns
        -------
        Decoded
            `decoded` itself where all can be taken.
        """
        n_rows = np.bincount(decoded.entry, minlength=len(entries)) if decoded.rejects else decoded.n_rows
        refused = {reject.entry: reject for reject in self._refused(entries, n_rows)}
        if refused:
            dropped = np.isin(decoded.entry, list(refused))
            kept = [reject for reject in decoded.rejects if reject.entry not in refused]
            decoded = decoded.without(dropped, [*kept, *refused.values()])
        return self._classes.admit(entries, decoded)

    def _refused(self, entries: Entries, n_rows: NDArray[np.int64]) -> Iterator[Reject]:
        if self._row_an_entry:
            for i in np.flatnonzero((entries.seq >= MAX_ROW_SEQ) & (n_rows > 0)).tolist():
                detail = (
                    f"the sequence number of an entry's ID must be below {MAX_ROW_SEQ} for {self._output_format} "
                    f"output, got {entries.id(i)}: send it with another ID, or write packed batches"
                )
                yield Reject(i, Reason.OUT_OF_RANGE, detail, tuple(entries.items(i)), int(n_rows[i]))
        limit, what = self._size.entry_rows, f"{ENTRY_BYTES >> 20} MB"
        if self._row_an_entry and ROW_NUMBERS // self._size.rows < limit:
            limit, what = ROW_NUMBERS // self._size.rows, f"{ROW_NUMBERS} {self._output_format} entries"
        for i in np.flatnonzero(n_rows > limit).tolist():
            detail = (
                f"an entry of this contract must hold at most {limit} rows, got {n_rows[i]}: with up to "
                f"{self._size.rows - 1} synthetic rows behind each, its output could exceed {what}; "
                "send fewer rows an entry"
            )
            yield Reject(i, Reason.TOO_LONG, detail, tuple(entries.items(i)), int(n_rows[i]))


class _ClassLimit:
    """Admit classes in order of first appearance; those already counted come first."""

    def __init__(self, labels: Iterable[int] = ()) -> None:
        self._admitted = set(labels)

    def admit(self, entries: Entries, decoded: Decoded) -> Decoded:
        """Reject the rows of classes beyond the limit; return `decoded` itself where no class is too many."""
        others = np.ones(len(decoded.y), dtype=np.bool_)
        for label in self._admitted:  # few; sorting all labels would take as long as decoding packed rows does
            others &= decoded.y != label
        new = set(decoded.y[others].tolist())
        if len(self._admitted) + len(new) <= MAX_CLASSES:
            self._admitted |= new
            return decoded
        dropped = np.zeros(len(decoded.y), dtype=np.bool_)
        for i, label in enumerate(decoded.y.tolist()):
            if label not in self._admitted and len(self._admitted) < MAX_CLASSES:
                self._admitted.add(label)
            dropped[i] = label not in self._admitted
        rejects = decoded.rejects + [
            self._reject(entries, decoded, e, dropped) for e in np.unique(decoded.entry[dropped]).tolist()
        ]
        return decoded.without(dropped, rejects)

    @staticmethod
    def _reject(entries: Entries, decoded: Decoded, entry: int, dropped: NDArray[np.bool_]) -> Reject:
        mine = np.flatnonzero(dropped & (decoded.entry == entry))
        if len(mine) == np.count_nonzero(decoded.entry == entry):
            original = tuple(entries.items(entry))
        else:
            fields = encode_batch(decoded.X[mine], decoded.y[mine])
            original = tuple(item for pair in fields.items() for item in pair)
        return Reject(
            entry,
            Reason.TOO_MANY_CLASSES,
            f"a stream may hold at most {MAX_CLASSES} classes, {decoded.y[mine[0]]} is one more",
            original,
            len(mine),
        )
