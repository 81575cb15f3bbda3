"""How much output an input row can cause, and so how many rows an input entry may hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Self

from stream.formats import packed
from stream.formats.table import OUTPUTS

if TYPE_CHECKING:
    from resampler.schema import FeatureSchema
    from stream.formats.table import OutputFormat

_DRAW_BYTES = 128  # of what keyed a row's draw, as text
ENTRY_BYTES = 256 << 20  # of an output entry, at most, whatever its rows cause: half of what Redis takes as a value


class OutputSize(NamedTuple):
    """How many rows, and how many bytes of output, one input row can cause.

    Parameters
    ----------
    schema : FeatureSchema
        The contract.
    rows : int
        The input row itself, and what it can cause.
    draws : bool
        Whether synthetic rows say what keyed their draws.
    """

    schema: FeatureSchema
    rows: int
    draws: bool = False

    @classmethod
    def of(cls, schema: FeatureSchema, burst: int, window: int, *, draws: bool = False) -> Self:
        """Work it out from what is fixed for the life of a stream: a replay decides as the first reading did.

        Parameters
        ----------
        schema : FeatureSchema
            The contract.
        burst, window : int
            See `OnlineResampler`; no row is owed more than a window holds.
        draws : bool
            Whether synthetic rows say what keyed their draws.

        Returns
        -------
        OutputSize
            At the most.
        """
        return cls(schema, 1 + min(burst, window), draws)

    @property
    def row_bytes(self) -> int:
        """Bytes of one output row in a packed entry, by which rows are admitted whatever the output format is."""
        return packed.row_bytes(self.schema.n_features) + packed.DRAW_BYTES * self.draws

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
        draw = _DRAW_BYTES if self.draws else 0
        return self.rows * (OUTPUTS[output_format].row_bytes(self.schema) + draw)
