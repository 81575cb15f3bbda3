"""Reports of a learner's recall: what a trainer writes to the key `ShardKeys.feedback`, and the shard's owner reads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

import redis

from resampler.errors import InvalidInputError
from resampler.quotas import check_recall
from stream.redis.connection import server_ms
from stream.redis.errors import code_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import Any

    from resampler.schema import FeatureSchema
    from stream.redis.keys import ShardKeys

MAX_MODEL = 200  # characters: it stands in the checkpoint
_LAST_MS = 253_402_300_799_999  # of the year 9999


class Report(NamedTuple):
    """What a trainer has reported last.

    Parameters
    ----------
    at_ms : int
        When, Unix time by the server's clock, in milliseconds.
    model : str
        Which model; empty if nobody said.
    recall : dict of int to (float or None)
        By class code.
    """

    at_ms: int
    model: str
    recall: dict[int, float | None]


def check_report(
    schema: FeatureSchema, seen: Collection[int], recall: Mapping[Any, Any], model: str
) -> dict[int, float | None]:
    """Refuse a report that no shard could follow.

    Parameters
    ----------
    schema : FeatureSchema
        The stream's contract.
    seen : collection of int
        Classes that have come, by code.
    recall : mapping of str or int to float or None
        By class, its name or code.
    model : str
        Which model.

    Returns
    -------
    dict of int to (float or None)
        The recall by code.

    Raises
    ------
    InvalidInputError
        If a class is unknown, a recall is no number from 0 to 1, nothing is reported, or the model's name is too long.
    """
    found = check_recall(schema, recall)
    if not found:
        raise InvalidInputError(f"recall must be that of one class at least, such as {{1: 0.8}}, got {recall!r}")
    unknown = [] if schema.label.codes else sorted(found.keys() - set(seen))
    if unknown:
        raise InvalidInputError(
            f"recall must be of classes that the stream has seen ({', '.join(map(str, sorted(seen)))}), got "
            f"{unknown[0]}: leave it out until a row of it has come"
        )
    if not isinstance(model, str) or len(model) > MAX_MODEL:
        raise InvalidInputError(f"model must be text of at most {MAX_MODEL} characters, got {model!r}")
    return found


def write_report(client: redis.Redis, keys: ShardKeys, recall: Mapping[int, float | None], model: str) -> None:
    """Leave a report for a shard's owner, in place of the one before.

    Parameters
    ----------
    client : redis.Redis
        Connection to the shard's server.
    keys : ShardKeys
        The shard.
    recall : mapping of int to (float or None)
        What `check_report` gave.
    model : str
        Which model.
    """
    client.set(
        keys.feedback, json.dumps({"at_ms": int(server_ms(client)), "model": model, "recall": list(recall.items())})
    )


def read_report(client: redis.Redis, keys: ShardKeys, schema: FeatureSchema) -> Report | None:
    """Read what was reported last.

    Parameters
    ----------
    client : redis.Redis
        Connection to the shard's server.
    keys : ShardKeys
        The shard.
    schema : FeatureSchema
        The stream's contract.

    Returns
    -------
    Report or None
        None if nothing was.

    Raises
    ------
    InvalidInputError
        If the key holds something else, or a recall that no shard can follow.
    redis.RedisError
        If the server does not answer.
    """
    try:
        found: bytes | None = client.get(keys.feedback)  # type: ignore[assignment]
        if found is None:
            return None
        said = json.loads(found)
        at_ms = int(said["at_ms"])
        if not 0 <= at_ms <= _LAST_MS:
            raise ValueError(f"at_ms must be Unix time in milliseconds, got {said['at_ms']!r}")
        if not (recall := check_recall(schema, dict(said["recall"]))):
            raise ValueError("it is of no class")
        return Report(at_ms, str(said["model"])[:MAX_MODEL], recall)
    except (redis.ResponseError, ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        # An InvalidInputError is a ValueError too.
        if isinstance(error, redis.ResponseError) and code_of(error) != "WRONGTYPE":
            raise
        raise InvalidInputError(
            f"key {keys.feedback!r} holds no recall to follow ({error}): report it with stream.Feed.report_recall"
        ) from error
