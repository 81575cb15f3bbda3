"""`Tally`: what is seen of a column's values, and the grid that follows."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from resampler.grids import Grid
from resampler.integers import are_wide
from resampler.kernels import grids as kernels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# Measured on turbofan, AI4I, Adult, Bank and the Fraud Handbook: docs/samplers.md.
DISTINCT = 1024  # values of a set at most
TIMES = 20  # rows a value of a set at least, in the mean
UNSEEN = 0.001  # share of values seen once at most: of as many new rows a set would miss the value (Good, Turing)
FILLED = 0.5  # share of the steps between the extremes that are values; where it is more the step says enough
COARSE = 4.0  # roundings of the greatest value a step at least: finer ones are the column's type
ACCIDENT = 40.0  # of a column that has no step, 1 in 2 to the power of this seems to have one
PILED = 0.01  # share of the values that stand at an extreme, and
PILE = 10  # how many, so that it is a bound and not the last of a tail
_PLACES = 2 * DISTINCT


class Tally:
    """What is seen of a column's values, batch by batch; their order does not matter.

    Parameters
    ----------
    single : bool
        Whether the column is of float32.
    """

    def __init__(self, *, single: bool = False) -> None:
        self._single = single
        self._extremes = np.array([np.inf, -np.inf])
        self._counts = np.zeros(9, dtype=np.int64)
        self._keys = np.zeros(_PLACES)
        self._times = np.zeros(_PLACES, dtype=np.int64)

    def add(self, values: NDArray[Any]) -> None:
        """Take values in.

        Parameters
        ----------
        values : ndarray of shape (n,), numbers
            What is not finite says nothing.
        """
        numbers = np.ascontiguousarray(values, dtype=np.float64) + 0.0  # -0 is 0
        words = numbers.view(np.uint64)
        kernels.tally(numbers, words, self._extremes, self._counts, self._keys, self._times)

    @property
    def largest(self) -> float:
        """The value furthest from 0; 0 where there is none."""
        return float(np.abs(self._extremes).max()) if self._counts[kernels.N] else 0.0

    @property
    def grid(self) -> Grid | None:
        """What the column keeps; None if nothing was found."""
        return self.grid_of(1)

    def grid_of(self, rows: int) -> Grid | None:
        """Return what the column keeps, as far as enough rows say so.

        Parameters
        ----------
        rows : int
            Rows that must hold a value or a bound for it to be told.

        Returns
        -------
        Grid or None
            None if nothing was found.
        """
        n = int(self._counts[kernels.N])
        if not n:
            return None
        low, high = self._extremes.tolist()
        step, single = self._step()
        distinct, once = int(self._counts[kernels.DISTINCT]), int(self._counts[kernels.ONCE])
        closed = distinct <= min(DISTINCT, n / TIMES) and once <= UNSEEN * n
        if closed and (step is None or distinct == 1 or distinct < FILLED * ((high - low) / step + 1)):
            held = self._keys[self._times >= rows]
            return Grid(values=tuple(np.sort(held).tolist())) if held.size else None
        if closed and rows > 1:
            held = self._keys[self._times >= rows]
            low, high = (float(held.min()), float(held.max())) if held.size else (low, high)
            closed = held.size > 0
        least = low if closed or self._piled(kernels.AT_LOW, rows) else 0.0 if low >= 0 else None
        most = high if closed or self._piled(kernels.AT_HIGH, rows) else 0.0 if high <= 0 else None
        return None if step is least is most is None else Grid(step, (), least, most, single)

    def _piled(self, count: int, rows: int) -> bool:
        return bool(self._counts[count] >= max(PILE, rows, PILED * self._counts[kernels.N]))

    def _step(self) -> tuple[float | None, bool]:
        """Return the coarser of the two steps that fit, and whether its multiples are rounded to float32."""
        found: tuple[float | None, bool] = (None, False)
        held = self._counts.tolist()
        floats = self._single or held[kernels.SINGLE_DIGITS] >= 0  # then steps of the type itself fit, too
        for digits, units, single in (
            (held[kernels.DOUBLE_DIGITS], held[kernels.DOUBLE_UNITS], False),
            (held[kernels.SINGLE_DIGITS], held[kernels.SINGLE_UNITS], True),
        ):
            if digits < 0 or units == 0 or self.largest * 10.0**digits >= 2.0**52:
                continue
            step = float(Fraction(units, 10**digits))
            rounding = np.spacing(np.float32(self.largest)) if floats and step < 1 else np.spacing(self.largest)
            rounding *= 1 if single else 2 * kernels.NEAR + 1
            coarse = step / float(rounding)
            sure = np.log2(coarse) * (held[kernels.DISTINCT] - 1) >= ACCIDENT  # one value is a multiple of itself
            if coarse >= COARSE and sure and (found[0] is None or step > found[0]):
                found = step, single
        return found


def learn(
    X: NDArray[Any], numeric: Sequence[int] | NDArray[Any] | None = None, rows: int = 1
) -> tuple[Grid | None, ...]:
    """Find the grids of columns.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Real rows.
    numeric : sequence of int, optional
        Which columns hold numbers, by default all.
    rows : int
        Rows that must hold a value or a bound for it to be told: of hardened rows those of a group.

    Returns
    -------
    tuple of Grid or None
        One a column; integers that a float64 does not hold have none, for these are made in integers.
    """
    X = np.asarray(X)
    wanted = set(range(X.shape[1]) if numeric is None else map(int, numeric))
    found: list[Grid | None] = []
    for j in range(X.shape[1]):
        tally = Tally(single=X.dtype == np.float32)
        if j in wanted and not (X.dtype.kind in "iu" and are_wide(X[:, j])):
            tally.add(X[:, j])
        found.append(tally.grid_of(rows))
    return tuple(found)
