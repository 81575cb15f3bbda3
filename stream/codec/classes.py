"""`ClassLimit`: a stream may bring at most as many classes as the resampler can count; later ones are rejects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from resampler.online import MAX_CLASSES
from stream.codec.packed import encode_batch
from stream.codec.rows import Reason, Reject, Rows

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stream.entries import Entries


class ClassLimit:
    """Admit classes in order of first appearance.

    Parameters
    ----------
    labels : iterable of int
        Classes that the resampler has counted already.
    """

    def __init__(self, labels: Iterable[int] = ()) -> None:
        self._admitted = set(labels)

    def admit(self, entries: Entries, rows: Rows) -> Rows:
        """Reject the rows of classes beyond the limit.

        Parameters
        ----------
        entries : Entries
            What `rows` were decoded from.
        rows : Rows
            In stream order.

        Returns
        -------
        Rows
            `rows` itself where no class is too many.
        """
        new = set(np.unique(rows.y).tolist()) - self._admitted
        if len(self._admitted) + len(new) <= MAX_CLASSES:
            self._admitted |= new
            return rows
        dropped = np.zeros(len(rows.y), dtype=np.bool_)
        for i, label in enumerate(rows.y.tolist()):
            if label not in self._admitted and len(self._admitted) < MAX_CLASSES:
                self._admitted.add(label)
            dropped[i] = label not in self._admitted
        rejects = rows.rejects + [
            self._reject(entries, rows, e, dropped) for e in np.unique(rows.entry[dropped]).tolist()
        ]
        return rows.without(dropped, sorted(rejects, key=lambda reject: reject.entry))

    @staticmethod
    def _reject(
        entries: Entries, rows: Rows, entry: int, dropped: np.ndarray[tuple[int], np.dtype[np.bool_]]
    ) -> Reject:
        mine = np.flatnonzero(dropped & (rows.entry == entry))
        if len(mine) == np.count_nonzero(rows.entry == entry):
            original = tuple(entries.items(entry))
        else:
            fields = encode_batch(rows.X[mine], rows.y[mine])
            original = tuple(item for pair in fields.items() for item in pair)
        return Reject(
            entry,
            Reason.TOO_MANY_CLASSES,
            f"a stream may hold at most {MAX_CLASSES} classes, {rows.y[mine[0]]} is one more",
            original,
            len(mine),
        )
