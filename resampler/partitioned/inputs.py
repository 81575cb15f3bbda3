"""Tables in Parquet files: which files, what columns they have, and how their rows are divided among tasks."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from resampler.address import without_secrets
from resampler.errors import DataError, InvalidInputError
from resampler.partitioned.sizes import (
    BATCH_BYTES,
    BATCH_ROWS,
    READ_BYTES,
    READING,
    cell_bytes,
    column_bytes,
    held_bytes,
    rows_at_once,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

UNIT_ROWS = 262_144  # that a task reads, about: whole row groups
_BUFFER_BYTES = 1 << 20  # of each column; by default a reader holds what a whole row group has of it
_ENDINGS = (".parquet", ".parq", ".pq")


@dataclass(frozen=True)
class Unit:
    """Some rows of the input, which one task reads.

    Parameters
    ----------
    pieces : tuple
        Paths of files, each with the numbers of the row groups that are read.
    n_rows : int
        How many rows these are.
    batch_rows : int
        How many are in memory at once.
    filesystem : pyarrow.fs.FileSystem, optional
        Where the files are; by default on this machine's.
    """

    pieces: tuple[tuple[str, tuple[int, ...]], ...]
    n_rows: int
    batch_rows: int = BATCH_ROWS
    filesystem: Any = None

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Read the rows.

        Parameters
        ----------
        columns : sequence of str
            Which columns.

        Yields
        ------
        pyarrow.RecordBatch
            At most `batch_rows` rows, in order.
        """
        for path, groups in self.pieces:
            with pq.ParquetFile(path, filesystem=self.filesystem, pre_buffer=False, buffer_size=_BUFFER_BYTES) as file:
                yield from file.iter_batches(
                    self.batch_rows, row_groups=list(groups), columns=list(columns), use_threads=False
                )


@dataclass(frozen=True)
class Source:
    """A table in Parquet files.

    Parameters
    ----------
    schema : pyarrow.Schema
        Of every file.
    units : tuple of Unit
        All rows, divided.
    key : str
        The sha256 of what the files are called, how large they are and when they were written.
    widths : mapping of str to float
        Bytes of a cell of each column in memory, about.
    """

    schema: pa.Schema
    units: tuple[Unit, ...]
    key: str
    widths: Mapping[str, float]

    @property
    def width(self) -> int:
        """Bytes of a row in memory, about."""
        return self.width_of(self.schema.names)

    def width_of(self, names: Iterable[str]) -> int:
        """Say how wide some columns are.

        Parameters
        ----------
        names : iterable of str
            Which.

        Returns
        -------
        int
            Bytes of a row in memory, about.
        """
        return max(1, round(sum(self.widths[name] for name in names)))

    @property
    def n_rows(self) -> int:
        """How many rows there are."""
        return sum(unit.n_rows for unit in self.units)

    def reading_bytes(self, names: Sequence[str], copies: float = READING) -> int:
        """Say what a task takes that reads a unit.

        Parameters
        ----------
        names : sequence of str
            Columns that are read.
        copies : float
            Of the rows that are read at once.

        Returns
        -------
        int
            Bytes, for `Task.memory`.
        """
        n = max((min(unit.n_rows, unit.batch_rows) for unit in self.units), default=0)
        return held_bytes(n, self.width_of(names), copies) + (1 + len(names)) * READ_BYTES


def open_source(dataset: Any) -> Source:
    """Find the files of a table.

    Parameters
    ----------
    dataset : str, Path, list of these, or pyarrow.dataset.Dataset
        Paths or URIs of Parquet files, or of directories of them.

    Returns
    -------
    Source
        Only footers were read.

    Raises
    ------
    InvalidInputError
        If it is nothing of these, or holds no file of Parquet.
    DataError
        If a file cannot be read, or has other columns than the first.
    """
    filesystem, paths = _files_of(dataset)
    known = _sizes(filesystem, paths)
    schema, first = None, ""
    pieces: list[tuple[str, int, int]] = []
    lengths: Counter[str] = Counter()
    for path in paths:
        try:
            footer = pq.read_metadata(path, filesystem=filesystem)
            found = footer.schema.to_arrow_schema().remove_metadata()
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
            raise DataError(f"{without_secrets(path)} cannot be read as Parquet: {error}") from error
        if schema is None:
            schema, first = found, path
        elif not found.equals(schema):
            raise DataError(
                f"{without_secrets(path)} has other columns than {without_secrets(first)}: "
                f"{_difference(schema, found)}: write all files with one schema"
            )
        pieces += [(path, at, footer.row_group(at).num_rows) for at in range(footer.num_row_groups)]
        lengths.update(_lengths(footer, schema))
    assert schema is not None  # noqa: S101 - there is a file
    if len(set(schema.names)) < len(schema.names):
        twice = next(name for at, name in enumerate(schema.names) if name in schema.names[:at])
        raise DataError(f"columns must have distinct names, got {twice!r} twice: rename all but one")
    n = max(1, sum(rows for _, _, rows in pieces))
    widths = column_bytes(schema, {name: size / n for name, size in lengths.items()})
    batch_rows = rows_at_once(max(1, round(sum(widths.values()))), BATCH_BYTES, BATCH_ROWS)
    key = hashlib.sha256(repr(known).encode()).hexdigest()
    return Source(schema, tuple(_units(pieces, batch_rows, filesystem)), key, widths)


