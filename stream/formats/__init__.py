"""Wire formats: what may stand in an input entry, and what stands in an output entry (docs/wire-formats.md)."""

from stream.formats.decoder import Decoder, InputFormat
from stream.formats.output import OutputFormat, decode_output, encode_output
from stream.formats.packed import encode_batch, encode_row
from stream.formats.rows import Reason, Reject, Rows

__all__ = [
    "Decoder",
    "InputFormat",
    "OutputFormat",
    "Reason",
    "Reject",
    "Rows",
    "decode_output",
    "encode_batch",
    "encode_output",
    "encode_row",
]
