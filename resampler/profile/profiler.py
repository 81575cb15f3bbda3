"""`Profiler`: counts rows as they pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from resampler.profile.cells import FORMAT
from resampler.profile.counts import Counts, Part
from resampler.profile.profile import Profile
from resampler.profile.values import label_name, numbers_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa
    from numpy.typing import NDArray

    from resampler.profile.cells import Cells


class Profiler:
    """Counts rows as they pass, in the batches of their files, so that sums are the same bits however often.

    Parameters
    ----------
    cells : dict of str to Cells
        Where each feature is counted.
    label, synthetic : str
        Columns that say class and kind.
    form : int
        Format of the profile.
    """

    def __init__(self, cells: Mapping[str, Cells], label: str, synthetic: str, form: int = FORMAT) -> None:
        self._cells = dict(cells)
        self._form = form
        self._label, self._synthetic = label, synthetic
        self._sums: dict[tuple[str, bool, str], dict[str, _Sums]] = {}
        self._rows: dict[tuple[str, bool, str], int] = {}

    def add(self, split: str, batch: pa.Table) -> None:
        """Count the next rows.

        Parameters
        ----------
        split : str
            That they are of.
        batch : pyarrow.Table
            One row group of the split's file.
        """
        labels = batch[self._label].combine_chunks().dictionary_encode()
        kinds = batch[self._synthetic].to_numpy().astype(np.intp)
        group = labels.indices.to_numpy().astype(np.intp) * 2 + kinds
        order = np.argsort(group, kind="stable")
        present, starts = np.unique(group[order], return_index=True)
        names = [label_name(value) for value in labels.dictionary.to_pylist()]
        keys = [(split, bool(code % 2), names[code // 2]) for code in present.tolist()]
        place = np.searchsorted(present, group)
        for key, rows in zip(keys, np.diff([*starts, len(group)]).tolist(), strict=True):
            self._rows[key] = self._rows.get(key, 0) + rows
        for name, cells in self._cells.items():
            column = batch[name]
            numbers = None if cells.categorical else numbers_of(column)
            found = cells.count(column, place, len(keys), numbers=numbers)
            moments = None if numbers is None else _moments(numbers[order], starts, _origin(cells))
            for at, key in enumerate(keys):
                sums = self._sums.setdefault(key, {}).setdefault(name, _Sums(cells.n + 1))
                sums.counts += found[at]
                if moments is not None:
                    sums.add(*(float(part[at]) for part in moments))

    def profile(self) -> Profile:
        """Return what was counted.

        Returns
        -------
        Profile
            Of all rows so far.
        """
        parts = [
            Part(*key, self._rows[key], {name: sums.closed(self._cells[name]) for name, sums in of.items()})
            for key, of in self._sums.items()
        ]
        return Profile(self._cells, tuple(sorted(parts, key=lambda part: part.key)), self._form)


class _Sums:
    """Of one feature in one part, counted from its origin in its unit."""

    def __init__(self, size: int) -> None:
        self.counts = np.zeros(size, dtype=np.int64)
        self.n, self.total, self.squares = 0.0, 0.0, 0.0
        self.low, self.high = np.inf, -np.inf

    def add(self, n: float, total: float, squares: float, low: float, high: float) -> None:
        self.n, self.total, self.squares = self.n + n, self.total + total, self.squares + squares
        self.low, self.high = min(self.low, low), max(self.high, high)

    def closed(self, cells: Cells) -> Counts:
        counts = tuple(self.counts.tolist())
        if cells.categorical or not self.n:
            return Counts(counts)
        origin, exponent = _origin(cells)
        shift = self.total / self.n
        try:
            spread = np.sqrt(max(self.squares / self.n - shift**2, 0.0))
        except OverflowError:  # far from where the cells are
            spread = np.inf
        mean, deviation = (
            float(v) if np.isfinite(v) else None
            for v in (origin + np.ldexp(shift, exponent), np.ldexp(spread, exponent))
        )
        return Counts(counts, mean, deviation, self.low, self.high)


def _origin(cells: Cells) -> tuple[float, int]:
    """Return what a feature's values are counted from, and the power of two that they are counted in."""
    if not cells.edges:
        return 0.0, 0
    middle = cells.edges[len(cells.edges) // 2]
    exponent = int(np.frexp(max(abs(cells.edges[0]), abs(cells.edges[-1])))[1])
    return middle, max(exponent, -1000)  # the unit's inverse must be finite


def _moments(
    numbers: NDArray[np.float64], starts: NDArray[np.intp], scale: tuple[float, int]
) -> tuple[NDArray[np.float64], ...]:
    """Sum up finite numbers from each start to the next: how many, sum, sum of squares, least, greatest."""
    origin, exponent = scale
    finite = np.isfinite(numbers)
    whole = finite.all()
    with np.errstate(
        over="ignore", invalid="ignore"
    ):  # beyond what a double holds there is no mean, and none is written
        unit = np.ldexp(1.0, -exponent)
        offsets = (numbers if whole else np.where(finite, numbers, origin)) * unit - origin * unit
        squares = np.add.reduceat(offsets * offsets, starts)
    return (
        np.add.reduceat(finite.astype(np.float64), starts),
        np.add.reduceat(offsets, starts),
        squares,
        np.minimum.reduceat(numbers if whole else np.where(finite, numbers, np.inf), starts),
        np.maximum.reduceat(numbers if whole else np.where(finite, numbers, -np.inf), starts),
    )
