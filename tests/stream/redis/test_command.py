"""Commands on the wire: the bytes of redis-py's own packer."""

import socket
import threading
from types import SimpleNamespace

import numpy as np
import pytest
import redis
from redis.connection import PythonRespSerializer

from stream.redis.command import LARGE, pack_command, send_pieces, widen


@pytest.mark.parametrize(
    "arguments",
    [
        ["PING"],
        ["EVALSHA", "é", 0, -7, b"", b"\r\n$3\r\n", "0-1"],
        ["XADD", b"a" * LARGE, b"b" * (LARGE + 1), "c" * (LARGE + 1), 4, b"d" * 100_000],
        [b"SET", b"e" * 100_000, b"f" * 100_000],
    ],
)
def test_the_bytes_are_those_of_redis_py(arguments):
    theirs = PythonRespSerializer(6_000, lambda value: value if isinstance(value, bytes) else str(value).encode())
    pieces = pack_command(arguments)
    assert b"".join(pieces) == b"".join(theirs.pack(*arguments))
    large = [value for value in arguments if isinstance(value, bytes) and len(value) > LARGE]
    assert all(any(piece is value for piece in pieces) for value in large), "what is large is not copied"


@pytest.mark.parametrize("argument", [None, 0.5, bytearray(b"a"), memoryview(b"a"), [b"a"]])
def test_what_redis_has_no_bytes_for_is_refused(argument):
    with pytest.raises(TypeError):
        pack_command(["SET", "key", argument])


def test_whole_numbers_of_numpy_are_numbers():
    assert pack_command([np.int64(-7)]) == [b"*1\r\n$2\r\n-7\r\n"]


def test_pieces_arrive_whole_and_in_order_however_few_bytes_are_taken_at_once():
    # More of them than the system takes at once.
    pieces = [bytes([i % 251]) * (i % 7 * 1_000 + 1) for i in range(2_100)]
    ours, theirs = socket.socketpair()
    with ours, theirs:
        connection = SimpleNamespace(_sock=ours)
        widen(connection)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        ours.settimeout(10)
        arrived = []
        reader = threading.Thread(target=lambda: arrived.extend(iter(lambda: theirs.recv(1 << 16), b"")))
        reader.start()
        send_pieces(connection, pieces)
        ours.shutdown(socket.SHUT_WR)
        reader.join()
    assert b"".join(arrived) == b"".join(pieces)


def test_a_connection_that_took_half_a_command_is_closed():
    ours, theirs = socket.socketpair()
    connection = redis.Connection()
    with theirs:
        connection._sock = ours
        ours.settimeout(0.01)
        with pytest.raises(redis.TimeoutError):
            send_pieces(connection, [bytes(1 << 24)])
        assert connection._sock is None
