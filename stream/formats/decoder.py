"""`Decoder`: entries of any input format to checked rows."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from stream.formats.columns import join_words
from stream.formats.decoded import Collector
from stream.formats.table import INPUTS, InputFormat
from stream.kernels.packed import classify

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from resampler.schema import FeatureSchema
    from stream.formats.decoded import Decoded
    from stream.formats.input import Input
    from stream.redis.entries import Entries

(_UNNAMED,) = (kind for kind, made in INPUTS.items() if not made.field)  # whose columns are the entry's fields


class Decoder:
    """Decode entries and check every row against the contract.

    Parameters
    ----------
    schema : FeatureSchema
        The contract.
    input_format : InputFormat
        One format for all entries, or ``auto``. A column named like a format's field keeps ``auto`` from taking text
        rows for that format.

    Notes
    -----
    Formats of one row an entry pass through kernels that take what is certain; every other entry is decoded by itself,
    which is slower and knows why.
    """

    def __init__(self, schema: FeatureSchema, input_format: InputFormat = InputFormat.AUTO) -> None:
        self.schema = schema
        self.input_format = input_format
        self._inputs: dict[InputFormat, Input] = {}
        taken = {name.encode() for name in (*schema.names, schema.label.name)}
        self._named = [kind for kind, made in INPUTS.items() if made.field and made.field not in taken]
        self._field_names = join_words(INPUTS[kind].field for kind in self._named)

    def format_of(self, items: Sequence[bytes]) -> InputFormat:
        """Return the format in which one entry is read, as `decode` finds it.

        Parameters
        ----------
        items : sequence of bytes
            The entry's names and values in turn.

        Returns
        -------
        InputFormat
            Never ``auto``.
        """
        if self.input_format is not InputFormat.AUTO:
            return self.input_format
        fields = {INPUTS[kind].field: kind for kind in self._named}
        named = [fields[name] for name in items[:4:2] if name in fields]
        return named[-1] if named else _UNNAMED

    def decode(self, entries: Entries) -> Decoded:
        """Decode entries.

        Parameters
        ----------
        entries : Entries
            In stream order.

        Returns
        -------
        Decoded
            Accepted rows in stream order, and the rejects.
        """
        found = Collector(entries, self.schema.n_features)
        for kind, low, high in self._runs(entries):
            self._input(kind).decode(entries, low, high, found)
        return found.finish()

    def _input(self, kind: InputFormat) -> Input:
        if kind not in self._inputs:
            self._inputs[kind] = INPUTS[kind](self.schema)
        return self._inputs[kind]

    def _runs(self, entries: Entries) -> Iterator[tuple[InputFormat, int, int]]:
        """Part the entries into runs of one format."""
        n = len(entries)
        if self.input_format is not InputFormat.AUTO:
            yield self.input_format, 0, n
            return
        kinds = np.empty(n, dtype=np.int64)
        classify(entries.buffer, entries.first, entries.spans, *self._field_names, kinds)
        bounds = [0, *(np.flatnonzero(np.diff(kinds)) + 1).tolist(), n] if n else []
        for low, high in pairwise(bounds):
            kind = kinds[low]
            yield (_UNNAMED if kind < 0 else self._named[kind]), low, high
