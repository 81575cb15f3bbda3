"""The rows that the page draws, taken at even distances as the training split passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from feast_plugin.versions.profile import evenly, label_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROWS = 4_000  # of a kind; a picture gains nothing from more
KINDS = ("other classes", "minority, real", "minority, synthetic")


class Sample:
    """Rows of each of `KINDS`, the same whenever the training file is passed over.

    Parameters
    ----------
    classes : dict of str to dict
        Rows of the training split, as `SplitEntry.classes`: a class that has synthetic rows is minority.
    features : sequence of str
        Columns to take.
    label, synthetic : str
        Columns that say class and kind.
    """

    def __init__(
        self, classes: Mapping[str, Mapping[str, int]], features: Sequence[str], label: str, synthetic: str
    ) -> None:
        self.minority = frozenset(name for name, counts in classes.items() if counts["synthetic"])
        totals = [0, 0, 0]
        for name, counts in classes.items():
            totals[int(name in self.minority)] += counts["real"]
            totals[2] += counts["synthetic"]
        self.totals = tuple(totals)
        self._wanted = [evenly(total, ROWS) for total in totals]
        self._seen = [0, 0, 0]
        self._parts: list[list[pa.Table]] = [[], [], []]
        self._features, self._label, self._synthetic = list(features), label, synthetic

    def add(self, batch: pa.Table) -> None:
        """Take what is wanted of the next rows of the training file.

        Parameters
        ----------
        batch : pyarrow.Table
            In the order of the file.
        """
        labels = batch[self._label].combine_chunks().dictionary_encode()
        minor = np.array([label_name(value) in self.minority for value in labels.dictionary.to_pylist()])
        kind = np.where(batch[self._synthetic].to_numpy(), 2, minor[labels.indices.to_numpy()])
        rows = batch.select(self._features)
        for code, wanted in enumerate(self._wanted):
            here = np.flatnonzero(kind == code)
            first, last = np.searchsorted(wanted, [self._seen[code], self._seen[code] + len(here)])
            if last > first:
                self._parts[code].append(rows.take(pa.array(here[wanted[first:last] - self._seen[code]])))
            self._seen[code] += len(here)

    def rows(self) -> list[pa.Table | None]:
        """Return the rows of each kind.

        Returns
        -------
        list of pyarrow.Table or None
            Of `KINDS`; None where there is no row.
        """
        return [pa.concat_tables(parts) if parts else None for parts in self._parts]
