"""Rows of the classes that a method reads, out of all; and their one order, whatever files they came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from resampler.encoding import sorted_values
from resampler.engines.arrays import mapped
from resampler.engines.task import Task
from resampler.errors import DataError
from resampler.identity import hash_rows, mix64
from resampler.partitioned.layout import plain
from resampler.partitioned.sizes import CHUNK_BYTES, CHUNK_ROWS, ORDERING, held_bytes, rows_at_once

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from resampler.engines.task import Output, Result
    from resampler.engines.workplace import Workplace
    from resampler.partitioned.inputs import Source, Unit
    from resampler.partitioned.layout import Layout

_ID_MASK = np.uint64(2**63 - 1)  # row ids are non-negative int64
_OTHER = 0x5EED  # salt of the second hash, which tells rows apart that share the first


@dataclass(frozen=True)
class Canonical:
    """The rows that a method reads, in one order.

    Parameters
    ----------
    folder : Path
        With the arrays order, ids, y and edges, which tasks map.
    files : tuple of str
        Arrow files that hold the rows, each sorted.
    n_rows : int
        How many rows there are.
    """

    folder: Path
    files: tuple[str, ...]
    n_rows: int

    def array(self, name: str) -> NDArray[Any]:
        """Map an array.

        Parameters
        ----------
        name : {"order", "ids", "y", "edges"}
            Place of each row among all files end to end; its identity; the code of its class; where files begin.

        Returns
        -------
        ndarray
            Writable in this process alone, as kernels have it.
        """
        return mapped(self.folder, name)

    def take(self, places: NDArray[np.int64], columns: Sequence[str]) -> pa.Table:
        """Read some rows.

        Parameters
        ----------
        places : ndarray of shape (n,), int64
            Their places in the one order.
        columns : sequence of str
            Which columns.

        Returns
        -------
        pyarrow.Table of n
            In that order.
        """
        at = self.array("order")[places]
        edges = self.array("edges")
        files = np.searchsorted(edges, at, side="right") - 1
        by_file = np.lexsort((at, files))
        found = []
        for one in np.unique(files).tolist():
            with pa.memory_map(self.files[one]) as handle:
                rows = pa.ipc.open_file(handle).read_all().select(list(columns))
                found.append(rows.take(pa.array(at[by_file][files[by_file] == one] - edges[one])))
        back = np.empty(len(at), dtype=np.int64)
        back[by_file] = np.arange(len(at))
        return pa.concat_tables(found).combine_chunks().take(pa.array(back))


def extract(
    workplace: Workplace,
    source: Source,
    layout: Layout,
    labels: Sequence[Any],
    wanted: Sequence[int],
    memory: int,
) -> tuple[Canonical, list[Result], dict[str, pa.Array]]:
    """Put rows of some classes aside, in one order.

    Parameters
    ----------
    workplace : Workplace
        Whose engine does it.
    source : Source
        All rows.
    layout : Layout
        Of the table.
    labels : sequence
        All classes, in order.
    wanted : sequence of int
        Places in it of those that are read.
    memory : int
        Of a task: `extract_bytes`.

    Returns
    -------
    canonical : Canonical
        The rows.
    found : list of Result
        A unit each: ``rows``, how many each of its files has.
    vocabularies : dict of str to pyarrow.Array
        Of each categorical column, its values in order.

    Raises
    ------
    DataError
        If two rows have one key.
    """
    shared = {"layout": layout, "labels": list(labels), "wanted": list(wanted)}
    shared["most"] = rows_at_once(source.width, CHUNK_BYTES, CHUNK_ROWS)
    found = workplace.run(
        [
            Task(f"extract/{at:05}", extract_some, shared | {"unit": unit}, memory)
            for at, unit in enumerate(source.units)
        ],
        "reading the rows of the classes that are asked for",
    )
    files = [(one.folder, at, n) for one in found for at, n in enumerate(one.data["rows"])]
    edges = np.cumsum([0, *(n for _, _, n in files)])
    hashes = np.concatenate([np.empty(0, dtype=np.uint64), *(mapped(f, f"hash-{at:03}") for f, at, _ in files)])
    order = np.argsort(hashes, kind="stable")
    hashes = hashes[order]
    order, ids = _told_apart(order, hashes, edges, files, layout)
    codes = np.concatenate([np.empty(0, dtype=np.uint8), *(mapped(f, f"y-{at:03}") for f, at, _ in files)])
    kept = workplace.save("canonical", {"order": order, "ids": ids, "y": codes[order], "edges": edges[:-1]})
    paths = tuple(str(f / f"rows-{at:03}.arrow") for f, at, _ in files)
    return Canonical(kept.folder, paths, len(order)), found, _vocabularies(found, layout)


def extract_bytes(source: Source, n_rows: int) -> int:
    """Say what a task takes that puts rows aside.

    Parameters
    ----------
    source : Source
        All rows.
    n_rows : int
        That are read of it.

    Returns
    -------
    int
        Bytes, for `Task.memory`.
    """
    most = rows_at_once(source.width, CHUNK_BYTES, CHUNK_ROWS) + source.units[0].batch_rows
    held = min(n_rows, most, max(unit.n_rows for unit in source.units))
    return source.reading_bytes(source.schema.names) + held_bytes(held, source.width, ORDERING)


def _told_apart(
    order: NDArray[np.int64],
    hashes: NDArray[np.uint64],
    edges: NDArray[np.int64],
    files: list[tuple[Path, int, int]],
    layout: Layout,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the one order, and identities: rows that share a hash are sorted by another, and numbered."""
    follows = np.zeros(len(order), dtype=np.bool_)
    follows[1:] = hashes[1:] == hashes[:-1]
    numbers = np.zeros(len(order), dtype=np.uint64)
    if follows.any():
        if layout.key:
            raise DataError(
                f"key {list(layout.key)} must identify a row, got {int(follows.sum())} rows with the key of another: "
                "name more columns, or leave key out"
            )
        shares = follows.copy()
        shares[:-1] |= follows[1:]
        at = np.flatnonzero(shares)
        places = order[at]
        second = np.empty(len(at), dtype=np.uint64)
        of = np.searchsorted(edges, places, side="right") - 1
        for one in np.unique(of).tolist():
            folder, number, _ = files[one]
            second[of == one] = mapped(folder, f"other-{number:03}")[places[of == one] - edges[one]]
        order[at] = places[np.lexsort((second, hashes[at]))]
        first = np.flatnonzero(~follows)
        run = np.cumsum(~follows) - 1
        numbers = (np.arange(len(order)) - first[run]).astype(np.uint64)
    salt = 0
    while True:
        ids = hashes if salt == 0 else mix64(hashes ^ np.uint64(salt))
        ids = np.where(numbers == 0, ids, mix64(ids ^ mix64(numbers))) & _ID_MASK
        ordered = np.sort(ids)
        if not (ordered[1:] == ordered[:-1]).any():  # as `resampler.identity.row_ids` has it
            return order, ids.view(np.int64)
        salt += 1


