"""The packed output: a micro-batch as little-endian columns behind a header of 16 bytes, in the field `batch`."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from resampler.errors import CorruptStateError
from resampler.provenance import MicroBatch
from stream.formats.format import Format
from stream.formats.output import Output

if TYPE_CHECKING:
    from collections.abc import Mapping

    from resampler.schema import FeatureSchema

MAGIC = b"RMB1"
FIELD = b"batch"
_HEADER = struct.Struct("<4sII4x")  # magic, rows, features, padding that aligns the int64 columns
_INTEGERS = ("row_id", "base_id", "neighbor_id", "y")


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
    expected = _HEADER.size + n * row_bytes(d)
    if len(payload) != expected:
        raise CorruptStateError(
            f"a packed micro-batch of {n} rows x {d} features must have {expected} bytes, got {len(payload)}"
        )
    columns = {}
    at = _HEADER.size
    for name in _INTEGERS:
        columns[name] = np.frombuffer(payload, dtype="<i8", count=n, offset=at)
        at += 8 * n
    X = np.frombuffer(payload, dtype="<f4", count=n * d, offset=at).reshape(n, d)
    at += 4 * n * d
    step = np.frombuffer(payload, dtype="<f4", count=n, offset=at)
    synthetic = np.frombuffer(payload, dtype=np.bool_, count=n, offset=at + 4 * n)
    return MicroBatch(X=X, step=step, is_synthetic=synthetic, **columns)


class _PackedOutput(Output):
    field = FIELD

    def row_bytes(self, schema: FeatureSchema) -> int:
        return row_bytes(schema.n_features)

    def encode(self, batch: MicroBatch, schema: FeatureSchema, start: int, stop: int) -> list[bytes]:
        return [FIELD, pack(batch, start, stop)]

    def decode(self, entry: Mapping[bytes, bytes], schema: FeatureSchema) -> MicroBatch:
        return unpack(entry[FIELD])


FORMAT = Format("packed", output=_PackedOutput())


def row_bytes(n_features: int) -> int:
    """Return how many bytes one row takes.

    Parameters
    ----------
    n_features : int
        Width of the rows.

    Returns
    -------
    int
        Of the features, the ids and the label, the step, and whether it is synthetic.
    """
    return 4 * n_features + 8 * len(_INTEGERS) + 4 + 1
