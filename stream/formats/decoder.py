"""`Decoder`: entries of any input format to checked rows."""

from __future__ import annotations

from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from stream.formats import arrow, json_row, packed
from stream.formats.check import MatrixCheck
from stream.formats.columns import Columns, join_words
from stream.formats.rows import Block, Reason, Reject, RejectError, Rows
from stream.formats.text import TextReader
from stream.kernels.json_scan import scan_rows
from stream.kernels.packed import classify, gather_rows
from stream.kernels.text import decode_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from resampler.schema import FeatureSchema
    from stream.redis.entries import Entries


class InputFormat(StrEnum):
    """How rows stand in an entry; ``auto`` tells by the names of the entry's first two fields."""

    AUTO = "auto"
    TEXT = "text"
    JSON = "json"
    ROW = "row"
    ROWS = "rows"
    ARROW = "arrow"


_NAMED = (InputFormat.JSON, InputFormat.ROW, InputFormat.ROWS, InputFormat.ARROW)


class Decoder:
    """Decode entries and check every row against the contract.

    Parameters
    ----------
    schema : FeatureSchema
        The contract.
    input_format : InputFormat
        One format for all entries, or ``auto``. A column named like a format's field (`json`, `row`, `rows`,
        `arrow`) keeps ``auto`` from taking text rows for that format.

    Notes
    -----
    Text, JSON and packed rows pass through kernels that take what is certain; every other entry is decoded by itself,
    which is slower and knows why.
    """

    def __init__(self, schema: FeatureSchema, input_format: InputFormat = InputFormat.AUTO) -> None:
        self.schema = schema
        self.input_format = input_format
        self._text = TextReader(schema)
        self._check = MatrixCheck(schema)
        self._columns = Columns.of(schema)
        self._order = np.arange(schema.n_features + 1, dtype=np.int64)
        names = {*schema.names, schema.label.name}
        self._named = [kind for kind in _NAMED if kind.value not in names]
        self._row_words = join_words([packed.ROW_FIELD, packed.SCHEMA_FIELD, packed.schema_id(schema)])
        self._field_names = join_words(kind.value.encode() for kind in self._named)

    def decode(self, entries: Entries) -> Rows:
        """Decode entries.

        Parameters
        ----------
        entries : Entries
            In stream order.

        Returns
        -------
        Rows
            Accepted rows in stream order, and the rejects.
        """
        blocks: list[Block] = []
        rejects: list[Reject] = []
        for kind, low, high in self._runs(entries):
            if kind is InputFormat.TEXT:
                block, certain = self._text_block(entries, low, high)
                self._merge(entries, block, certain, self._read_text, blocks, rejects)
            elif kind is InputFormat.ROW:
                block, certain = self._row_block(entries, low, high)
                self._merge(entries, block, certain, self._read_row, blocks, rejects)
            elif kind is InputFormat.JSON:
                block, certain = self._json_block(entries, low, high)
                self._merge(entries, block, certain, self._read_json, blocks, rejects)
            else:
                read = self._read_batch if kind is InputFormat.ROWS else self._read_arrow
                for i in range(low, high):
                    self._decode_one(entries, i, read, blocks, rejects)
        return Rows.join(blocks, rejects, self.schema.n_features)

    def _runs(self, entries: Entries) -> Iterator[tuple[InputFormat, int, int]]:
        """Part the entries into runs of one format."""
        n = len(entries)
        if self.input_format is not InputFormat.AUTO:
            yield self.input_format, 0, n
            return
        kinds = np.empty(n, dtype=np.int64)
        classify(entries.buffer, entries.first, entries.spans, *self._field_names, kinds)
        bounds = [0, *(np.flatnonzero(np.diff(kinds)) + 1).tolist(), n] if n else []
        for low, high in pairwise(bounds):
            kind = kinds[low]
            yield (InputFormat.TEXT if kind < 0 else self._named[kind]), low, high

    # -- runs, by kernel

    def _new_block(self, low: int, high: int) -> tuple[Block, NDArray[np.bool_]]:
        n = high - low
        X = np.empty((n, self.schema.n_features), dtype=np.float32)
        entry = np.arange(low, high, dtype=np.int64)
        return Block(X, np.empty(n, dtype=np.int64), entry, np.zeros(n, dtype=np.int64)), np.empty(n, dtype=np.bool_)

    def _text_block(self, entries: Entries, low: int, high: int) -> tuple[Block, NDArray[np.bool_]]:
        block, certain = self._new_block(low, high)
        where = (entries.buffer, entries.first, entries.spans, low, high)
        decode_text(*where, self._columns, self._order, block.X, block.y, certain)
        return block, certain

    def _json_block(self, entries: Entries, low: int, high: int) -> tuple[Block, NDArray[np.bool_]]:
        block, certain = self._new_block(low, high)
        first = np.empty(high - low + 1, dtype=np.int64)
        # One member more than the contract has, so that a row that is too long is seen to be.
        spans = np.empty(((high - low) * 2 * (self.schema.n_features + 2), 2), dtype=np.int64)
        scan_rows(entries.buffer, entries.first, entries.spans, low, high, first, spans)
        decode_text(entries.buffer, first, spans, 0, high - low, self._columns, self._order, block.X, block.y, certain)
        return block, certain

    def _row_block(self, entries: Entries, low: int, high: int) -> tuple[Block, NDArray[np.bool_]]:
        block, certain = self._new_block(low, high)
        y_bytes = block.y.view(np.uint8).reshape(len(block.y), 8)
        gather_rows(
            entries.buffer,
            entries.first,
            entries.spans,
            low,
            high,
            *self._row_words,
            block.X.view(np.uint8),
            y_bytes,
            certain,
        )
        if certain.all():
            faults = list(self._check(block.X, block.y))
        else:
            places = np.flatnonzero(certain)
            faults = places[list(self._check(block.X[places], block.y[places]))].tolist() if len(places) else []
        certain[faults] = False
        return block, certain

    def _merge(
        self,
        entries: Entries,
        block: Block,
        certain: NDArray[np.bool_],
        read: Callable[[Sequence[bytes]], tuple[NDArray[np.float32], int]],
        blocks: list[Block],
        rejects: list[Reject],
    ) -> None:
        """Complete a block of one row an entry with what the reference makes of the uncertain ones."""
        for row in np.flatnonzero(~certain).tolist():
            i = int(block.entry[row])
            items = entries.items(i)
            try:
                block.X[row], block.y[row] = read(items)
                certain[row] = True
            except RejectError as error:
                rejects.append(Reject(i, error.reason, error.detail, tuple(items)))
        if not certain.all():
            block = Block(block.X[certain], block.y[certain], block.entry[certain], block.place[certain])
        blocks.append(block)

    # -- one entry at a time

    def _read_text(self, items: Sequence[bytes]) -> tuple[NDArray[np.float32], int]:
        return self._text.read(items)

    def _read_row(self, items: Sequence[bytes]) -> tuple[NDArray[np.float32], int]:
        X, y = packed.read_payload(_fields(items), packed.ROW_FIELD, self.schema)
        for reason, detail in self._check(X, y).values():
            raise RejectError(reason, detail)
        return X[0], int(y[0])

    def _read_json(self, items: Sequence[bytes]) -> tuple[NDArray[np.float32], int]:
        fields = _fields(items)
        packed.check_fields(fields, json_row.FIELD, self.schema)
        return self._text.read(json_row.read_object(fields[json_row.FIELD]))

    def _read_batch(self, i: int, items: Sequence[bytes]) -> tuple[Block, Reject | None]:
        X, y = packed.read_payload(_fields(items), packed.BATCH_FIELD, self.schema)

        def again(bad: NDArray[np.bool_]) -> tuple[bytes, ...]:
            ((name, payload),) = packed.encode_batch(X[bad], y[bad]).items()
            return name, payload

        return _part(i, X, y, self._check(X, y), again)

    def _read_arrow(self, i: int, items: Sequence[bytes]) -> tuple[Block, Reject | None]:
        fields = _fields(items)
        packed.check_fields(fields, arrow.FIELD, self.schema)
        table = arrow.read_ipc(fields[arrow.FIELD])
        X, y, faults = arrow.table_to_rows(table, self.schema)
        return _part(i, X, y, self._check(X, y) | faults, lambda bad: (arrow.FIELD, arrow.write_ipc(table.filter(bad))))

    def _decode_one(
        self,
        entries: Entries,
        i: int,
        read: Callable[[int, Sequence[bytes]], tuple[Block, Reject | None]],
        blocks: list[Block],
        rejects: list[Reject],
    ) -> None:
        items = entries.items(i)
        try:
            block, reject = read(i, items)
        except RejectError as error:
            rejects.append(Reject(i, error.reason, error.detail, tuple(items)))
            return
        blocks.append(block)
        if reject:
            rejects.append(reject)


def _fields(items: Sequence[bytes]) -> dict[bytes, bytes]:
    fields = dict(zip(items[::2], items[1::2], strict=True))
    if 2 * len(fields) != len(items):
        raise RejectError(Reason.DUPLICATE_FIELD, "a field must be given once, got one twice")
    return fields


def _part(
    i: int,
    X: NDArray[np.float32],
    y: NDArray[np.int64],
    faults: dict[int, tuple[Reason, str]],
    again: Callable[[NDArray[np.bool_]], tuple[bytes, ...]],
) -> tuple[Block, Reject | None]:
    """Part the rows of a batch entry; `again` makes an entry of the faulty ones."""
    place = np.arange(len(y), dtype=np.int64)
    if not faults:
        return Block.of_entry(i, X, y, place), None
    bad = np.zeros(len(y), dtype=np.bool_)
    bad[list(faults)] = True
    row = min(faults)
    reason, detail = faults[row]
    others = f" (and {len(faults) - 1} more rows)" if len(faults) > 1 else ""
    reject = Reject(i, reason, f"row {row}: {detail}{others}", again(bad), len(faults))
    return Block.of_entry(i, X[~bad], y[~bad], place[~bad]), reject
