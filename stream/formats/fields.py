"""The fields of an entry that holds its rows in one of them, and the id of the contract that may stand beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stream.formats.rejects import Reason, RejectError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from resampler.schema import FeatureSchema

SCHEMA_FIELD = b"schema"
MAX_BATCH_ROWS = 1 << 16  # of an input entry


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


def payload_of(items: Sequence[bytes], field: bytes, schema: FeatureSchema) -> bytes:
    """Take the payload out of an entry that holds it, maybe the right schema id, and nothing else.

    Parameters
    ----------
    items : sequence of bytes
        Name, value, name, value, ...
    field : bytes
        The payload's field.
    schema : FeatureSchema
        The contract.

    Returns
    -------
    bytes
        What stands in `field`.

    Raises
    ------
    RejectError
        If a field is missing, unknown, given twice, or the schema id another.
    """
    fields = dict(zip(items[::2], items[1::2], strict=True))
    if 2 * len(fields) != len(items):
        raise RejectError(Reason.DUPLICATE_FIELD, "a field must be given once, got one twice")
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
    return fields[field]


def check_batch_rows(n: int) -> None:
    """Refuse an entry of too many rows.

    Parameters
    ----------
    n : int
        How many it holds.

    Raises
    ------
    RejectError
        If they are more than `MAX_BATCH_ROWS`.
    """
    if n > MAX_BATCH_ROWS:
        raise RejectError(Reason.TOO_LONG, f"an entry must hold at most {MAX_BATCH_ROWS} rows, got {n}")
