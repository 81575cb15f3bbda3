"""Commands as bytes on the wire, without copying what is large, and sent at once.

hiredis lets a command grow value after value: of a commit of 1.4 MB that took five times as long as sending it.
redis-py sends piece after piece: each woke the server, which then waited for the next.
"""

from __future__ import annotations

import socket
from operator import index
from typing import TYPE_CHECKING, Any

import redis

if TYPE_CHECKING:
    from collections.abc import Sequence

LARGE = 4_096  # bytes of a value that are sent from where they lie
SEND_BYTES = 4 << 20  # that a Unix socket is to take before it is read; the system may allow less (net.core.wmem_max)
_MOST_PIECES = 1_024  # that the system takes at once


def pack_command(arguments: Sequence[bytes | str | int]) -> list[bytes]:
    r"""Lay a command out as RESP has it.

    Parameters
    ----------
    arguments : sequence of bytes, str or int
        The command's name and what follows it; text is sent as UTF-8.

    Returns
    -------
    list of bytes
        To be sent one after the other. Values of more than `LARGE` bytes are the very objects that were given.

    Raises
    ------
    TypeError
        If an argument is something else, of which Redis would keep Python's words.

    Examples
    --------
    >>> b"".join(pack_command(["SET", "key", 7]))
    b'*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$1\r\n7\r\n'
    """
    pieces: list[bytes] = []
    small = [b"*%d\r\n" % len(arguments)]
    for argument in arguments:
        if isinstance(argument, bytes):
            value = argument
        else:
            value = argument.encode() if isinstance(argument, str) else b"%d" % index(argument)
        small.append(b"$%d\r\n" % len(value))
        if len(value) > LARGE:
            pieces += (b"".join(small), value)
            small = [b"\r\n"]
        else:
            small += (value, b"\r\n")
    pieces.append(b"".join(small))
    return pieces


def widen(connection: Any) -> None:
    """Let a Unix socket take a whole command, so that sending it does not wait for the server.

    By default it takes some 200 kB, and the kernel does not let it grow as it lets a TCP socket's.

    Parameters
    ----------
    connection : redis.connection.AbstractConnection
        Any; of another socket nothing changes.
    """
    sock = getattr(connection, "_sock", None)
    if sock is not None and sock.family == socket.AF_UNIX:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BYTES)


def send_pieces(connection: Any, pieces: Sequence[bytes]) -> None:
    """Send a command that was laid out, in as few calls of the system as it takes.

    Parameters
    ----------
    connection : redis.connection.AbstractConnection
        Connected, else redis-py connects it.
    pieces : sequence of bytes
        As `pack_command` returns them.

    Raises
    ------
    redis.RedisError
        If it was not sent whole, as redis-py raises it. The connection is closed then: what was sent is half a command,
        and whatever came next would be taken for the rest.
    """
    sock = getattr(connection, "_sock", None)
    if type(sock) is not socket.socket:  # TLS has no such call
        connection.send_packed_command(pieces)
        return
    try:
        _send_all(sock, pieces)
    except BaseException as error:
        connection.disconnect()
        if isinstance(error, TimeoutError):
            raise redis.TimeoutError("Timeout writing to socket") from error
        if isinstance(error, OSError):
            raise redis.ConnectionError(f"Error {error.errno} while writing to socket. {error.strerror}.") from error
        raise


def _send_all(sock: socket.socket, pieces: Sequence[bytes]) -> None:
    left = [memoryview(piece) for piece in pieces]
    while left:
        sent = sock.sendmsg(left[:_MOST_PIECES])
        whole = 0
        while whole < len(left) and sent >= len(left[whole]):
            sent -= len(left[whole])
            whole += 1
        del left[:whole]
        if sent:
            left[0] = left[0][sent:]
