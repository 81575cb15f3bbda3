"""Every Redis key that the stream uses, in one place."""

from __future__ import annotations

from dataclasses import dataclass

from resampler.errors import InvalidInputError


@dataclass(frozen=True, slots=True)
class ShardKeys:
    """The keys of one shard, all in one hash slot so that one script may touch them together.

    Parameters
    ----------
    input : str
        The input stream, written by producers.

    Examples
    --------
    >>> ShardKeys("fraud").output
    '{fraud}:out'
    >>> [keys.output for keys in shard_keys("fraud", 2)]
    ['{fraud.0}:out', '{fraud.1}:out']
    """

    input: str

    def _beside(self, name: str) -> str:
        # A name that carries a hash tag of its own keeps it: `{{a}b}` would hash to another slot than `{a}b`.
        return f"{self.input if _has_hash_tag(self.input) else f'{{{self.input}}}'}:{name}"

    @property
    def output(self) -> str:
        """Stream of micro-batches."""
        return self._beside("out")

    @property
    def dead(self) -> str:
        """Stream of input entries that broke the contract."""
        return self._beside("dead")

    @property
    def checkpoint(self) -> str:
        """Hash: cursor, holder, counters and settings."""
        return self._beside("checkpoint")

    @property
    def snapshot(self) -> str:
        """Hash: the resampler's state and the cursor it belongs to."""
        return self._beside("snapshot")

    @property
    def lease(self) -> str:
        """String with an expiry: the worker that owns the shard."""
        return self._beside("lease")

    @property
    def forget(self) -> str:
        """Set of row ids whose removal was asked for and not yet done."""
        return self._beside("forget")

    @property
    def forgotten(self) -> str:
        """List of ``cursor row_id row_id ...``: what was forgotten, at which cursor, in order."""
        return self._beside("forgotten")

    @property
    def staged(self) -> str:
        """Hash: parts of a saved state that is too large for one commit, until that commit takes them over."""
        return self._beside("staged")

    @property
    def feeds(self) -> str:
        """Hash: consumer name to the place that it has committed."""
        return self._beside("feeds")

    @property
    def drift(self) -> str:
        """Hash: counts of the input against a version, the newest windows."""
        return self._beside("drift")

    @property
    def pause(self) -> str:
        """String that is there while a pause is asked for: when and why, as JSON."""
        return self._beside("pause")

    @property
    def feedback(self) -> str:
        """String that a trainer writes: the recall of its model, when and of which, as JSON."""
        return self._beside("feedback")

    @property
    def types(self) -> dict[str, str]:
        """Keys of the shard in the order in which the commit script takes them, and the type that each must be of."""
        return {
            self.checkpoint: "hash",
            self.lease: "string",
            self.output: "stream",
            self.dead: "stream",
            self.snapshot: "hash",
            self.input: "stream",
            self.forget: "set",
            self.forgotten: "list",
            self.staged: "hash",
            self.feeds: "hash",
            self.drift: "hash",
        }


def _has_hash_tag(name: str) -> bool:
    start = name.find("{")
    return start >= 0 and name.find("}", start + 1) > start + 1


def shard_keys(stream: str, shards: int = 1) -> tuple[ShardKeys, ...]:
    """Name the keys of every shard of a stream.

    Parameters
    ----------
    stream : str
        Name of the stream, non-empty.
    shards : int
        1: the input is `stream` itself. More: ``stream.0 ... stream.N-1``.

    Returns
    -------
    tuple of ShardKeys
        One for each shard, in order.

    Raises
    ------
    InvalidInputError
        If the name is empty or `shards` below 1.

    Examples
    --------
    >>> [keys.input for keys in shard_keys("fraud", 2)]
    ['fraud.0', 'fraud.1']
    """
    if not stream:
        raise InvalidInputError("stream name must not be empty: pass --stream NAME")
    if shards < 1:
        raise InvalidInputError(f"shards must be at least 1, got {shards}")
    if shards == 1:
        return (ShardKeys(stream),)
    return tuple(ShardKeys(f"{stream}.{shard}") for shard in range(shards))


def workers_key(stream: str) -> str:
    """Name the sorted set in which the workers of a stream report that they are alive.

    Parameters
    ----------
    stream : str
        Name of the stream.

    Returns
    -------
    str
        A key in a slot of its own: it is never part of a commit.
    """
    return f"{stream}:workers"


def maintenance_key(stream: str) -> str:
    """Name the string that holds the stream's window of maintenance, with an expiry.

    Parameters
    ----------
    stream : str
        Name of the stream.

    Returns
    -------
    str
        A key in the slot of `workers_key`, where workers look for it when they report.
    """
    beside = workers_key(stream)
    return f"{beside if _has_hash_tag(beside) else f'{{{beside}}}'}:maintenance"


def shards_key(stream: str) -> str:
    """Name the string that holds the stream's number of shards.

    Parameters
    ----------
    stream : str
        Name of the stream.

    Returns
    -------
    str
        A key in a slot of its own, written once by the stream's first worker.
    """
    return f"{stream}:shards"
