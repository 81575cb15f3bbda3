"""`without_secrets`: an address as it may be shown and kept."""

from __future__ import annotations

import re

# What stands between the scheme and the first slash of a URL that is one: hosts with their ports.
_HOST = re.compile(r"(?:\[[^\]@]*\]|[^:@\[\]]*)(?::\d+)?")


def without_secrets(where: str) -> str:
    """Write a path or URI as it may be shown and kept.

    Parameters
    ----------
    where : str
        As it was given.

    Returns
    -------
    str
        A path as it is; a URI without user, password and query.
    """
    scheme, colon, rest = where.partition("://")
    if not colon:
        return where
    rest = split_user(rest)[1]
    return re.sub(r"//[^/]*@", "//", f"{scheme}://{rest}").partition("?")[0]


def split_user(rest: str) -> tuple[str, str]:
    """Part user and password from the host, where they are not escaped as URLs ask for, too.

    Parameters
    ----------
    rest : str
        What stands behind ``://``.

    Returns
    -------
    user : str
        ``user:password``; empty where there is none.
    rest : str
        Host, port and path.

    Notes
    -----
    The secret keys of S3 are full of slashes, and passwords of ``?`` and ``#``, at which readers of URLs would end the
    host, and show the rest.
    """
    head = rest.partition("/")[0]
    if "@" not in head and all(map(_HOST.fullmatch, head.split(","))):
        return "", rest
    if "@" in head:
        user, _, host = head.rpartition("@")
        return user, host + rest[len(head) :]
    user, _, host = rest.rpartition("@")
    return user, host
