"""How large an output entry, a commit and a part of a snapshot may become, and what the server takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Self

from resampler.errors import ResamplerError
from stream.codec import OutputFormat

if TYPE_CHECKING:
    from collections.abc import Sequence

    import redis

    from stream.commit import Commit
    from stream.keys import ShardKeys
    from stream.settings import Settings

# Redis refuses values above `proto-max-bulk-len` (512 MB) and requests above `client-query-buffer-limit` (1 GB).
ENTRY_BYTES = 256 << 20  # of an output entry, at most, whatever its rows cause
COMMIT_BYTES = 256 << 20  # of all outputs and dead letters of a commit, where that is in our hands
PART_BYTES = 64 << 20  # of one part of a snapshot
_BULK_BYTES, _QUERY_BYTES = 512 << 20, 1 << 30
_PACKED_ROW_BYTES = 4 * 8 + 4 + 1  # ids and label, step, whether it is synthetic: beside the features
_TEXT_VALUE_BYTES = 32  # a number and its frame in a request
_TEXT_ROW_BYTES = 512  # ids, label, step and their names


def rows_per_row(settings: Settings) -> int:
    """Return how many rows one input row can come out as.

    Parameters
    ----------
    settings : Settings
        Of the worker.

    Returns
    -------
    int
        Itself and what it can cause; no row is owed more than a window holds.
    """
    return 1 + min(settings.burst, settings.window)


def packed_row_bytes(settings: Settings) -> int:
    """Return how many bytes one output row takes in a packed entry.

    Parameters
    ----------
    settings : Settings
        Of the worker.

    Returns
    -------
    int
        An Arrow entry takes as much, but for its head.
    """
    return 4 * settings.schema.n_features + _PACKED_ROW_BYTES


def entry_rows(settings: Settings) -> int:
    """Return how many rows an input entry may hold, so that what they can become fits `ENTRY_BYTES`.

    Parameters
    ----------
    settings : Settings
        Only what is fixed for the life of a stream counts: a replay decides as the first reading did.

    Returns
    -------
    int
        0 if not even one row fits.
    """
    return ENTRY_BYTES // (rows_per_row(settings) * packed_row_bytes(settings))


def bytes_behind_row(settings: Settings) -> int:
    """Return how many bytes of output one input row can cause.

    Parameters
    ----------
    settings : Settings
        Of the worker.

    Returns
    -------
    int
        In the output format of the worker.
    """
    row_bytes = packed_row_bytes(settings)
    if settings.output_format is OutputFormat.TEXT:
        names = sum(len(name.encode()) for name in settings.schema.names)
        row_bytes = names + _TEXT_VALUE_BYTES * settings.schema.n_features + _TEXT_ROW_BYTES
    return rows_per_row(settings) * row_bytes


class ServerLimits(NamedTuple):
    """What the server takes.

    Parameters
    ----------
    bulk_bytes : int
        Of one value (`proto-max-bulk-len`).
    query_bytes : int
        Of one request (`client-query-buffer-limit`).
    """

    bulk_bytes: int = _BULK_BYTES
    query_bytes: int = _QUERY_BYTES

    @classmethod
    def read(cls, client: redis.Redis) -> Self:
        """Ask the server.

        Parameters
        ----------
        client : redis.Redis
            Connection to it.

        Returns
        -------
        ServerLimits
            The defaults where the server does not say.
        """
        import redis

        values = []
        for name, default in (("proto-max-bulk-len", _BULK_BYTES), ("client-query-buffer-limit", _QUERY_BYTES)):
            try:
                found = client.config_get(name)
            except (redis.ResponseError, redis.exceptions.NoPermissionError):  # CONFIG is not for everybody
                found = {}
            values.append(int(found.get(name) or default))
        return cls(*values)

    def require(self, arguments: Sequence[bytes | str | int], commit: Commit, keys: ShardKeys) -> None:
        """Refuse to send what the server would answer by breaking the connection.

        Parameters
        ----------
        arguments : sequence of bytes, str or int
            All of the request.
        commit : Commit
            What they were made from, for the message.
        keys : ShardKeys
            The shard, for the message.

        Raises
        ------
        ResamplerError
            If a value, or all of them together, are too large.
        """
        sizes = [len(argument) for argument in arguments if not isinstance(argument, int)]
        for found, limit, option in (
            (max(sizes), self.bulk_bytes, "proto-max-bulk-len"),
            (sum(sizes), self.query_bytes, "client-query-buffer-limit"),
        ):
            if found > limit:
                raise ResamplerError(
                    f"the commit of {keys.input!r} from {commit.start} to {commit.stop} holds "
                    f"{'a value' if option.startswith('proto') else 'values'} of {found} bytes, and the server takes "
                    f"{limit}: raise {option} on the server (CONFIG SET), or lower --batch-rows or the rows of an "
                    "input entry; nothing was written"
                )
