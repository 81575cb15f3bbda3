"""Dead letters: reading them, and sending them again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resampler.errors import InvalidInputError
from stream.formats.letters import MAX_PLAIN_ITEMS, decode_letter
from stream.redis.connection import raw_command
from stream.scripts import load_script

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import redis

    from stream.formats.letters import DeadLetter
    from stream.redis.keys import ShardKeys

_PAGE = 500


def read_letters(client: redis.Redis, keys: ShardKeys) -> Iterator[DeadLetter]:
    """Read the dead letters of a shard, oldest first.

    Parameters
    ----------
    client : redis.Redis
        Connection to the shard's server.
    keys : ShardKeys
        The shard.

    Yields
    ------
    DeadLetter
        Page by page.
    """
    position = "-"
    while page := raw_command(client, "XRANGE", keys.dead, position, "+", "COUNT", _PAGE):
        for entry_id, items in page:
            yield decode_letter(entry_id, items)
        position = f"({page[-1][0].decode()}"


def resubmit(client: redis.Redis, keys: ShardKeys, letters: Iterable[DeadLetter]) -> int:
    """Add letters to the input again, and take each off the dead-letter stream in the same step.

    Parameters
    ----------
    client : redis.Redis
        Connection to the shard's server.
    keys : ShardKeys
        The shard.
    letters : iterable of DeadLetter
        What `read_letters` gave.

    Returns
    -------
    int
        How many were added; a letter that is gone by now is not.

    Raises
    ------
    InvalidInputError
        If an entry has too many fields to be added by script.
    """
    script = load_script(client, "resubmit")
    added = 0
    for dead in letters:
        if len(dead.original) > 3 * MAX_PLAIN_ITEMS:
            raise InvalidInputError(
                f"dead letter {dead.id} has {len(dead.original) // 2} fields, at most {3 * MAX_PLAIN_ITEMS // 2} "
                "can be sent again: send it corrected from its source"
            )
        added += script(keys=[keys.dead, keys.input], args=[dead.id, *dead.original])
    return added
