"""JSON rows: an object of column names and values in the one field `json`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from stream.formats.cells import CellReader, values_table
from stream.formats.columns import Columns
from stream.formats.format import Format
from stream.formats.input import RowInput
from stream.formats.rejects import Reason, RejectError
from stream.kernels.json_rows import Layout, decode_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from resampler.schema import FeatureSchema
    from stream.redis.entries import Entries

FIELD = b"json"
MAX_BYTES = 1 << 20
_FRAME_BYTES = 64  # of a member of an object: quotes, colon, comma, white space


class _JsonInput(RowInput):
    field = FIELD

    def __init__(self, schema: FeatureSchema) -> None:
        super().__init__(schema)
        self._cells = CellReader(schema)
        self._columns = Columns.of(schema)
        n = schema.n_features + 1
        self._order = np.arange(n, dtype=np.int64)
        # A row with more than this beside its values is searched for names each time.
        text = np.empty(2 * len(self._columns.names) + _FRAME_BYTES * (n + 1), dtype=np.uint8)
        ends, columns = np.zeros(n + 2, dtype=np.int64), np.zeros(n, dtype=np.int64)
        self._layout = Layout(text, ends, columns, np.zeros(n, dtype=np.bool_), np.zeros(1, dtype=np.int64))

    def read(self, items: Sequence[bytes]) -> tuple[NDArray[np.float32], int]:
        return self._cells.read(read_object(self.payload(items)))

    def read_fast(
        self,
        entries: Entries,
        low: int,
        high: int,
        X: NDArray[np.float32],
        y: NDArray[np.int64],
        certain: NDArray[np.bool_],
    ) -> None:
        run = (entries.buffer, entries.first, entries.spans, low, high)
        decode_json(*run, self._columns, self._order, self._layout, X, y, certain)

    def encode(self, X: NDArray[np.float32], y: NDArray[np.int64]) -> list[list[bytes]]:
        rows = values_table(X, y, self.schema).to_pylist()
        return [[FIELD, json.dumps(row).encode()] for row in rows]


FORMAT = Format("json", input=_JsonInput)


def read_object(text: bytes) -> list[bytes]:
    """Turn a flat JSON object into names and values as a text row has them.

    Parameters
    ----------
    text : bytes
        UTF-8 JSON.

    Returns
    -------
    list of bytes
        Name, value, name, value, ... Numbers keep their digits, so that a row means the same in either format;
        a null is left out, and so missing: which is a nullable column's null.

    Raises
    ------
    RejectError
        If it is not JSON, not an object, nested, or longer than `MAX_BYTES`.
    """
    if len(text) > MAX_BYTES:
        raise RejectError(Reason.TOO_LONG, f"a JSON row must have at most {MAX_BYTES} bytes, got {len(text)}")
    try:
        pairs = json.loads(text, object_pairs_hook=_Pairs, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise RejectError(Reason.UNPARSABLE, f"a JSON row must be JSON: {error}") from error
    if not isinstance(pairs, _Pairs):
        raise RejectError(Reason.UNPARSABLE, f"a JSON row must be an object, got {type(pairs).__name__}")
    items: list[bytes] = []
    for name, value in pairs:
        if value is not None:
            items += [name.encode(errors="surrogatepass"), _scalar(name, value)]
    return items


class _Pairs(list[tuple[str, Any]]):
    """An object's members, duplicates included."""


def _scalar(name: str, value: object) -> bytes:
    if isinstance(value, bool):
        return b"true" if value else b"false"
    if isinstance(value, str):
        return value.encode(errors="surrogatepass")
    raise RejectError(Reason.UNPARSABLE, f"{name!r} must be a number, a string or a boolean, got a nested value")
