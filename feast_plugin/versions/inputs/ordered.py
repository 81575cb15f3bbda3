"""`read_by_parts`: tasks read pieces of a table; the driver has their keys alone; tasks write the canonical files."""

from __future__ import annotations

import dataclasses
import hashlib
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from feast_plugin.versions.inputs.conform import check_unique
from feast_plugin.versions.inputs.parquet import ParquetFiles
from feast_plugin.versions.inputs.pieces import RUN_ROWS, of_arrow
from feast_plugin.versions.inputs.rows import (
    BATCH_ROWS,
    CANONICAL,
    FILE_ROWS,
    MappedFile,
    mapped_rows,
    row_bytes,
    rows_of,
)
from feast_plugin.versions.inputs.typed import GONE, ROWS, check_found, check_typed, type_piece
from resampler.engines.task import Result, Task, run_task
from resampler.identity import ContentDigest, distinct_ids, key_ids

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from feast_plugin.versions.inputs.contract import Contract
    from feast_plugin.versions.inputs.frame import EntityFrame
    from feast_plugin.versions.inputs.pieces import Piece
    from feast_plugin.versions.inputs.rows import CanonicalRows
    from feast_plugin.versions.inputs.typed import Asked
    from resampler.engines.task import Output
    from resampler.engines.workplace import Workplace

_GIVEN = "reading/given"
COPIES = 4.5  # of the rows that a task holds at once: decoded, cast, in order; measured
READING = "reading"  # stage of a workplace; nobody needs it once the rows are in order


def pieces_of(place: Workplace, frame: EntityFrame, names: Sequence[str]) -> tuple[list[Piece], Any]:
    """Divide a table among tasks.

    Parameters
    ----------
    place : Workplace
        Where a table that is no Parquet file is put, for tasks to map.
    frame : EntityFrame
        A table, or its files.
    names : sequence of str
        Columns.

    Returns
    -------
    pieces : list of Piece
        In the order of the rows.
    state : object
        As `read_by_parts` takes it.
    """
    if isinstance(frame.data, ParquetFiles):
        return frame.data.pieces, frame.data.state
    return given(place) or put(place, frame.read(names)), None


def put(place: Workplace, table: pa.Table) -> list[Piece]:
    """Leave a table where tasks map it.

    Parameters
    ----------
    place : Workplace
        If it has one already, that is taken.
    table : pyarrow.Table
        Any.

    Returns
    -------
    list of Piece
        In the order of the rows.
    """
    run_task(str(place.folder), Task(_GIVEN, _write, {"table": table}))
    return given(place) or []


def given(place: Workplace) -> list[Piece] | None:
    """Find a table that was left where tasks map it.

    Parameters
    ----------
    place : Workplace
        Where.

    Returns
    -------
    list of Piece or None
        In the order of the rows; None if there is none yet.
    """
    if Result.read(place.folder / _GIVEN) is None:
        return None
    path = str(place.folder / _GIVEN / ROWS)
    return of_arrow(path, MappedFile(path).reader.read_all().num_rows)


def columns_of(piece: Piece) -> list[str]:
    """Name the columns of an Arrow file.

    Parameters
    ----------
    piece : Piece
        Of it.

    Returns
    -------
    list of str
        In order.
    """
    return list(MappedFile(piece.path).reader.schema.names)


def _write(output: Output, table: pa.Table) -> None:
    with pa.ipc.new_file(str(output.path(ROWS)), table.schema) as file:
        file.write_table(table)


