"""Rows of the files of a version, which may be several for a split: as one table, or a piece at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from feast_plugin.versions.inputs.rows import BATCH_ROWS
from resampler.errors import CorruptStateError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from feast_plugin.versions.files.entries import StoredFile
    from feast_plugin.versions.files.manifest import Manifest
    from resampler.storage import Location


def read_files(directory: Location, files: Sequence[StoredFile], columns: Sequence[str] | None) -> pa.Table:
    """Read columns of files.

    Parameters
    ----------
    directory : Location
        Of the version.
    files : sequence of StoredFile
        One or more of the same columns.
    columns : sequence of str or None
        Which; None for all.

    Returns
    -------
    pyarrow.Table
        The rows of one file after those of the other.
    """
    tables = []
    for file in files:
        location = directory / file.path
        with location.filesystem.open_input_file(location.path) as source:
            tables.append(pq.read_table(source, columns=None if columns is None else list(columns)))
    return tables[0] if len(tables) == 1 else pa.concat_tables(tables)


def schema_of(directory: Location, file: StoredFile) -> pa.Schema:
    """Read the columns of a file.

    Parameters
    ----------
    directory : Location
        Of the version.
    file : StoredFile
        Which.

    Returns
    -------
    pyarrow.Schema
        Names and types.
    """
    location = directory / file.path
    with location.filesystem.open_input_file(location.path) as source:
        return pq.read_schema(source)


def batches_of(directory: Location, files: Sequence[StoredFile]) -> Iterator[pa.RecordBatch]:
    """Pass over the rows of files.

    Parameters
    ----------
    directory, files
        As in `read_files`.

    Yields
    ------
    pyarrow.RecordBatch
        `BATCH_ROWS` rows or less.
    """
    for file in files:
        location = directory / file.path
        with location.filesystem.open_input_file(location.path) as source:
            yield from pq.ParquetFile(source).iter_batches(BATCH_ROWS)


def groups_of(directory: Location, files: Sequence[StoredFile]) -> Iterator[pa.Table]:
    """Pass over the row groups of files, as they were written.

    Parameters
    ----------
    directory, files
        As in `read_files`.

    Yields
    ------
    pyarrow.Table
        A row group.
    """
    for file in files:
        location = directory / file.path
        with location.filesystem.open_input_file(location.path) as source:
            stored = pq.ParquetFile(source)
            for group in range(stored.num_row_groups):
                yield stored.read_row_group(group)


def check_files(manifest: Manifest, directory: Location) -> None:
    """Check that a version's files are those that were written.

    Parameters
    ----------
    manifest : Manifest
        Of the version.
    directory : Location
        Of its files.

    Raises
    ------
    CorruptStateError
        If a file is missing or has other bytes.
    """
    for file in manifest.checked:
        try:
            found = (directory / file.path).sha256()
        except FileNotFoundError:
            found = "no file"
        if found != file.sha256:
            raise CorruptStateError(
                f"{directory.uri}/{file.path} must have sha256 {file.sha256}, got {found}: the version was damaged or "
                "changed; rebuild or prune the version"
            )
