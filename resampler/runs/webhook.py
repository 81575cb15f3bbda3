"""`post`: a JSON object to a URL that somebody listens at."""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any

from resampler.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TIMEOUT_S = 10.0
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
    request = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310 - checked before
    opener = urllib.request.build_opener(_NoRedirect)
    host, problem = check_url(url), ""
    for wait in (0.0, *WAITS_S):
        sleep(wait)
        try:
            with opener.open(request, timeout=TIMEOUT_S):
                return None
        except urllib.error.HTTPError as error:
            problem = f"{host} answers {error.code} {error.reason}"
            if error.code < 500 and error.code not in _TRY_AGAIN:
                return problem
        except urllib.error.URLError as error:
            problem = f"{host} cannot be reached: {error.reason}"
        except (OSError, http.client.HTTPException) as error:
            problem = f"{host} cannot be reached: {error or type(error).__name__}"
    return f"{problem}, {len(WAITS_S) + 1} times"
