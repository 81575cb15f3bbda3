"""Rows as one mapped matrix: ranges of it made by tasks, then put end to end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from resampler.encoding import integers_of
from resampler.engines.arrays import join_arrays
from resampler.engines.task import Task
from resampler.errors import DataError
from resampler.partitioned.sizes import CHUNK_BYTES, CHUNK_ROWS, TAKING, held_bytes, rows_at_once

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from resampler.engines.task import Output, Result
    from resampler.engines.workplace import Workplace
    from resampler.partitioned.extract import Canonical
    from resampler.partitioned.layout import Layout


def make_matrix(
    workplace: Workplace,
    canonical: Canonical,
    layout: Layout,
    vocabularies: Mapping[str, pa.Array],
    refused: str | None,
    memory: int,
) -> tuple[Path, tuple[str, ...]]:
    """Make the matrix of rows.

    Parameters
    ----------
    workplace : Workplace
        Whose engine does it.
    canonical : Canonical
        The rows.
    layout : Layout
        Their columns.
    vocabularies : mapping of str to pyarrow.Array
        Values of categorical columns, in order.
    refused : str, optional
        What to do about nulls, where they are refused.
    memory : int
        Of a task: `encode_bytes`.

    Returns
    -------
    folder : Path
        With the array matrix, and one of integers for each column of `Layout.least`.
    nan : tuple of str
        Numeric columns that hold NaN beside, or in place of, nulls.

    Raises
    ------
    DataError
        If a number is infinite, or there is none where nulls are refused.
    """
    shared = {"canonical": canonical, "layout": layout, "vocabularies": dict(vocabularies)}
    n, step = canonical.n_rows, _rows_of(layout)
    tasks = [
        Task(f"encode/{at:05}", encode_some, shared | {"first": first, "last": min(first + step, n)}, memory)
        for at, first in enumerate(range(0, n, step))
    ]
    parts = workplace.run(tasks, "making the matrix")
    _check_values(parts, layout, refused)
    arrays = ["matrix", *map(wide_name, layout.least)]
    nan = tuple(name for name in layout.numeric if any(name in one.data["nan"] for one in parts))
    return put_together(workplace, "matrix", [part.folder for part in parts], arrays), nan


def _check_values(parts: Sequence[Result], layout: Layout, refused: str | None) -> None:
    """Refuse numbers that are infinite, or not there; what is said follows from all rows, not from their cut."""
    for name in layout.numeric:
        infinite, nulls = (sum(one.data[what].get(name, 0) for one in parts) for what in ("infinite", "nulls"))
        if infinite:
            raise DataError(f"column {name!r} holds infinity in {infinite:,} rows: drop or cap them")
        if refused is not None and nulls:
            raise DataError(f"column {name!r} has no value in {nulls:,} rows: {refused}")


def encode_bytes(layout: Layout, n_rows: int, width: int) -> int:
    """Say what a task takes that makes rows of the matrix.

    Parameters
    ----------
    layout : Layout
        Their columns.
    n_rows : int
        Of the matrix.
    width : int
        Bytes of a row's features in memory.

    Returns
    -------
    int
        Bytes, for `Task.memory`.
    """
    held = min(n_rows, _rows_of(layout))
    return held_bytes(held, width, TAKING) + held_bytes(held, 8 * len(layout.features), 1)


def _rows_of(layout: Layout) -> int:
    return rows_at_once(8 * len(layout.features), CHUNK_BYTES, CHUNK_ROWS)


def put_together(workplace: Workplace, name: str, folders: Sequence[Path], arrays: Sequence[str]) -> Path:
    """Put arrays end to end.

    Parameters
    ----------
    workplace : Workplace
        Whose engine does it.
    name : str
        Of the folder.
    folders : sequence of Path
        With parts of the arrays.
    arrays : sequence of str
        Their names.

    Returns
    -------
    Path
        The folder.
    """
    task = Task(name, join_arrays, {"folders": [str(one) for one in folders], "names": list(arrays)})
    return workplace.run([task])[0].folder


def wide_name(column: str) -> str:
    """Return what the array of a column of wide integers is called.

    Parameters
    ----------
    column : str
        Its name.

    Returns
    -------
    str
        Good as the name of a file, whatever the column is called.
    """
    return f"wide-{column.encode().hex()}"


def encode_some(
    output: Output,
    canonical: Canonical,
    layout: Layout,
    vocabularies: dict[str, pa.Array],
    first: int,
    last: int,
) -> dict[str, dict[str, int]]:
    """Make some rows of the matrix; a task.

    Parameters
    ----------
    output : Output
        Gets the array matrix, and those of wide integers.
    canonical, layout, vocabularies
        As in `make_matrix`.
    first, last : int
        Of the rows.

    Returns
    -------
    dict
        Keys infinite, nulls and, of these, nan: rows of each numeric column that are, of those that have any.
    """
    table = canonical.take(np.arange(first, last), layout.features)
    matrix = layout.encode(table, vocabularies)
    output.array("matrix", matrix)
    for name, least in layout.least.items():
        output.array(wide_name(name), integers_of(table[name], least))
    found: dict[str, dict[str, int]] = {"infinite": {}, "nulls": {}, "nan": {}}
    for j in layout.at_numeric.tolist():
        name = layout.features[j]
        nulls = int(np.isnan(matrix[:, j]).sum())
        of_each = {"infinite": int(np.isinf(matrix[:, j]).sum()), "nulls": nulls, "nan": nulls - table[name].null_count}
        for what, count in of_each.items():
            if count:
                found[what][name] = count
    return found
