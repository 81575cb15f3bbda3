"""Rows as one mapped matrix: ranges of it made by tasks, then put end to end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from resampler.engines.task import Task
from resampler.errors import DataError
from resampler.partitioned.extract import mapped
from resampler.partitioned.layout import whole
from resampler.partitioned.sizes import CHUNK_BYTES, CHUNK_ROWS, TAKING, held_bytes, rows_at_once

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from resampler.engines.task import Output
    from resampler.engines.workplace import Workplace
    from resampler.partitioned.extract import Canonical
    from resampler.partitioned.layout import Layout


def make_matrix(
    workplace: Workplace,
    canonical: Canonical,
    layout: Layout,
    vocabularies: Mapping[str, pa.Array],
    missing: str,
    memory: int,
) -> Path:
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
    missing : str
        Whether nulls are refused, as in `resampler.methods.parameters.Parameters`.
    memory : int
        Of a task: `encode_bytes`.

    Returns
    -------
    Path
        A folder with the array matrix, and one of integers for each column of `Layout.least`.

    Raises
    ------
    DataError
        If a number is infinite, or there is none where nulls are refused.
    """
    shared = {"canonical": canonical, "layout": layout, "vocabularies": dict(vocabularies), "missing": missing}
    n, step = canonical.n_rows, _rows_of(layout)
    tasks = [
        Task(f"encode/{at:05}", encode_some, shared | {"first": first, "last": min(first + step, n)}, memory)
        for at, first in enumerate(range(0, n, step))
    ]
    parts = workplace.run(tasks, "making the matrix")
    return put_together(workplace, "matrix", [part.folder for part in parts], ["matrix", *map(wide_name, layout.least)])


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
    task = Task(name, join_parts, {"folders": [str(one) for one in folders], "arrays": list(arrays)})
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
    missing: str,
    first: int,
    last: int,
) -> None:
    """Make some rows of the matrix; a task.

    Parameters
    ----------
    output : Output
        Gets the array matrix, and those of wide integers.
    canonical, layout, vocabularies, missing
        As in `make_matrix`.
    first, last : int
        Of the rows.
    """
    table = canonical.take(np.arange(first, last), layout.features)
    matrix = layout.encode(table, vocabularies)
    for j, name in enumerate(layout.features):
        if name in layout.categorical:
            continue
        values = matrix[:, j]
        if np.isinf(values).any():
            raise DataError(f"column {name!r} holds infinity in {np.isinf(values).sum()} rows: drop or cap them")
        if missing == "refuse" and np.isnan(values).any():
            raise DataError(
                f"column {name!r} has no value in {np.isnan(values).sum()} rows: impute or drop them, or use "
                "missing='inherit' or missing='complete'"
            )
    output.array("matrix", matrix)
    for name, least in layout.least.items():
        output.array(wide_name(name), whole(table[name], least))


def join_parts(output: Output, folders: list[str], arrays: list[str]) -> None:
    """Put arrays end to end; a task.

    Parameters
    ----------
    output : Output
        Gets them.
    folders, arrays
        As in `put_together`.
    """
    for name in arrays:
        parts = [mapped(f"{folder}/{name}.npy") for folder in folders]
        shape = (sum(len(part) for part in parts), *parts[0].shape[1:])
        joined = output.begun(name, parts[0].dtype, shape)
        at = 0
        for part in parts:
            joined[at : at + len(part)] = part
            at += len(part)
