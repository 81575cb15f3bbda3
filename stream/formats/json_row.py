"""JSON rows: an object of column names and values in the one field `json`."""

from __future__ import annotations

import json
from typing import Any

from stream.formats.rows import Reason, RejectError

FIELD = b"json"
MAX_BYTES = 1 << 20


def read_object(text: bytes) -> list[bytes]:
    """Turn a flat JSON object into names and values as a text row has them.

    Parameters
    ----------
    text : bytes
        UTF-8 JSON.

    Returns
    -------
    list of bytes
        Name, value, name, value, ... Numbers keep their digits, so that a row means the same in either format;
        a null is left out, and so missing.

    Raises
    ------
    RejectError
        If it is not JSON, not an object, nested, or longer than `MAX_BYTES`.
    """
    if len(text) > MAX_BYTES:
        raise RejectError(Reason.TOO_LONG, f"a JSON row must have at most {MAX_BYTES} bytes, got {len(text)}")
    try:
        pairs = json.loads(text, object_pairs_hook=_Pairs, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise RejectError(Reason.UNPARSABLE, f"a JSON row must be JSON: {error}") from error
    if not isinstance(pairs, _Pairs):
        raise RejectError(Reason.UNPARSABLE, f"a JSON row must be an object, got {type(pairs).__name__}")
    items: list[bytes] = []
    for name, value in pairs:
        if value is not None:
            items += [name.encode(errors="surrogatepass"), _scalar(name, value)]
    return items


class _Pairs(list[tuple[str, Any]]):
    """An object's members, duplicates included."""


def _scalar(name: str, value: object) -> bytes:
    if isinstance(value, bool):
        return b"true" if value else b"false"
    if isinstance(value, str):
        return value.encode(errors="surrogatepass")
    raise RejectError(Reason.UNPARSABLE, f"{name!r} must be a number, a string or a boolean, got a nested value")
