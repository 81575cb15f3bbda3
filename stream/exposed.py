"""The output of a stream as an attacker sees it: what the entry point `resampler.outputs` names."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import redis

from resampler.errors import DataError, ResamplerError
from resampler.methods.catalog import METHODS
from resampler.provenance import OUTPUT_COLUMNS, MicroBatch
from resampler.runs.privacy.parts import Parts
from stream.formats import decode_output
from stream.redis.connection import raw_command, resolve_url
from stream.redis.errors import explain, wrong_type
from stream.shard.checkpoint import Checkpoint
from stream.shard.position import require_stream
from stream.sharding import open_stream, stored_shards

if TYPE_CHECKING:
    from typing import Any

    from resampler.schema import FeatureSchema
    from stream.redis.keys import ShardKeys

PUBLISHED = 2 / 3  # of the rows: what is attacked; real rows of the rest, which came later, are the control
_PAGE = 200


def rows_of_output(where: str, *, url: str | None = None, rows: int = 200_000) -> Parts:
    """Read the newest rows of the output of a stream.

    Parameters
    ----------
    where : str
        Name of the stream.
    url : str, optional
        The Redis server; by default the environment's.
    rows : int
        How many rows are read at most, an even share of each shard.

    Returns
    -------
    Parts
        Of the first two thirds of each shard's rows the synthetic ones, and the real ones that they were made from
        among them; held out are the real rows of the last third, which came after.

    Raises
    ------
    InvalidInputError
        If there is no URL.
    DataError
        If the output holds no synthetic row.
    ResamplerError
        If there is no such stream, its shards are of different contracts, or the server does not answer.
    """
    server = resolve_url(url)
    opened = open_stream(server, where, stored_shards(server, where))
    require_stream(opened)
    stored = [found for client, keys in opened if (found := Checkpoint.load(client, keys)) is not None]
    if not stored:
        raise ResamplerError(f"stream {where!r} has no output yet: no worker has begun it")
    schemas = {checkpoint.contract: checkpoint.schema for checkpoint in stored}
    if len(schemas) != 1:
        raise ResamplerError(f"{len(schemas)} contracts among the shards of {where!r}, expected one: audit them apart")
    (schema,) = schemas.values()
    parameters: dict[str, Any] = dict(stored[0].parameters)
    first, later, shards = [], [], []
    for shard, (client, keys) in enumerate(opened):
        if (batch := newest_rows(client, keys, schema, rows // len(opened))) is not None:
            cut = int(len(batch) * PUBLISHED)
            first.append(batch.rows(0, cut))
            shards.append(np.full(cut, shard))
            later.append(batch.rows(cut, len(batch)))
    if not first or not any(batch.n_synthetic for batch in first):
        raise DataError(f"the output of stream {where!r} holds no synthetic rows: nothing can be attacked")
    published, after = MicroBatch.concat(first), MicroBatch.concat(later)
    made = published.is_synthetic
    table, control = (pa.Table.from_batches([batch.to_arrow(schema)]) for batch in (published, after))
    own = [name for name in table.column_names if name in OUTPUT_COLUMNS or name.startswith("draw_")]
    method = str(parameters.get("strategy", "smote"))
    keyed = parameters.get("secret_key") is not None
    n_rows = len(published) + len(after)
    notes = [f"of the newest {n_rows:,} rows of the output, real rows of the last third are the control"]
    pairs = np.stack([published.base_id[made], published.neighbor_id[made]], axis=1)
    if len(opened) > 1:  # each shard may have a row of one id
        of = np.repeat(np.concatenate(shards)[made], 2)
        pairs = np.unique(np.stack([of, pairs.ravel()], axis=1), axis=0, return_inverse=True)[1].reshape(-1, 2)
    parents = None if METHODS[method].hardens else pairs  # hardened rows name none
    if not keyed:
        notes.append(
            "draws of a stream are keyed on its seed, which tells as much as that of a version; no attack that knows "
            "it is tried on streams: use a secret key"
        )
    else:
        notes.append(
            f"draws are keyed on the secret {parameters['secret_key']}: who knows the seed alone has nothing to go by"
        )
    return Parts(
        table.filter(pa.array(made)).drop_columns(own),
        table.filter(pa.array(~made)).drop_columns(own),
        control.filter(pa.array(~after.is_synthetic)).drop_columns(own),
        schema.label.name,
        features=schema.names,
        categorical=tuple(feature.name for feature in schema.features if feature.categorical),
        method=method,
        k_neighbors=int(parameters.get("k_neighbors", 5)),
        keyed=keyed,
        parents=parents,
        notes=tuple(notes),
    )


def newest_rows(client: redis.Redis, keys: ShardKeys, schema: FeatureSchema, rows: int) -> MicroBatch | None:
    """Return the newest rows of the output of a shard.

    Parameters
    ----------
    client : redis.Redis
        Connection to the shard's server.
    keys : ShardKeys
        The shard.
    schema : FeatureSchema
        Of its rows.
    rows : int
        How many at most.

    Returns
    -------
    MicroBatch or None
        In order; None where it has none.

    Raises
    ------
    ResamplerError
        If the output is of another type, an entry of it is of another contract, or the server does not answer.
    """
    found: deque[MicroBatch] = deque()
    n, position = 0, "+"
    while n < rows and (page := _page(client, keys, position)):
        for _, items in page:
            batch = decode_output(dict(zip(items[::2], items[1::2], strict=True)), schema)
            found.appendleft(batch)
            n += len(batch)
            if n >= rows:
                break
        position = f"({page[-1][0].decode()}"
    if not found:
        return None
    whole = MicroBatch.concat(list(found))
    return whole.rows(max(0, len(whole) - rows), len(whole))


def _page(client: redis.Redis, keys: ShardKeys, position: str) -> list[tuple[bytes, list[bytes]]]:
    try:
        page: list[tuple[bytes, list[bytes]]] = raw_command(
            client, "XREVRANGE", keys.output, position, "-", "COUNT", _PAGE
        )
    except redis.RedisError as error:
        raise wrong_type(client, keys) or explain(error, keys=(keys.output,)) from error
    return page
