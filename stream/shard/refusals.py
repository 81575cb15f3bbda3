"""Which errors are refusals of the server, and of what kind."""

from __future__ import annotations

import redis

from stream.metrics import Refusal
from stream.redis.errors import WrongTypeError, code_of
from stream.shard.commit import FencedError, ForeignEntryError, GapError, LostOutputError, MovedError

_OURS: dict[type[Exception], Refusal] = {
    FencedError: Refusal.MOVED,
    MovedError: Refusal.MOVED,
    GapError: Refusal.GAP,
    LostOutputError: Refusal.GAP,
    WrongTypeError: Refusal.TYPE,
    ForeignEntryError: Refusal.OTHER,
}
_CODES = {
    "OOM": Refusal.FULL,
    "MISCONF": Refusal.DISK,
    "READONLY": Refusal.READONLY,
    "WRONGTYPE": Refusal.TYPE,
    "NOREPLICAS": Refusal.OTHER,
    "NOPERM": Refusal.OTHER,
    "": Refusal.OTHER,
}


def refusal_of(error: Exception) -> Refusal | None:
    """Say why the server refused to write.

    Parameters
    ----------
    error : Exception
        What a shard's work ended with.

    Returns
    -------
    Refusal or None
        None where it did not refuse: it did not answer, could serve nobody, or something else is wrong.
    """
    for kind, refusal in _OURS.items():
        if isinstance(error, kind):
            return refusal
    return _CODES.get(code_of(error)) if isinstance(error, redis.ResponseError) else None
