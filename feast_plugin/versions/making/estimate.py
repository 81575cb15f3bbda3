"""How much memory a part of a version takes, estimated from rows, columns and types before it is begun."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from feast_plugin.versions.inputs.rows import BATCH_ROWS, row_bytes
from resampler.tiled import search_bytes

if TYPE_CHECKING:
    from feast_plugin.versions.inputs.contract import Contract
    from resampler.budget import Meter

# Copies of the rows that are held at once, measured as the growth of the peak, and rounded up.
READING = 4.0  # as they are read, typed, and in order
AUGMENTING = 4.0  # of the matrix of the rows that are looked at: read, encoded, sorted into cells
MAKING = 4.0  # of synthetic rows: values, columns, columns as they are published
WRITING = 4.0  # of a batch, a file: filtered, waiting, compressed
DRIVER_BYTES = 64  # a row whose table tasks read: keys as they are sorted, then ids, times, labels
MADE_BYTES = 80  # a synthetic row that tasks make: parents, step, times, and as they are put in order


def check_reading(meter: Meter, size: tuple[int, int] | None, contract: Contract) -> None:
    """Check that rows may be read.

    Parameters
    ----------
    meter : Meter
        What may be spent.
    size : tuple of int, or None
        As `feast_plugin.versions.inputs.source.Source.size`: where it is not known, nothing is checked.
    contract : Contract
        Columns of the rows.

    Raises
    ------
    BudgetError
        If they need more memory than there is.
    """
    if size is None:
        return
    n_rows, n_bytes = size
    schema = contract.arrow_schema(pa.int64())
    n_bytes = max(n_bytes, n_rows * row_bytes(schema))
    meter.check_memory("reading", READING * n_bytes, f"{n_rows:,} rows of {len(schema)} columns")


def check_driver(meter: Meter, n_rows: int) -> None:
    """Check that the driver may hold what it keeps of rows that tasks read.

    Parameters
    ----------
    meter : Meter
        What may be spent.
    n_rows : int
        That will be read.

    Raises
    ------
    BudgetError
        If that needs more memory than there is.
    """
    meter.check_memory("reading", DRIVER_BYTES * n_rows, f"the keys, labels and times of {n_rows:,} rows")


def check_augmenting(meter: Meter, n_rows: int, width: int, n_synthetic: int, k: int) -> None:
    """Check that synthetic rows may be made.

    Parameters
    ----------
    meter : Meter
        What may be spent.
    n_rows : int
        Rows that are looked at.
    width : int
        Numbers in a row.
    n_synthetic : int
        How many rows are made.
    k : int
        Neighbours that are sought of a row.

    Raises
    ------
    BudgetError
        If that needs more memory than there is.
    """
    more = (AUGMENTING * n_rows + MAKING * n_synthetic) * width * 8 + search_bytes(k) * n_rows
    why = f"{n_synthetic:,} synthetic rows of {width} features, made from {n_rows:,}"
    meter.check_memory("making synthetic rows", more, why)


def check_driving(meter: Meter, n_rows: int, n_synthetic: int) -> None:
    """Check that this process may hold what it needs of rows that tasks make.

    Parameters
    ----------
    meter : Meter
        What may be spent.
    n_rows : int
        Rows that are looked at.
    n_synthetic : int
        How many rows are made.

    Raises
    ------
    BudgetError
        If that needs more memory than there is.
    """
    more = DRIVER_BYTES * n_rows + MADE_BYTES * n_synthetic
    why = f"what is known of {n_synthetic:,} synthetic rows, made from {n_rows:,}"
    meter.check_memory("making synthetic rows", more, why)


def task_bytes(schema: pa.Schema, n_rows: int = BATCH_ROWS) -> int:
    """Say what a task takes that passes over rows a batch at a time.

    Parameters
    ----------
    schema : pyarrow.Schema
        Their columns.
    n_rows : int
        That are held at once.

    Returns
    -------
    int
        Bytes, about.
    """
    return int(WRITING * n_rows * row_bytes(schema))


def check_writing(meter: Meter, schema: pa.Schema, n_rows: int, n_files: int) -> None:
    """Check that files may be written.

    Parameters
    ----------
    meter : Meter
        What may be spent.
    schema : pyarrow.Schema
        Their columns.
    n_rows : int
        That are read, a batch of them at a time.
    n_files : int
        Written at once.

    Raises
    ------
    BudgetError
        If that needs more memory than there is.
    """
    n_rows = min(n_rows, BATCH_ROWS)
    why = f"batches of {n_rows:,} rows of {len(schema)} columns, {n_files} files at once"
    meter.check_memory("writing", WRITING * n_files * n_rows * row_bytes(schema), why)
