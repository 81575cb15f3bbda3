"""The base classes of input formats: derive from `RowInput` or `BatchInput`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np

from stream.formats.check import MatrixCheck, with_one_null
from stream.formats.fields import payload_of
from stream.formats.rejects import Faults, Reject, RejectError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from resampler.schema import FeatureSchema
    from stream.formats.decoded import Collector
    from stream.redis.entries import Entries


class Input(ABC):
    """Read the entries of one format, under one contract; derive from `RowInput` or `BatchInput`.

    Parameters
    ----------
    schema : FeatureSchema
        The contract.

    Attributes
    ----------
    field : bytes
        The field that holds the rows; empty where each column is a field. ``auto`` finds the format by this name among
        an entry's first two fields, unless a column of the contract is called so.
    """

    field: ClassVar[bytes] = b""

    def __init__(self, schema: FeatureSchema) -> None:
        self.schema = schema

    @abstractmethod
    def decode(self, entries: Entries, low: int, high: int, into: Collector) -> None:
        """Decode a run of entries and check every row against the contract.

        Parameters
        ----------
        entries : Entries
            Holds the run.
        low, high : int
            The run is entries low to high - 1.
        into : Collector
            Takes the rows and the rejects, in order.
        """

    @abstractmethod
    def encode(self, X: NDArray[np.float32], y: NDArray[np.int64]) -> list[list[bytes]]:
        """Make the entries that a producer would send.

        Parameters
        ----------
        X : ndarray of shape (n, n_features), float32
            Rows that keep the contract, coded columns as codes.
        y : ndarray of shape (n,), int64
            Their classes.

        Returns
        -------
        list of list of bytes
            Name, value, name, value, ... of each entry, without a schema id.
        """

    def payload(self, items: Sequence[bytes]) -> bytes:
        """Take the payload out of an entry.

        Parameters
        ----------
        items : sequence of bytes
            Name, value, name, value, ...

        Returns
        -------
        bytes
            What stands in `field`.

        Raises
        ------
        RejectError
            If there are other fields, or the schema id is another.
        """
        return payload_of(items, self.field, self.schema)


class RowInput(Input):
    """A format with one row an entry: a reference reader, and maybe a kernel that is faster and must agree with it."""

    @abstractmethod
    def read(self, items: Sequence[bytes]) -> tuple[NDArray[np.float32], int]:
        """Read one entry: the reference, which says what the format means.

        Parameters
        ----------
        items : sequence of bytes
            Name, value, name, value, ...

        Returns
        -------
        x : ndarray of shape (n_features,), float32
            The row, checked.
        y : int
            Its class, checked.

        Raises
        ------
        RejectError
            If it is no row that keeps the contract.
        """

    def read_fast(
        self,
        entries: Entries,
        low: int,
        high: int,
        X: NDArray[np.float32],
        y: NDArray[np.int64],
        certain: NDArray[np.bool_],
    ) -> None:
        """Decode by kernel what is certain to be what `read` makes of it; without a kernel, nothing.

        Parameters
        ----------
        entries : Entries
            Holds the run.
        low, high : int
            The run is entries low to high - 1.
        X, y : ndarray
            Take the rows, one an entry.
        certain : ndarray of shape (high - low,), bool
            Takes which rows are decoded; every other entry is left to `read`, which knows why.
        """
        certain[:] = False

    def decode(self, entries: Entries, low: int, high: int, into: Collector) -> None:
        """Decode a run of entries: by kernel what is certain, by the reference the rest.

        Parameters
        ----------
        entries, low, high, into
            See `Input.decode`.
        """
        n = high - low
        X = np.empty((n, self.schema.n_features), dtype=np.float32)
        y = np.empty(n, dtype=np.int64)
        certain = np.empty(n, dtype=np.bool_)
        self.read_fast(entries, low, high, X, y, certain)
        for row in np.flatnonzero(~certain).tolist():
            items = entries.items(low + row)
            try:
                X[row], y[row] = self.read(items)
                certain[row] = True
            except RejectError as error:
                into.reject(low + row, error, items)
        entry = np.arange(low, high, dtype=np.int64)
        if not certain.all():
            X, y, entry = X[certain], y[certain], entry[certain]
        into.add(X, y, entry, np.zeros(len(y), dtype=np.int64))


class Batch(NamedTuple):
    """The rows of one entry.

    Parameters
    ----------
    X : ndarray of shape (n, n_features), float32
        The rows, coded columns as codes. What no number can stand for has a fault.
    y : ndarray of shape (n,), int64
        Their classes.
    pick : callable
        From a mask of rows to the payload of an entry that holds these and no other: what becomes of faulty ones.
    faults : dict of int to (Reason, str)
        Rows that have no place in X and y.
    """

    X: NDArray[np.float32]
    y: NDArray[np.int64]
    pick: Callable[[NDArray[np.bool_]], bytes]
    faults: Faults


class Run(NamedTuple):
    """The rows of a run of entries, as far as they are certain to be what `BatchInput.read` makes of them.

    Parameters
    ----------
    X : ndarray of shape (n, n_features), float32
        The rows.
    y : ndarray of shape (n,), int64
        Their classes.
    entry, place : ndarray of shape (n,), int64
        Which entry each came from, and its position therein.
    starts : ndarray of shape (n_entries + 1,), int64
        Entry i of the run has rows ``starts[i]`` to ``starts[i + 1] - 1``; none where it is left to `read`.
    """

    X: NDArray[np.float32]
    y: NDArray[np.int64]
    entry: NDArray[np.int64]
    place: NDArray[np.int64]
    starts: NDArray[np.int64]


class BatchInput(Input):
    """A format with several rows an entry; faulty rows leave it, the others stay.

    A reference reader, and maybe kernels that are faster and must agree with it.

    Parameters
    ----------
    schema : FeatureSchema
        The contract.
    """

    def __init__(self, schema: FeatureSchema) -> None:
        super().__init__(schema)
        self._check = MatrixCheck(schema)

    @abstractmethod
    def read(self, payload: bytes) -> Batch:
        """Read what stands in the field.

        Parameters
        ----------
        payload : bytes
            Its value.

        Returns
        -------
        Batch
            At least one row and at most `MAX_BATCH_ROWS`; codes, bounds and magnitudes are checked behind it.

        Raises
        ------
        RejectError
            If the entry as a whole cannot be read.
        """

    def read_fast(self, entries: Entries, low: int, high: int) -> Run | None:
        """Decode by kernel what is certain to be what `read` makes of it, unchecked; without a kernel, nothing.

        Parameters
        ----------
        entries : Entries
            Holds the run.
        low, high : int
            The run is entries low to high - 1.

        Returns
        -------
        Run or None
            Free of the buffer that the entries were read into.
        """
        return None

    def decode(self, entries: Entries, low: int, high: int, into: Collector) -> None:
        """Decode a run of entries: by kernel those that are certain and without fault, by the reference the rest.

        Parameters
        ----------
        entries, low, high, into
            See `Input.decode`.
        """
        run = self.read_fast(entries, low, high)
        if run is None:
            for i in range(low, high):
                self._decode_entry(i, entries, into)
            return
        X, y, entry, place, starts = run
        left = np.diff(starts) == 0
        left[entry[list(self._check(X, y))] - low] = True
        rows, at = self._rows(X), low
        for i in [*(np.flatnonzero(left) + low).tolist(), high]:
            if at < i:
                part = slice(starts[at - low], starts[i - low])
                into.add(rows[part], y[part], entry[part], place[part])
            if i < high:
                self._decode_entry(i, entries, into)
            at = i + 1

    def _decode_entry(self, i: int, entries: Entries, into: Collector) -> None:
        """Decode one entry by the reference."""
        items = entries.items(i)
        try:
            batch = self.read(self.payload(items))
        except RejectError as error:
            into.reject(i, error, items)
            return
        n = len(batch.y)
        if faults := self._check(batch.X, batch.y) | batch.faults:
            self._part(i, batch, faults, into)
        else:
            entry, place = np.full(n, i, dtype=np.int64), np.arange(n, dtype=np.int64)
            into.add(self._rows(batch.X), batch.y, entry, place)

    def _rows(self, X: NDArray[np.float32]) -> NDArray[np.float32]:
        return with_one_null(X) if self._check.nullable else X

    def _part(self, i: int, batch: Batch, faults: Faults, into: Collector) -> None:
        """Part the rows of an entry; those that are faulty make an entry of their own."""
        bad = np.zeros(len(batch.y), dtype=np.bool_)
        bad[list(faults)] = True
        (place,) = np.nonzero(~bad)
        into.add(self._rows(batch.X[place]), batch.y[place], np.full(len(place), i, dtype=np.int64), place)
        row = min(faults)
        reason, detail = faults[row]
        others = f" (and {len(faults) - 1} more rows)" if len(faults) > 1 else ""
        original = (self.field, batch.pick(bad))
        into.reject_rows(Reject(i, reason, f"row {row}: {detail}{others}", original, len(faults)))
