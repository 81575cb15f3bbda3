"""What decoding yields: rows that keep the contract, and rejects with their reason."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class Reason(StrEnum):
    """Why a row is a dead letter; the label of a metric, so the set is closed."""

    MISSING_FIELD = "missing_field"
    EXTRA_FIELD = "extra_field"
    DUPLICATE_FIELD = "duplicate_field"
    UNPARSABLE = "unparsable"
    NOT_FINITE = "not_finite"
    OUT_OF_RANGE = "out_of_range"
    UNKNOWN_CATEGORY = "unknown_category"
    UNKNOWN_CLASS = "unknown_class"
    TOO_MANY_CLASSES = "too_many_classes"
    TOO_LONG = "too_long"
    WRONG_SCHEMA = "wrong_schema"


class RejectError(Exception):
    """Raise inside a decoder for what cannot become a row; never leaves the codec.

    Parameters
    ----------
    reason : Reason
        The class of fault.
    detail : str
        Which thing broke which rule with which value.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Reject:
    """Rows of one input entry that broke the contract.

    Parameters
    ----------
    entry : int
        Place of the entry among those decoded.
    reason : Reason
        The first fault.
    detail : str
        Which thing broke which rule with which value.
    original : tuple of bytes
        Names and values of an entry that holds the rejected rows and no other.
    n_rows : int
        How many rows, as far as that can be told; at least 1.
    """

    entry: int
    reason: Reason
    detail: str
    original: tuple[bytes, ...]
    n_rows: int = 1


class Block(NamedTuple):
    """Accepted rows of consecutive entries.

    Parameters
    ----------
    X : ndarray of shape (n, n_features), float32
        The rows.
    y : ndarray of shape (n,), int64
        Their classes.
    entry, place : ndarray of shape (n,), int64
        Which entry each came from, and its position therein.
    """

    X: NDArray[np.float32]
    y: NDArray[np.int64]
    entry: NDArray[np.int64]
    place: NDArray[np.int64]

    @classmethod
    def of_entry(cls, entry: int, X: NDArray[np.float32], y: NDArray[np.int64], place: NDArray[np.int64]) -> Block:
        """Make the block of one entry.

        Parameters
        ----------
        entry : int
            Place of the entry.
        X, y, place : ndarray
            As in the class.

        Returns
        -------
        Block
            All rows from `entry`.
        """
        return cls(X, y, np.full(len(y), entry, dtype=np.int64), place)


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The accepted rows of some entries in stream order, and the rejects.

    Parameters
    ----------
    X, y, entry, place : ndarray
        As in `Block`.
    rejects : list of Reject
        In stream order; at most one for an entry.
    """

    X: NDArray[np.float32]
    y: NDArray[np.int64]
    entry: NDArray[np.int64]
    place: NDArray[np.int64]
    rejects: list[Reject] = field(default_factory=list)

    @classmethod
    def join(cls, blocks: Sequence[Block], rejects: list[Reject], n_features: int) -> Rows:
        """Put blocks end to end.

        Parameters
        ----------
        blocks : sequence of Block
            In stream order.
        rejects : list of Reject
            In stream order.
        n_features : int
            Width, for when there is no block.

        Returns
        -------
        Rows
            All of them.
        """
        if len(blocks) == 1:
            return cls(*blocks[0], rejects)
        if not blocks:
            empty = np.empty(0, dtype=np.int64)
            return cls(np.empty((0, n_features), dtype=np.float32), empty, empty, empty, rejects)
        X, y, entry, place = (np.concatenate(column) for column in zip(*blocks, strict=True))
        return cls(X, y, entry, place, rejects)

    def rows_per_entry(self, n_entries: int) -> NDArray[np.int64]:
        """Count the rows of each entry, accepted and rejected.

        Parameters
        ----------
        n_entries : int
            How many entries were decoded.

        Returns
        -------
        ndarray of shape (n_entries,), int64
            What batches are cut by.
        """
        counts = np.bincount(self.entry, minlength=n_entries)
        for reject in self.rejects:
            counts[reject.entry] += reject.n_rows
        return counts

    def without(self, dropped: NDArray[np.bool_], rejects: list[Reject]) -> Rows:
        """Turn accepted rows into rejects.

        Parameters
        ----------
        dropped : ndarray of shape (n,), bool
            Which rows.
        rejects : list of Reject
            Every reject, old and new, in stream order.

        Returns
        -------
        Rows
            The rest.
        """
        keep = ~dropped
        return replace(
            self, X=self.X[keep], y=self.y[keep], entry=self.entry[keep], place=self.place[keep], rejects=rejects
        )