def read_by_parts(
    place: Workplace,
    pieces: Sequence[Piece],
    state: Any,
    asked: Asked,
    columns: Sequence[str],
    check_rows: Callable[[int], None] | None = None,
) -> CanonicalRows:
    """Bring rows into canonical order, by tasks of an engine.

    Parameters
    ----------
    place : Workplace
        Whose engine does it; the files stay there.
    pieces : sequence of Piece
        Of the table, in the order of its rows.
    state : object
        What tells whether the files are still what they were: a run that goes on reads them anew if they are not.
    asked : Asked
        What is read of them.
    columns : sequence of str
        Of the table, as the contract calls them.
    check_rows : callable, optional
        Given how many rows were read, raises where that is not what was asked for.

    Returns
    -------
    CanonicalRows
        Those that one pass over the table gives.

    Raises
    ------
    ContractError, DataError
        As `feast_plugin.versions.inputs.conform.checked_frame`, `cast_table` and `check_nulls`, in their words.

    Notes
    -----
    The driver holds some 40 bytes a row while it sorts, of numeric keys.
    """
    contract = asked.contract
    given = [
        state,
        [dataclasses.astuple(piece) for piece in pieces],
        asked.forgotten.hashes and sorted((name, sorted(hashes)) for name, hashes in asked.forgotten.hashes.items()),
        asked.names,
    ]
    token = hashlib.sha256(repr(given).encode()).hexdigest()[:12]
    stage = f"{READING}/{token}"
    of_row = row_bytes(contract.arrow_schema(pa.int64()))
    tasks = [
        Task(
            f"{stage}/{at:05}",
            type_piece,
            {"piece": piece, "asked": asked},
            memory=int(COPIES * of_row * min(piece.n_rows, RUN_ROWS)),
        )
        for at, piece in enumerate(pieces)
    ]
    typed = place.run(tasks, "reading")
    found = [one.data for one in typed]
    check_found(found, asked, columns)
    if check_rows is not None:
        check_rows(sum(one["rows"] for one in found))
    failed = any(one["failed"] for one in found)
    ids = [one.array("ids") for one in typed]
    keys = [_mapped(one.folder / ROWS).select(contract.keys) for one in typed if one.data["runs"]]
    if not failed:  # else nothing was written of some, and that is said below
        _check_repeats(typed, keys, ids, contract)
    check_typed(found, asked, columns)
    table = pa.concat_tables(keys)
    order = pc.sort_indices(table, sort_keys=[(key, "ascending") for key in contract.keys]).to_numpy()
    order = order.astype(np.uint32) if len(order) < 2**32 else order
    row_id = distinct_ids(np.concatenate(ids), table, contract.keys)[order]
    runs = [(at, batch, n) for at, one in enumerate(found) for batch, n in enumerate(one["runs"])]
    arrays = {
        "order": order,
        "starts": np.concatenate([[0], np.cumsum([n for _, _, n in runs])]),
        "pieces": np.array([at for at, _, _ in runs], dtype=np.int64),
        "batches": np.array([batch for _, batch, _ in runs], dtype=np.int64),
    }
    where = place.save(f"{stage}/order", arrays)
    n = len(order)
    del order, arrays, keys, ids
    shared = {"order": str(where.folder), "typed": str(place.folder / stage)}
    written = place.run(
        [
            Task(
                f"{CANONICAL}/{token}/{at:05}",
                gather,
                shared | {"first": first, "last": min(first + FILE_ROWS, n)},
                memory=int(COPIES * of_row * min(n, BATCH_ROWS)),
            )
            for at, first in enumerate(range(0, n, FILE_ROWS))
        ],
        "putting rows in order",
    )
    return mapped_rows([one.folder / ROWS for one in written], contract, stay=True, row_id=row_id)


