"""Packed batches: the float32 features of several rows, then their int64 labels, in the field `rows`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stream.formats.columns import join_words
from stream.formats.fields import MAX_BATCH_ROWS, SCHEMA_FIELD, schema_id
from stream.formats.format import Format
from stream.formats.input import Batch, BatchInput, Run
from stream.formats.row import pack_rows, read_packed, with_schema
from stream.kernels.packed import find_batches, gather_batches

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from resampler.schema import FeatureSchema
    from stream.redis.entries import Entries


FIELD = b"rows"


class _RowsInput(BatchInput):
    field = FIELD

    def __init__(self, schema: FeatureSchema) -> None:
        super().__init__(schema)
        self._words = join_words([self.field, SCHEMA_FIELD, schema_id(schema)])

    def read_fast(self, entries: Entries, low: int, high: int) -> Run:
        n, d = high - low, self.schema.n_features
        payloads, starts = np.empty(n, dtype=np.int64), np.empty(n + 1, dtype=np.int64)
        run = (entries.buffer, entries.first, entries.spans, low, high)
        find_batches(*run, *self._words, 4 * d, MAX_BATCH_ROWS, payloads, starts)
        X = np.empty((starts[-1], d), dtype=np.float32)
        y, entry, place = np.empty((3, starts[-1]), dtype=np.int64)
        flat = X.reshape(-1).view(np.uint8), y.view(np.uint8)
        gather_batches(entries.buffer, payloads, starts, low, 4 * d, *flat, entry, place)
        return Run(X, y, entry, place, starts)

    def read(self, payload: bytes) -> Batch:
        X, y = read_packed(payload, self.field, self.schema)
        return Batch(X, y, lambda rows: pack_rows(X[rows], y[rows], self.schema), {})

    def encode(self, X: NDArray[np.float32], y: NDArray[np.int64]) -> list[list[bytes]]:
        return [[self.field, pack_rows(X, y, self.schema)]]


FORMAT = Format("rows", input=_RowsInput)


def encode_batch(X: ArrayLike, y: ArrayLike, schema: FeatureSchema | None = None) -> dict[bytes, bytes]:
    """Make the fields of an entry that holds several rows.

    Parameters
    ----------
    X : array-like of shape (n, n_features)
        The rows; categorical columns as codes.
    y : array-like of shape (n,)
        Their classes.
    schema : FeatureSchema, optional
        Adds the schema's id, which the worker then checks.

    Returns
    -------
    dict of bytes to bytes
        What XADD takes.

    Raises
    ------
    InvalidInputError
        If the rows are not a matrix of numbers, of the schema's width where there is one, or the classes are not as
        many integers.

    Examples
    --------
    >>> {field: len(value) for field, value in encode_batch([[0.5, 2.0], [1.0, 3.0]], [1, 0]).items()}
    {b'rows': 32}
    """
    return with_schema({FIELD: pack_rows(X, y, schema)}, schema)
