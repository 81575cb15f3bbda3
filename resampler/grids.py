"""The grid of a column: the steps and bounds that its real values keep, and synthetic ones are put on."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import numpy as np

from resampler.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

Grids = Literal["auto", "off"]
GRIDS = get_args(Grids)

# Measured on turbofan, AI4I, Adult, Bank and the Fraud Handbook: docs/samplers.md.
DISTINCT = 1024  # values of a set at most
TIMES = 20  # rows a value of a set at least, in the mean
UNSEEN = 0.001  # share of values seen once at most: of as many new rows a set would miss the value (Good, Turing)
FILLED = 0.5  # share of the steps between the extremes that are values; where it is more the step says enough
COARSE = 64  # units in the last place of the extremes a step at least; a finer one is rounding
PILED = 0.01  # share of the values that stand at an extreme, and
PILE = 10  # how many, so that it is a bound and not the last of a tail
_PLACES = 2 * DISTINCT


@dataclass(frozen=True, slots=True)
class Grid:
    """What numbers a column holds.

    Parameters
    ----------
    step : float, optional
        Values are its multiples, each correctly rounded: of 0.01 the float nearest to ``k / 100``.
    values : tuple of float
        In place of a step and bounds: all values, ascending.
    low, high : float, optional
        Bounds that no value passes; with a step, multiples of it.
    single : bool
        Whether values are rounded to float32.

    Raises
    ------
    InvalidInputError
        If the step is not above 0 and finite, values stand beside a step or bounds, or they do not ascend.
    """

    step: float | None = None
    values: tuple[float, ...] = ()
    low: float | None = None
    high: float | None = None
    single: bool = False

    def __post_init__(self) -> None:
        if self.step is not None and not (np.isfinite(self.step) and self.step > 0):
            raise InvalidInputError(f"step must be a finite number above 0, got {self.step!r}")
        if self.values and not self.step is self.low is self.high is None:
            raise InvalidInputError("a grid has values, or a step and bounds, got both: leave one out")
        if any(b <= a for a, b in zip(self.values, self.values[1:], strict=False)):
            raise InvalidInputError(f"values must ascend, got {self.values!r}")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise InvalidInputError(f"low must be at most high, got {self.low!r} and {self.high!r}")

    @property
    def fraction(self) -> tuple[int, int]:
        """Numerator and denominator of the step as it is written; 0 and 1 where there is none."""
        return (0, 1) if self.step is None else Fraction(repr(float(self.step))).as_integer_ratio()

    @property
    def bounds(self) -> tuple[float, float]:
        """The least and the greatest value; infinite where there is none."""
        if self.values:
            return self.values[0], self.values[-1]
        return -np.inf if self.low is None else self.low, np.inf if self.high is None else self.high

    def has(self, values: NDArray[Any]) -> NDArray[np.bool_]:
        """Say which numbers are on the grid and within the bounds.

        Parameters
        ----------
        values : ndarray
            Of any shape; NaN, a null, is on every grid.

        Returns
        -------
        ndarray of bool
            Of the same shape.
        """
        found = np.asarray(values, dtype=np.float64)
        null = np.isnan(found)
        low, high = self.bounds
        on = (found >= low) & (found <= high)
        if self.values:
            on &= np.isin(found, self.values)
        elif self.step is not None:
            numerator, denominator = self.fraction
            with np.errstate(invalid="ignore"):
                nearest = np.rint(found * denominator / numerator) * numerator / denominator
            on &= found == (nearest.astype(np.float32) if self.single else nearest)
        return on | null

    def to_dict(self) -> dict[str, Any]:
        """Return plain data.

        Returns
        -------
        dict
            The fields that say something.
        """
        fields = {"step": self.step, "values": list(self.values), "low": self.low, "high": self.high}
        return {name: value for name, value in fields.items() if value not in (None, [])} | (
            {"single": True} if self.single else {}
        )

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Grid:
        """Read plain data.

        Parameters
        ----------
        data : dict
            What `to_dict` gave.

        Returns
        -------
        Grid
            Equal to the one that was written.
        """
        return cls(**(data | {"values": tuple(data.get("values", ()))}))


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
        from resampler.kernels import grids as kernels  # contracts say what grids are, and need no compiler

        numbers = np.ascontiguousarray(values, dtype=np.float64) + 0.0  # -0 is 0
        words = numbers.view(np.uint64)
        kernels.tally(numbers, words, self._extremes, self._counts, self._keys, self._times)

    @property
    def largest(self) -> float:
        """The value furthest from 0; 0 where there is none."""
        from resampler.kernels import grids as kernels

        return float(np.abs(self._extremes).max()) if self._counts[kernels.N] else 0.0

    @property
    def grid(self) -> Grid | None:
        """What the column keeps; None if nothing was found."""
        from resampler.kernels import grids as kernels

        n = int(self._counts[kernels.N])
        if not n:
            return None
        low, high = self._extremes.tolist()
        step, single = self._step(self.largest)
        distinct, once = int(self._counts[kernels.DISTINCT]), int(self._counts[kernels.ONCE])
        closed = distinct <= min(DISTINCT, n / TIMES) and once <= UNSEEN * n
        if closed and (step is None or distinct == 1 or distinct < FILLED * ((high - low) / step + 1)):
            return Grid(values=tuple(np.sort(self._keys[self._times > 0]).tolist()))
        least = low if closed or self._piled(kernels.AT_LOW) else 0.0 if low >= 0 else None
        most = high if closed or self._piled(kernels.AT_HIGH) else 0.0 if high <= 0 else None
        return None if step is least is most is None else Grid(step, (), least, most, single)

    def _piled(self, count: int) -> bool:
        from resampler.kernels import grids as kernels

        return bool(self._counts[count] >= max(PILE, PILED * self._counts[kernels.N]))

    def _step(self, largest: float) -> tuple[float | None, bool]:
        """Return the step, and whether its multiples are rounded to float32."""
        from resampler.kernels import grids as kernels

        for digits, units, single in (
            (kernels.DOUBLE_DIGITS, kernels.DOUBLE_UNITS, False),
            (kernels.SINGLE_DIGITS, kernels.SINGLE_UNITS, True),
        ):
            d, unit = int(self._counts[digits]), int(self._counts[units])
            if d < 0 or unit == 0 or largest * 10.0**d >= 2.0**52:
                continue
            step = float(Fraction(unit, 10**d))
            precision = 2.0**-23 if single or self._single else 2.0**-52
            if step >= COARSE * precision * largest:
                return step, single
        return None, False


def learn(X: NDArray[Any], numeric: Sequence[int] | NDArray[Any] | None = None) -> tuple[Grid | None, ...]:
    """Find the grids of columns.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Real rows.
    numeric : sequence of int, optional
        Which columns hold numbers, by default all.

    Returns
    -------
    tuple of Grid or None
        One a column.
    """
    X = np.asarray(X)
    wanted = set(range(X.shape[1]) if numeric is None else map(int, numeric))
    found: list[Grid | None] = []
    for j in range(X.shape[1]):
        tally = Tally(single=X.dtype == np.float32)
        if j in wanted:
            tally.add(X[:, j])
        found.append(tally.grid)
    return tuple(found)


class Packed(NamedTuple):
    """Grids as kernels read them: of the columns that have one.

    Parameters
    ----------
    column : ndarray of shape (n,), int64
        Which columns.
    step : ndarray of shape (n, 2), float64
        Numerator and denominator, 0 and 1 for no step.
    single : ndarray of shape (n,), bool
        Whether values are rounded to float32.
    bounds : ndarray of shape (n, 2), float64
        The least and the greatest value; infinite for none.
    start : ndarray of shape (n + 1,), int64
        Where in `values` those of each column begin.
    values : ndarray of float64
        The values of columns that have a set.
    """

    column: NDArray[np.int64]
    step: NDArray[np.float64]
    single: NDArray[np.bool_]
    bounds: NDArray[np.float64]
    start: NDArray[np.int64]
    values: NDArray[np.float64]


def pack(grids: Iterable[Grid | None]) -> Packed:
    """Lay grids out for kernels.

    Parameters
    ----------
    grids : iterable of Grid or None
        One a column.

    Returns
    -------
    Packed
        Without the columns that have none.
    """
    kept = [(j, grid) for j, grid in enumerate(grids) if grid is not None]
    held = [grid for _, grid in kept]
    return Packed(
        np.array([j for j, _ in kept], dtype=np.int64),
        np.array([grid.fraction for grid in held], dtype=np.float64).reshape(-1, 2),
        np.array([grid.single for grid in held], dtype=np.bool_),
        np.array([grid.bounds for grid in held], dtype=np.float64).reshape(-1, 2),
        np.cumsum([0, *(len(grid.values) for grid in held)], dtype=np.int64),
        np.array([value for grid in held for value in grid.values], dtype=np.float64),
    )
