"""How large an output entry, a commit and a part of a snapshot may become, and what the server takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Self

from resampler.errors import ResamplerError
from stream.formats import OutputFormat

if TYPE_CHECKING:
    from collections.abc import Sequence

    import redis

    from resampler.schema import FeatureSchema

# Redis refuses values above `proto-max-bulk-len` (512 MB) and requests above `client-query-buffer-limit` (1 GB).
ENTRY_BYTES = 256 << 20  # of an output entry, at most, whatever its rows cause
COMMIT_BYTES = 256 << 20  # of all outputs and dead letters of a commit, where that is in our hands
PART_BYTES = 64 << 20  # of one part of a snapshot
_BULK_BYTES, _QUERY_BYTES = 512 << 20, 1 << 30
_PACKED_ROW_BYTES = 4 * 8 + 4 + 1  # ids and label, step, whether it is synthetic: beside the features
_TEXT_VALUE_BYTES = 32  # a number and its frame in a request
_TEXT_ROW_BYTES = 512  # ids, label, step and their names


class OutputSize(NamedTuple):
    """How many rows, and how many bytes of output, one input row can cause.

    Parameters
    ----------
    n_features : int
        Columns of a row, without the label.
    names_bytes : int
        Of all their names.
    rows : int
        The input row itself, and what it can cause.
    """

    n_features: int
    names_bytes: int
    rows: int

    @classmethod
    def of(cls, schema: FeatureSchema, burst: int, window: int) -> Self:
        """Work it out from what is fixed for the life of a stream: a replay decides as the first reading did.

        Parameters
        ----------
        schema : FeatureSchema
            The contract.
        burst, window : int
            As of `OnlineResampler`; no row is owed more than a window holds.

        Returns
        -------
        OutputSize
            At the most.
        """
        return cls(schema.n_features, sum(len(name.encode()) for name in schema.names), 1 + min(burst, window))

    @property
    def row_bytes(self) -> int:
        """Bytes of one output row in a packed entry; an Arrow entry takes as much, but for its head."""
        return 4 * self.n_features + _PACKED_ROW_BYTES

    @property
    def entry_rows(self) -> int:
        """Rows that an input entry may hold, so that what they can become fits `ENTRY_BYTES`; 0 if not even one."""
        return ENTRY_BYTES // (self.rows * self.row_bytes)

    def bytes_behind_row(self, output_format: OutputFormat) -> int:
        """Return how many bytes of a commit one input row can cause.

        Parameters
        ----------
        output_format : OutputFormat
            As text a row takes its names with it.

        Returns
        -------
        int
            At the most.
        """
        if output_format is OutputFormat.TEXT:
            return self.rows * (self.names_bytes + _TEXT_VALUE_BYTES * self.n_features + _TEXT_ROW_BYTES)
        return self.rows * self.row_bytes


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
