"""The rows that the page draws, taken at even distances as the training split passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from resampler.profile.values import evenly, label_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

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
        self.label, self._synthetic, self._columns = label, synthetic, [*features, label]

    def add(self, batch: pa.Table) -> None:
        """Take what is wanted of the next rows of the training file.

        Parameters
        ----------
        batch : pyarrow.Table
            In the order of the file.
        """
        labels = batch[self.label].combine_chunks().dictionary_encode()
        minor = np.array([label_name(value) in self.minority for value in labels.dictionary.to_pylist()])
        kind = np.where(batch[self._synthetic].to_numpy(), 2, minor[labels.indices.to_numpy()])
        rows = batch.select(self._columns)
        for code, wanted in enumerate(self._wanted):
            here = np.flatnonzero(kind == code)
            first, last = np.searchsorted(wanted, [self._seen[code], self._seen[code] + len(here)])
            if last > first:
                self._parts[code].append(rows.take(pa.array(here[wanted[first:last] - self._seen[code]])))
            self._seen[code] += len(here)

    def rows(self) -> list[pa.Table | None]:
        """Return the rows of each kind, features and label.

        Returns
        -------
        list of pyarrow.Table or None
            Of `KINDS`; None where there is no row.
        """
        return [pa.concat_tables(parts) if parts else None for parts in self._parts]


def weights_of(real: pa.ChunkedArray, made: pa.ChunkedArray) -> NDArray[np.float64]:
    """Weigh real rows so that each class has the weight that it has among synthetic rows.

    Where several classes got synthetic rows, their mix differs from the real one, and says nothing of how alike rows
    of one class are.

    Parameters
    ----------
    real, made : pyarrow.ChunkedArray
        Classes of the real and the synthetic rows.

    Returns
    -------
    ndarray of shape (n_real,), float64
        1 on average; all 1 where there is one class.
    """
    codes = np.unique(
        np.concatenate([np.asarray(real).astype(str), np.asarray(made).astype(str)]), return_inverse=True
    )[1]
    old, new = codes[: len(real)], codes[len(real) :]
    shares = [np.bincount(part, minlength=codes.max() + 1) / len(part) for part in (new, old)]
    return np.divide(shares[0], shares[1], out=np.zeros_like(shares[0]), where=shares[1] > 0)[old]
