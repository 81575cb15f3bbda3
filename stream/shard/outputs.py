"""From rows to output entries: where they end, and which IDs they bear."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stream.formats.micro_batch import encode_outputs
from stream.formats.table import OUTPUTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from resampler.provenance import MicroBatch
    from resampler.schema import FeatureSchema
    from stream.formats import Decoded, OutputFormat

ROW_NUMBER_BITS = 20  # of an output ID's sequence: which of the rows that one input entry caused
ROW_NUMBERS = 1 << ROW_NUMBER_BITS
MAX_ROW_SEQ = 1 << (64 - ROW_NUMBER_BITS)  # sequence numbers of input IDs that leave room for them

OutputEntry = tuple[str, list[bytes]]  # ID; names and values in turn


def output_entries(
    closed: Decoded,
    stops: NDArray[np.int64],
    batch: MicroBatch,
    starts: NDArray[np.int64],
    schema: FeatureSchema,
    output_format: OutputFormat,
) -> list[OutputEntry]:
    """Cut rows into output entries, each under the ID of the last input entry that it holds rows of.

    Parameters
    ----------
    closed : Decoded
        The input entries.
    stops : ndarray of shape (n_batches,), int64
        Behind which entry each output entry ends.
    batch : MicroBatch
        What became of their rows.
    starts : ndarray of shape (n_rows + 1,), int64
        Where in `batch` what became of each row begins.
    schema : FeatureSchema
        The contract.
    output_format : OutputFormat
        Where a row is an entry, as in text, it stands under an ID of its own.

    Returns
    -------
    list of (ID, names and values in turn)
        In order of their IDs.
    """
    ends = starts[np.searchsorted(closed.entry, stops)]
    # What holds no row is no entry: every row was rejected, or left out by under-sampling.
    filled = np.flatnonzero(np.diff(ends, prepend=0))
    bounds = [0, *ends[filled].tolist()]
    if OUTPUTS[output_format].row_an_entry:
        return _single_rows(closed, batch, starts, schema, output_format, bounds[-1])
    ids = [closed.id(stop - 1) for stop in stops[filled].tolist()]
    return list(zip(ids, encode_outputs(batch, schema, output_format, bounds), strict=True))


def _single_rows(
    closed: Decoded,
    batch: MicroBatch,
    starts: NDArray[np.int64],
    schema: FeatureSchema,
    output_format: OutputFormat,
    n: int,
) -> list[OutputEntry]:
    """Write a row an entry; rows that one input entry caused are numbered in the low bits of the sequence."""
    owners = closed.entry[np.searchsorted(starts, np.arange(n), side="right") - 1]
    outputs: list[OutputEntry] = []
    entry, number = -1, 0
    for owner, items in zip(owners.tolist(), encode_outputs(batch, schema, output_format, range(n + 1)), strict=True):
        entry, number = owner, number + 1 if owner == entry else 0
        output_id = f"{closed.ms[entry]}-{(int(closed.seq[entry]) << ROW_NUMBER_BITS) + number}"
        outputs.append((output_id, items))
    return outputs
