"""Dead letters: entries of what broke the contract, with its reason and a form that can be sent again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stream.formats.rejects import Reject

# Letters of early releases call the number of rows `rows`, which is also the name of a packed batch: the head is
# found by its place.
_HEAD = (b"reason", b"detail", b"n_rows")
_WRAPPED = b"wrapped"
MAX_PLAIN_ITEMS = 2_000  # Lua cannot pass more than 8,000 arguments to one XADD


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


def encode_letter(reject: Reject) -> list[bytes]:
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


def decode_letter(entry_id: bytes, items: Sequence[bytes]) -> DeadLetter:
    """Read a dead-letter entry.

    Parameters
    ----------
    entry_id : bytes
        Its ID.
    items : sequence of bytes
        What `encode_letter` made.

    Returns
    -------
    DeadLetter
        The letter.
    """
    original = tuple(items[6:])
    if original[:1] == (_WRAPPED,) and len(original) == 2:
        original = tuple(item.encode("latin-1") for item in json.loads(original[1]))
    return DeadLetter(entry_id.decode(), items[1].decode(), items[3].decode(), int(items[5]), original)
