"""What the chaos tests share: workers that live in forked children, and die where they are told to."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import time

import redis

from stream import Worker
from stream.scripts import read_script
from stream.shard import commit, intake

COMMIT = hashlib.sha1(read_script("commit").encode(), usedforsecurity=False).hexdigest().encode()
LONG = os.environ.get("CHAOS") == "long"


def fork(work):
    """Run `work` in a forked child; return its pid. The child never comes back into pytest."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.close(2)
        work()
        code = 0
    finally:
        os._exit(code)


def live(url, stream, settings, idle_s, kill=None, skew_s=0.0):
    """One life of a worker, with reads so small that it makes many commits, on a machine whose clock is wrong."""
    if skew_s:
        right = time.time
        time.time = lambda: right() + skew_s
    intake.CHUNK_ROWS = intake.MAX_CHUNK_ENTRIES = intake.FIRST_CHUNK_ENTRIES = 64
    if kill:
        arm(*kill)
    Worker(url, stream, settings, until_idle_s=idle_s).run()


def arm(command, countdown, portion):
    """Kill this process at the `countdown`th sending of `command`: before, in the middle of, or right behind it.

    A command is known by its name, or a script by its digest; commits are sent past redis-py.
    """
    connections = redis.connection.AbstractConnection
    sent, commit_sent = connections.send_packed_command, commit.send_pieces
    left = [countdown]

    def strike(connection, packed):
        chunks = [packed] if isinstance(packed, bytes | str) else packed
        data = b"".join(chunk.encode() if isinstance(chunk, str) else bytes(chunk) for chunk in chunks)
        if command in data[:80]:
            left[0] -= 1
            if left[0] <= 0:
                connection.connect()
                connection._sock.sendall(data[: int(len(data) * portion)])
                os.kill(os.getpid(), signal.SIGKILL)

    def send(connection, packed, check_health=True):
        packed = packed if isinstance(packed, bytes | str) else list(packed)
        strike(connection, packed)
        return sent(connection, packed, check_health)

    def send_commit(connection, pieces):
        strike(connection, pieces)
        commit_sent(connection, pieces)

    connections.send_packed_command, commit.send_pieces = send, send_commit


def wait(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