def _lengths(footer: Any, schema: pa.Schema) -> dict[str, int]:
    """Return bytes of columns whose type does not say how long a cell is: encoded, so a little less."""
    found: Counter[str] = Counter()
    unsaid = [field.name for field in schema if cell_bytes(field.type) is None]
    for at in range(footer.num_row_groups if unsaid else 0):
        group = footer.row_group(at)
        for j in range(group.num_columns):
            column = group.column(j)
            if (name := column.path_in_schema.partition(".")[0]) in unsaid:
                found[name] += column.total_uncompressed_size
    return dict(found)


def _files_of(dataset: Any) -> tuple[Any, list[str]]:
    """Return a file system, None for this machine's, and paths in it, sorted."""
    files = getattr(dataset, "files", None)
    if files is not None and hasattr(dataset, "filesystem"):
        if getattr(dataset.format, "default_extname", None) != "parquet":
            raise InvalidInputError("dataset must be of Parquet files, got one of another format: write it as Parquet")
        filesystem = None if isinstance(dataset.filesystem, fs.LocalFileSystem) else dataset.filesystem
        paths = sorted(files)
    elif isinstance(dataset, str | Path):
        filesystem, paths = _of_path(str(dataset))
    elif isinstance(dataset, list | tuple) and dataset and all(isinstance(one, str | Path) for one in dataset):
        found = [_of_path(str(one)) for one in dataset]
        filesystem, paths = found[0][0], sorted({path for _, some in found for path in some})
        if any(other != filesystem for other, _ in found):
            raise InvalidInputError("the files of dataset must be in one file system: give one URI of a directory")
    else:
        raise InvalidInputError(
            "dataset must be a path or URI of Parquet, a list of such, a pyarrow.dataset.Dataset of Parquet files, "
            f"or a frame of Ray Data, Dask or Spark, got {type(dataset).__name__}"
        )
    if not paths:
        raise InvalidInputError(f"dataset holds no file that ends in {', '.join(_ENDINGS)}: {_said(dataset)}")
    return filesystem, paths


def _of_path(text: str) -> tuple[Any, list[str]]:
    if "://" in text:
        try:
            filesystem, path = fs.FileSystem.from_uri(text)
        except (pa.ArrowInvalid, OSError, NotImplementedError) as error:
            shown = without_secrets(text)
            raise InvalidInputError(f"dataset {shown!r}: {str(error).replace(text, shown)}") from error
    else:
        filesystem, path = fs.LocalFileSystem(), str(Path(text).expanduser().resolve())
    info = filesystem.get_file_info(path)
    ours = None if isinstance(filesystem, fs.LocalFileSystem) else filesystem
    if info.type == fs.FileType.File:
        return ours, [path]
    if info.type == fs.FileType.NotFound:
        raise InvalidInputError(f"dataset {without_secrets(text)!r} is not there: give the path of Parquet files")
    below = filesystem.get_file_info(fs.FileSelector(path, recursive=True))
    found = [
        one.path
        for one in below
        if one.type == fs.FileType.File
        and one.base_name.endswith(_ENDINGS)
        and not any(part.startswith((".", "_")) for part in one.path[len(path) :].split("/"))
    ]
    named = next((one for one in found if any("=" in part for part in one[len(path) :].split("/")[:-1])), None)
    if named is not None:
        raise InvalidInputError(
            f"{without_secrets(named)} has a column in the name of its directory, which is not read: write the column "
            "into the files"
        )
    return ours, sorted(found)


def _sizes(filesystem: Any, paths: list[str]) -> list[tuple[str, int, int]]:
    found = (fs.LocalFileSystem() if filesystem is None else filesystem).get_file_info(paths)
    return [(one.path, one.size or 0, one.mtime_ns or 0) for one in found]


def _said(dataset: Any) -> str:
    return without_secrets(str(dataset)) if isinstance(dataset, str | Path) else type(dataset).__name__


def _difference(one: pa.Schema, other: pa.Schema) -> str:
    if one.names != other.names:
        apart = sorted(set(one.names) ^ set(other.names))
        return f"{apart} in one of them only" if apart else "they stand in another order"
    at = next(at for at, field in enumerate(one) if field != other.field(at))
    return f"{one.field(at)} and {other.field(at)}"


def _units(pieces: list[tuple[str, int, int]], batch_rows: int, filesystem: Any) -> Iterator[Unit]:
    """Divide row groups, in order, so that none but a larger row group has more than `UNIT_ROWS`."""
    held: dict[str, list[int]] = {}
    n = 0
    for path, group, rows in pieces:
        if n and n + rows > UNIT_ROWS:
            yield Unit(tuple((name, tuple(groups)) for name, groups in held.items()), n, batch_rows, filesystem)
            held, n = {}, 0
        held.setdefault(path, []).append(group)
        n += rows
    if n or not pieces:
        yield Unit(tuple((name, tuple(groups)) for name, groups in held.items()), n, batch_rows, filesystem)
