"""`Refusal`: why a server did not take a commit."""

from __future__ import annotations

from enum import StrEnum


class Refusal(StrEnum):
    """Why a commit, or an attempt to take a shard, was refused; the label of a metric, so the set is closed."""

    MOVED = "moved"  # another worker owns the shard, or the server stands at another cursor
    GAP = "gap"  # input was lost unread, or output that no feed has read
    FULL = "full"  # no memory left
    DISK = "disk"  # the server could not save its data
    READONLY = "readonly"
    TYPE = "type"  # a key holds something of another type
    OTHER = "other"
