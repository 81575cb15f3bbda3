"""Packed rows: little-endian float32 features, then int64 labels, in the field `row` or `rows`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from resampler.errors import InvalidInputError
from resampler.metric import check_integers
from stream.formats.rows import Reason, RejectError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

    from resampler.schema import FeatureSchema

ROW_FIELD = b"row"
BATCH_FIELD = b"rows"
SCHEMA_FIELD = b"schema"
MAX_BATCH_ROWS = 1 << 16


def schema_id(schema: FeatureSchema) -> bytes:
    """Return the short name of a contract that entries carry.

    Parameters
    ----------
    schema : FeatureSchema
        The contract.

    Returns
    -------
    bytes
        The first 16 hexadecimal digits of its hash.
    """
    return schema.hash[:16].encode()


def encode_row(x: ArrayLike, y: int, schema: FeatureSchema | None = None) -> dict[bytes, bytes]:
    """Make the fields of an entry that holds one row.

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
    """
    return _tagged(ROW_FIELD, _payload([x], [y], schema), schema)


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
    return _tagged(BATCH_FIELD, _payload(X, y, schema), schema)


def _payload(X: Any, y: ArrayLike, schema: FeatureSchema | None) -> bytes:
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


def _tagged(field: bytes, payload: bytes, schema: FeatureSchema | None) -> dict[bytes, bytes]:
    return {field: payload} | ({SCHEMA_FIELD: schema_id(schema)} if schema else {})


def read_payload(
    fields: Mapping[bytes, bytes], field: bytes, schema: FeatureSchema
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Read the rows of a packed entry.

    Parameters
    ----------
    fields : mapping of bytes to bytes
        The entry.
    field : {b"row", b"rows"}
        Which layout.
    schema : FeatureSchema
        The contract.

    Returns
    -------
    X : ndarray of shape (n, n_features), float32
        The rows, unchecked.
    y : ndarray of shape (n,), int64
        Their classes, unchecked.

    Raises
    ------
    RejectError
        If there are other fields, the schema id differs, or the length is not that of whole rows.
    """
    check_fields(fields, field, schema)
    payload, d = fields[field], schema.n_features
    n, rest = divmod(len(payload), 4 * d + 8)
    if rest or not n or (field == ROW_FIELD and n != 1):
        raise RejectError(
            Reason.UNPARSABLE,
            f"field {field.decode()!r} must hold {'one row' if field == ROW_FIELD else 'rows'} of "
            f"{4 * d + 8} bytes ({d} float32 and one int64), got {len(payload)} bytes",
        )
    if n > MAX_BATCH_ROWS:
        raise RejectError(Reason.TOO_LONG, f"an entry must hold at most {MAX_BATCH_ROWS} rows, got {n}")
    X = np.frombuffer(payload, dtype="<f4", count=n * d).reshape(n, d)
    return X, np.frombuffer(payload, dtype="<i8", offset=4 * n * d)


def check_fields(fields: Mapping[bytes, bytes], field: bytes, schema: FeatureSchema) -> None:
    """Check that an entry holds `field`, maybe the right schema id, and nothing else.

    Parameters
    ----------
    fields : mapping of bytes to bytes
        The entry.
    field : bytes
        The payload's field.
    schema : FeatureSchema
        The contract.

    Raises
    ------
    RejectError
        If it does not.
    """
    extra = fields.keys() - {field, SCHEMA_FIELD}
    if extra:
        raise RejectError(Reason.EXTRA_FIELD, f"field {min(extra)!r} does not belong beside {field.decode()!r}")
    if field not in fields:
        raise RejectError(Reason.MISSING_FIELD, f"field {field.decode()!r} is missing")
    if fields.get(SCHEMA_FIELD, schema_id(schema)) != schema_id(schema):
        raise RejectError(
            Reason.WRONG_SCHEMA,
            f"schema id must be {schema_id(schema).decode()}, got {fields[SCHEMA_FIELD][:16]!r}",
        )
