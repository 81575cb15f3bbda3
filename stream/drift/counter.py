"""`Counter`: a shard's accepted rows, counted against a reference, window after window."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np

from resampler.errors import CorruptStateError
from resampler.layout import as_kernel_array
from resampler.online import MAX_CLASSES
from resampler.profile.cells import Cells
from resampler.profile.matrix import MatrixCounter
from stream.drift.window import Window
from stream.kernels.choose import choose

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from resampler.schema import FeatureSchema
    from stream.drift.reference import Reference
    from stream.formats import Decoded

FORMAT = 1
_ONE_CELL = Cells(categorical=False)  # of a column that is not compared


@dataclass(frozen=True, eq=False)
class Plan:
    """Against what a stream's rows are counted, and how.

    Parameters
    ----------
    reference : Reference
        The version.
    schema : FeatureSchema
        The stream's contract.
    rows : int
        Rows counted in a window.
    every : int
        Of so many accepted rows one is counted.
    keep : int
        Windows that are kept, the newest.
    """

    reference: Reference
    schema: FeatureSchema
    rows: int
    every: int
    keep: int

    @cached_property
    def key(self) -> str:
        """What windows must agree in to be of one series."""
        return f"{FORMAT} {self.reference.digest} {self.rows} {self.every}"

    @cached_property
    def description(self) -> bytes:
        """What those who read windows later must know, as JSON."""
        said = {
            "key": self.key,
            "reference": self.reference.name,
            "rows": self.rows,
            "every": self.every,
            "left_out": list(self.reference.left_out),
            "cells": self.reference.described(),
        }
        return json.dumps(said, separators=(",", ":"), allow_nan=False).encode()


class Counter:
    """Count rows in windows of equally many rows counted.

    Parameters
    ----------
    plan : Plan
        Against what, and how.

    Attributes
    ----------
    number : int
        Of the window that is open: how many were full before.

    Notes
    -----
    What a window holds follows from the rows alone, in their order, and not from how reads part them: a replay counts
    the same. Counts hold no identity: a row that is forgotten stays counted.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        reference = plan.reference
        self._matrix = MatrixCounter(
            {name: reference.cells.get(name, _ONE_CELL) for name in plan.schema.names},
            reference.categories,
            MAX_CLASSES,
        )
        self._labels = np.zeros(MAX_CLASSES, dtype=np.int64)
        self._known = np.zeros(1, dtype=np.int64)
        self.number = self._taken = self._accepted = self._rejected = 0
        self._first = self._last = ""

    def add(self, decoded: Decoded, row_ids: NDArray[np.int64]) -> list[Window]:
        """Count the rows that come next.

        Parameters
        ----------
        decoded : Decoded
            Whole entries.
        row_ids : ndarray of shape (n,), int64
            Of its accepted rows.

        Returns
        -------
        list of Window
            Those that are full by now.
        """
        plan = self.plan
        n = len(row_ids)
        y = as_kernel_array(decoded.y, np.int64)
        rows, groups = np.empty((2, n), dtype=np.int64)
        rejected = [(reject.entry, reject.n_rows) for reject in decoded.rejects]
        full, at = [], 0
        while at < n:
            room = plan.rows - self._taken
            stop, taken = choose(row_ids, y, at, plan.every, room, self._labels, self._known, rows, groups)
            # Copied out first: reads of memory then wait side by side, not one after the other.
            self._matrix.add(decoded.X.take(rows[:taken], axis=0), groups[:taken])
            self._taken += taken
            self._accepted += stop - at
            self._first = self._first or decoded.id(int(decoded.entry[at]))
            self._last = decoded.id(int(decoded.entry[stop - 1]))
            if self._taken == plan.rows:
                # A reject counts in the window that is open where its entry ends.
                ended = int(decoded.entry[stop - 1])
                self._rejected += sum(rows for entry, rows in rejected if entry < ended)
                rejected = [(entry, rows) for entry, rows in rejected if entry >= ended]
                full.append(self._closed())
            at = stop
        self._rejected += sum(rows for _, rows in rejected)
        return full

    def open_window(self) -> Window:
        """Return the window that is not full yet.

        Returns
        -------
        Window
            A copy.
        """
        known = int(self._known[0])
        return Window(
            self.number,
            self._names(),
            self._matrix.counts[:known][:, self.plan.reference.columns],
            self._accepted,
            self._rejected,
            self._first,
            self._last,
        )

    def to_bytes(self) -> bytes:
        """Write the state.

        Returns
        -------
        bytes
            For `from_bytes`: JSON, a line end, counts.
        """
        window = self.open_window()
        labels = self._labels[: self._known[0]].tolist()
        said = {"key": self.plan.key, "labels": labels, "window": window.header()}
        return json.dumps(said, separators=(",", ":")).encode() + b"\n" + window.dump()[1]

    @classmethod
    def from_bytes(cls, data: bytes, plan: Plan, where: str) -> Self | None:
        """Go on from a state.

        Parameters
        ----------
        data : bytes
            From `to_bytes`.
        plan : Plan
            Against what, and how.
        where : str
            The key, for the message.

        Returns
        -------
        Counter or None
            None where the state counts against another reference, or otherwise.

        Raises
        ------
        CorruptStateError
            If it is damaged.
        """
        line, _, counts = data.partition(b"\n")
        try:
            said = json.loads(line)
            if said["key"] != plan.key:
                return None
            labels = [int(label) for label in said["labels"]]
            if len(labels) != len(said["window"]["classes"]):
                raise ValueError("labels and classes are not equally many")
            window = Window.of_header(said["window"], counts, len(plan.reference.columns))
        except (ValueError, KeyError, TypeError) as error:
            raise CorruptStateError(f"the counts in {where} are damaged ({error})") from error
        counter = cls(plan)
        counter.number, counter._taken = window.number, window.rows
        counter._accepted, counter._rejected = window.accepted, window.rejected
        counter._first, counter._last = window.first, window.last
        counter._labels[: len(labels)] = labels
        counter._known[0] = len(labels)
        counter._matrix.counts[: len(labels), plan.reference.columns] = window.counts
        return counter

    def _closed(self) -> Window:
        window = self.open_window()
        self._matrix.counts[: self._known[0]] = 0
        self._known[0] = self._taken = self._accepted = self._rejected = 0
        self._first = self._last = ""
        self.number += 1
        return window

    def _names(self) -> tuple[str, ...]:
        labels = self._labels[: self._known[0]]
        return tuple(map(str, self.plan.schema.label.column.to_value(labels).to_pylist()))
