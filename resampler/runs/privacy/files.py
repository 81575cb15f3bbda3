"""Rows of files that an audit is of: one with a flag, or a file each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from resampler.errors import DataError, InvalidInputError
from resampler.runs.privacy.parts import Parts
from resampler.table_file import TableFile

if TYPE_CHECKING:
    from collections.abc import Sequence


def parts_of_files(
    file: str,
    real: str | None,
    held_out: str | None,
    *,
    label: str,
    flag: str | None = None,
    features: Sequence[str] = (),
    drop: Sequence[str] = (),
    categorical: Sequence[str] = (),
    time: str | None = None,
    seed: int | None = None,
    method: str = "smote",
    k_neighbors: int = 5,
) -> Parts:
    """Read files.

    Parameters
    ----------
    file : str
        Of synthetic rows; with a flag, of real ones too.
    real, held_out : str or None
        Files of the rows that they were made from, and of real rows that they were not made from.
    label : str
        Column of the class.
    flag : str, optional
        Column of `file` that is true for a synthetic row.
    features, drop, categorical : sequence of str
        Columns.
    time : str, optional
        Column of the event time.
    seed : int, optional
        That of the synthetic rows, where it may be known.
    method, k_neighbors : str, int
        How they were made.

    Returns
    -------
    Parts
        Their rows.

    Raises
    ------
    InvalidInputError
        If neither a flag nor a file says which rows are real.
    DataError
        If a file cannot be read, or has no such column.
    """
    if real is None and flag is None:
        raise InvalidInputError(
            "which rows are real is not said: give --real FILE, or --synthetic-column, the column that is true for a "
            "synthetic row"
        )
    opened = TableFile.open(file, "FILE")
    opened.check(label, "--label")
    for name in drop:
        opened.check(name, "--drop")
    table = opened.read()
    notes: list[str] = []
    others = table.slice(0, 0)
    if flag is not None:
        mask = _flags(opened, table, flag)
        others, table = (part.drop_columns([flag]) for part in (table.filter(pc.invert(mask)), table.filter(mask)))
    rows = others if real is None else _read(real, "--real", label, flag)
    if held_out is None:
        control = rows.slice(0, 0)
        notes.append("no row was held out, so nothing can be told from chance: give --held-out FILE")
    else:
        control = _read(held_out, "--held-out", label, flag)
    return Parts(
        table,
        rows,
        control,
        label,
        tuple(features),
        tuple(drop),
        tuple(categorical),
        time=time,
        seed=seed,
        method=method,
        k_neighbors=k_neighbors,
        notes=tuple(notes),
    )


def _read(file: str, option: str, label: str, flag: str | None) -> pa.Table:
    opened = TableFile.open(file, option)
    opened.check(label, "--label")
    table = opened.read()
    if flag is not None and flag in table.column_names:
        table = table.filter(pc.invert(_flags(opened, table, flag))).drop_columns([flag])
    return table


def _flags(opened: TableFile, table: pa.Table, flag: str) -> pa.ChunkedArray:
    opened.check(flag, "--synthetic-column")
    column = table[flag]
    if pa.types.is_integer(column.type) and set(pc.unique(column).to_pylist()) <= {0, 1}:
        column = column.cast(pa.bool_())
    if not pa.types.is_boolean(column.type) or column.null_count:
        raise DataError(
            f"--synthetic-column {flag!r} of {opened.where!r} must be true or false in every row, got {column.type}"
            + (f" with {column.null_count:,} nulls" if column.null_count else "")
        )
    return column
