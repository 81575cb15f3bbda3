"""`Decoder`: entries of any input format to checked rows."""

from __future__ import annotations

from enum import StrEnum
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from stream.codec import arrow, json_row, packed
from stream.codec.check import MatrixCheck
from stream.codec.rows import Block, Reason, Reject, RejectError, Rows
from stream.codec.text import TextReader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from resampler.schema import FeatureSchema
    from stream.entries import Entries


class InputFormat(StrEnum):
    """How rows stand in an entry; ``auto`` tells by the name of the entry's first field."""

    AUTO = "auto"
    TEXT = "text"
    JSON = "json"
    ROW = "row"
    ROWS = "rows"
    ARROW = "arrow"


class Decoder:
    """Decode entries and check every row against the contract.

    Parameters
    ----------
    schema : FeatureSchema
        The contract.
    input_format : InputFormat
        One format for all entries, or ``auto``. A column named like a format's field (`json`, `row`, `rows`,
        `arrow`) keeps ``auto`` from taking text rows for that format.
    """

    def __init__(self, schema: FeatureSchema, input_format: InputFormat = InputFormat.AUTO) -> None:
        self.schema = schema
        self.input_format = input_format
        self._text = TextReader(schema)
        self._check = MatrixCheck(schema)
        columns = {*schema.names, schema.label.name}
        self._formats = {
            kind.value.encode(): kind
            for kind in (InputFormat.JSON, InputFormat.ROW, InputFormat.ROWS, InputFormat.ARROW)
            if kind.value not in columns
        }

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
        formats = [self._format(entries, i) for i in range(len(entries))]
        for kind, run in groupby(range(len(entries)), key=formats.__getitem__):
            for i in run:
                items = entries.items(i)
                try:
                    self._decode_entry(kind, i, items, blocks, rejects)
                except RejectError as error:
                    rejects.append(Reject(i, error.reason, error.detail, tuple(items)))
        return Rows.join(blocks, rejects, self.schema.n_features)

    def _format(self, entries: Entries, i: int) -> InputFormat:
        if self.input_format is not InputFormat.AUTO:
            return self.input_format
        start, stop = entries.spans[entries.first[i]]
        return self._formats.get(entries.buffer[start:stop].tobytes(), InputFormat.TEXT)

    def _decode_entry(
        self, kind: InputFormat, entry: int, items: Sequence[bytes], blocks: list[Block], rejects: list[Reject]
    ) -> None:
        if kind is InputFormat.TEXT:
            blocks.append(_single(entry, *self._text.read(items)))
            return
        fields = dict(zip(items[::2], items[1::2], strict=True))
        if 2 * len(fields) != len(items):
            raise RejectError(Reason.DUPLICATE_FIELD, "a field must be given once, got one twice")
        if kind is InputFormat.JSON:
            packed.check_fields(fields, json_row.FIELD, self.schema)
            blocks.append(_single(entry, *self._text.read(json_row.read_object(fields[json_row.FIELD]))))
            return
        faults: dict[int, tuple[Reason, str]] = {}
        if kind is InputFormat.ARROW:
            packed.check_fields(fields, arrow.FIELD, self.schema)
            table = arrow.read_ipc(fields[arrow.FIELD])
            X, y, faults = arrow.table_to_rows(table, self.schema)
        else:
            X, y = packed.read_payload(fields, kind.value.encode(), self.schema)
        faults |= self._check(X, y) | faults
        place = np.arange(len(y), dtype=np.int64)
        if not faults:
            blocks.append(Block.of_entry(entry, X, y, place))
            return
        bad = np.zeros(len(y), dtype=np.bool_)
        bad[list(faults)] = True
        if kind is InputFormat.ARROW:
            original: tuple[bytes, ...] = (arrow.FIELD, arrow.write_ipc(table.filter(bad)))
        else:
            rest = (
                packed.encode_row(X[0], int(y[0])) if kind is InputFormat.ROW else packed.encode_batch(X[bad], y[bad])
            )
            original = tuple(item for pair in rest.items() for item in pair)
        first = min(faults)
        reason, detail = faults[first]
        if kind is not InputFormat.ROW:
            detail = f"row {first}: {detail}" + (f" (and {len(faults) - 1} more rows)" if len(faults) > 1 else "")
        rejects.append(Reject(entry, reason, detail, original, len(faults)))
        blocks.append(Block.of_entry(entry, X[~bad], y[~bad], place[~bad]))


def _single(entry: int, x: NDArray[np.float32], y: int) -> Block:
    return Block.of_entry(entry, x[np.newaxis], np.array([y], dtype=np.int64), np.zeros(1, dtype=np.int64))
