"""Packed rows: little-endian float32 features, then an int64 label, in the field `row`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from resampler.errors import InvalidInputError
from resampler.metric import check_integers
from stream.formats.check import MatrixCheck, with_one_null
from stream.formats.columns import join_words
from stream.formats.fields import SCHEMA_FIELD, check_batch_rows, schema_id
from stream.formats.format import Format
from stream.formats.input import RowInput
from stream.formats.rejects import Reason, RejectError
from stream.kernels.packed import gather_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from resampler.schema import FeatureSchema
    from stream.redis.entries import Entries


FIELD = b"row"


class _RowInput(RowInput):
    field = FIELD

    def __init__(self, schema: FeatureSchema) -> None:
        super().__init__(schema)
        self._check = MatrixCheck(schema)
        self._words = join_words([self.field, SCHEMA_FIELD, schema_id(schema)])

    def read(self, items: Sequence[bytes]) -> tuple[NDArray[np.float32], int]:
        X, y = read_packed(self.payload(items), self.field, self.schema)
        for reason, detail in self._check(X, y).values():
            raise RejectError(reason, detail)
        return with_one_null(X)[0] if self._check.nullable else X[0], int(y[0])

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
        gather_rows(*run, *self._words, X.view(np.uint8), y.view(np.uint8).reshape(len(y), 8), certain)
        if certain.all():
            faults = list(self._check(X, y))
        else:
            places = np.flatnonzero(certain)
            faults = places[list(self._check(X[places], y[places]))].tolist() if len(places) else []
        certain[faults] = False
        if self._check.nullable:
            X[:] = with_one_null(X)

    def encode(self, X: NDArray[np.float32], y: NDArray[np.int64]) -> list[list[bytes]]:
        return [[self.field, pack_rows([x], [label], self.schema)] for x, label in zip(X, y, strict=True)]


FORMAT = Format("row", input=_RowInput)


def encode_row(x: ArrayLike, y: int, schema: FeatureSchema | None = None) -> dict[bytes, bytes]:
    r"""Make the fields of an entry that holds one row.

    Parameters
    ----------
    x : array-like of shape (n_features,)
        The row; categorical columns as codes.
    y : int
        Its class; a string label's place among the classes.
    schema : FeatureSchema, optional
        Adds the schema's id, which the worker then checks.

    Returns
    -------
    dict of bytes to bytes
        What XADD takes.

    Raises
    ------
    InvalidInputError
        If the row is not a list of numbers, of the schema's width where there is one, or the class not an integer.

    Examples
    --------
    >>> encode_row([0.5, 2.0], 1)  # two float32 and an int64, little-endian
    {b'row': b'\x00\x00\x00?\x00\x00\x00@\x01\x00\x00\x00\x00\x00\x00\x00'}
    """
    return with_schema({FIELD: pack_rows([x], [y], schema)}, schema)


def pack_rows(X: Any, y: ArrayLike, schema: FeatureSchema | None) -> bytes:
    """Lay rows out: all features row after row, then all labels.

    Parameters
    ----------
    X : array-like of shape (n, n_features)
        The rows; categorical columns as codes.
    y : array-like of shape (n,)
        Their classes.
    schema : FeatureSchema, optional
        The width that the rows must have.

    Returns
    -------
    bytes
        What stands in the field `row` or `rows`.

    Raises
    ------
    InvalidInputError
        If the rows are not a matrix of numbers of that width, or the classes are not as many integers.
    """
    try:
        rows = np.asarray(X)
    except ValueError as error:  # rows of different lengths
        raise InvalidInputError(f"X must have shape (n, n_features): {error}") from error
    width = "n_features" if schema is None else str(schema.n_features)
    if rows.ndim != 2 or rows.dtype.kind not in "biuf" or (schema is not None and rows.shape[1] != schema.n_features):
        raise InvalidInputError(
            f"X must be numbers of shape (n, {width}), got shape {rows.shape} of dtype {rows.dtype}"
        )
    with np.errstate(over="ignore"):  # what is infinite in float32 is the worker's to refuse, by name
        return rows.astype("<f4").tobytes() + check_integers("y", y, len(rows), "iub").astype("<i8").tobytes()


def read_packed(payload: bytes, field: bytes, schema: FeatureSchema) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Read what `pack_rows` wrote.

    Parameters
    ----------
    payload : bytes
        The rows.
    field : {b"row", b"rows"}
        Where they stand: one row, or at least one.
    schema : FeatureSchema
        The contract.

    Returns
    -------
    X : ndarray of shape (n, n_features), float32
        Views of the payload, unchecked.
    y : ndarray of shape (n,), int64
        Their classes, unchecked.

    Raises
    ------
    RejectError
        If the length is not that of whole rows, or there are too many.
    """
    d = schema.n_features
    n, rest = divmod(len(payload), 4 * d + 8)
    single = field == FIELD
    if rest or not n or (single and n != 1):
        raise RejectError(
            Reason.UNPARSABLE,
            f"field {field.decode()!r} must hold {'one row' if single else 'rows'} of "
            f"{4 * d + 8} bytes ({d} float32 and one int64), got {len(payload)} bytes",
        )
    check_batch_rows(n)
    X = np.frombuffer(payload, dtype="<f4", count=n * d).reshape(n, d)
    return X, np.frombuffer(payload, dtype="<i8", offset=4 * n * d)


def with_schema(fields: dict[bytes, bytes], schema: FeatureSchema | None) -> dict[bytes, bytes]:
    """Add the schema's id to an entry.

    Parameters
    ----------
    fields : dict of bytes to bytes
        The entry.
    schema : FeatureSchema, optional
        The contract; without it nothing is added.

    Returns
    -------
    dict of bytes to bytes
        What XADD takes.
    """
    return fields | ({SCHEMA_FIELD: schema_id(schema)} if schema else {})
