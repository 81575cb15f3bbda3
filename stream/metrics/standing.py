"""`Standing`: how a shard stands to the learner whose recall its quotas are to follow."""

from __future__ import annotations

from enum import StrEnum


class Standing(StrEnum):
    """What became of the last report; the label of a metric, so the set is closed."""

    FOLLOWED = "followed"
    NONE = "none"  # nothing was reported yet
    STALE = "stale"  # older than --feedback allows
    AHEAD = "ahead"  # of the server's clock by as much
    REFUSED = "refused"  # it is no recall of the stream's classes
