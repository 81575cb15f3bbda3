"""How large a commit and a part of a saved state may become, and what the server takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Self

from resampler.errors import ResamplerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import redis

# Redis refuses values above `proto-max-bulk-len` (512 MB) and requests above `client-query-buffer-limit` (1 GB).
COMMIT_BYTES = 256 << 20  # of all outputs and dead letters of a commit, where that is in our hands
PART_BYTES = 64 << 20  # of one part of a saved state
_BULK_BYTES, _QUERY_BYTES = 512 << 20, 1 << 30


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

    def require(self, arguments: Sequence[bytes | str | int], what: str) -> None:
        """Refuse to send what the server would answer by breaking the connection.

        Parameters
        ----------
        arguments : sequence of bytes, str or int
            All of the request.
        what : str
            What it is, for the message.

        Raises
        ------
        ResamplerError
            If a value, or all of them together, are too large.
        """
        sizes = [len(argument) for argument in arguments if not isinstance(argument, int)]
        for holds, found, limit, option in (
            ("a value", max(sizes), self.bulk_bytes, "proto-max-bulk-len"),
            ("values", sum(sizes), self.query_bytes, "client-query-buffer-limit"),
        ):
            if found > limit:
                raise ResamplerError(
                    f"{what} holds {holds} of {found} bytes, and the server takes {limit}: raise {option} on the "
                    "server (CONFIG SET), or lower --batch-rows or the rows of an input entry; nothing was written"
                )
