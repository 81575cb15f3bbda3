"""Dead letters: what broke the contract, with its reason and a form that can be sent again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from resampler.errors import InvalidInputError
from stream.redis.connection import raw_command
from stream.scripts import load_script

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import redis

    from stream.formats import Reject
    from stream.redis.keys import ShardKeys

# Letters of early releases call the number of rows `rows`, which is also the name of a packed batch: the head is
# found by its place.
_HEAD = (b"reason", b"detail", b"n_rows")
_WRAPPED = b"wrapped"
MAX_PLAIN_ITEMS = 2_000  # Lua cannot pass more than 8,000 arguments to one XADD
_PAGE = 500


class DeadLetter(NamedTuple):
    """One entry of the dead-letter stream.

    Parameters
    ----------
    id : str
        The ID of the input entry that held the rows.
    reason, detail : str
        Why; the reason is one of `stream.formats.Reason`.
    rows : int
        How many rows.
    original : tuple of bytes
        Names and values, to be added to the input again.
    """

    id: str
    reason: str
    detail: str
    rows: int
    original: tuple[bytes, ...]

    def to_dict(self) -> dict[str, object]:
        """Return the letter as JSON types.

        Returns
        -------
        dict
            Bytes that are not UTF-8 are shown with backslashes. `fields` has the value of each field, or the list of
            its values where the entry gave it more than once.
        """
        shown = [item.decode(errors="backslashreplace") for item in self.original]
        values: dict[str, list[str]] = {}
        for name, value in zip(shown[::2], shown[1::2], strict=True):
            values.setdefault(name, []).append(value)
        fields = {name: given[0] if len(given) == 1 else given for name, given in values.items()}
        return {"id": self.id, "reason": self.reason, "detail": self.detail, "rows": self.rows, "fields": fields}


def letter(reject: Reject) -> list[bytes]:
    """Make the items of a dead-letter entry.

    Parameters
    ----------
    reject : Reject
        What broke the contract.

    Returns
    -------
    list of bytes
        ``reason``, ``detail``, ``n_rows`` with their values, then the names and values of the original. Where those
        are very many, or two fields of the letter would bear one name, they stand as a JSON list of latin-1 strings in
        the one field ``wrapped``.
    """
    original: Sequence[bytes] = reject.original
    names = original[::2]
    if len(original) > MAX_PLAIN_ITEMS or len({*names, *_HEAD, _WRAPPED}) < len(names) + len(_HEAD) + 1:
        original = (_WRAPPED, json.dumps([item.decode("latin-1") for item in original]).encode())
    values = (reject.reason.encode(), reject.detail.encode(errors="backslashreplace"), str(reject.n_rows).encode())
    return [item for pair in zip(_HEAD, values, strict=True) for item in pair] + list(original)


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
            original = tuple(items[6:])
            if original[:1] == (_WRAPPED,) and len(original) == 2:
                original = tuple(item.encode("latin-1") for item in json.loads(original[1]))
            yield DeadLetter(entry_id.decode(), items[1].decode(), items[3].decode(), int(items[5]), original)
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
