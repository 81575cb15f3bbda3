"""Immutable Parquet files that plain Feast reads: written once in a stream, hashed on the way."""

from __future__ import annotations

import functools
import hashlib
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from feast_plugin.versions.files.entries import StoredFile
from feast_plugin.versions.inputs.rows import BATCH_ROWS
from resampler.identity import ContentDigest
from resampler.parquet import open_writer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from resampler.storage import Location


class HashingSink:
    """A binary file that hashes and counts what is written to it.

    Parameters
    ----------
    stream : file-like, optional
        What it is passed on to; by default nothing.
    """

    closed = False

    def __init__(self, stream: Any = None) -> None:
        self._stream = stream
        self.sha256 = hashlib.sha256()
        self.bytes = 0

    def write(self, data: Any) -> int:
        """Take bytes.

        Parameters
        ----------
        data : bytes-like
            Of any item size.

        Returns
        -------
        int
            How many they are.
        """
        view = memoryview(data)
        self.sha256.update(view)
        self.bytes += view.nbytes
        if self._stream is not None:
            self._stream.write(view)
        return view.nbytes

    def flush(self) -> None:
        """Pass on what waits."""
        if self._stream is not None:
            self._stream.flush()

    def close(self) -> None:
        """End; the stream stays open."""
        self.closed = True


class ParquetFile:
    """One Parquet file in the making; a context manager.

    Parameters
    ----------
    directory : Location
        Of the version.
    path : str
        Of the file in it.
    schema : pyarrow.Schema
        Its columns.
    watch : callable, optional
        Is given each row group as it is written: what a reader of the file meets, in the same pieces.
    """

    def __init__(
        self, directory: Location, path: str, schema: pa.Schema, watch: Callable[[pa.Table], None] | None = None
    ) -> None:
        target = directory / path
        target.create_parent()
        self._path = path
        self._schema = schema
        self._watch = watch
        self._rows = 0
        self._stream = target.filesystem.open_output_stream(target.path)
        self._sink = HashingSink(self._stream)
        # Feast cannot type a list column under Parquet's own name for its elements.
        self._writer = open_writer(pa.PythonFile(self._sink, mode="w"), schema, use_compliant_nested_type=False)
        self._pending: list[pa.Table] = []
        self.content = ContentDigest(schema)

    def write(self, table: pa.Table) -> None:
        """Append rows.

        Parameters
        ----------
        table : pyarrow.Table
            Columns as in the schema.
        """
        self._pending.append(table)
        waiting = sum(part.num_rows for part in self._pending)
        if waiting >= BATCH_ROWS:
            self._flush(waiting - waiting % BATCH_ROWS)

    def _flush(self, n: int) -> None:
        # Row groups of one size: the bytes follow from the rows, not from the batches that they came in.
        table = pa.concat_tables(self._pending)
        for start in range(0, n, BATCH_ROWS):
            group = table.slice(start, min(BATCH_ROWS, n - start)).combine_chunks()
            self._writer.write_table(group, row_group_size=BATCH_ROWS)
            self.content.update(group)
            if self._watch is not None and group.num_rows:
                self._watch(group)
            self._rows += group.num_rows
        self._pending = [table.slice(n)]

    def __enter__(self) -> ParquetFile:
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._pending:
            self._flush(sum(part.num_rows for part in self._pending))
        self._writer.close()
        self._stream.close()

    @property
    def stored(self) -> StoredFile:
        """What the manifest says of the file, once it is closed."""
        return StoredFile(self._path, self._rows, self._sink.bytes, self._sink.sha256.hexdigest())


class ParquetFiles:
    """Parquet files in the making, each of so many rows and the last of what is left; a context manager.

    Parameters
    ----------
    directory : Location
        Of the version.
    paths : sequence of str
        As many as rows will fill, one at least.
    rows : int
        Of a file.
    schema, watch
        As in `ParquetFile`.
    """

    def __init__(
        self,
        directory: Location,
        paths: Sequence[str],
        rows: int,
        schema: pa.Schema,
        watch: Callable[[pa.Table], None] | None = None,
    ) -> None:
        self._open = functools.partial(ParquetFile, directory, schema=schema, watch=watch)
        self._paths, self._of_one = list(paths), rows
        self._room = rows
        self.files: list[ParquetFile] = []

    def write(self, table: pa.Table) -> None:
        """Append rows.

        Parameters
        ----------
        table : pyarrow.Table
            Columns as in the schema.
        """
        while table.num_rows > self._room:
            self.files[-1].write(table.slice(0, self._room))
            self.files[-1].__exit__()
            table = table.slice(self._room)
            self._next()
        self.files[-1].write(table)
        self._room -= table.num_rows

    def _next(self) -> None:
        self.files.append(self._open(self._paths[len(self.files)]))
        self._room = self._of_one

    def __enter__(self) -> ParquetFiles:
        self._next()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.files[-1].__exit__()
