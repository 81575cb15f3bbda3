"""Waiting for a server that is away or cannot serve for a while, as while it restarts or another takes over."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE_S = 15.0
FIRST_PAUSE_S, LAST_PAUSE_S = 0.05, 1.0


def patiently(call: Callable[[], Any], url: str, reconnect: Callable[[], object]) -> Any:
    """Call, again and again while Redis does not answer or cannot serve; for `PATIENCE_S` at most.

    Parameters
    ----------
    call : callable
        What does no harm when it is done twice.
    url : str
        The server's: see `stream.redis.connection.open_client`.
    reconnect : callable
        Called before each further attempt: behind a fail-over another server answers.

    Returns
    -------
    object
        What `call` returned.

    Raises
    ------
    UnavailableError
        If it does not answer or cannot serve for `PATIENCE_S` (restart, fail-over, full memory).
    ResamplerError
        If it refuses for a reason that time does not heal, such as wrong credentials.
    """
    import redis

    from stream.redis.errors import explain, is_passing

    deadline, pause_s = time.monotonic() + PATIENCE_S, FIRST_PAUSE_S
    while True:
        try:
            return call()
        except (redis.RedisError, OSError) as error:
            if not is_passing(error, url) or time.monotonic() >= deadline:
                raise explain(error, url) from error
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, LAST_PAUSE_S)
        try:
            reconnect()
        except (redis.RedisError, OSError):  # no node of a Cluster answers: the next attempt says what is wrong
            continue
