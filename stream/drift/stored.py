"""`Stored`: a shard's counts of its input against a version, as they stand in the hash ``{NAME}:drift``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import redis

from resampler.errors import CorruptStateError
from resampler.profile.cells import Cells
from stream.drift.window import Window
from stream.redis.errors import wrong_type

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stream.redis.keys import ShardKeys

DESCRIPTION = "reference"  # the field that says what is counted, and how; the others are windows by number
COUNTS = ".counts"  # behind the number: the field of a window's counts


@dataclass(frozen=True, slots=True)
class Stored:
    """What a shard has counted.

    Parameters
    ----------
    key : str
        The hash.
    said : dict
        What `Plan.described` wrote.
    headers : tuple of dict
        Of the windows that are kept, oldest first: see `Window.header`.
    """

    key: str
    said: dict[str, Any]
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
        try:
            said = json.loads(described or b"")
            if missing := {"key", "reference", "rows", "every", "left_out", "cells"} - said.keys():
                raise ValueError(f"{min(missing)} is missing")
            return cls(keys.drift, said, tuple(json.loads(header or b"") for header in headers))
        except (ValueError, TypeError, AttributeError) as error:
            raise CorruptStateError(
                f"the counts in {keys.drift!r} are damaged ({error}): delete that key, and counting begins anew"
            ) from error

    @property
    def cells(self) -> dict[str, Cells]:
        """Where each feature is counted."""
        return {
            name: Cells(of["categorical"], tuple(of["edges"]), tuple(of["values"]), of["single"])
            for name, of in self.said["cells"].items()
        }

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
