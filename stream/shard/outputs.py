"""From rows to output entries: where they end, and which IDs they bear."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stream.formats import OutputFormat, encode_output

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from resampler.provenance import MicroBatch
    from resampler.schema import FeatureSchema
    from stream.shard.pending import Pending

TEXT_NUMBER_BITS = 20  # of an output ID's sequence: which of the rows that one input entry caused
TEXT_NUMBERS = 1 << TEXT_NUMBER_BITS
MAX_TEXT_SEQ = 1 << (64 - TEXT_NUMBER_BITS)  # sequence numbers of input IDs that leave room for them

OutputEntry = tuple[str, list[bytes]]  # ID; names and values in turn


def output_entries(
    closed: Pending,
    stops: NDArray[np.int64],
    batch: MicroBatch,
    starts: NDArray[np.int64],
    schema: FeatureSchema,
    output_format: OutputFormat,
) -> list[OutputEntry]:
    """Cut rows into output entries, each under the ID of the last input entry that it holds rows of.

    Parameters
    ----------
    closed : Pending
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
        As text a row is an entry, and stands under an ID of its own.

    Returns
    -------
    list of (ID, names and values in turn)
        In order of their IDs.
    """
    bounds = starts[np.searchsorted(closed.rows.entry, stops)]
    outputs: list[OutputEntry] = []
    first = 0
    for stop, last in zip(stops.tolist(), bounds.tolist(), strict=True):
        if last == first:  # every row was rejected, or left out by under-sampling
            continue
        if output_format is OutputFormat.TEXT:
            outputs += _text_entries(closed, batch, starts, schema, first, last)
        else:
            outputs.append((closed.id(stop - 1), encode_output(batch, schema, output_format, first, last)))
        first = last
    return outputs


def _text_entries(
    closed: Pending, batch: MicroBatch, starts: NDArray[np.int64], schema: FeatureSchema, first: int, last: int
) -> list[OutputEntry]:
    """Write a row an entry; rows that one input entry caused are numbered in the low bits of the sequence."""
    owners = closed.rows.entry[np.searchsorted(starts, np.arange(first, last), side="right") - 1]
    outputs: list[OutputEntry] = []
    entry, number = -1, 0
    for i, owner in enumerate(owners.tolist(), start=first):
        entry, number = owner, number + 1 if owner == entry else 0
        output_id = f"{closed.ms[entry]}-{(int(closed.seq[entry]) << TEXT_NUMBER_BITS) + number}"
        outputs.append((output_id, encode_output(batch, schema, OutputFormat.TEXT, i, i + 1)))
    return outputs
