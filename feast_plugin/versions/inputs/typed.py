"""`type_piece`: a task that reads a piece of a table, brings it to the contract, and sorts it; and what it found.

What a piece lacks is not raised by its task but noted, so that the driver raises what one pass over all rows would have
raised, in its words and with its figures: `check_found`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from feast_plugin.versions.inputs.cast import DigitsError, look_at_timestamps, say_timestamps
from feast_plugin.versions.inputs.conform import casts_of, check_frame_counts, check_null_counts
from feast_plugin.versions.inputs.contract import TIMESTAMP
from resampler.errors import ContractError, DataError
from resampler.identity import key_ids

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from feast_plugin.versions.inputs.contract import Contract
    from feast_plugin.versions.inputs.pieces import Piece
    from feast_plugin.versions.inputs.tombstones import Tombstones
    from resampler.engines.task import Output

ROWS, GONE = "rows.arrow", "gone.arrow"
_GIVEN = "@given"  # the event time under the name that the source gives it
_KINDS = {kind.__name__: kind for kind in (ContractError, DataError)}


@dataclass(frozen=True)
class Asked:
    """What a table is read for.

    Parameters
    ----------
    contract : Contract
        Columns and their types.
    extra : str or None
        The split rule's column.
    forgotten : Tombstones
        Entities that are left out.
    names : tuple of str
        Columns to read.
    timestamp : str, optional
        What the source calls the column of the event time.
    needed : tuple of str
        Columns, as the contract calls them, that no row may lack, in the order in which they are looked at; empty where
        that was seen to before.
    noted : bool
        Whether what is taken for granted of timestamps is said.
    schema : pyarrow.Schema, optional
        Types that pieces are brought to first, where files may differ in them.
    """

    contract: Contract
    extra: str | None
    forgotten: Tombstones
    names: tuple[str, ...]
    timestamp: str = TIMESTAMP
    needed: tuple[str, ...] = ()
    noted: bool = True
    schema: pa.Schema | None = None

    def named(self, table: pa.Table) -> pa.Table:
        """Bring a table of the source to the contract's names, and arrays of a fixed size to lists.

        Parameters
        ----------
        table : pyarrow.Table
            Columns `names`.

        Returns
        -------
        pyarrow.Table
            The same rows.
        """
        table = table.rename_columns([TIMESTAMP if n == self.timestamp else n for n in table.column_names])
        return with_lists(table if self.schema is None else in_storage(table).cast(self.schema))


def in_storage(table: pa.Table) -> pa.Table:
    """Bring columns of an extension's type to the type that they are stored in, which every process knows.

    Parameters
    ----------
    table : pyarrow.Table
        Any; Ray's arrays are of such a type.

    Returns
    -------
    pyarrow.Table
        Without extensions.
    """
    for at, field in enumerate(table.schema):
        if isinstance(field.type, pa.BaseExtensionType):
            chunks = [chunk.storage for chunk in table[field.name].chunks]
            table = table.set_column(at, field.name, pa.chunked_array(chunks, field.type.storage_type))
    return table


def with_lists(table: pa.Table) -> pa.Table:
    """Make arrays of a fixed size lists, which is how a version stores them.

    Parameters
    ----------
    table : pyarrow.Table
        Any.

    Returns
    -------
    pyarrow.Table
        Without fixed sizes.
    """
    for at, field in enumerate(table.schema):
        if pa.types.is_fixed_size_list(field.type):
            table = table.set_column(at, field.name, table[field.name].cast(pa.list_(field.type.value_type)))
    return table


def type_piece(output: Output, piece: Piece, asked: Asked) -> dict[str, Any]:
    """Read a piece, bring it to the contract and sort it, `RUN_ROWS` at a time; a task.

    Parameters
    ----------
    output : Output
        Of the task: `ROWS`, a batch a sorted run; their row ids, and the place of each row in its run before, which a
        message may need; of rows that are left out, `GONE`, their keys.
    piece : Piece
        What is read.
    asked : Asked
        What for.

    Returns
    -------
    dict
        What `check_found` takes, and `runs`, the rows of each.
    """
    contract = asked.contract
    found: dict[str, Any] = {"rows": 0, "read": Counter(), "typed": Counter(), "gone": 0, "failed": {}, "at": []}
    runs: list[int] = []
    ids, places = [], []
    gone: list[pa.Table] = []
    writer: pa.RecordBatchFileWriter | None = None
    for table in piece.runs(asked.names):
        table = asked.named(table)
        found["rows"] += table.num_rows
        found["read"].update({name: table[name].null_count for name in asked.needed})
        if asked.noted and contract.timestamped:
            _look(found, table[TIMESTAMP], asked.timestamp)
        casts = casts_of(table.column_names, contract, asked.extra)
        keys = pa.table({name: _cast(name, casts[name], table[name], found["failed"]) for name in contract.keys})
        if any(keys[name].null_count for name in contract.keys):  # what has no place in an order, and is refused
            for name, cast in casts.items():
                _cast(name, cast, table[name], found["failed"])
            continue
        stays = asked.forgotten.stays(keys)
        left = np.arange(len(keys)) if stays is None else np.flatnonzero(stays.to_numpy())
        if stays is not None:
            gone.append(keys.filter(pc.invert(stays)))
            found["gone"] += gone[-1].num_rows
            keys = keys.filter(stays)
        place = pc.sort_indices(keys, sort_keys=[(key, "ascending") for key in contract.keys]).to_numpy()
        chosen = pa.array(left[place])
        columns = {}
        for name, cast in casts.items():  # one at a time: memory is that of the run twice, and of a column
            column = _cast(name, cast, table[name], found["failed"])
            columns[name] = column.take(chosen).combine_chunks()
            found["typed"][name] += columns[name].null_count
        if found["failed"]:
            continue  # what else is not as promised is still looked for
        ordered = pa.table(columns)
        writer = writer or pa.ipc.new_file(str(output.path(ROWS)), ordered.schema)
        writer.write_table(ordered)
        runs.append(ordered.num_rows)
        ids.append(key_ids(ordered, contract.keys))
        places.append(place.astype(np.uint32))
        pa.default_memory_pool().release_unused()  # else what was freed counts beside what comes next
    if writer is not None:
        writer.close()
    output.array("ids", np.concatenate(ids) if ids else np.empty(0, dtype=np.int64))
    output.array("places", np.concatenate(places) if places else np.empty(0, dtype=np.uint32))
    if gone:
        with pa.ipc.new_file(str(output.path(GONE)), gone[0].schema) as file:
            file.write_table(pa.concat_tables(gone))
    return found | {"read": dict(found["read"]), "typed": dict(found["typed"]), "runs": runs}


def _look(found: dict[str, Any], column: pa.ChunkedArray, name: str) -> None:
    try:
        found["at"].append(look_at_timestamps(column, name))
    except DataError as error:
        found["failed"].setdefault(_GIVEN, {"kind": type(error).__name__, "said": str(error)})


def _cast(
    name: str, cast: Callable[[pa.ChunkedArray], pa.ChunkedArray], column: pa.ChunkedArray, failed: dict[str, Any]
) -> pa.ChunkedArray:
    """Cast a column; where it cannot be, note why, the first time, and the largest integer that lost digits."""
    try:
        return cast(column)
    except DigitsError as error:
        before = failed.get(name, {}).get("digits")
        if before is None or before[-1] < error.given[-1]:
            failed[name] = {"digits": list(error.given)}
    except (ContractError, DataError) as error:
        failed.setdefault(name, {"kind": type(error).__name__, "said": str(error)})
    return pa.chunked_array([pa.nulls(len(column))])


def check_found(found: Sequence[dict[str, Any]], asked: Asked, columns: Sequence[str]) -> None:
    """Raise what one pass over all rows would have raised before their keys are compared, and say what it would.

    Parameters
    ----------
    found : sequence of dict
        From `type_piece`, in the order of the rows.
    asked : Asked
        What was asked for.
    columns : sequence of str
        Of the table, as the contract calls them.

    Raises
    ------
    ContractError
        If a key is not what the contract promises.
    DataError
        If there is no row, or a null where none may be.
    """
    contract = asked.contract
    casts = list(casts_of(columns, contract, asked.extra))
    time = [TIMESTAMP] if contract.timestamped else []
    _raise_failed(found, [_GIVEN])
    say_timestamps([note for one in found for note in one["at"]], asked.timestamp)
    if asked.needed:
        read = sum((Counter(one["read"]) for one in found), Counter())
        check_frame_counts({name: read[name] for name in asked.needed}, sum(one["rows"] for one in found), contract)
    _raise_failed(found, [name for name in casts if name in contract.join_keys or name in time])


def check_typed(found: Sequence[dict[str, Any]], asked: Asked, columns: Sequence[str]) -> None:
    """Raise what one pass over all rows would have raised behind the comparison of their keys, and say what it would.

    Parameters
    ----------
    found, asked, columns
        As `check_found`.

    Raises
    ------
    ContractError
        If a column is not what the contract promises, or a feature null in every row.
    DataError
        If a label is null, or no row is left of those that were not forgotten.
    """
    casts = list(casts_of(columns, asked.contract, asked.extra))
    _raise_failed(found, casts)
    gone, rows = sum(one["gone"] for one in found), sum(one["rows"] for one in found)
    asked.forgotten.say_left_out(gone, rows - gone, casts)
    nulls: Counter[str] = sum((Counter(one["typed"]) for one in found), Counter())
    check_null_counts({name: nulls[name] for name in casts}, rows - gone, asked.contract)


def _raise_failed(found: Sequence[dict[str, Any]], names: Sequence[str]) -> None:
    for name in names:
        failed = [one["failed"][name] for one in found if name in one["failed"]]
        digits = [one["digits"] for one in failed if "digits" in one]
        if digits:
            raise DigitsError(*max(digits, key=lambda given: given[-1]))
        if failed:
            raise _KINDS[failed[0]["kind"]](failed[0]["said"])
