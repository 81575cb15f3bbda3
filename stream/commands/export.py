"""An output stream as a Parquet file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from resampler.errors import ContractError, ResamplerError
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

    from resampler.provenance import MicroBatch
    from resampler.schema import Feature, FeatureSchema
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
        with pq.ParquetWriter(partial, arrow_schema(schema), compression="zstd") as writer:
            held: list[pa.RecordBatch] = []
            for client, keys in shards:
                state = look_at_output(client, keys, FIRST_PLACE)
                emitted += state.emitted
                for batch in read_output(client, keys, schema, state.last_id):
                    held.append(to_table_batch(batch, schema))
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


def arrow_schema(schema: FeatureSchema) -> pa.Schema:
    """Return the columns of an exported table.

    Parameters
    ----------
    schema : FeatureSchema
        The contract.

    Returns
    -------
    pyarrow.Schema
        The features, the label, is_synthetic, row_id, base_id, neighbor_id, step. Categories and string labels are
        values, not codes: strings, or int64 where categories are integers. Other features are float32.
    """
    columns = [(feature.name, _feature_type(feature)) for feature in schema.features]
    columns.append((schema.label.name, pa.string() if schema.label.dtype == "string" else pa.int64()))
    columns += [("is_synthetic", pa.bool_()), ("row_id", pa.int64()), ("base_id", pa.int64())]
    return pa.schema([*columns, ("neighbor_id", pa.int64()), ("step", pa.float32())])


def to_table_batch(batch: MicroBatch, schema: FeatureSchema) -> pa.RecordBatch:
    """Turn a micro-batch into a record batch of `arrow_schema`.

    Parameters
    ----------
    batch : MicroBatch
        The rows.
    schema : FeatureSchema
        The contract.

    Returns
    -------
    pyarrow.RecordBatch
        The same rows, with values in place of codes.

    Raises
    ------
    ContractError
        If a code stands for no category or class of the contract.
    """
    plain = batch.to_arrow(schema)
    columns = {name: plain.column(name) for name in plain.schema.names}
    for j, feature in enumerate(schema.features):
        if feature.categories:
            try:
                columns[feature.name] = feature.vocabulary.decode(batch.X[:, j])
            except ValueError as error:
                raise ContractError(f"feature {feature.name!r}: {error}") from error
    target = arrow_schema(schema)
    return pa.RecordBatch.from_arrays([columns[name] for name in target.names], schema=target)


def _feature_type(feature: Feature) -> pa.DataType:
    return feature.vocabulary.to_arrow().type if feature.categories or feature.dtype == "string" else pa.float32()
