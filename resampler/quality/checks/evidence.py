"""`Evidence`: the rows that checks look at, and what is known of all the others."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from resampler.quality.checks.sample import content_ids
from resampler.quality.checks.space import Space

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

ROWS = 20_000  # real rows of a class that are looked at, of few columns
MADE_ROWS = 100_000  # synthetic rows
NEAR_ROWS = 4_000  # rows of a class that neighbours are sought among
_CELLS = 4_000_000  # 32 MB: of many columns fewer rows are looked at


def most(rows: int, columns: int) -> int:
    """Say how many rows are looked at.

    Parameters
    ----------
    rows : int
        Of few columns.
    columns : int
        How many there are.

    Returns
    -------
    int
        Of many columns fewer, but 1,000.
    """
    return min(rows, max(1_000, _CELLS // max(columns, 1)))


class OfClass(NamedTuple):
    """What is known of a class beside the rows that are looked at.

    Parameters
    ----------
    name : str
        What findings call it.
    rows : int
        Real rows, all of them.
    usable : int
        Those whose values let them be parents.
    parents : int
        Those that are bases, where the class gets as many rows; `usable` where it gets fewer.
    wanted : int
        Synthetic rows that are made of it.
    """

    name: str
    rows: int
    usable: int
    parents: int
    wanted: int


class Made(NamedTuple):
    """Synthetic rows.

    Parameters
    ----------
    X : ndarray of shape (n_synthetic, n_features), float64
        The rows, or an even share of them.
    y : ndarray of shape (n_synthetic,)
        Their classes.
    base : ndarray of shape (n_synthetic,), int64, or None
        Identity of the row, or of the group of rows, that each starts from, where that is known.
    """

    X: NDArray[np.float64]
    y: NDArray[np.int64]
    base: NDArray[np.int64] | None


@dataclass(frozen=True)
class Evidence:
    """Rows, up to `ROWS` of each class, in the order of a draw that is keyed on their identities.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features), float64
        Real rows: NaN is a null, a category its code.
    y : ndarray of shape (n_rows,), int64
        Class of each, as a code.
    ids : ndarray of shape (n_rows,), int64
        Identities.
    names : tuple of str
        Of the columns.
    categorical : ndarray of shape (n_features,), bool
        Which columns hold codes.
    units : ndarray of shape (n_features,), float64
        A difference of a column's unit counts as 1 in a distance.
    classes : dict of int to OfClass
        All of them.
    order : ndarray of shape (n_rows,), int64, or None
        When each row happened, or where it stood.
    made : Made, optional
        Synthetic rows, once there are some.
    method : str
        How they are made.
    figures : dict of str to dict
        What checks measured that readers ask for even where no rule is broken: by check, then by class.
    """

    X: NDArray[np.float64]
    y: NDArray[np.int64]
    ids: NDArray[np.int64]
    names: tuple[str, ...]
    categorical: NDArray[np.bool_]
    units: NDArray[np.float64]
    classes: Mapping[int, OfClass]
    order: NDArray[np.int64] | None = None
    made: Made | None = None
    method: str = "smote"
    figures: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict, compare=False, repr=False)

    @property
    def minorities(self) -> list[int]:
        """Classes that synthetic rows are made of; all but the largest where there are none."""
        filled = [code for code, one in self.classes.items() if one.wanted]
        largest = max(self.classes, key=lambda code: self.classes[code].rows)
        return filled or [code for code in self.classes if code != largest]

    def rows_of(self, code: int, n: int = ROWS) -> NDArray[np.int64]:
        """Return positions of a class's rows.

        Parameters
        ----------
        code : int
            The class.
        n : int
            How many at most.

        Returns
        -------
        ndarray of int64
            In the order of the draw.
        """
        return np.flatnonzero(self.y == code)[:n]

    def others_of(self, code: int, n: int) -> NDArray[np.int64]:
        """Return positions of rows of the other classes, each in its share of them all.

        Parameters
        ----------
        code : int
            The class that they stand against.
        n : int
            About how many.

        Returns
        -------
        ndarray of int64
            In the order of the draw.
        """
        total = sum(one.rows for other, one in self.classes.items() if other != code)
        share = min(1.0, n / max(total, 1))
        parts = [
            self.rows_of(other, max(1, round(share * one.rows))) for other, one in self.classes.items() if other != code
        ]
        return np.sort(np.concatenate(parts)) if parts else np.empty(0, dtype=np.int64)

    def made_of(self, code: int, n: int = MADE_ROWS) -> NDArray[np.int64]:
        """Return positions of a class's synthetic rows, evenly spaced.

        Parameters
        ----------
        code : int
            The class.
        n : int
            How many at most.

        Returns
        -------
        ndarray of int64
            Ascending.
        """
        if self.made is None:
            return np.empty(0, dtype=np.int64)
        found = np.flatnonzero(self.made.y == code)
        return found[np.arange(min(n, len(found))) * len(found) // max(1, min(n, len(found)))]

    @cached_property
    def space(self) -> Space:
        """The distance that neighbours are sought by."""
        return Space.of(self.X, self.categorical, self.units)

    @cached_property
    def contents(self) -> NDArray[np.int64]:
        """What is equal for rows of equal values, shape (n_rows,)."""
        return content_ids(self.X)

    @cached_property
    def rounded(self) -> NDArray[np.int64]:
        """What is equal for rows that are nearly the same, shape (n_rows,)."""
        return content_ids(self.space.rounded(self.X))
