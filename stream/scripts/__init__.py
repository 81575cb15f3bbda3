"""Lua scripts: what Redis does in one step or not at all."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import redis
    from redis.commands.core import Script


@cache
def read_script(name: str) -> str:
    """Read a script of this package.

    Parameters
    ----------
    name : str
        File name without its ending.

    Returns
    -------
    str
        Its text.
    """
    return files(__name__).joinpath(f"{name}.lua").read_text(encoding="utf-8")


def load_script(client: redis.Redis, name: str) -> Script:
    """Make a script of this package callable.

    Parameters
    ----------
    client : redis.Redis
        Where it will run.
    name : str
        File name without its ending.

    Returns
    -------
    redis.commands.core.Script
        Runs by digest; a server that has lost the script is given it again.
    """
    return client.register_script(read_script(name))
