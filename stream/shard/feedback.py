"""`Feedback`: behind which cursor a shard's quotas began to follow a learner's recall."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Feedback(NamedTuple):
    """A change of what is followed, as the shard's owner has carried it out.

    Parameters
    ----------
    cursor : str
        ID of the last entry before it: what follows is weighed by `recall`.
    recall : dict of int to (float or None)
        By class code; empty where no learner is followed from here on.
    at : str
        When it was carried out, by the worker's clock: ISO 8601, UTC.
    reported_ms : int
        When the recall was reported, Unix time by the server's clock, in milliseconds.
    model : str
        Whose recall it is, in the words of whoever reported it; where none is followed, why.
    """

    cursor: str
    recall: dict[int, float | None]
    at: str
    reported_ms: int
    model: str = ""


def dump_feedback(records: Sequence[Feedback]) -> str:
    """Write changes, as the checkpoint keeps them.

    Parameters
    ----------
    records : sequence of Feedback
        In order.

    Returns
    -------
    str
        JSON; recall is a list of pairs of code and recall.
    """
    found = [record._asdict() | {"recall": list(record.recall.items())} for record in records]
    return json.dumps(found, separators=(",", ":"))


def parse_feedback(text: bytes | str) -> list[Feedback]:
    """Read what `dump_feedback` wrote.

    Parameters
    ----------
    text : bytes or str
        JSON; what later releases may say beside is passed over.

    Returns
    -------
    list of Feedback
        In order.

    Raises
    ------
    ValueError
        If it is none.
    """
    found: list[dict[str, Any]] = json.loads(text)
    try:
        return [
            Feedback(**{name: one[name] for name in Feedback._fields} | {"recall": dict(one["recall"])})
            for one in found
        ]
    except (TypeError, KeyError) as error:
        raise ValueError(f"no list of feedback: {error}") from error
