"""The canonical table: rows in one order, on disk, each with its identity."""

from __future__ import annotations

import mmap
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from feast_plugin.versions.inputs.contract import TIMESTAMP
from resampler.dtypes import TEXT, family_of
from resampler.errors import DataError
from resampler.identity import ContentDigest, row_ids
from resampler.schema import Label

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from feast_plugin.versions.inputs.contract import Contract

BATCH_ROWS = 131_072  # rows held at once while a table passes through
TEXT_BYTES = 24  # of a value of text, about
CANONICAL = "canonical"  # folder of such files in a workplace
FILE_ROWS = 8 * BATCH_ROWS  # of a file that tasks map


@dataclass(frozen=True)
class CanonicalRows:
    """Real rows in canonical order: by event timestamp, if they have one, then by join keys.

    They lie in a file that is mapped. Pages that were read count as memory of the process until the kernel wants them
    back: `release` gives them back at once, so that passing over a table of any size takes a few batches' memory.

    Parameters
    ----------
    table : pyarrow.Table of n_rows
        Join keys, event timestamp, features, label and the split rule's column, memory-mapped.
    row_id : ndarray of shape (n_rows,), int64
        Identities.
    timestamps : ndarray of shape (n_rows,), int64, or None
        Microseconds since 1970, UTC; None where rows have no event timestamp.
    label : ndarray of shape (n_rows,), int64
        Class of each row: the integer itself, or the position in `classes`.
    classes : Label
        Name, type and classes of the label.
    release : callable
        Gives back the pages that were read; what is touched again comes from the file again.
    paths : tuple of str
        The Arrow files that they lie in, each but the last of `FILE_ROWS` rows, for tasks to map (`rows_of`); empty
        where they lie in one that is gone from its directory, for this process alone.
    """

    table: pa.Table
    row_id: NDArray[np.int64]
    timestamps: NDArray[np.int64] | None
    label: NDArray[np.int64]
    classes: Label
    release: Callable[[], None]
    paths: tuple[str, ...] = ()

    def batches(self) -> Iterator[tuple[int, pa.Table]]:
        """Pass over the rows.

        Yields
        ------
        start : int
            Position of the batch's first row.
        batch : pyarrow.Table
            `BATCH_ROWS` rows, the last one what is left. Its pages are given back when the next one is asked for.
        """
        for start in range(0, self.table.num_rows, BATCH_ROWS):
            yield start, self.table.slice(start, BATCH_ROWS)
            self.release()

    def take(self, names: Sequence[str], positions: NDArray[np.int64]) -> pa.Table:
        """Copy some rows into memory.

        Parameters
        ----------
        names : sequence of str
            Columns.
        positions : ndarray of shape (n_taken,), int64
            Of the rows.

        Returns
        -------
        pyarrow.Table of n_taken rows
            In the order of `positions`.
        """
        columns = {}
        for name in names:  # one at a time: scattered rows touch every page of their column
            columns[name] = self.table[name].take(pa.array(positions))
            self.release()
        return pa.table(columns)

    def sha256(self) -> str:
        """Hash the rows.

        Returns
        -------
        str
            As `resampler.identity.ContentDigest` gives it.
        """
        digest = ContentDigest(self.table.schema)
        for _, batch in self.batches():
            digest.update(batch)
        return digest.hexdigest()


class Pages:
    """A file whose pages come as they are touched, and go when that is said.

    Parameters
    ----------
    path : str or Path
        Of the file, which may be removed at once.
    """

    def __init__(self, path: str | Path) -> None:
        with open(path, "rb") as file:  # noqa: PTH123 - of either type
            self._pages = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self.buffer = pa.py_buffer(self._pages)

    def release(self) -> None:
        """Give the pages that were read back to the system: until then they count as memory of the process."""
        if hasattr(mmap, "MADV_DONTNEED"):
            self._pages.madvise(mmap.MADV_DONTNEED)


class MappedFile(Pages):
    """An Arrow file that is mapped.

    Parameters
    ----------
    path : str or Path
        Of the file.
    """

    def __init__(self, path: str | Path) -> None:
        super().__init__(path)
        self.reader = pa.ipc.open_file(self.buffer)


