"""Kill -9 and freezes around pauses and feedback: the output is that of one uninterrupted run with the same changes.

Short by default; ``CHAOS=long`` is the full harness.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from contextlib import suppress

import pytest
from chaos import LONG, fork, live, wait

from resampler import FeatureSchema
from stream import EmbeddedServer, Settings, Worker
from stream.redis.connection import connect, raw_command
from stream.redis.keys import ShardKeys
from stream.shard import following
from stream.shard.changes import Feedback
from stream.shard.checkpoint import Checkpoint
from stream.shard.pause import request_pause, request_resume
from stream.shard.pausing import Pausing
from stream.shard.report import write_report

LIVES = 200 if LONG else 16
FREEZES = 30 if LONG else 4
WINDOW = 20  # milliseconds, and entries
COMMANDS = [b"EVALSHA", b"EVALSHA", b"EVALSHA", b"XREAD", b":pause", b":feedback"]
PORTIONS = [0.0, 0.5, 0.97, 1.0]  # of the command's bytes, before the kill

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks and freezes processes")


def _settings(snapshot_rows, lease_ttl_ms=5_000):
    return Settings(
        FeatureSchema.numeric(("a", "b", "c")),
        ratio=0.5,
        seed=9,
        capacity=500,
        linger_ms=WINDOW,
        snapshot_rows=snapshot_rows,
        lease_ttl_ms=lease_ttl_ms,
        feedback=3_600,
    )


def _live(url, stream, settings, idle_s, kill=None):
    Pausing.EVERY_S = following.Following.EVERY_S = following.APART_S = 0.0  # so that changes fall anywhere
    live(url, stream, settings, idle_s, kill)


def _ask(client, stream, rng):
    shards = [(client, ShardKeys(stream))]
    if client.exists(ShardKeys(stream).checkpoint) and rng.random() < 0.5:
        write_report(*shards[0], {0: 0.5, 1: rng.choice([0.5, 0.7, 0.9, None])}, "chaos")
    if rng.random() < 0.3:
        return
    if client.exists(ShardKeys(stream).pause) != (rng.random() < 0.8):  # now and then twice the same
        request_pause(shards, "chaos")
    else:
        request_resume(shards)


def _warm(client, url, rows, add_text, settings):
    """Compile here what the children inherit."""
    add_text(client, "warm", rows[0][:200], rows[1][:200])
    Worker(url, "warm", settings, until_idle_s=0.1).run()


def _output(client, stream):
    return raw_command(client, "XRANGE", ShardKeys(stream).output, "-", "+")


def _changes(client, stream):
    """Return what was changed, in order, and how, but for when."""
    changes = Checkpoint.load(client, ShardKeys(stream)).changes
    assert [one.paused for one in changes.switches] == [i % 2 == 0 for i in range(len(changes.switches))]
    return sorted(changes.all(), key=lambda one: int(one.cursor.partition("-")[0]))


def _how(changes):
    return [(one.cursor, one.recall if isinstance(one, Feedback) else one.paused) for one in changes]


def _check(client, url, stream, rows, add_text, settings, n_changes):
    """Run a stream that is never interrupted, changed where the other one was."""
    changes = _changes(client, stream)
    assert min(sum(isinstance(one, Feedback) is kind for one in changes) for kind in (True, False)) >= n_changes
    once, added = f"{stream}-once", 0
    client.xgroup_create(once, "reader", mkstream=True)  # so that the stream is there to be paused
    stops = [int(one.cursor.partition("-")[0]) for one in changes]
    for stop, asked in zip([*stops, len(rows[1])], [*changes, None], strict=True):
        add_text(client, once, rows[0][added:stop], rows[1][added:stop], first=added + 1)
        added = stop
        Worker(url, once, settings, until_idle_s=0.1).run()
        if isinstance(asked, Feedback):
            write_report(client, ShardKeys(once), asked.recall, asked.model)
        elif asked and asked.paused:
            request_pause([(client, ShardKeys(once))], "")
        elif asked:
            request_resume([(client, ShardKeys(once))])
    assert _how(_changes(client, once)) == _how(changes)
    assert _output(client, stream) == _output(client, once)


@pytest.mark.parametrize("snapshot_rows", [150, 10**9])
def test_killed_around_changes(make_rows, add_text, snapshot_rows):
    rng = random.Random(snapshot_rows)
    settings = _settings(snapshot_rows)
    X, y = rows = make_rows(LIVES // 2 * 8 * WINDOW - 1, seed=5, minority=0.2)
    added = kills = 0
    with EmbeddedServer() as server, connect(server.url) as client:
        _warm(client, server.url, rows, add_text, settings)
        while added < len(y):
            stop = min(added + 8 * WINDOW - (added == 0), len(y))  # to the end of a window
            add_text(client, "killed", X[added:stop], y[added:stop], first=added + 1)
            added = stop
            for _ in range(2):
                kill = (rng.choice(COMMANDS), rng.randrange(1, 12), rng.choice(PORTIONS))
                pid = fork(lambda kill=kill: _live(server.url, "killed", settings, 0.01, kill))
                time.sleep(rng.random() * 0.1)
                _ask(client, "killed", rng)
                if rng.random() < 0.2 and not LONG:
                    client.delete(ShardKeys("killed").snapshot)  # what is left must do for a replay of all
                code = wait(pid)
                assert code in (0, -signal.SIGKILL)
                kills += code != 0
        assert wait(fork(lambda: _live(server.url, "killed", settings, 0.2))) == 0
        assert kills > LIVES // 4
        _check(client, server.url, "killed", rows, add_text, settings, LIVES // 10)


def test_a_frozen_worker_does_not_change_what_another_has(make_rows, add_text):
    rng = random.Random(3)
    settings = _settings(150, lease_ttl_ms=150)
    X, y = rows = make_rows(FREEZES * 10 * WINDOW - 1, seed=6, minority=0.2)
    with EmbeddedServer() as server, connect(server.url) as client:
        _warm(client, server.url, rows, add_text, settings)
        pids = [fork(lambda: _live(server.url, "frozen", settings, 60.0)) for _ in range(2)]
        added = 0
        try:
            for freeze in range(FREEZES):
                stop = min(added + 10 * WINDOW - (added == 0), len(y))
                add_text(client, "frozen", X[added:stop], y[added:stop], first=added + 1)
                added = stop
                _ask(client, "frozen", rng)
                time.sleep(rng.random() * 0.02)
                os.kill(pids[freeze % 2], signal.SIGSTOP)
                _ask(client, "frozen", rng)
                time.sleep(0.35)
                os.kill(pids[freeze % 2], signal.SIGCONT)
            for pid in pids:
                os.kill(pid, signal.SIGTERM)
        finally:
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        assert wait(fork(lambda: _live(server.url, "frozen", settings, 0.3))) == 0
        _check(client, server.url, "frozen", rows, add_text, settings, 1)
