"""`Mapped`: rows that lie in Arrow files, of which tasks map a few at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from feast_plugin.versions.inputs.rows import BATCH_ROWS, FILE_ROWS
from resampler.engines.task import Task

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from feast_plugin.versions.inputs.rows import CanonicalRows
    from resampler.engines.task import Output
    from resampler.engines.workplace import Workplace

ROWS = "rows.arrow"  # what a task leaves them in


class Mapped(NamedTuple):
    """Rows in files; small, and picklable.

    Parameters
    ----------
    paths : tuple of str
        Arrow files of equal columns.
    starts : tuple of int
        Number of the first row of each, and behind them how many rows all have.
    chosen : str, optional
        An array of the numbers of those that are meant, ascending; by default all are.
    n_rows : int
        How many are meant.
    """

    paths: tuple[str, ...]
    starts: tuple[int, ...]
    n_rows: int
    chosen: str | None = None

    @classmethod
    def canonical(cls, rows: CanonicalRows, members: NDArray[np.int64], place: Workplace, stage: str) -> Mapped:
        """Choose canonical rows.

        Parameters
        ----------
        rows : CanonicalRows
            With files for tasks.
        members : ndarray of shape (n_members,), int64
            Positions, ascending.
        place : Workplace
            Where these are put down.
        stage : str
            Under which name.

        Returns
        -------
        Mapped
            These rows.
        """
        kept = place.save(f"{stage}/members", {"members": members})
        n = rows.table.num_rows
        starts = [*range(0, n, FILE_ROWS), n]
        paths = rows.paths or [_copied(rows, first, place) for first in starts[:-1]]
        return cls(tuple(paths), tuple(starts), len(members), str(kept.folder / "members.npy"))

    @classmethod
    def left(cls, folders: Sequence[Path], sizes: Sequence[int]) -> Mapped:
        """Name what tasks left.

        Parameters
        ----------
        folders : sequence of Path
            Of the tasks, in the order of the rows.
        sizes : sequence of int
            Rows of each.

        Returns
        -------
        Mapped
            All of them.
        """
        starts = np.cumsum([0, *sizes]).tolist()
        return cls(tuple(str(folder / ROWS) for folder in folders), tuple(starts), starts[-1])

    @property
    def schema(self) -> pa.Schema:
        """Of the columns."""
        return _open(self.paths[0]).schema

    @property
    def names(self) -> list[str]:
        """Of the columns."""
        return list(self.schema.names)

    def slice(self, first: int, last: int, names: Sequence[str]) -> pa.Table:
        """Read some of the rows.

        Parameters
        ----------
        first, last : int
            Of those that are meant, the last one not included.
        names : sequence of str
            Columns.

        Returns
        -------
        pyarrow.Table
            In memory where they were chosen, else as the files have them.
        """
        last = min(last, self.n_rows)
        if self.chosen is None:
            return self._concatenated([batch for _, batch in self._batches(first, last, names)], names)
        members = np.load(self.chosen, mmap_mode="r")[first:last]
        if not len(members):
            return self._concatenated([], names)
        found = []
        for start, batch in self._batches(int(members[0]), int(members[-1]) + 1, names):
            low, high = np.searchsorted(members, [start, start + batch.num_rows])
            if high > low:
                found.append(batch.take(pa.array(members[low:high] - start)))
        return self._concatenated(found, names)

    def table(self) -> pa.Table:
        """Map all rows of all files.

        Returns
        -------
        pyarrow.Table
            Whose pages come from the files as they are touched.
        """
        return pa.concat_tables([_open(path).read_all() for path in self.paths])

    def _concatenated(self, batches: list[pa.RecordBatch], names: Sequence[str]) -> pa.Table:
        schema = _open(self.paths[0]).schema
        return pa.Table.from_batches(batches, pa.schema([schema.field(name) for name in names]))

    def _batches(self, first: int, last: int, names: Sequence[str]) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Yield the batches, or parts of them, between two rows of the files, each with the number of its first row."""
        at = int(np.searchsorted(self.starts, first, side="right")) - 1
        while at < len(self.paths) and self.starts[at] < last:
            start, source = self.starts[at], _open(self.paths[at])
            for number in range(source.num_record_batches):
                batch = source.get_batch(number)
                low, high = max(first - start, 0), min(last - start, batch.num_rows)
                if low < high:
                    yield start + low, batch.select(list(names)).slice(low, high - low)
                start += batch.num_rows
                if start >= last:
                    return
            at += 1


def _copied(rows: CanonicalRows, first: int, place: Workplace) -> str:
    """Put canonical rows of this process alone where tasks can map them: an earlier run read them with no engine."""

    def copy(output: Output) -> None:
        table = rows.table.slice(first, FILE_ROWS)
        with pa.OSFile(str(output.path(ROWS)), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            for start in range(0, table.num_rows, BATCH_ROWS):
                writer.write_table(table.slice(start, BATCH_ROWS).combine_chunks())
                rows.release()

    return str(place.here(Task(f"canonical/copied-{first // FILE_ROWS:05}", copy)).folder / ROWS)


def _open(path: str) -> Any:
    return pa.ipc.open_file(pa.memory_map(path))
