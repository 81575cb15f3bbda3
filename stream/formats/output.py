"""The base class of output formats."""

from __future__ import annotations

from abc import ABC, abstractmethod
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

from resampler.errors import InvalidInputError
from resampler.provenance import DRAW_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from resampler.provenance import MicroBatch
    from resampler.schema import FeatureSchema


def has_draws(found: Iterable[str], schema: FeatureSchema) -> bool:
    """Say whether rows come with what keyed their draws.

    Parameters
    ----------
    found : iterable of str
        Names of the columns of an entry.
    schema : FeatureSchema
        The contract; a column of its own is not taken for it.

    Returns
    -------
    bool
        Whether `DRAW_COLUMNS` are all there.
    """
    return {*DRAW_COLUMNS} <= {*found} - {*schema.names, schema.label.name}


class Output(ABC):
    """Write micro-batches as entries of one format, and read them back.

    Attributes
    ----------
    field : bytes
        The field that holds the rows; empty where each column is a field.
    reserved : frozenset of str
        What no column of the contract may be called, as the output has a column of that name.
    row_an_entry : bool
        Whether an entry holds one row, and so stands under an ID of its own.
    """

    field: ClassVar[bytes] = b""
    reserved: ClassVar[frozenset[str]] = frozenset()
    row_an_entry: ClassVar[bool] = False

    def check(self, schema: FeatureSchema, *, draws: bool = False) -> None:
        """Refuse a contract that the format has no room for.

        Parameters
        ----------
        schema : FeatureSchema
            The contract.
        draws : bool
            Whether rows say what keyed their draws.

        Raises
        ------
        InvalidInputError
            If a column is called like one of the output, or a limit of the format is passed.
        """
        reserved = self.reserved | {*DRAW_COLUMNS} if draws else self.reserved  # of a table of them, too
        if taken := reserved & {*schema.names, schema.label.name}:
            raise InvalidInputError(
                f"column {min(taken)!r} is a column of the output too: rename it, or write packed batches"
            )

    def owns(self, entry: Mapping[bytes, bytes]) -> bool:
        """Say whether an entry is of this format.

        Parameters
        ----------
        entry : mapping of bytes to bytes
            An output entry, with the schema id.

        Returns
        -------
        bool
            Whether it holds the format's field, and no other.
        """
        return self.field in entry and len(entry) == 2

    @abstractmethod
    def row_bytes(self, schema: FeatureSchema) -> int:
        """Return how many bytes of a commit one row takes.

        Parameters
        ----------
        schema : FeatureSchema
            The contract.

        Returns
        -------
        int
            At the most, but for what an entry takes of itself.
        """

    @abstractmethod
    def encode(self, batch: MicroBatch, schema: FeatureSchema, start: int, stop: int) -> list[bytes]:
        """Make the fields of one entry, behind the schema id.

        Parameters
        ----------
        batch : MicroBatch
            Holds the rows.
        schema : FeatureSchema
            The contract.
        start, stop : int
            Which rows; exactly one where `row_an_entry`.

        Returns
        -------
        list of bytes
            Name, value, name, value, ...
        """

    def encode_parts(self, batch: MicroBatch, schema: FeatureSchema, bounds: Sequence[int]) -> list[list[bytes]]:
        """Make the fields of consecutive entries: `encode`, where a format may share work among them.

        Parameters
        ----------
        batch, schema
            See `encode`.
        bounds : sequence of int
            Entry i holds rows ``bounds[i]`` to ``bounds[i + 1] - 1``.

        Returns
        -------
        list of list of bytes
            What `encode` makes of each.
        """
        return [self.encode(batch, schema, start, stop) for start, stop in pairwise(bounds)]

    @abstractmethod
    def decode(self, entry: Mapping[bytes, bytes], schema: FeatureSchema) -> MicroBatch:
        """Read one entry.

        Parameters
        ----------
        entry : mapping of bytes to bytes
            What `encode` made.
        schema : FeatureSchema
            The contract.

        Returns
        -------
        MicroBatch
            Its rows.

        Raises
        ------
        KeyError, ValueError, CorruptStateError
            If it is damaged.
        """
