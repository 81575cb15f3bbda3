"""Rows that stand more than once in a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pyarrow.compute as pc

if TYPE_CHECKING:
    import pyarrow as pa


class Repeated(NamedTuple):
    """What stands more than once.

    Parameters
    ----------
    number : int
        Different rows that do.
    example : str
        One of them, and how often: ``name=value, name=value (3 times)``.
    """

    number: int
    example: str


def find_repeated(rows: pa.Table) -> Repeated | None:
    """Find rows that stand more than once.

    Parameters
    ----------
    rows : pyarrow.Table
        All columns count.

    Returns
    -------
    Repeated or None
        None if every row is another.
    """
    counts = rows.group_by(rows.column_names).aggregate([([], "count_all")])
    if counts.num_rows == rows.num_rows:
        return None
    repeated = counts.filter(pc.greater(counts["count_all"], 1))
    first = repeated.slice(0, 1).to_pylist()[0]
    times = first.pop("count_all")
    shown = ", ".join(f"{name}={value}" for name, value in first.items())
    return Repeated(repeated.num_rows, f"{shown} ({times} times)")
