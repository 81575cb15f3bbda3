"""`FeedPlace`: how far a consumer has come, as it is stored beside the output."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, Self

from resampler.errors import CorruptStateError

if TYPE_CHECKING:
    from collections.abc import Mapping

FIRST_PLACE = "0-0"  # before every entry
_AT_LEAST = "at-least"
_WRITTEN = re.compile(rb"(\d+(?:-\d+)?)(?: (\d+)( at-least)?)?")


class FeedPlace(NamedTuple):
    """The place of one consumer in one output stream.

    Parameters
    ----------
    cursor : str
        ID of the last output entry consumed.
    rows : int
        Output rows up to it, those that were gone before the consumer came included.
    counted : bool
        Whether `rows` is that number; otherwise it is at least that.
    """

    cursor: str = FIRST_PLACE
    rows: int = 0
    counted: bool = True

    @classmethod
    def parse(cls, value: bytes | None) -> Self:
        """Read a stored place.

        Parameters
        ----------
        value : bytes or None
            What `dump` gave; None for a consumer that has committed nothing.

        Returns
        -------
        FeedPlace
            The place.

        Raises
        ------
        CorruptStateError
            If `dump` did not write it.
        """
        if value is None:
            return cls()
        if not (found := _WRITTEN.fullmatch(value)):
            raise CorruptStateError(
                f"the place of a feed must be an entry ID and a number of rows, got {value!r}: delete that consumer's "
                "field of the stream's key of feeds, and it begins again"
            )
        return cls(found[1].decode(), int(found[2] or 0), found[3] is None)

    def dump(self) -> str:
        """Write the place.

        Returns
        -------
        str
            ``cursor rows``, and ``at-least`` behind it where the rows are not counted.
        """
        return f"{self.cursor} {self.rows}" + ("" if self.counted else f" {_AT_LEAST}")


def feed_lags(feeds: Mapping[bytes, bytes], emitted: int) -> dict[str, int]:
    """Say how far the feeds of a shard are behind.

    Parameters
    ----------
    feeds : mapping of bytes to bytes
        The hash of feeds: names and places.
    emitted : int
        Rows ever written to the output.

    Returns
    -------
    dict of str to int
        Output rows that each feed has not confirmed, at most; a place that cannot be read, which its feed refuses too,
        counts as the first.
    """
    lags = {}
    for name, value in feeds.items():
        try:
            rows = FeedPlace.parse(value).rows
        except CorruptStateError:
            rows = 0
        lags[name.decode(errors="backslashreplace")] = max(0, emitted - rows)
    return lags
