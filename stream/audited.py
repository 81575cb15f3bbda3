"""Synthetic rows of an output beside their parents, for auditors: what the entry point `resampler.samples` names."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from resampler.errors import DataError, InvalidInputError
from resampler.methods.catalog import METHODS
from resampler.runs.sample import distances, plain_value
from resampler.secret import SecretKey
from stream.exposed import newest_rows
from stream.formats.identity import decode
from stream.redis.connection import resolve_url
from stream.shard.checkpoint import Checkpoint
from stream.shard.position import require_stream
from stream.sharding import open_stream, stored_shards

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from resampler.provenance import MicroBatch
    from resampler.schema import FeatureSchema

ROWS = 200_000  # of the output that are looked at, an even share of each shard
ROW_ID = "row_id"
_USE = "audit sample"


def sample_of_output(
    where: str, *, n: int, url: str | None, redacted: Sequence[str] = (), secret_key: SecretKey | str | None = None
) -> list[dict[str, Any]]:
    """Choose synthetic rows of what the output of a stream holds now.

    Parameters
    ----------
    where : str
        Name of the stream.
    n : int
        How many rows at most.
    url : str or None
        The Redis server; by default the environment's.
    redacted : sequence of str
        Columns to leave out; ``row_id`` is one.
    secret_key : SecretKey or str, optional
        That its workers have.

    Returns
    -------
    list of dict
        As an audit sample of a version has them; a parent that was trimmed away, or lies further back than is looked,
        is marked ``missing``.

    Raises
    ------
    InvalidInputError
        If there is no URL, a column is none of the stream's, or the key is missing or another.
    DataError
        If the output holds no synthetic row, or hardened ones, which have no parents.
    ResamplerError
        If there is no such stream, or the server does not answer.
    """
    server = resolve_url(url)
    opened = open_stream(server, where, stored_shards(server, where))
    require_stream(opened)
    key = SecretKey.of(secret_key)
    sides: list[tuple[bytes, dict[str, Any]]] = []
    for client, keys in opened:
        stored = Checkpoint.load(client, keys)
        if stored is None:
            continue
        parameters: dict[str, Any] = dict(stored.parameters)
        _check(where, parameters, key)
        for name in redacted:
            if name not in (*stored.schema.names, ROW_ID):
                known = ", ".join((*stored.schema.names, ROW_ID))
                raise InvalidInputError(f"--redact must name columns of {known}, got {name!r}")
        batch = newest_rows(client, keys, stored.schema, ROWS // len(opened))
        if batch is not None and batch.n_synthetic:
            ranks = _ranks(batch, keys.input, int(parameters["seed"]), key)
            chosen = sorted(ranks)[:n]
            at = np.sort(np.array([position for _, position in chosen]))
            rank_of = {position: rank for rank, position in chosen}
            shown = _beside(batch, stored.schema, at, redacted)
            sides += [(rank_of[int(position)], row) for position, row in zip(at, shown, strict=True)]
    if not sides:
        raise DataError(f"the output of stream {where!r} holds no synthetic rows: there is nothing to show")
    return [row for _, row in sorted(sides, key=lambda side: side[0])[:n]]


def _check(where: str, parameters: dict[str, Any], key: SecretKey | None) -> None:
    if METHODS[str(parameters.get("strategy", "smote"))].hardens:
        raise DataError(f"stream {where!r} makes hardened rows, which have no parents: ask `resampler audit privacy`")
    fingerprint = parameters.get("secret_key")
    if fingerprint is not None:
        if key is None:
            raise InvalidInputError(
                f"stream {where!r} has the secret key {fingerprint}, by which rows are chosen: give --secret-key"
            )
        key.check(str(fingerprint), f"stream {where!r}")


def _ranks(batch: MicroBatch, shard: str, seed: int, key: SecretKey | None) -> list[tuple[bytes, int]]:
    """Hash the identity of each synthetic row: what caused it, its parents and its step."""
    at = np.flatnonzero(batch.is_synthetic)
    step = batch.step[at].view(np.uint32).astype(np.int64)
    words = np.stack([batch.row_id[at], batch.base_id[at], batch.neighbor_id[at], step], axis=1)
    data = seed.to_bytes(8, "little")
    secret = hashlib.blake2b(data, person=_USE.encode()).digest() if key is None else key.digest(_USE, data)
    name = shard.encode() + b"\0"
    return [
        (hashlib.blake2b(name + row.tobytes(), key=secret[:32], digest_size=8).digest(), int(position))
        for row, position in zip(words, at, strict=True)
    ]


def _beside(
    batch: MicroBatch, schema: FeatureSchema, chosen: NDArray[np.int64], redacted: Sequence[str]
) -> list[dict[str, Any]]:
    """Set rows beside their parents, if these are among the rows before them."""
    real = np.flatnonzero(~batch.is_synthetic)
    order = real[np.argsort(batch.row_id[real], kind="stable")]
    ids = batch.row_id[order]

    def _place(parents: NDArray[np.int64]) -> NDArray[np.int64]:
        found = np.minimum(np.searchsorted(ids, parents), len(ids) - 1)
        return np.where(ids[found] == parents, order[found], -1) if len(ids) else np.full(len(parents), -1)

    at = [chosen, _place(batch.base_id[chosen]), _place(batch.neighbor_id[chosen])]
    columns = [j for j, name in enumerate(schema.names) if name not in redacted]
    mask = schema.categorical_mask[columns]
    units = np.where(mask, 1.0, schema.scale[columns].astype(np.float64))
    X = batch.X[:, columns].astype(np.float64)
    found = distances(X, batch.y, ~batch.is_synthetic, mask, units, at)
    table = pa.Table.from_batches([batch.to_arrow(schema)])
    names = [schema.names[j] for j in columns]

    def _side(position: int, row_id: int) -> dict[str, Any]:
        keys = {} if row_id < 0 or ROW_ID in redacted else {ROW_ID: decode(row_id) or str(row_id)}
        if position < 0:
            return {"keys": keys, "values": {}, "missing": True}
        values = table.slice(position, 1).select(names).to_pylist()[0]
        return {"keys": keys, "values": {name: plain_value(value) for name, value in values.items()}}

    shown = []
    for i, position in enumerate(chosen.tolist()):
        base, neighbor = (
            _side(int(at[side][i]), int(parents[position]))
            for side, parents in ((1, batch.base_id), (2, batch.neighbor_id))
        )
        nearest = int(found["nearest"][i])
        made = _side(position, int(batch.row_id[position]))
        shown.append(
            {
                "class": str(table[schema.label.name][position].as_py()),
                "step": float(batch.step[position]),
                "synthetic": made,
                "base": base,
                "neighbor": neighbor,
                "distance": {name: plain_value(float(found[name][i])) for name in ("base", "neighbor", "nearest_real")},
                "nearest_is": "base" if nearest == at[1][i] else "neighbor" if nearest == at[2][i] else "other",
            }
        )
    return shown
