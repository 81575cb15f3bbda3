"""What is wrong with rows that break the contract: the reasons, and the rejects that become dead letters."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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


Faults = dict[int, tuple[Reason, str]]  # by row: its first fault, in words


class RejectError(Exception):
    """Raise inside a format for what cannot become a row; never leaves the decoder.

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
        How many rows, as far as that is known; at least 1.
    """

    entry: int
    reason: Reason
    detail: str
    original: tuple[bytes, ...]
    n_rows: int = 1
