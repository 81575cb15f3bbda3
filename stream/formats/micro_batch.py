"""Output entries of any format: made from micro-batches, and read back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resampler.errors import ContractError, CorruptStateError
from stream.formats.fields import SCHEMA_FIELD, schema_id
from stream.formats.table import OUTPUTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from resampler.provenance import MicroBatch
    from resampler.schema import FeatureSchema
    from stream.formats.table import OutputFormat


def encode_output(
    batch: MicroBatch, schema: FeatureSchema, output_format: OutputFormat, start: int = 0, stop: int | None = None
) -> list[bytes]:
    """Make the fields of one output entry.

    Parameters
    ----------
    batch : MicroBatch
        Holds the rows.
    schema : FeatureSchema
        The contract.
    output_format : OutputFormat
        The layout.
    start, stop : int
        Which rows, by default all; exactly one for `OutputFormat.TEXT`.

    Returns
    -------
    list of bytes
        Name, value, name, value, ...
    """
    return encode_outputs(batch, schema, output_format, [start, len(batch) if stop is None else stop])[0]


def encode_outputs(
    batch: MicroBatch, schema: FeatureSchema, output_format: OutputFormat, bounds: Sequence[int]
) -> list[list[bytes]]:
    """Make the fields of consecutive output entries.

    Parameters
    ----------
    batch, schema, output_format
        See `encode_output`.
    bounds : sequence of int
        Entry i holds rows ``bounds[i]`` to ``bounds[i + 1] - 1``.

    Returns
    -------
    list of list of bytes
        What `encode_output` makes of each.
    """
    head = [SCHEMA_FIELD, schema_id(schema)]
    return [[*head, *items] for items in OUTPUTS[output_format].encode_parts(batch, schema, bounds)]


def decode_output(entry: Mapping[bytes, bytes], schema: FeatureSchema) -> MicroBatch:
    """Read one output entry of any layout.

    Parameters
    ----------
    entry : mapping of bytes to bytes
        The entry.
    schema : FeatureSchema
        The contract it was written under.

    Returns
    -------
    MicroBatch
        Its rows.

    Raises
    ------
    ContractError
        If it was written under another contract.
    CorruptStateError
        If it is of no output format, or damaged.
    """
    found = entry.get(SCHEMA_FIELD)
    if found != schema_id(schema):
        raise ContractError(
            f"output entry must be of schema {schema_id(schema).decode()}, got {found!r}: "
            "read it with the contract that it was written under"
        )
    for name, output in OUTPUTS.items():
        if output.owns(entry):
            try:
                return output.decode(entry, schema)
            except (KeyError, ValueError) as error:
                raise CorruptStateError(
                    f"{name} output entry cannot be read: {type(error).__name__}: {error}"
                ) from error
    raise CorruptStateError(
        f"output entry must be of one of the formats {', '.join(OUTPUTS)}, got the fields {sorted(entry)[:5]}: "
        "something else has written to the output"
    )
