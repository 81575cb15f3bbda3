"""Output entries: a micro-batch packed or as Arrow in one entry, or a row per entry as text."""

from __future__ import annotations

import struct
from dataclasses import fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from resampler.errors import ContractError, CorruptStateError
from resampler.provenance import MicroBatch
from stream.formats.arrow import write_ipc
from stream.formats.packed import SCHEMA_FIELD, schema_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from resampler.schema import FeatureSchema

MAGIC = b"RMB1"
BATCH_FIELD = b"batch"
ARROW_FIELD = b"arrow"
_HEADER = struct.Struct("<4sII4x")  # magic, rows, features, padding that aligns the int64 columns
_PROVENANCE = ("row_id", "base_id", "neighbor_id", "y")


class OutputFormat(StrEnum):
    """How rows leave."""

    PACKED = "packed"
    ARROW = "arrow"
    TEXT = "text"


def encode_output(
    batch: MicroBatch, schema: FeatureSchema, output_format: OutputFormat, start: int = 0, stop: int | None = None
) -> list[bytes]:
    """Make the fields of one output entry.

    Parameters
    ----------
    batch : MicroBatch
        Holds the rows.
    schema : FeatureSchema
        The contract.
    output_format : OutputFormat
        The layout.
    start, stop : int
        Which rows, by default all; exactly one for `OutputFormat.TEXT`.

    Returns
    -------
    list of bytes
        Name, value, name, value, ...
    """
    head = [SCHEMA_FIELD, schema_id(schema)]
    if output_format is OutputFormat.PACKED:
        return [*head, BATCH_FIELD, pack(batch, start, stop)]
    part = part_of(batch, start, len(batch) if stop is None else stop)
    if output_format is OutputFormat.TEXT:
        return head + _encode_text(part, schema)
    return [*head, ARROW_FIELD, write_ipc(part.to_arrow(schema, codes=True))]


def part_of(batch: MicroBatch, start: int, stop: int) -> MicroBatch:
    """Return some consecutive rows of a micro-batch.

    Parameters
    ----------
    batch : MicroBatch
        The rows.
    start, stop : int
        Which.

    Returns
    -------
    MicroBatch
        Views.
    """
    return MicroBatch(**{column.name: getattr(batch, column.name)[start:stop] for column in fields(MicroBatch)})


def pack(batch: MicroBatch, start: int = 0, stop: int | None = None) -> bytes:
    """Lay rows of a micro-batch out as little-endian columns behind a header of 16 bytes.

    Parameters
    ----------
    batch : MicroBatch
        Holds the rows, C-contiguous; the machine is taken to be little-endian.
    start, stop : int
        Which; by default all.

    Returns
    -------
    bytes
        ``RMB1``, uint32 n, uint32 d, 4 zero bytes; row_id, base_id, neighbor_id, y (int64 each); X (float32,
        row after row); step (float32); is_synthetic (uint8).
    """
    rows = slice(start, len(batch) if stop is None else stop)
    header = _HEADER.pack(MAGIC, rows.stop - rows.start, batch.X.shape[1])
    ids = (batch.row_id[rows], batch.base_id[rows], batch.neighbor_id[rows])
    columns: list[Any] = [*ids, batch.y[rows], batch.X[rows], batch.step[rows], batch.is_synthetic[rows]]
    return b"".join([header, *columns])


def unpack(payload: bytes) -> MicroBatch:
    """Read what `pack` wrote.

    Parameters
    ----------
    payload : bytes
        One packed micro-batch.

    Returns
    -------
    MicroBatch
        Read-only views of the payload.

    Raises
    ------
    CorruptStateError
        If the payload is cut short or not a micro-batch.
    """
    if len(payload) < _HEADER.size or payload[:4] != MAGIC:
        raise CorruptStateError(f"a packed micro-batch must begin with {MAGIC!r}, got {payload[:4]!r}")
    _, n, d = _HEADER.unpack_from(payload)
    expected = _HEADER.size + n * (8 * len(_PROVENANCE) + 4 * d + 4 + 1)
    if len(payload) != expected:
        raise CorruptStateError(
            f"a packed micro-batch of {n} rows x {d} features must have {expected} bytes, got {len(payload)}"
        )
    columns = {}
    at = _HEADER.size
    for name in _PROVENANCE:
        columns[name] = np.frombuffer(payload, dtype="<i8", count=n, offset=at)
        at += 8 * n
    X = np.frombuffer(payload, dtype="<f4", count=n * d, offset=at).reshape(n, d)
    at += 4 * n * d
    step = np.frombuffer(payload, dtype="<f4", count=n, offset=at)
    synthetic = np.frombuffer(payload, dtype=np.bool_, count=n, offset=at + 4 * n)
    return MicroBatch(X=X, step=step, is_synthetic=synthetic, **columns)


