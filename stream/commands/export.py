"""An output stream as a Parquet file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from resampler.errors import ResamplerError
from resampler.parameters import draws_of
from resampler.provenance import MicroBatch
from stream.formats import decode_output
from stream.redis.connection import raw_command
from stream.shard.checkpoint import Checkpoint
from stream.shard.feedplace import FIRST_PLACE
from stream.shard.outputstate import look_at_output
from stream.shard.position import require_stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import redis

    from resampler.schema import FeatureSchema
    from stream.redis.keys import ShardKeys

_PAGE = 200
ROW_GROUP_ROWS = 1 << 16


class Exported(NamedTuple):
    """What became of an output.

    Parameters
    ----------
    rows : int
        Rows in the file.
    missing : int
        Rows that were written to the output and are not in the file, as they were trimmed or deleted before.
    """

    rows: int
    missing: int


def read_output(client: redis.Redis, keys: ShardKeys, schema: FeatureSchema, last_id: str) -> Iterator[MicroBatch]:
    """Read the output of one shard from its oldest entry on.

    Parameters
    ----------
    client : redis.Redis
        Connection to the shard's server.
    keys : ShardKeys
        The shard.
    schema : FeatureSchema
        The contract.
    last_id : str
        ID of the last entry to read.

    Yields
    ------
    MicroBatch
        One for each entry.
    """
    position = "-"
    while page := raw_command(client, "XRANGE", keys.output, position, last_id, "COUNT", _PAGE):
        for _, items in page:
            yield decode_output(dict(zip(items[::2], items[1::2], strict=True)), schema)
        position = f"({page[-1][0].decode()}"


def export_parquet(
    shards: Sequence[tuple[redis.Redis, ShardKeys]],
    path: Path,
    *,
    progress: Callable[[int], object] = lambda _: None,
) -> Exported:
    """Write the output of all shards, one behind the other, to a Parquet file.

    What is written to a shard's output after its turn has come is not exported.

    Parameters
    ----------
    shards : sequence of (redis.Redis, ShardKeys)
        The stream's shards.
    path : Path
        The file; replaced in one step when all is written.
    progress : callable
        Called with the number of rows of each batch.

    Returns
    -------
    Exported
        How many rows are in the file, and how many are not.

    Raises
    ------
    ResamplerError
        If no worker has begun the stream, or its shards are of different contracts.
    """
    require_stream(shards)
    stored = [Checkpoint.load(client, keys) for client, keys in shards]
    schemas = {checkpoint.contract: checkpoint.schema for checkpoint in stored if checkpoint}
    if len(schemas) != 1:
        raise ResamplerError(
            f"{len(schemas)} contracts among the shards of {shards[0][1].input!r}, expected one: "
            "has a worker run on this stream, and with this number of shards?"
        )
    (schema,) = schemas.values()
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    rows = written = emitted = 0
    try:
        draws = any(draws_of(checkpoint.parameters["strategy"]) for checkpoint in stored if checkpoint)
        empty = MicroBatch.empty(schema.n_features, draws=draws).to_arrow(schema)
        with pq.ParquetWriter(partial, empty.schema, compression="zstd") as writer:
            held: list[pa.RecordBatch] = []
            for client, keys in shards:
                state = look_at_output(client, keys, FIRST_PLACE)
                emitted += state.emitted
                for batch in read_output(client, keys, schema, state.last_id):
                    held.append(batch.to_arrow(schema))
                    rows += len(batch)
                    progress(len(batch))
                    if rows - written >= ROW_GROUP_ROWS:  # a group an entry would make reading slow
                        writer.write_table(pa.Table.from_batches(held))
                        held, written = [], rows
            if held:
                writer.write_table(pa.Table.from_batches(held))
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return Exported(rows, max(0, emitted - rows))
