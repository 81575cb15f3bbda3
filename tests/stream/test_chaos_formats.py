"""Kill -9 of workers under every input and output format, with string labels and categories."""

from __future__ import annotations

import random
import signal
import sys
from itertools import pairwise, product

import numpy as np
import pytest
from chaos import LONG, fork, live, wait
from wire import entries_of

from resampler import FeatureSchema
from stream import EmbeddedServer, Settings, Worker
from stream.formats import InputFormat, OutputFormat
from stream.formats.table import INPUTS
from stream.redis.connection import connect, raw_command
from stream.redis.keys import ShardKeys

KILLS = 40 if LONG else 2
N = 1_200 if LONG else 600
PIECE = 20  # rows of an entry where entries hold several
EVERY = list(product(INPUTS, OutputFormat))
PAIRS = EVERY if LONG else EVERY[::2]

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


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(3)
    y = (rng.random(N) < 0.15).astype(np.int64)
    X = np.column_stack([rng.normal(size=N) + y, rng.integers(3, size=N), rng.normal(size=N)]).astype(np.float32)
    return X, y


def _entries(kind, X, y):
    """Make the fields of all entries, each with the number of its first row."""
    pieces = [slice(i, i + PIECE) for i in range(0, len(y), PIECE)]
    entries = [fields for piece in pieces for fields in entries_of(kind, SCHEMA, X[piece], y[piece])]
    return list(zip(range(0, len(y), len(y) // len(entries)), entries, strict=True))


def _add(client, stream, entries):
    for i, fields in entries:
        client.xadd(stream, fields, id=f"{i + 1}-0")
    client.xadd(stream, {"junk": "1"}, id=f"{entries[-1][0] + 1}-1")


@pytest.mark.parametrize(("kind", "output"), PAIRS, ids=lambda kind: kind.value)
def test_killed_workers_of_every_format(rows, kind, output):
    rng = random.Random(f"{kind} {output}")
    settings = Settings(
        SCHEMA,
        ratio=0.5,
        seed=9,
        capacity=200,
        linger_ms=20,
        snapshot_rows=150,
        output_format=output,
        input_format=rng.choice([kind, InputFormat.AUTO]),
    )
    entries = _entries(kind, *rows)
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
