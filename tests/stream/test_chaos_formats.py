"""Kill -9 of workers under every input and output format, with string labels and categories, nulls and grids."""

from __future__ import annotations

import random
import signal
import sys
from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pytest
from chaos import LONG, fork, live, wait
from wire import entries_of

from resampler import FeatureSchema, MicroBatch
from resampler.grids import Grid
from stream import EmbeddedServer, Feed, Settings, Worker
from stream.formats import InputFormat, OutputFormat
from stream.formats.table import INPUTS
from stream.redis.connection import connect, raw_command
from stream.redis.keys import ShardKeys

KILLS = 40 if LONG else 2
N = 1_200 if LONG else 600
PIECE = 20  # rows of an entry where entries hold several
EVERY = list(product(INPUTS, OutputFormat))
PAIRS = [
    *((kind, output, False) for kind, output in (EVERY if LONG else EVERY[::2])),
    *((kind, output, True) for kind, output in (EVERY if LONG else EVERY[1::2])),
]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks processes")

COLOURS, CLASSES = ("blue", "green", "red"), ("fine", "fraud")
SCHEMA = FeatureSchema.from_dict(
    {
        "features": [
            {"name": "a"},
            {"name": "colour", "dtype": "string", "categorical": True, "categories": list(COLOURS)},
            {"name": "b"},
        ],
        "label": {"name": "kind", "dtype": "string", "classes": list(CLASSES)},
    }
)
NULLABLE = SCHEMA.with_rules(["a", "colour"], {"a": Grid(0.25), "b": Grid(0.1, low=-1.0)})


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(3)
    y = (rng.random(N) < 0.15).astype(np.int64)
    X = np.column_stack([rng.normal(size=N) + y, rng.integers(3, size=N), rng.normal(size=N)]).astype(np.float32)
    return X, y


def _planted(X):
    rng = np.random.default_rng(4)
    X = X.copy()
    X[:, 0] = np.round(4 * X[:, 0]) / 4
    X[:, 2] = np.round(10 * np.maximum(X[:, 2], -1)) / 10
    X[:, :2][rng.random((len(X), 2)) < (0.4, 0.1)] = np.nan
    return X


def _entries(kind, schema, X, y):
    """Make the fields of all entries, each with the number of its first row."""
    pieces = [slice(i, i + PIECE) for i in range(0, len(y), PIECE)]
    entries = [fields for piece in pieces for fields in entries_of(kind, schema, X[piece], y[piece])]
    return list(zip(range(0, len(y), len(y) // len(entries)), entries, strict=True))


def _add(client, stream, entries):
    for i, fields in entries:
        client.xadd(stream, fields, id=f"{i + 1}-0")
    client.xadd(stream, {"junk": "1"}, id=f"{entries[-1][0] + 1}-1")


@pytest.mark.parametrize(
    ("kind", "output", "nulls"), PAIRS, ids=[f"{a}-{b}{'-nulls' if nulls else ''}" for a, b, nulls in PAIRS]
)
def test_killed_workers_of_every_format(rows, kind, output, nulls):
    rng = random.Random(f"{kind} {output}")
    schema = NULLABLE if nulls else SCHEMA
    X, y = rows
    X = _planted(X) if nulls else X
    settings = Settings(
        schema,
        ratio=0.5,
        seed=9,
        capacity=200,
        linger_ms=20,
        snapshot_rows=150,
        output_format=output,
        input_format=rng.choice([kind, InputFormat.AUTO]),
    )
    entries = _entries(kind, schema, X, y)
    # Up to the end of a window: where a producer pauses inside one, it is cut there.
    bounds = [0, *range(99, N - 20, 100), N] if len(entries) == N else range(0, len(entries) + 1, len(entries) // 6)
    pieces = [entries[start:stop] for start, stop in pairwise(bounds)]
    with EmbeddedServer() as server, connect(server.url) as client:
        for piece in pieces:
            _add(client, "once", piece)
        Worker(server.url, "once", settings, until_idle_s=0.2).run()
        kills = 0
        for turn in range(10 * KILLS):
            if turn < len(pieces):
                _add(client, "killed", pieces[turn])
            kill = (b"EVALSHA", rng.randrange(1, 4), rng.choice([0.0, 0.5, 0.97, 1.0]))
            code = wait(fork(lambda kill=kill: live(server.url, "killed", settings, 0.01, kill)))
            assert code in (0, -signal.SIGKILL)
            kills += code == -signal.SIGKILL
            if kills >= KILLS and turn >= len(pieces):
                break
        assert wait(fork(lambda: live(server.url, "killed", settings, 0.2))) == 0
        once, killed = ShardKeys("once"), ShardKeys("killed")
        for one, other in ((once.output, killed.output), (once.dead, killed.dead)):
            expected = raw_command(client, "XRANGE", one, "-", "+")
            assert expected
            assert raw_command(client, "XRANGE", other, "-", "+") == expected
        counts = [client.hmget(keys.checkpoint, "rows", "emitted", "rejected") for keys in (once, killed)]
        assert counts[0] == counts[1]
        with Feed(server.url, "killed", idle_s=0.01) as feed:
            batch = MicroBatch.concat(list(feed))
    real = ~batch.is_synthetic
    assert batch.X[real].tobytes() == X.tobytes()
    made = batch.X[batch.is_synthetic]
    by_id = dict(zip(batch.row_id[real].tolist(), X, strict=True))
    bases = np.array([by_id[row_id] for row_id in batch.base_id[batch.is_synthetic].tolist()])
    assert len(made) > 50
    assert np.array_equal(np.isnan(made), np.isnan(bases))
    assert np.isnan(made).any() == nulls
    for grid, column in zip(schema.grids, made.T, strict=True):
        assert grid is None or replace(grid, single=True).has(column).all()
