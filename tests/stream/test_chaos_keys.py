"""Keys renamed, exchanged, deleted, trimmed and of other types, under workers that die and whose clocks are wrong.

Whatever was done either changes nothing or stops the worker with a word; once it is undone, the output becomes that of
one uninterrupted run.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time

import pytest
from chaos import LONG, fork, live, wait

from resampler import FeatureSchema
from stream import EmbeddedServer, Settings, Worker
from stream.redis.connection import connect, raw_command
from stream.redis.keys import ShardKeys

NAMES = ("a", "b", "c")
KEYS = ShardKeys("shard")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks processes")


def _away(key):
    def do(client):
        client.rename(key, f"{key}/away")
        return lambda: client.rename(f"{key}/away", key)

    return do


def _other_type(key):
    def do(client):
        kept = client.dump(key)
        client.delete(key)
        client.zadd(key, {"x": 1})

        def undo():
            client.delete(key)
            if kept:
                client.restore(key, 0, kept)

        return undo

    return do


def _exchange(key, other):
    def do(client):
        def swap():
            kept, theirs = client.dump(key), client.dump(other)
            for name, value in ((key, theirs), (other, kept)):
                client.delete(name)
                if value:
                    client.restore(name, 0, value)

        swap()
        return swap

    return do


def _nothing(change):
    def do(client):
        change(client)
        return lambda: None

    return do


def _trim(client):
    if cursor := client.hget(KEYS.snapshot, "cursor"):
        client.xtrim(KEYS.input, minid=cursor, approximate=False)


# What must be told, and what may pass.
LOUD = {
    "input away": _away(KEYS.input),
    "output away": _away(KEYS.output),
    "checkpoint away": _away(KEYS.checkpoint),
    "dead of another type": _other_type(KEYS.dead),
    "snapshot of another type": _other_type(KEYS.snapshot),
    "forget of another type": _other_type(KEYS.forget),
    "forgotten of another type": _other_type(KEYS.forgotten),
    "staged of another type": _other_type(KEYS.staged),
    "output of another type": _other_type(KEYS.output),
    "input of another type": _other_type(KEYS.input),
    "output and snapshot exchanged": _exchange(KEYS.output, KEYS.snapshot),
    "dead and checkpoint exchanged": _exchange(KEYS.dead, KEYS.checkpoint),
}
QUIET = {
    "lease deleted": _nothing(lambda client: client.delete(KEYS.lease)),
    "workers deleted": _nothing(lambda client: client.delete("shard:workers")),
    "workers of another type": _nothing(lambda client: client.set("shard:workers", "x")),
    "a ghost from the future": _nothing(lambda client: client.zadd("shard:workers", {"ghost": time.time() + 3_600})),
    "trimmed behind the snapshot": _nothing(_trim),
    "scripts lost": _nothing(lambda client: client.script_flush()),
    "connections cut": _nothing(lambda client: client.execute_command("CLIENT", "KILL", "TYPE", "normal")),
    "nothing": _nothing(lambda _: None),
}

ROUNDS = len(LOUD | QUIET) * (6 if LONG else 1)


def _add(client, X, y, start, stop):
    for i in range(start, stop):
        fields = dict(zip(NAMES, map(str, X[i]), strict=True)) | {"label": int(y[i])}
        client.xadd(KEYS.input, fields if i % 50 else {"junk": "1"}, id=f"{i + 1}-0")


def test_keys_under_a_worker(make_rows):
    rng = random.Random(4)
    step = 80
    n = step * (ROUNDS + 2)
    X, y = make_rows(n, seed=5)
    settings = Settings(FeatureSchema.numeric(NAMES), ratio=0.5, seed=9, capacity=500, linger_ms=20, snapshot_rows=150)
    with EmbeddedServer() as server, connect(server.url) as client:
        _add(client, X, y, 0, n)
        Worker(server.url, KEYS.input, settings, until_idle_s=0.2).run()
        reference = [raw_command(client, "XRANGE", key, "-", "+") for key in (KEYS.output, KEYS.dead)]
        client.flushall()

        rng.shuffle(acts := [*LOUD, *QUIET])
        added = step - 1  # to the end of a window, as all pieces: where a producer pauses inside one, it is cut there
        _add(client, X, y, 0, added)
        assert wait(fork(lambda: live(server.url, KEYS.input, settings, 0.2))) == 0
        for act in acts * (ROUNDS // len(acts)):
            skew_s = rng.choice([0.0, 3_600.0, -3_600.0])
            pid = fork(lambda skew_s=skew_s: live(server.url, KEYS.input, settings, 60.0, skew_s=skew_s))
            _await(lambda: client.get(KEYS.lease), pid)
            time.sleep(rng.random() * 0.05)
            undo = (LOUD | QUIET)[act](client)
            if not act.startswith("input"):
                _add(client, X, y, added, added + step)
                added += step
            if act not in LOUD:
                time.sleep(rng.random() * 0.2)
                os.kill(pid, signal.SIGKILL)
            assert wait(pid) == (1 if act in LOUD else -signal.SIGKILL), act
            undo()
        _add(client, X, y, added, n)
        assert wait(fork(lambda: live(server.url, KEYS.input, settings, 0.3))) == 0
        assert [raw_command(client, "XRANGE", key, "-", "+") for key in (KEYS.output, KEYS.dead)] == reference


def _await(condition, pid):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, f"worker {pid} did not begin"
        time.sleep(0.005)
