"""Addresses that may hold secrets: as they may be shown and kept, and as a server is asked."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit, urlunsplit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from urllib.request import Request

_SAFE = "/%:@!$&'()*+,;=~"  # what stands unescaped in the path of a URL, or is an escape
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


def request_to(url: str, data: bytes | None = None, headers: Mapping[str, str] | None = None) -> Request:
    """Make a request of HTTP; user and password of the URL go to that server alone, in a header.

    Parameters
    ----------
    url : str
        Of HTTP, as its reader has checked; what is not escaped in its path and query is.
    data : bytes, optional
        Posted, where there is any; by default the address is read.
    headers : mapping of str to str, optional
        Sent with it.

    Returns
    -------
    urllib.request.Request
        Whose Authorization no redirect takes along.

    Raises
    ------
    ValueError
        If it is no URL.
    """
    from urllib.request import Request

    parts = urlsplit(url)
    user, at, place = parts.netloc.rpartition("@")
    path, query = quote(parts.path, safe=_SAFE), quote(parts.query, safe=f"{_SAFE}?")
    target = urlunsplit((parts.scheme, place.encode("idna").decode(), path, query, ""))
    request = Request(target, data, dict(headers or {}))  # noqa: S310 - callers ask for HTTP
    if at:
        word = unquote(user if ":" in user else f"{user}:")
        request.add_unredirected_header("Authorization", f"Basic {base64.b64encode(word.encode()).decode()}")
    return request
