"""`Task`: one class of a table, or one class of a subgroup, that is to grow."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from resampler.methods.table import dense_rows, too_few

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from resampler.methods.parameters import Parameters
    from resampler.methods.quota import Part
    from resampler.methods.table import Search, Table


@dataclass(frozen=True)
class Task:
    """What a method is asked for.

    Parameters
    ----------
    table : Table
        The rows: of the subgroup alone where there are subgroups.
    part : Part
        Which class, and how many rows of it.
    parameters : Parameters
        Of the method.
    search : Search
        How neighbours are found.
    share : float
        Part of all rows wanted that this class is to get.
    seed : int
        Keys every draw.
    """

    table: Table
    part: Part
    parameters: Parameters
    search: Search
    share: float = 1.0
    seed: int = 0

    @cached_property
    def members(self) -> NDArray[np.int64]:
        """Positions of the class."""
        return np.flatnonzero(self.table.y == self.part.label)

    @cached_property
    def penalty(self) -> NDArray[np.float64] | None:
        """What a differing category counts, in the class's units; None where there is no such column."""
        return self.table.penalty_of(self.members)

    def row_ids(self, at: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the identities that rows' draws are keyed on.

        Parameters
        ----------
        at : ndarray of shape (n,), int64
            Positions, all of the class.

        Returns
        -------
        ndarray of shape (n,), int64
            The table's, or places within the class.
        """
        return np.searchsorted(self.members, at) if self.table.row_ids is None else self.table.row_ids[at]

    def foreign(self, found: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Say which rows are of other classes.

        Parameters
        ----------
        found : ndarray of int64
            Positions.

        Returns
        -------
        ndarray of bool
            Of the same shape.
        """
        return self.table.y[found] != self.part.label

    def nearest(
        self, queries: NDArray[np.int64], k: Any, *, within: NDArray[np.int64] | None = None
    ) -> NDArray[np.int64]:
        """Find the neighbours of some rows.

        Parameters
        ----------
        queries : ndarray of shape (n_queries,), int64
            Positions.
        k : int
            How many, or what the search takes for it.
        within : ndarray of shape (n_within,), int64, optional
            Ascending positions of the rows that may be found, `queries` among them; by default all.

        Returns
        -------
        ndarray of shape (n_queries, k), int64
            Positions, nearest first; a row is never its own neighbour.

        Raises
        ------
        DataError
            If there are k rows or fewer, or a value is further from 0 than distances can be measured.
        """
        table = self.table
        plain = table.space is None
        space: Any = table.X if plain else table.space
        among = np.arange(space.shape[0]) if within is None else within
        rows = space if within is None else space[among]
        rows = dense_rows(rows, table.names, table.units) if plain else dense_rows(rows)
        count = self.search.count(k)
        if len(among) <= count:
            raise too_few(
                count, self.part.name if within is not None else "any class", len(among), self.part.n_synthetic
            )
        places = np.searchsorted(among, queries)
        return among[self.search.find(table, rows, places, k, self.part.key, self.penalty, among)]
