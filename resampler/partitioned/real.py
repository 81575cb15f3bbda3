"""Real rows as parts of Parquet: passed on as they are, but for those that cleaning removes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from resampler.engines.arrays import mapped
from resampler.engines.task import Task
from resampler.identity import hash_rows
from resampler.parquet import open_writer
from resampler.partitioned.parts import COMPRESSION, written_schema
from resampler.partitioned.sizes import READING, WRITING, WRITTEN_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from resampler.engines.task import Output, Result
    from resampler.engines.workplace import Workplace
    from resampler.partitioned.extract import Canonical
    from resampler.partitioned.inputs import Source, Unit
    from resampler.partitioned.layout import Layout


def real_tasks(
    workplace: Workplace, source: Source, layout: Layout, mark: str, removed: Sequence[NDArray[np.int64]] | None
) -> list[Task]:
    """Return the tasks that write the real rows.

    Parameters
    ----------
    workplace : Workplace
        Where the places of rows that go are put for them to map.
    source : Source
        All rows.
    layout : Layout
        Their columns.
    mark : str
        Column that says which rows are synthetic.
    removed : sequence of ndarray, or None
        For each unit the ascending places in it of rows that are left out.

    Returns
    -------
    list of Task
        A unit each, which leaves the file ``part.parquet``, ``rows`` and their ``digest``.
    """
    folder = None
    if removed is not None:
        edges = np.cumsum([0, *map(len, removed)])
        places = np.concatenate([np.empty(0, dtype=np.int64), *removed])
        folder = str(workplace.save("removed", {"edges": edges, "places": places}).folder)
    shared = {"layout": layout, "mark": mark, "removed": folder}
    return [
        Task(f"real/{at:05}", pass_some, shared | {"unit": unit, "number": at}, real_bytes(source))
        for at, unit in enumerate(source.units)
    ]


def real_bytes(source: Source) -> int:
    """Say what a task takes that writes real rows.

    Parameters
    ----------
    source : Source
        All rows.

    Returns
    -------
    int
        Bytes, for `Task.memory`.
    """
    columns = source.schema.names
    return source.reading_bytes(columns, READING + WRITING) + len(columns) * WRITTEN_BYTES


def by_unit(canonical: Canonical, found: Sequence[Result], removed: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Say where in the input rows are.

    Parameters
    ----------
    canonical : Canonical
        The rows.
    found : sequence of Result
        What `extract` left, a unit each.
    removed : ndarray of int64
        Places of rows in their one order.

    Returns
    -------
    list of ndarray of int64
        For each unit ascending places in it.
    """
    at = np.sort(canonical.array("order")[removed])
    edges = np.append(canonical.array("edges"), canonical.n_rows)
    file, places = 0, []
    for one in found:
        rows = [np.empty(0, dtype=np.int64)]
        for number in range(len(one.data["rows"])):
            first, last = np.searchsorted(at, edges[file : file + 2])
            rows.append(mapped(one.folder, f"at-{number:03}")[at[first:last] - edges[file]])
            file += 1
        places.append(np.sort(np.concatenate(rows)))
    return places


def pass_some(
    output: Output, unit: Unit, layout: Layout, mark: str, removed: str | None, number: int
) -> dict[str, Any]:
    """Write some real rows; a task.

    Parameters
    ----------
    output : Output
        Gets ``part.parquet``.
    unit : Unit
        The rows.
    layout, mark
        As in `real_tasks`.
    removed : str or None
        Folder with the arrays edges and places of rows that are left out.
    number : int
        Of the unit.

    Returns
    -------
    dict
        Keys rows, digest and, where rows are left out, counts by the value of their label.
    """
    schema = written_schema(layout, mark)
    gone = np.empty(0, dtype=np.int64)
    if removed is not None:
        edges = mapped(removed, "edges")
        gone = mapped(removed, "places")[edges[number] : edges[number + 1]]
    digest = n = before = 0
    with open_writer(output.path("part.parquet"), schema, compression=COMPRESSION) as writer:
        for batch in unit.batches(layout.schema.names):
            first, last = np.searchsorted(gone, [before, before + batch.num_rows])
            table = pa.Table.from_batches([batch])
            if last > first:
                stays = np.ones(batch.num_rows, dtype=np.bool_)
                stays[gone[first:last] - before] = False
                table = table.filter(pa.array(stays))
            before += batch.num_rows
            table = table.append_column(mark, pa.array(np.zeros(table.num_rows, dtype=np.bool_))).cast(schema)
            digest += int(hash_rows(table, schema.names).sum(dtype=np.uint64))
            n += table.num_rows
            writer.write_table(table)
    return {"rows": n, "digest": f"{digest % 2**64:016x}"}