def row_bytes(schema: pa.Schema) -> int:
    """Say what a row takes in memory, about.

    Parameters
    ----------
    schema : pyarrow.Schema
        Its columns.

    Returns
    -------
    int
        In bytes; of a list the elements are not known, and one is counted.
    """
    total = 0
    for field in schema:
        of = field.type.value_type if pa.types.is_list(field.type) else field.type
        total += max(of.bit_width // 8, 1) if pa.types.is_primitive(of) else TEXT_BYTES
    return total


def canonical_rows(table: pa.Table, contract: Contract, spool: Path, keep: Path | None = None) -> CanonicalRows:
    """Bring rows into canonical order, on disk, and say who they are.

    Parameters
    ----------
    table : pyarrow.Table
        Columns typed by the contract; keys are unique.
    contract : Contract
        Names keys and label.
    spool : Path
        A local directory with room for the rows once; the file in it is removed as soon as it is mapped.
    keep : Path, optional
        A directory where they are to stay instead, for tasks to map.

    Returns
    -------
    CanonicalRows
        As many as `table` has.

    Raises
    ------
    DataError
        If the label is constant.
    """
    order = pc.sort_indices(table, sort_keys=[(key, "ascending") for key in contract.keys])
    if keep is None:
        path = spool / f"{uuid.uuid4().hex}.arrow"
        write_in_order(table, order, path)
        rows = mapped_rows([path], contract)
        path.unlink()
        return rows
    keep.mkdir(parents=True, exist_ok=True)
    paths = []
    for at, start in enumerate(range(0, len(order), FILE_ROWS)):
        paths.append(keep / f"{at:05}.arrow")
        write_in_order(table, order.slice(start, FILE_ROWS), paths[-1])
    return mapped_rows(paths, contract, stay=True)


def write_in_order(table: pa.Table, order: pa.Array, path: Path) -> None:
    """Write rows to an Arrow file, `BATCH_ROWS` a batch.

    Parameters
    ----------
    table : pyarrow.Table
        Holds them.
    order : pyarrow.Array of integers
        Positions of the rows.
    path : Path
        Of the file.
    """
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        for start in range(0, len(order), BATCH_ROWS):
            writer.write_table(table.take(order.slice(start, BATCH_ROWS)).combine_chunks())


def mapped_rows(
    paths: Sequence[Path], contract: Contract, *, stay: bool = False, row_id: NDArray[np.int64] | None = None
) -> CanonicalRows:
    """Map rows that lie in canonical order on disk, and say who they are.

    Parameters
    ----------
    paths : sequence of Path
        Arrow files of them, each but the last of whole batches, which may be removed at once.
    contract : Contract
        Names keys and label.
    stay : bool
        Whether the files stay, each but the last of `FILE_ROWS` rows, so that tasks can map them too.
    row_id : ndarray of shape (n_rows,), int64, optional
        Identities, where they are known.

    Returns
    -------
    CanonicalRows
        That need no memory of ours.

    Raises
    ------
    DataError
        If the label is constant.
    """
    files = [MappedFile(path) for path in paths]

    def release() -> None:
        """Give the pages that were read back to the system."""
        for one in files:
            one.release()

    table = pa.concat_tables([one.reader.read_all() for one in files])
    label, classes = _encode_label(table[contract.label], contract.published_label)
    rows = CanonicalRows(
        table=table,
        row_id=row_ids(table, contract.keys) if row_id is None else row_id,
        timestamps=table[TIMESTAMP].cast(pa.int64()).to_numpy() if contract.timestamped else None,
        label=label,
        classes=classes,
        release=release,
        paths=tuple(str(path) for path in paths) if stay else (),
    )
    release()
    return rows


def columns_of_rows(paths: Sequence[str], names: Sequence[str]) -> CanonicalRows:
    """Map some columns of all canonical rows; call it in a task.

    Parameters
    ----------
    paths : sequence of str
        Of `CanonicalRows`.
    names : sequence of str
        Columns.

    Returns
    -------
    CanonicalRows
        Without identities, times and labels.
    """
    files = [MappedFile(path) for path in paths]

    def release() -> None:
        """Give the pages that were read back to the system."""
        for one in files:
            one.release()

    table = pa.concat_tables([one.reader.read_all().select(list(names)) for one in files])
    none = np.empty(0, dtype=np.int64)
    return CanonicalRows(table, none, None, none, Label("none"), release, tuple(paths))


def rows_of(paths: Sequence[str], first: int, last: int, names: Sequence[str] | None = None) -> pa.Table:
    """Map some canonical rows; call it in a task.

    Parameters
    ----------
    paths : sequence of str
        Of `CanonicalRows`.
    first, last : int
        Positions of the rows, the last one not included.
    names : sequence of str, optional
        Columns, by default all.

    Returns
    -------
    pyarrow.Table
        Whose pages come from the files as they are touched; a chunk is a batch of `BATCH_ROWS` rows, or a part of one.
    """
    held = range(first // FILE_ROWS, min(len(paths), -(-last // FILE_ROWS)))
    found = []
    for at in held:
        table = pa.ipc.open_file(pa.memory_map(paths[at])).read_all()
        table = table if names is None else table.select(list(names))
        start = max(first - at * FILE_ROWS, 0)
        found.append(table.slice(start, last - at * FILE_ROWS - start))
    return pa.concat_tables(found)


def _encode_label(column: pa.ChunkedArray, name: str) -> tuple[NDArray[np.int64], Label]:
    values = sorted(pc.unique(column).to_pylist())
    if len(values) < 2:
        raise DataError(f"label {name!r} must have two classes or more, got only {values[0]!r}")
    label = Label(name, "string", tuple(values)) if family_of(column.type) == TEXT else Label(name)
    return label.column.to_code(column)[0], label
