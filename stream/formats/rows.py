"""Packed batches: the float32 features of several rows, then their int64 labels, in the field `rows`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stream.formats.format import Format
from stream.formats.input import Batch, BatchInput
from stream.formats.row import pack_rows, read_packed, with_schema

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from resampler.schema import FeatureSchema


FIELD = b"rows"


class _RowsInput(BatchInput):
    field = FIELD

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
    """
    return with_schema({FIELD: pack_rows(X, y, schema)}, schema)
