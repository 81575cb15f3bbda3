"""Wire formats: what may stand in an input entry, and what stands in an output entry (docs/wire-formats.md)."""

from stream.formats.decoded import Decoded
from stream.formats.decoder import Decoder
from stream.formats.micro_batch import decode_output, encode_output
from stream.formats.rejects import Reason, Reject
from stream.formats.row import encode_row
from stream.formats.rows import encode_batch
from stream.formats.table import InputFormat, OutputFormat

__all__ = [
    "Decoded",
    "Decoder",
    "InputFormat",
    "OutputFormat",
    "Reason",
    "Reject",
    "decode_output",
    "encode_batch",
    "encode_output",
    "encode_row",
]
