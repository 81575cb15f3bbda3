"""Arrow: an IPC stream of record batches in the field `arrow`, columns found by name; for input and output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from resampler.dtypes import TEXT, family_of
from resampler.errors import ContractError
from resampler.provenance import DRAW_COLUMNS, OUTPUT_COLUMNS, MicroBatch
from stream.formats import packed
from stream.formats.cells import values_table
from stream.formats.fields import MAX_BATCH_ROWS, SCHEMA_FIELD
from stream.formats.format import Format
from stream.formats.input import Batch, BatchInput
from stream.formats.output import Output, has_draws
from stream.formats.rejects import Faults, Reason, RejectError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from resampler.columns import Column
    from resampler.schema import FeatureSchema

FIELD = b"arrow"


class _ArrowInput(BatchInput):
    field = FIELD

    def read(self, payload: bytes) -> Batch:
        table = read_ipc(payload)
        X, y, faults = table_to_rows(table, self.schema)
        return Batch(X, y, lambda rows: write_ipc(table.filter(rows)), faults)

    def encode(self, X: NDArray[np.float32], y: NDArray[np.int64]) -> list[list[bytes]]:
        return [[FIELD, write_ipc(values_table(X, y, self.schema))]]


class _ArrowOutput(Output):
    field = FIELD
    reserved = frozenset({*OUTPUT_COLUMNS, SCHEMA_FIELD.decode()})

    def row_bytes(self, schema: FeatureSchema) -> int:
        return packed.row_bytes(schema.n_features)

    def encode(self, batch: MicroBatch, schema: FeatureSchema, start: int, stop: int) -> list[bytes]:
        return [FIELD, write_ipc(batch.rows(start, stop).to_arrow(schema, codes=True))]

    def decode(self, entry: Mapping[bytes, bytes], schema: FeatureSchema) -> MicroBatch:
        table = pa.ipc.open_stream(entry[FIELD]).read_all()
        columns = {name: table.column(name).to_numpy() for name in OUTPUT_COLUMNS}
        X = np.column_stack([table.column(name).to_numpy() for name in schema.names]).astype(np.float32, copy=False)
        draw = None
        if has_draws(table.column_names, schema):
            draw = np.stack([table.column(name).to_numpy() for name in DRAW_COLUMNS], axis=1)
        labels = _label_codes(table.column(schema.label.name), schema.label.column)
        return MicroBatch(X=np.ascontiguousarray(X), y=labels, draw=draw, **columns)


FORMAT = Format("arrow", _ArrowInput, _ArrowOutput())


def write_ipc(data: pa.RecordBatch | pa.Table) -> bytes:
    """Write an Arrow IPC stream.

    Parameters
    ----------
    data : pyarrow.RecordBatch or pyarrow.Table
        The rows.

    Returns
    -------
    bytes
        What stands in the field `arrow`.
    """
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, data.schema) as writer:
        writer.write(data)
    return bytes(sink.getvalue())


def read_ipc(payload: bytes) -> pa.Table:
    """Read an Arrow IPC stream.

    Parameters
    ----------
    payload : bytes
        What stands in the field `arrow`.

    Returns
    -------
    pyarrow.Table
        The rows.

    Raises
    ------
    RejectError
        If it is not one, is empty, or holds more than `MAX_BATCH_ROWS` rows.
    """
    try:
        table = pa.ipc.open_stream(payload).read_all()
        table.validate(full=True)  # offsets come from outside: an unchecked one reads foreign memory
    except (pa.ArrowException, OSError, ValueError) as error:
        raise RejectError(Reason.UNPARSABLE, f"field 'arrow' must hold an IPC stream: {error}"[:300]) from error
    if not 0 < table.num_rows <= MAX_BATCH_ROWS:
        raise RejectError(Reason.TOO_LONG, f"an entry must hold 1 to {MAX_BATCH_ROWS} rows, got {table.num_rows}")
    return table


def table_to_rows(table: pa.Table, schema: FeatureSchema) -> tuple[NDArray[np.float32], NDArray[np.int64], Faults]:
    """Bring a table into the resampler's form.

    Parameters
    ----------
    table : pyarrow.Table
        Columns in any order.
    schema : FeatureSchema
        The contract.

    Returns
    -------
    X : ndarray of shape (n, n_features), float32
        Strings as codes; NaN where a cell is null.
    y : ndarray of shape (n,), int64
        The classes.
    faults : dict of int to (Reason, str)
        Rows whose cells have no place in X and y.

    Raises
    ------
    RejectError
        If a column is missing, unknown, given twice, or of a type that cannot be read.
    """
    names = table.column_names
    wanted = (*schema.names, schema.label.name)
    if missing := [name for name in wanted if name not in names]:
        raise RejectError(Reason.MISSING_FIELD, f"{len(missing)} columns of the contract are missing: {missing[:5]}")
    if len(names) > len(wanted):
        odd = next((name for name in names if name not in wanted), None)
        if odd is None:
            raise RejectError(Reason.DUPLICATE_FIELD, "a column must be given once, got one twice")
        raise RejectError(Reason.EXTRA_FIELD, f"column {odd!r} is not in the contract")
    X = np.empty((table.num_rows, schema.n_features), dtype=np.float32)
    faults: Faults = {}
    for j, column in enumerate(schema.columns):
        X[:, j] = _feature(table.column(column.name), column, faults)
    y = _label(table.column(schema.label.name), schema.label.column, faults)
    return X, y, faults


def _feature(values: pa.ChunkedArray, column: Column, faults: Faults) -> NDArray[np.floating[Any]]:
    if column.closed:
        return _codes(values, column, Reason.UNKNOWN_CATEGORY, faults)
    try:
        numbers = np.array(column.to_numbers(values))  # a copy; NaN where null
    except ContractError as error:
        raise RejectError(Reason.UNPARSABLE, str(error)[:300]) from error
    if column.nullable and family_of(values.type) == TEXT:  # a text is no null, whatever number it reads as
        for i in np.flatnonzero(np.isnan(numbers) & np.asarray(values.is_valid())).tolist():
            faults.setdefault(i, (Reason.NOT_FINITE, f"{column.name!r} must be finite, got {values[i].as_py()!r}"))
    for i in np.flatnonzero(np.isfinite(numbers) & (np.abs(numbers) > np.finfo(np.float32).max)).tolist():
        faults.setdefault(i, (Reason.OUT_OF_RANGE, f"{column.name!r} must be finite in float32, got {numbers[i]!r}"))
        numbers[i] = 0.0
    return numbers


def _label(values: pa.ChunkedArray, column: Column, faults: Faults) -> NDArray[np.int64]:
    if column.type.family == TEXT:
        return _codes(values, column, Reason.UNKNOWN_CLASS, faults)
    for i in np.flatnonzero(values.is_null().to_numpy()).tolist():
        faults.setdefault(i, (Reason.MISSING_FIELD, f"label {column.name!r} must be given, got null"))
    whole = _cast(values, pa.int64(), column.name)
    return np.asarray(pc.fill_null(whole, 0).to_numpy(), dtype=np.int64)


def _codes(values: pa.ChunkedArray, column: Column, reason: Reason, faults: Faults) -> NDArray[Any]:
    try:
        codes, known = column.to_code(values)
    except ContractError as error:
        raise RejectError(Reason.UNPARSABLE, str(error)[:300]) from error
    for i in np.flatnonzero(~known).tolist():
        detail = f"{column.name!r} must be one of {len(column.values)} values, got {values[i].as_py()!r}"
        faults.setdefault(i, (reason, detail))
    return codes


def _cast(values: pa.ChunkedArray, to: pa.DataType, name: str) -> pa.ChunkedArray:
    try:
        return values.cast(to)
    except pa.ArrowException as error:
        raise RejectError(Reason.UNPARSABLE, f"column {name!r} must be readable as {to}: {error}"[:300]) from error


def _label_codes(values: pa.ChunkedArray, column: Column) -> NDArray[np.int64]:
    """Return the label as codes; entries of early releases hold the names of a string label."""
    if not pa.types.is_string(values.type):
        return np.asarray(values.to_numpy(), dtype=np.int64)
    codes, known = column.to_code(values)
    if not known.all():
        raise ValueError(f"label {values[int(np.argmin(known))].as_py()!r} is none of the contract's classes")
    return codes
