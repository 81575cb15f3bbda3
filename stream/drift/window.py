"""`Window`: what was counted of some consecutive rows, and how it is written."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from resampler.errors import CorruptStateError
from resampler.kernels.counting import CELLS

if TYPE_CHECKING:
    from numpy.typing import NDArray

PLACES = CELLS + 1  # of a column, the last for nulls
MAX_ROWS = 2**32 - 1  # of a window, so that a count takes four bytes


@dataclass(slots=True, eq=False)
class Window:
    """Counts of the rows between two places of a shard's input.

    Parameters
    ----------
    number : int
        From 0, since counting began.
    classes : tuple of str
        As `str` names them, in the order in which they came.
    counts : ndarray of shape (n_classes, n_counted, PLACES), int64
        Rows counted, by class, feature and the kernel's places.
    accepted, rejected : int
        Rows that kept the contract, counted or not, and rows that became dead letters meanwhile.
    first, last : str
        IDs of the entries that hold the first and the last of these rows; empty while there is none.
    """

    number: int
    classes: tuple[str, ...]
    counts: NDArray[np.int64]
    accepted: int = 0
    rejected: int = 0
    first: str = ""
    last: str = ""

    @property
    def rows(self) -> int:
        """How many rows were counted."""
        return int(self.counts[:, 0].sum())

    def header(self) -> dict[str, Any]:
        """Describe the window without its counts.

        Returns
        -------
        dict
            JSON types.
        """
        by_class = self.counts[:, 0].sum(axis=-1).tolist() if len(self.counts) else []
        return {
            "window": self.number,
            "rows": self.rows,
            "accepted": self.accepted,
            "rejected": self.rejected,
            "first": self.first,
            "last": self.last,
            "classes": dict(zip(self.classes, by_class, strict=True)),
        }

    def dump(self) -> tuple[bytes, bytes]:
        """Write the window.

        Returns
        -------
        header, counts : bytes
            JSON, and little-endian uint32.
        """
        return json.dumps(self.header(), separators=(",", ":")).encode(), self.counts.astype("<u4").tobytes()

    @classmethod
    def of_header(cls, said: dict[str, Any], counts: bytes, n_counted: int) -> Self:
        """Read a window whose header is read already.

        Parameters
        ----------
        said : dict
            What `header` returned.
        counts : bytes
            What `dump` wrote of them.
        n_counted : int
            Features that are counted.

        Returns
        -------
        Window
            Equal to the one that was written.

        Raises
        ------
        ValueError, KeyError, TypeError
            If it is damaged.
        """
        classes = tuple(said["classes"])
        found = np.frombuffer(counts, dtype="<u4").reshape(len(classes), n_counted, PLACES)
        window = cls(
            int(said["window"]),
            classes,
            found.astype(np.int64),
            int(said["accepted"]),
            int(said["rejected"]),
            str(said["first"]),
            str(said["last"]),
        )
        in_column = window.counts.sum(axis=-1)  # every row stands in every column once
        if said != window.header() or (in_column != in_column[:, :1]).any():
            raise ValueError("its counts are others than its header says")
        return window

    @classmethod
    def load(cls, header: bytes | None, counts: bytes | None, n_counted: int, where: str) -> Self:
        """Read a window.

        Parameters
        ----------
        header, counts : bytes or None
            What `dump` wrote, as the server has it.
        n_counted : int
            Features that are counted.
        where : str
            The key, for the message.

        Returns
        -------
        Window
            Equal to the one that was written.

        Raises
        ------
        CorruptStateError
            If it is damaged.
        """
        try:
            return cls.of_header(json.loads(header or b""), counts or b"", n_counted)
        except (ValueError, KeyError, TypeError) as error:
            raise CorruptStateError(
                f"a window in {where} is damaged ({error}): delete that key, and counting begins anew"
            ) from error
