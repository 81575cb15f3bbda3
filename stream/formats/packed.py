"""The packed output: a micro-batch as little-endian columns behind a header of 16 bytes, in the field `batch`."""

from __future__ import annotations

import struct
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from resampler.errors import CorruptStateError
from resampler.provenance import MicroBatch
from stream.formats.format import Format
from stream.formats.output import Output

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from resampler.schema import FeatureSchema

MAGIC = b"RMB1"
WITH_DRAWS = b"RMB2"  # the same, with `draw` behind the other integers: for methods whose place draws
FIELD = b"batch"
_HEADER = struct.Struct("<4sII4x")  # magic, rows, features, padding that aligns the int64 columns
_INTEGERS = ("row_id", "base_id", "neighbor_id", "y")
DRAW_BYTES = 16  # a row


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
        row after row); step (float32); is_synthetic (uint8). ``RMB2`` has draw (two int64 a row) behind y.
    """
    return pack_parts(batch, [start, len(batch) if stop is None else stop])[0]


def pack_parts(batch: MicroBatch, bounds: Sequence[int]) -> list[bytes]:
    """Lay consecutive parts of a micro-batch out, each as `pack` does.

    Parameters
    ----------
    batch : MicroBatch
        Holds the rows, C-contiguous.
    bounds : sequence of int
        Part i holds rows ``bounds[i]`` to ``bounds[i + 1] - 1``.

    Returns
    -------
    list of bytes
        A part an item.
    """
    magic = MAGIC if batch.draw is None else WITH_DRAWS
    arrays = [batch.row_id, batch.base_id, batch.neighbor_id, batch.y, batch.draw, batch.X, batch.step]
    # NumPy takes far longer to slice an array, and to show its memory, than it takes to copy a part of it.
    columns = [
        (array.reshape(-1).view(np.uint8).data, array.itemsize * (array.size // max(1, len(array))))
        for array in (*arrays, batch.is_synthetic)
        if array is not None
    ]
    return [
        b"".join(
            [_HEADER.pack(magic, stop - start, batch.X.shape[1])]
            + [column[start * width : stop * width] for column, width in columns]
        )
        for start, stop in pairwise(bounds)
    ]


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
    if len(payload) < _HEADER.size or payload[:4] not in (MAGIC, WITH_DRAWS):
        raise CorruptStateError(f"a packed micro-batch must begin with {MAGIC!r}, got {payload[:4]!r}")
    magic, n, d = _HEADER.unpack_from(payload)
    draws = magic == WITH_DRAWS
    expected = _HEADER.size + n * (row_bytes(d) + DRAW_BYTES * draws)
    if len(payload) != expected:
        raise CorruptStateError(
            f"a packed micro-batch of {n} rows x {d} features must have {expected} bytes, got {len(payload)}"
        )
    columns = {}
    at = _HEADER.size
    for name in _INTEGERS:
        columns[name] = np.frombuffer(payload, dtype="<i8", count=n, offset=at)
        at += 8 * n
    draw = None
    if draws:
        draw = np.frombuffer(payload, dtype="<i8", count=2 * n, offset=at).reshape(n, 2)
        at += DRAW_BYTES * n
    X = np.frombuffer(payload, dtype="<f4", count=n * d, offset=at).reshape(n, d)
    at += 4 * n * d
    step = np.frombuffer(payload, dtype="<f4", count=n, offset=at)
    synthetic = np.frombuffer(payload, dtype=np.bool_, count=n, offset=at + 4 * n)
    return MicroBatch(X=X, step=step, is_synthetic=synthetic, draw=draw, **columns)


class _PackedOutput(Output):
    field = FIELD

    def row_bytes(self, schema: FeatureSchema) -> int:
        return row_bytes(schema.n_features)

    def encode(self, batch: MicroBatch, schema: FeatureSchema, start: int, stop: int) -> list[bytes]:
        return [FIELD, pack(batch, start, stop)]

    def encode_parts(self, batch: MicroBatch, schema: FeatureSchema, bounds: Sequence[int]) -> list[list[bytes]]:
        return [[FIELD, payload] for payload in pack_parts(batch, bounds)]

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
