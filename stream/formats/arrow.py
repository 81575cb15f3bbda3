"""Arrow rows: an IPC stream of record batches in the field `arrow`, columns found by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stream.formats.packed import MAX_BATCH_ROWS
from stream.formats.rows import Reason, RejectError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from resampler.schema import Feature, FeatureSchema
    from resampler.vocabulary import Vocabulary

FIELD = b"arrow"


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


def table_to_rows(
    table: pa.Table, schema: FeatureSchema
) -> tuple[NDArray[np.float32], NDArray[np.int64], dict[int, tuple[Reason, str]]]:
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
    faults: dict[int, tuple[Reason, str]] = {}
    for j, feature in enumerate(schema.features):
        X[:, j] = _feature(table.column(feature.name), feature, faults)
    y = _label(table.column(schema.label.name), schema, faults)
    return X, y, faults


def _feature(column: pa.ChunkedArray, feature: Feature, faults: dict[int, tuple[Reason, str]]) -> NDArray[np.float64]:
    if feature.categories or feature.dtype == "string":
        return _codes(column, feature.vocabulary, Reason.UNKNOWN_CATEGORY, feature.name, faults).astype(np.float64)
    if feature.dtype == "bool" and pa.types.is_boolean(column.type):
        column = _cast(column, pa.uint8(), feature.name)
    values = _numbers(_cast(column, pa.float64(), feature.name))
    for i in np.flatnonzero(np.isfinite(values) & (np.abs(values) > np.finfo(np.float32).max)).tolist():
        faults.setdefault(i, (Reason.OUT_OF_RANGE, f"{feature.name!r} must be finite in float32, got {values[i]!r}"))
        values[i] = 0.0
    return values


def _label(column: pa.ChunkedArray, schema: FeatureSchema, faults: dict[int, tuple[Reason, str]]) -> NDArray[np.int64]:
    label = schema.label
    if label.dtype == "string":
        return _codes(column, label.vocabulary, Reason.UNKNOWN_CLASS, label.name, faults)
    for i in np.flatnonzero(column.is_null().to_numpy()).tolist():
        faults.setdefault(i, (Reason.MISSING_FIELD, f"label {label.name!r} must be given, got null"))
    whole = _cast(column, pa.int64(), label.name)
    return np.asarray(pc.fill_null(whole, 0).to_numpy(), dtype=np.int64)


def _codes(
    column: pa.ChunkedArray, vocabulary: Vocabulary, reason: Reason, name: str, faults: dict[int, tuple[Reason, str]]
) -> NDArray[np.int64]:
    codes, known = vocabulary.encode(_cast(column, vocabulary.to_arrow().type, name))
    for i in np.flatnonzero(~known).tolist():
        faults.setdefault(i, (reason, f"{name!r} must be one of {len(vocabulary)} values, got {column[i].as_py()!r}"))
    return codes


def _cast(column: pa.ChunkedArray, to: pa.DataType, name: str) -> pa.ChunkedArray:
    try:
        return column.cast(to)
    except pa.ArrowException as error:
        raise RejectError(Reason.UNPARSABLE, f"column {name!r} must be readable as {to}: {error}"[:300]) from error


def _numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """Return a writable copy as float64, NaN where null."""
    return np.array(column.cast(pa.float64()).to_numpy(), dtype=np.float64)
