"""`post`: a JSON object to a URL that somebody listens at."""

from __future__ import annotations

import http.client
import json
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any, NamedTuple

from resampler.address import request_to
from resampler.errors import InvalidInputError
from resampler.printing import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TIMEOUT_S = 10.0  # of each step of a connection
LIMIT_S = 15.0  # of an attempt as a whole
_SHOWN_CHARS = 200
WAITS_S = (1.0, 4.0)  # before the second attempt, and the third
_TRY_AGAIN = {408, 425, 429}  # and what is the server's own fault


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirected POST would become a GET without a body, or go to whom nobody named."""

    def redirect_request(self, *_: Any) -> None:
        return None


def check_url(url: str) -> str:
    """Refuse a URL that nothing can be posted to.

    Parameters
    ----------
    url : str
        As it was given.

    Returns
    -------
    str
        Its host, which is all that may be shown of it: the rest is a secret of many services.

    Raises
    ------
    InvalidInputError
        If it is no URL of HTTP.
    """
    try:
        parts = urllib.parse.urlsplit(url)
        host, _ = parts.hostname, parts.port
        (host or "").encode("idna")
    except ValueError:
        host, parts = None, urllib.parse.SplitResult("", "", "", "", "")
    if parts.scheme not in ("http", "https") or not host or any(ord(char) < 33 for char in url):
        raise InvalidInputError("--webhook must be a URL that begins with https:// or http:// and names a host")
    return host


def post(url: str, data: Mapping[str, Any], *, sleep: Callable[[float], None] = time.sleep) -> str | None:
    """Post an object; try again where the server may be able to later.

    Parameters
    ----------
    url : str
        That `check_url` lets pass.
    data : mapping
        What is sent, as JSON.
    sleep : callable
        Waits so many seconds.

    Returns
    -------
    str or None
        Why it did not arrive; None where it did.
    """
    body = json.dumps(data, allow_nan=False).encode()
    headers = {"Content-Type": "application/json", "User-Agent": "feast-resampler"}
    request = request_to(url, body, headers)
    host, said = check_url(url), _Said("", again=True)
    for wait in (0.0, *WAITS_S):
        sleep(wait)
        answers: list[_Said | None] = []
        # A thread, since a server that sends a byte now and then keeps to every limit of a socket.
        attempt = threading.Thread(target=lambda to=answers: to.append(_attempt(request, host)), daemon=True)
        attempt.start()
        attempt.join(LIMIT_S)
        found = answers[0] if answers else _Said(f"{host} did not answer within {LIMIT_S:g} s", again=True)
        if found is None:
            return None
        said = found
        if not said.again:
            return said.problem
    return f"{said.problem}, {len(WAITS_S) + 1} times"


class _Said(NamedTuple):
    """Why an attempt failed, and whether another one may not."""

    problem: str
    again: bool


def _attempt(request: urllib.request.Request, host: str) -> _Said | None:
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=TIMEOUT_S):
            return None
    except urllib.error.HTTPError as error:
        again = error.code >= 500 or error.code in _TRY_AGAIN
        return _Said(f"{host} answers {error.code} {_short(error.reason)}".rstrip(), again)
    except urllib.error.URLError as error:
        return _Said(f"{host} cannot be reached: {_short(error.reason)}", again=True)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return _Said(f"{host} cannot be reached: {_short(error) or type(error).__name__}", again=True)


def _short(words: object) -> str:
    """Write what a server said so that it fits a line, and commands no terminal."""
    return plain(" ".join(str(words).split()))[:_SHOWN_CHARS]
