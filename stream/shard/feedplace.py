"""`FeedPlace`: how far a consumer has come, as it is stored beside the output."""

from __future__ import annotations

import re
from typing import NamedTuple, Self

from resampler.errors import CorruptStateError

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
