"""Whether a cluster answers at an address: the libraries of engines wait minutes for one that does not."""

from __future__ import annotations

import os
import re
import socket

from resampler.address import without_secrets
from resampler.engines.task import TaskError

ANSWERS_WITHIN_S = 10.0
# What a client of HTTP/2 begins with, its preface and empty settings (RFC 9113, 3.4); a server answers with its own.
_BEGIN = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
_SETTINGS, _HEADER_BYTES = 4, 9


def check_answers(address: str, engine: str) -> None:
    """Check that a cluster listens at an address.

    Parameters
    ----------
    address : str
        Of a cluster; one without host and port is left to its library.
    engine : str
        Whose.

    Raises
    ------
    TaskError
        If nobody does, or somebody else: a dashboard, say.
    """
    hosts = re.findall(r"([^/:,\s]+):(\d+)", without_secrets(address).partition("://")[2] or address)
    why: Exception | None = None
    for host, port in hosts:
        try:
            with socket.create_connection((host, int(port)), ANSWERS_WITHIN_S) as connection:
                if _is_cluster(connection, address, engine):
                    return
            why = ConnectionError(f"what listens there is none of {engine}: a dashboard has a port of its own")
        except (OSError, OverflowError) as error:
            why = error
    if why is not None:
        raise silent(address, engine, str(why)) from why


def _is_cluster(connection: socket.socket, address: str, engine: str) -> bool:
    """Say whether what answers may be a cluster; where that cannot be seen, it may."""
    try:
        if engine == "ray" and os.environ.get("RAY_USE_TLS", "0") in ("", "0"):
            connection.sendall(_BEGIN)
            head = connection.recv(_HEADER_BYTES)
            return len(head) > 3 and head[3] == _SETTINGS
        if engine == "dask" and not address.startswith(("tls", "ucx", "ws")):
            return bool(connection.recv(1))  # a scheduler speaks first
    except OSError:  # of which one is that it says nothing
        return False
    return True


def silent(address: str, engine: str, why: str) -> TaskError:
    """Return the error of a cluster that does not answer.

    Parameters
    ----------
    address : str
        Of the cluster.
    engine : str
        Whose.
    why : str
        What is known of it.

    Returns
    -------
    TaskError
        To be raised.
    """
    return TaskError(
        f"engine {engine} does not answer at {without_secrets(address)} ({why}): is its cluster up, and of the release "
        "that is installed here?"
    )