def decode_output(entry: Mapping[bytes, bytes], schema: FeatureSchema) -> MicroBatch:
    """Read one output entry of any layout.

    Parameters
    ----------
    entry : mapping of bytes to bytes
        The entry.
    schema : FeatureSchema
        The contract it was written under.

    Returns
    -------
    MicroBatch
        Its rows.

    Raises
    ------
    ContractError
        If it was written under another contract.
    CorruptStateError
        If it is not an output entry.
    """
    found = entry.get(SCHEMA_FIELD)
    if found != schema_id(schema):
        raise ContractError(
            f"output entry must be of schema {schema_id(schema).decode()}, got {found!r}: "
            "read it with the contract that it was written under"
        )
    if BATCH_FIELD in entry:
        return unpack(entry[BATCH_FIELD])
    try:
        return _decode_arrow(entry[ARROW_FIELD], schema) if ARROW_FIELD in entry else _decode_text(entry, schema)
    except (KeyError, ValueError) as error:
        raise CorruptStateError(f"output entry cannot be read: {type(error).__name__}: {error}") from error


def _encode_text(batch: MicroBatch, schema: FeatureSchema) -> list[bytes]:
    items: list[bytes] = []
    for name, value in zip(schema.names, batch.X[0], strict=True):
        items += [name.encode(), str(value).encode()]  # NumPy prints the shortest text that reads back the same
    items += [schema.label.name.encode(), str(batch.y[0]).encode()]
    items += [b"is_synthetic", b"1" if batch.is_synthetic[0] else b"0"]
    for name in ("row_id", "base_id", "neighbor_id", "step"):
        items += [name.encode(), str(getattr(batch, name)[0]).encode()]
    return items


def _decode_text(entry: Mapping[bytes, bytes], schema: FeatureSchema) -> MicroBatch:
    def integer(name: str) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.array([int(entry[name.encode()])], dtype=np.int64)

    return MicroBatch(
        X=np.array([[np.float32(entry[name.encode()].decode()) for name in schema.names]], dtype=np.float32),
        y=integer(schema.label.name),
        is_synthetic=np.array([entry[b"is_synthetic"] == b"1"]),
        row_id=integer("row_id"),
        base_id=integer("base_id"),
        neighbor_id=integer("neighbor_id"),
        step=np.array([np.float32(entry[b"step"].decode())], dtype=np.float32),
    )


def _decode_arrow(payload: bytes, schema: FeatureSchema) -> MicroBatch:
    table = pa.ipc.open_stream(payload).read_all()
    columns = {name: table.column(name).to_numpy() for name in ("is_synthetic", *_PROVENANCE[:3], "step")}
    X = np.column_stack([table.column(name).to_numpy() for name in schema.names]).astype(np.float32, copy=False)
    return MicroBatch(X=np.ascontiguousarray(X), y=_label_codes(table.column(schema.label.name), schema), **columns)


def _label_codes(column: pa.ChunkedArray, schema: FeatureSchema) -> NDArray[np.int64]:
    """Return the label as codes; entries of early releases hold the names of a string label."""
    if schema.label.dtype != "string" or not pa.types.is_string(column.type):
        return np.asarray(column.to_numpy(), dtype=np.int64)
    codes, known = schema.label.vocabulary.encode(column)
    if not known.all():
        raise ValueError(f"label {column[int(np.argmin(known))].as_py()!r} is none of the contract's classes")
    return codes
