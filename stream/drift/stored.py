"""`Stored`: a shard's counts of its input against a version, as they stand in the hash ``{NAME}:drift``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import redis

from resampler.errors import CorruptStateError
from resampler.profile.reading import read_cells
from stream.drift.window import Window
from stream.redis.errors import wrong_type

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from resampler.profile.cells import Cells
    from stream.redis.keys import ShardKeys

DESCRIPTION = "reference"  # the field that says what is counted, and how; the others are windows by number
COUNTS = ".counts"  # behind the number: the field of a window's counts
_SAID = {"key": str, "reference": str, "rows": int, "every": int, "left_out": list, "cells": dict}
_HEADER = {"window": int, "rows": int, "accepted": int, "rejected": int, "first": str, "last": str, "classes": dict}


@dataclass(frozen=True, slots=True)
class Stored:
    """What a shard has counted.

    Parameters
    ----------
    key : str
        The hash.
    said : dict
        What `Plan.description` is.
    cells : dict of str to Cells
        Of it: where each feature is counted.
    headers : tuple of dict
        Of the windows that are kept, oldest first: see `Window.header`.
    """

    key: str
    said: dict[str, Any]
    cells: dict[str, Cells]
    headers: tuple[dict[str, Any], ...]

    @classmethod
    def load(cls, client: redis.Redis, keys: ShardKeys) -> Self | None:
        """Read what there is, without the counts.

        Parameters
        ----------
        client : redis.Redis
            Connection to the shard's server.
        keys : ShardKeys
            The shard.

        Returns
        -------
        Stored or None
            None if nothing is counted.

        Raises
        ------
        CorruptStateError
            If it is damaged.
        ResamplerError
            If the key holds something else.
        """
        try:
            names: list[bytes] = client.hkeys(keys.drift)  # type: ignore[assignment]
            if not names:
                return None
            numbers = sorted(int(name) for name in names if name.isdigit())
            described, *headers = client.hmget(keys.drift, DESCRIPTION, *map(str, numbers))
        except redis.ResponseError as error:
            if found := wrong_type(client, keys):
                raise found from error
            raise
        if described is None and not client.exists(keys.drift):
            return None  # deleted between the two questions
        try:
            said = _of_kinds(DESCRIPTION, described, _SAID)
            cells = {name: read_cells(name, of) for name, of in said["cells"].items()}
            # A worker lets the oldest windows go meanwhile.
            kept = [pair for pair in zip(numbers, headers, strict=True) if pair[1] is not None]
            read = [_of_kinds(f"window {number}", header, _HEADER) for number, header in kept]
            if [header["window"] for header in read] != [number for number, _ in kept]:
                raise ValueError("a window bears another number than its field")
            return cls(keys.drift, said, cells, tuple(read))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            raise CorruptStateError(
                f"the counts in {keys.drift!r} are damaged ({error}): delete that key, and counting begins anew"
            ) from error

    def windows(self, client: redis.Redis, headers: Sequence[dict[str, Any]]) -> list[Window]:
        """Read windows.

        Parameters
        ----------
        client : redis.Redis
            Connection to the shard's server.
        headers : sequence of dict
            Of `headers`: which.

        Returns
        -------
        list of Window
            Those that are still there: a worker lets the oldest go.

        Raises
        ------
        CorruptStateError
            If one is damaged.
        """
        found = []
        for header in headers:
            name = str(header["window"])
            data = client.hmget(self.key, name, name + COUNTS)
            if data[0] is not None:
                found.append(Window.load(data[0], data[1], len(self.said["cells"]), repr(self.key)))  # type: ignore[arg-type]
        return found


def _of_kinds(what: str, text: bytes | str | None, kinds: Mapping[str, type]) -> dict[str, Any]:
    """Read an object whose members are of known types."""
    found: dict[str, Any] = json.loads(text or b"null")
    if not isinstance(found, dict) or {name: type(value) for name, value in found.items()} != kinds:
        raise ValueError(f"{what} has not the members {', '.join(kinds)}")
    return found