def gather(output: Output, order: str, typed: str, first: int, last: int) -> None:
    """Write rows in canonical order; a task.

    Parameters
    ----------
    output : Output
        Of the task: `ROWS`, `BATCH_ROWS` a batch.
    order : str
        Folder with the order of all rows and the runs that they lie in.
    typed : str
        Folder of the tasks that left these runs.
    first, last : int
        Of the rows, in their order.
    """
    arrays = {name: np.load(f"{order}/{name}.npy", mmap_mode="r") for name in ("order", "starts", "pieces", "batches")}
    starts = np.asarray(arrays["starts"])
    files: dict[int, MappedFile] = {}
    writer: pa.RecordBatchFileWriter | None = None
    for at in range(first, last, BATCH_ROWS):
        positions = np.asarray(arrays["order"][at : min(at + BATCH_ROWS, last)]).astype(np.int64)
        run = np.searchsorted(starts, positions, side="right") - 1
        by_run = np.argsort(positions, kind="stable")  # of a run they are neighbours: it is sorted
        bounds = np.flatnonzero(np.diff(run[by_run], prepend=-1, append=len(starts)))
        slices = []
        for low, high in pairwise(bounds.tolist()):
            of, begin = run[by_run[low]], positions[by_run[low]]
            piece = int(arrays["pieces"][of])
            if piece not in files:
                files[piece] = MappedFile(f"{typed}/{piece:05}/{ROWS}")
            slices.append(
                files[piece].reader.get_batch(int(arrays["batches"][of])).slice(begin - starts[of], high - low)
            )
        place = np.empty(len(positions), dtype=np.int64)
        place[by_run] = np.arange(len(positions))
        batch = pa.Table.from_batches(slices).combine_chunks().take(pa.array(place)).combine_chunks()
        writer = writer or pa.ipc.new_file(str(output.path(ROWS)), batch.schema)
        writer.write_table(batch)
        del slices
        for file in files.values():
            file.release()
    assert writer is not None, "a task has rows"  # noqa: S101
    writer.close()


def _mapped(path: Path) -> pa.Table:
    return MappedFile(path).reader.read_all()


def _check_repeats(
    typed: Sequence[Result], keys: Sequence[pa.Table], ids: Sequence[NDArray[np.int64]], contract: Contract
) -> None:
    """Check that no key stands twice, those of forgotten entities included: equal ids point to those that may."""
    gone = [_mapped(one.folder / GONE) for one in typed if (one.folder / GONE).exists()]
    every = np.concatenate([*ids, *(key_ids(one, contract.keys) for one in gone)])
    ordered = np.sort(every)
    twice = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    del ordered
    if not len(twice):
        return
    suspects = np.flatnonzero(np.isin(every, twice))
    places, before = [], 0  # in the source, so that the first one is named that stands there first
    for one in typed:
        places.append(_places(one) + before)
        before += one.data["rows"]
    place = np.concatenate([*places, before + np.arange(sum(one.num_rows for one in gone))])
    suspects = suspects[np.argsort(place[suspects], kind="stable")]
    check_unique(pa.concat_tables([*keys, *gone]).take(pa.array(suspects)))


def _places(one: Result) -> NDArray[np.int64]:
    """Return where the rows of a piece stood in it."""
    runs = one.data["runs"]
    return one.array("places") + np.repeat(np.cumsum([0, *runs[:-1]]), runs).astype(np.int64)


def digest_by_parts(place: Workplace, rows: CanonicalRows) -> str:
    """Hash the rows, a column a task.

    Parameters
    ----------
    place : Workplace
        Whose engine does it.
    rows : CanonicalRows
        That lie in files that stay.

    Returns
    -------
    str
        As `CanonicalRows.sha256`.
    """
    names = rows.table.column_names
    n, schema = rows.table.num_rows, rows.table.schema
    shared = {"paths": list(rows.paths), "n_rows": n}
    tasks = [
        Task(
            f"digest/{at:05}",
            digest_column,
            shared | {"name": name},
            memory=int(COPIES * row_bytes(pa.schema([schema.field(name)])) * min(n, FILE_ROWS)),
        )
        for at, name in enumerate(names)
    ]
    columns = [one.data["digests"] for one in place.run(tasks, "hashing rows")]
    return ContentDigest.of_columns(schema, n, columns)


def digest_column(output: Output, paths: list[str], n_rows: int, name: str) -> dict[str, Any]:
    """Hash one column of the canonical rows; a task.

    Parameters
    ----------
    output : Output
        Of the task.
    paths : list of str
        Of `CanonicalRows`.
    n_rows : int
        Of all of them.
    name : str
        Of the column.

    Returns
    -------
    dict
        Key digests, as `ContentDigest.columns`.
    """
    del output
    digest: ContentDigest | None = None
    for first in range(0, n_rows, FILE_ROWS):
        part = rows_of(paths, first, min(first + FILE_ROWS, n_rows), [name])
        digest = digest or ContentDigest(part.schema)
        digest.update(part)
    assert digest is not None, "there are rows"  # noqa: S101
    return {"digests": digest.columns()[0]}
