"""`Switch`: at which cursor a shard was paused, or went on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Switch(NamedTuple):
    """A change that the shard's owner has carried out.

    Parameters
    ----------
    cursor : str
        ID of the last entry before it: what follows makes no synthetic row, or makes them again.
    paused : bool
        Whether a pause began; else it ended.
    at : str
        When, by the worker's clock: ISO 8601, UTC.
    reason : str
        Why it was paused, in the words of whoever asked; empty if nobody said, and where a pause ended.
    """

    cursor: str
    paused: bool
    at: str
    reason: str = ""


def dump_switches(switches: Sequence[Switch]) -> str:
    """Write switches, as the checkpoint keeps them.

    Parameters
    ----------
    switches : sequence of Switch
        In order.

    Returns
    -------
    str
        JSON.
    """
    return json.dumps([switch._asdict() for switch in switches], separators=(",", ":"))


def parse_switches(text: bytes | str) -> list[Switch]:
    """Read what `dump_switches` wrote.

    Parameters
    ----------
    text : bytes or str
        JSON; what later releases may say beside is passed over.

    Returns
    -------
    list of Switch
        In order.

    Raises
    ------
    ValueError
        If it is none.
    """
    found: list[dict[str, Any]] = json.loads(text)
    try:
        return [Switch(*(one[name] for name in Switch._fields)) for one in found]
    except (TypeError, KeyError) as error:
        raise ValueError(f"no list of pauses: {error}") from error
