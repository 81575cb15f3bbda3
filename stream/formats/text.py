"""Text: a field for each column; for input and output, a row an entry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from resampler.errors import InvalidInputError
from resampler.provenance import DRAW_COLUMNS, OUTPUT_COLUMNS, MicroBatch
from stream.formats.cells import CellReader, values_table
from stream.formats.columns import Columns
from stream.formats.fields import SCHEMA_FIELD
from stream.formats.format import Format
from stream.formats.input import RowInput
from stream.formats.output import Output, has_draws
from stream.kernels.text import decode_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from resampler.schema import FeatureSchema
    from stream.redis.entries import Entries

MAX_FEATURES = 3_000  # of an output row: Lua cannot pass more than 8,000 arguments to one XADD
_VALUE_BYTES = 32  # a number and its frame in a request
_ROW_BYTES = 512  # ids, label, step and their names


class _TextInput(RowInput):
    def __init__(self, schema: FeatureSchema) -> None:
        super().__init__(schema)
        self._cells = CellReader(schema)
        self._columns = Columns.of(schema)
        self._order = np.arange(schema.n_features + 1, dtype=np.int64)

    def read(self, items: Sequence[bytes]) -> tuple[NDArray[np.float32], int]:
        return self._cells.read(items)

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
        decode_text(*run, self._columns, self._order, X, y, certain)

    def encode(self, X: NDArray[np.float32], y: NDArray[np.int64]) -> list[list[bytes]]:
        rows = values_table(X, y, self.schema).to_pylist()
        given = ([(name, str(value)) for name, value in row.items() if value is not None] for row in rows)
        return [[item.encode() for pair in pairs for item in pair] for pairs in given]


class _TextOutput(Output):
    reserved = frozenset({*OUTPUT_COLUMNS, SCHEMA_FIELD.decode()})
    row_an_entry = True

    def check(self, schema: FeatureSchema, *, draws: bool = False) -> None:
        super().check(schema, draws=draws)
        if schema.n_features > MAX_FEATURES:
            raise InvalidInputError(
                f"text output takes at most {MAX_FEATURES} features, got {schema.n_features}: write packed batches"
            )

    def owns(self, entry: Mapping[bytes, bytes]) -> bool:
        return OUTPUT_COLUMNS[0].encode() in entry

    def row_bytes(self, schema: FeatureSchema) -> int:
        names = sum(len(name.encode()) for name in schema.names)
        return names + _VALUE_BYTES * schema.n_features + _ROW_BYTES

    def encode(self, batch: MicroBatch, schema: FeatureSchema, start: int, stop: int) -> list[bytes]:
        items: list[bytes] = []
        for name, value in zip(schema.names, batch.X[start], strict=True):
            # NumPy prints the shortest text that reads back the same; a null is nothing.
            items += [name.encode(), b"" if np.isnan(value) else str(value).encode()]
        items += [schema.label.name.encode(), str(batch.y[start]).encode()]
        items += [b"is_synthetic", b"1" if batch.is_synthetic[start] else b"0"]
        for name in ("row_id", "base_id", "neighbor_id", "step"):
            items += [name.encode(), str(getattr(batch, name)[start]).encode()]
        if batch.draw is not None:
            for name, value in zip(DRAW_COLUMNS, batch.draw[start], strict=True):
                items += [name.encode(), str(value).encode()]
        return items

    def decode(self, entry: Mapping[bytes, bytes], schema: FeatureSchema) -> MicroBatch:
        def number(name: str) -> np.float32:
            return np.float32(entry[name.encode()].decode() or np.nan)

        def integer(name: str) -> NDArray[np.int64]:
            return np.array([int(entry[name.encode()])], dtype=np.int64)

        drawn = has_draws((name.decode(errors="replace") for name in entry), schema)
        return MicroBatch(
            X=np.array([[number(name) for name in schema.names]], dtype=np.float32),
            y=integer(schema.label.name),
            is_synthetic=np.array([entry[b"is_synthetic"] == b"1"]),
            row_id=integer("row_id"),
            base_id=integer("base_id"),
            neighbor_id=integer("neighbor_id"),
            step=np.array([np.float32(entry[b"step"].decode())], dtype=np.float32),
            draw=np.stack([integer(name) for name in DRAW_COLUMNS], axis=1) if drawn else None,
        )


FORMAT = Format("text", _TextInput, _TextOutput())
