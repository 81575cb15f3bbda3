"""How many rows are in memory at once: by how wide they are, so that what a worker takes is known before it starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from resampler.budget import in_units
from resampler.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

BATCH_BYTES, BATCH_ROWS = 32 << 20, 65_536  # of rows that are read, or made, at once
CHUNK_BYTES, CHUNK_ROWS = 64 << 20, 262_144  # of rows that a task puts in order, or a range of the matrix
WORKER_BYTES = 350 << 20  # of a worker that has nothing to do: the interpreter, and the libraries
_COPIES = 4  # of rows that are put in order: as they came, end to end, in order, and their hashes
TEXT_BYTES = 32  # of a cell whose length its type does not say, at least


def row_bytes(schema: pa.Schema, lengths: Mapping[str, float]) -> int:
    """Say how wide a row is in memory.

    Parameters
    ----------
    schema : pyarrow.Schema
        Of the rows.
    lengths : mapping of str to float
        Bytes of a cell, of columns whose type does not say.

    Returns
    -------
    int
        Bytes.
    """
    return max(1, round(sum(cell_bytes(field.type) or max(TEXT_BYTES, lengths.get(field.name, 0)) for field in schema)))


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


def check_memory(width: int, worker_memory: int | None) -> None:
    """Refuse workers that are too small, before any is started.

    Parameters
    ----------
    width : int
        Bytes of a row.
    worker_memory : int, optional
        What a worker may take.

    Raises
    ------
    InvalidInputError
        If rows that are held at once would not fit.
    """
    held = max(width, min(CHUNK_BYTES, CHUNK_ROWS * width))
    needed = WORKER_BYTES + _COPIES * held
    if worker_memory is not None and worker_memory < needed:
        raise InvalidInputError(
            f"worker_memory={in_units(worker_memory)} is too little: a worker takes about {in_units(needed)}, for rows "
            f"of {width:,} bytes: give it more, and use fewer workers"
        )
