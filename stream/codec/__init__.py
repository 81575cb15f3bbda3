"""Wire formats: what may stand in an input entry, and what stands in an output entry (docs/wire-formats.md)."""

from stream.codec.decoder import Decoder, InputFormat
from stream.codec.output import OutputFormat, decode_output, encode_output
from stream.codec.packed import encode_batch, encode_row
from stream.codec.rows import Reason, Reject, Rows

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