def _vocabularies(found: list[Result], layout: Layout) -> dict[str, pa.Array]:
    known: dict[str, pa.Array] = {}
    for name in layout.categorical:
        kind = layout.schema.field(name).type
        kind = kind.value_type if pa.types.is_dictionary(kind) else kind
        some = [pc.list_flatten(_read(one.folder / "values.arrow").column(name)) for one in found]
        known[name] = sorted_values(pa.chunked_array([chunk for one in some for chunk in one.chunks], kind))
    return known


def _read(path: Path) -> pa.Table:
    with pa.memory_map(str(path)) as handle:
        return pa.ipc.open_file(handle).read_all()


def extract_some(
    output: Output, unit: Unit, layout: Layout, labels: list[Any], wanted: list[int], most: int
) -> dict[str, Any]:
    """Put some rows aside; a task.

    Parameters
    ----------
    output : Output
        Gets ``rows-NNN.arrow``, sorted by the arrays hash and other; y, and at, where in the unit a row was.
    unit : Unit
        The rows.
    layout, labels, wanted
        As in `extract`.
    most : int
        Rows of a file, about.

    Returns
    -------
    dict
        Key rows, of each file.
    """
    classes = pa.array(labels, plain_type(layout))
    kind = np.min_scalar_type(len(labels))
    read = np.zeros(len(labels), dtype=np.bool_)
    read[wanted] = True
    held: list[tuple[pa.RecordBatch, NDArray[Any], NDArray[np.int64]]] = []
    rows: list[int] = []
    seen: dict[str, list[pa.Array]] = {name: [] for name in layout.categorical}
    before = waiting = 0

    for batch in unit.batches(layout.schema.names):
        codes = pc.index_in(plain(batch.column(layout.label)), value_set=classes).to_numpy(zero_copy_only=False)
        at = np.flatnonzero(read[codes])
        if len(at):
            held.append((batch.take(pa.array(at)), codes[at].astype(kind), at + before))
            waiting += len(at)
            for name in layout.categorical:
                seen[name] = [pc.unique(pa.chunked_array([*seen[name], plain(held[-1][0].column(name))]))]
        before += batch.num_rows
        if waiting >= most:
            rows.append(_leave(output, len(rows), layout, held))
            waiting = 0
    if waiting:
        rows.append(_leave(output, len(rows), layout, held))
    _leave_values(output, layout, seen)
    return {"rows": rows}


def plain_type(layout: Layout) -> pa.DataType:
    """Return the type of labels.

    Parameters
    ----------
    layout : Layout
        Of the table.

    Returns
    -------
    pyarrow.DataType
        Without a dictionary.
    """
    kind = layout.schema.field(layout.label).type
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _leave_values(output: Output, layout: Layout, seen: dict[str, list[pa.Array]]) -> None:
    """Write the values of categorical columns, a list each."""
    columns = {}
    for name in layout.categorical:
        kind = layout.schema.field(name).type
        kind = kind.value_type if pa.types.is_dictionary(kind) else kind
        values = seen[name][0] if seen[name] else pa.array([], kind)
        columns[name] = pa.ListArray.from_arrays(pa.array([0, len(values)], pa.int32()), values.cast(kind))
    table = pa.table(columns) if columns else pa.table({"none": [0]})
    with pa.OSFile(str(output.path("values.arrow")), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


def _leave(
    output: Output,
    number: int,
    layout: Layout,
    held: list[tuple[pa.RecordBatch, NDArray[Any], NDArray[np.int64]]],
) -> int:
    """Write rows that are held, sorted by their hash, let go of them, and return how many they were."""
    table = pa.Table.from_batches([batch for batch, _, _ in held])
    identity = list(layout.key) or layout.schema.names
    hashes, other = hash_rows(table, identity), hash_rows(table, identity, _OTHER)
    order = np.lexsort((other, hashes))
    kept = table.select(list(layout.features)).combine_chunks().take(pa.array(order)).combine_chunks()
    path = str(output.path(f"rows-{number:03}.arrow"))
    with pa.OSFile(path, "wb") as sink, pa.ipc.new_file(sink, kept.schema) as writer:
        writer.write_table(kept)
    output.array(f"hash-{number:03}", hashes[order])
    output.array(f"other-{number:03}", other[order])
    output.array(f"y-{number:03}", np.concatenate([codes for _, codes, _ in held])[order])
    output.array(f"at-{number:03}", np.concatenate([at for _, _, at in held])[order])
    held.clear()
    return len(order)
