"""The grid of a column: the steps and bounds that its real values keep, and synthetic ones are put on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import numpy as np

from resampler.errors import InvalidInputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

Grids = Literal["auto", "off"]
GRIDS = get_args(Grids)
MIN_STEP = 1e-100  # how often it goes into a number must be a finite number itself


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
        If a number is none or not finite, the step is below 1e-100, values stand beside a step or bounds or do not
        ascend, or the bounds have no number between them.
    """

    step: float | None = None
    values: tuple[float, ...] = ()
    low: float | None = None
    high: float | None = None
    single: bool = False

    def __post_init__(self) -> None:
        values: object = self.values  # of a contract's file: anything
        if isinstance(values, str) or not isinstance(values, Iterable):
            raise InvalidInputError(f"values must be a list of numbers, got {self.values!r}")
        if not isinstance(self.single, bool):
            raise InvalidInputError(f"single must be true or false, got {self.single!r}")
        # As floats: equal grids are then equal as JSON, too, however their numbers were written.
        object.__setattr__(self, "values", tuple(_finite("values", value) for value in self.values))
        for name in ("step", "low", "high"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, _finite(name, getattr(self, name)))
        if self.step is not None and self.step < MIN_STEP:
            raise InvalidInputError(f"step must be a finite number above 0, at least {MIN_STEP:g}, got {self.step!r}")
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
        return cls(**data)


def _finite(name: str, value: object) -> float:
    """Return a number of a grid as the float that it is."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise InvalidInputError(f"{name} must be numbers, got {value!r}")
    if not np.isfinite(number := float(value)):
        raise InvalidInputError(f"{name} must be a finite number, got {value!r}")
    return number + 0.0  # -0 is 0


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
