"""How many rows are in memory at once: by how wide they are, so that what a worker takes is known before it starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Mapping

BATCH_BYTES, BATCH_ROWS = 32 << 20, 65_536  # of rows that are read, or made, at once
CHUNK_BYTES, CHUNK_ROWS = 64 << 20, 262_144  # of rows that a task puts in order, or a range of the matrix
READ_BYTES, WRITTEN_BYTES = 4 << 20, 1 << 20  # of a column that is read, or written: buffers, pages, dictionaries
# Copies of rows that a task holds, measured as the growth of the peak, and rounded up.
READING = 3  # of those that are read at once: as they come out of their pages, and what is asked of them
ORDERING = 5  # of those that are put in order: as they came, end to end, in order, and their hashes
TAKING = 3  # of those that are taken out of sorted files: by file, end to end, in order
WRITING = 5  # of those that are written at once: as they are, hashed, encoded
MAKING = 6  # of those that are made at once: numbers, codes, columns, and as WRITING
TEXT_BYTES = 32  # of a cell whose length its type does not say, at least


def column_bytes(schema: pa.Schema, lengths: Mapping[str, float]) -> dict[str, float]:
    """Say how wide each column is in memory.

    Parameters
    ----------
    schema : pyarrow.Schema
        Of the rows.
    lengths : mapping of str to float
        Bytes of a cell, of columns whose type does not say.

    Returns
    -------
    dict of str to float
        Bytes of a cell.
    """
    return {field.name: cell_bytes(field.type) or max(TEXT_BYTES, lengths.get(field.name, 0)) for field in schema}


def cell_bytes(kind: pa.DataType) -> float | None:
    """Say how wide a cell is.

    Parameters
    ----------
    kind : pyarrow.DataType
        Of its column.

    Returns
    -------
    float or None
        Bytes; None where the type does not say.
    """
    if pa.types.is_dictionary(kind):
        return None
    try:
        return float(kind.bit_width) / 8
    except ValueError:
        return None


def rows_at_once(width: int, most_bytes: int, most_rows: int) -> int:
    """Say how many rows are held at once.

    Parameters
    ----------
    width : int
        Bytes of a row.
    most_bytes, most_rows : int
        What they may be.

    Returns
    -------
    int
        One or more.
    """
    return max(1, min(most_rows, most_bytes // width))


def held_bytes(n_rows: int, width: int, copies: float) -> int:
    """Say what a task takes that holds rows.

    Parameters
    ----------
    n_rows : int
        That are in memory at once.
    width : int
        Bytes of a row.
    copies : float
        How often: as they came, in order, as they are written.

    Returns
    -------
    int
        Bytes, for `Task.memory`.
    """
    return round(copies * n_rows * width)
