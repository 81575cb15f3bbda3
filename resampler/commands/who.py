"""Who gives a command, for what is kept of it."""

from __future__ import annotations

import getpass
import socket

import click

by_option = click.option("--by", metavar="WHO", help="Who says so; by default the user and the machine.")


def who() -> str:
    """Name who gives the command.

    Returns
    -------
    str
        ``user@machine``.
    """
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container whose user has no name
        user = "unknown"
    return f"{user}@{socket.gethostname()}"
