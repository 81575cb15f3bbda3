"""`FeedPlace`: how far a consumer has come, as it is stored beside the output."""

from __future__ import annotations

from typing import NamedTuple, Self


class FeedPlace(NamedTuple):
    """The place of one consumer in one output stream.

    Parameters
    ----------
    cursor : str
        ID of the last output entry consumed.
    rows : int
        Output rows up to it.
    """

    cursor: str = "0-0"
    rows: int = 0

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
        """
        if value is None:
            return cls()
        cursor, _, rows = value.decode().partition(" ")
        return cls(cursor, int(rows or 0))

    def dump(self) -> str:
        """Write the place.

        Returns
        -------
        str
            ``cursor rows``.
        """
        return f"{self.cursor} {self.rows}"
