"""`Exposure`: one class as an attacker sees it, and the truth that attacks are judged by."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from resampler.quality.privacy.search import nearest_points

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray


UNMARKED = -1  # of a mark: null


class Marks(NamedTuple):
    """What tells rows apart beside their features: event times, or values of a join key.

    Parameters
    ----------
    synthetic : ndarray of shape (n_synthetic,), int64
        Of the synthetic rows.
    real : ndarray of shape (n_real,), int64
        Of the rows that they were made from.
    held_out : ndarray of shape (n_held_out,), int64
        Of the control.
    """

    synthetic: NDArray[np.int64]
    real: NDArray[np.int64]
    held_out: NDArray[np.int64]


class Known(NamedTuple):
    """What an attacker knows beside the synthetic rows: all that is published or can be guessed.

    Parameters
    ----------
    seed : int
        The published one, which without a secret key is what draws are keyed on.
    stream : int
        Key of the class.
    method : str
        Of the catalogue.
    k_neighbors : int
        Partners of a base.
    row_ids : ndarray of shape (n_candidates,), int64
        Identities that may be those of bases: of an estimator 0, 1, ...; of a snapshot the hashes of a list of keys.
    """

    seed: int
    stream: int
    method: str
    k_neighbors: int
    row_ids: NDArray[np.int64]


@dataclass(frozen=True)
class Exposure:
    """The rows of one class.

    Parameters
    ----------
    name : str
        Of the class, for people.
    synthetic : ndarray of shape (n_synthetic, n_features), float64
        What the attacker has, in the order in which it is stored; a category is its code, NaN a null.
    real : ndarray of shape (n_real, n_features), float64
        What they were made from.
    held_out : ndarray of shape (n_held_out, n_features), float64
        Rows of the class that they were not made from: the control. An attack that finds as much of these has found
        nothing.
    units : ndarray of shape (n_features,), float64
        Spread of each numeric column in the class; anything above 0 for a constant or categorical one.
    categorical : ndarray of shape (n_features,), bool
        Which columns hold codes.
    precision : ndarray of shape (n_features,), float64
        What values of a column are rounded to, in its own units: of a float32 its last bits, of a grid half its step.
    marks : mapping of str to Marks
        By the column's name.
    time : str or None
        Which of the marks is the event time.
    known : Known or None
        None where no seed is known.
    base : ndarray of shape (n_synthetic,), int64, or None
        Which real row each synthetic one was made from, -1 for none of these; None where it is not known. No attacker
        has it: names are judged by it.
    identity : ndarray of shape (n_real,), int64, or None
        Of each real row as `Known.row_ids` has them, -1 where it is not known; likewise.

    Notes
    -----
    Distances are Euclidean in `units`, a differing category counts 1, and so does a null beside a value.
    """

    name: str
    synthetic: NDArray[np.float64]
    real: NDArray[np.float64]
    held_out: NDArray[np.float64]
    units: NDArray[np.float64]
    categorical: NDArray[np.bool_]
    precision: NDArray[np.float64]
    marks: Mapping[str, Marks] = field(default_factory=dict)
    time: str | None = None
    known: Known | None = None
    base: NDArray[np.int64] | None = None
    identity: NDArray[np.int64] | None = None

    @classmethod
    def of(
        cls,
        synthetic: ArrayLike,
        real: ArrayLike,
        held_out: ArrayLike,
        *,
        name: str = "the class",
        categorical: ArrayLike | None = None,
        precision: ArrayLike | None = None,
        **more: Any,
    ) -> Exposure:
        """Measure the rows of a class.

        Parameters
        ----------
        synthetic, real, held_out : array-like of shape (n_rows, n_features)
            As above.
        name : str
            Of the class.
        categorical : array-like of shape (n_features,), bool, optional
            By default no column.
        precision : array-like of shape (n_features,), optional
            By default `grain` of each column.
        **more : object
            `marks`, `time`, `known`, `base` and `identity`.

        Returns
        -------
        Exposure
            Units are standard deviations of the real rows.
        """
        made, rows, control = (np.asarray(part, dtype=np.float64) for part in (synthetic, real, held_out))
        d = made.shape[1]
        mask = np.zeros(d, dtype=np.bool_) if categorical is None else np.asarray(categorical, dtype=np.bool_)
        spread, some = np.ones(d), ~np.isnan(rows).all(axis=0)
        with np.errstate(invalid="ignore"):
            spread[some] = np.sqrt(np.nanvar(rows[:, some], axis=0))
        units = np.where(np.isfinite(spread) & (spread > 0), spread, 1.0)
        if precision is None:
            precision = [grain(rows[:, j] if len(rows) else made[:, j], made[:, j]) for j in range(d)]
        return cls(name, made, rows, control, units, mask, np.asarray(precision, dtype=np.float64), **more)

    def space(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Put rows where distances are Euclidean.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_features), float64
            In the columns of the class.

        Returns
        -------
        ndarray of shape (n_rows, n_dimensions), float64
            Numeric columns in units, categorical ones one-hot over the codes that the class has, divided by the square
            root of 2; a null is 0 beside a column that says so.
        """
        parts = []
        for j in range(rows.shape[1]):
            column = rows[:, j]
            if self.categorical[j]:
                parts.append((column[:, None] == self._codes[j][None, :]) / np.sqrt(2.0))
                continue
            null = np.isnan(column)
            parts.append((np.where(null, 0.0, column - self._middle[j]) / self.units[j])[:, None])
            if self._nullable[j]:
                parts.append(null[:, None].astype(np.float64))
        return np.concatenate(parts, axis=1)

    @cached_property
    def _every(self) -> NDArray[np.float64]:
        return np.concatenate([self.synthetic, self.real, self.held_out])

    @cached_property
    def _codes(self) -> dict[int, NDArray[np.float64]]:
        return {int(j): np.unique(self._every[:, j]) for j in np.flatnonzero(self.categorical)}

    @cached_property
    def _nullable(self) -> NDArray[np.bool_]:
        return np.asarray(np.isnan(self._every).any(axis=0))

    @cached_property
    def _middle(self) -> NDArray[np.float64]:
        known = np.where(np.isnan(self.real), 0.0, self.real)
        return known.mean(axis=0) if len(known) else np.zeros(len(self.units))

    @cached_property
    def reach(self) -> NDArray[np.float64]:
        """A tenth of each real row's distance to the nearest other one, as `near` is judged by.

        Returns
        -------
        ndarray of shape (n_real,), float64
            0 for a row that stands twice.
        """
        return nearest(self.space(self.real), self.space(self.real), own=True) / 10.0

    @cached_property
    def reach_held_out(self) -> NDArray[np.float64]:
        """The same of held-out rows, by the same rows.

        Returns
        -------
        ndarray of shape (n_held_out,), float64
            A tenth of the distance to the nearest real row.
        """
        return nearest(self.space(self.held_out), self.space(self.real)) / 10.0


def grain(real: NDArray[np.float64], made: NDArray[np.float64]) -> float:
    """Return what the numbers of a column are rounded to, where nothing else is known of them.

    Parameters
    ----------
    real, made : ndarray of shape (n_rows,), float64
        Of real and of synthetic rows; NaN is a null.

    Returns
    -------
    float
        Eight last bits of a float32 of the largest real number, which no synthetic one widens; 1e-9 of it where
        synthetic numbers are none that a float32 holds.
    """
    largest = float(np.abs(real[~np.isnan(real)]).max(initial=0.0))
    known = made[~np.isnan(made)]
    return largest * (2.0**-20 if bool((known == known.astype(np.float32)).all()) else 1e-9)


def nearest(queries: NDArray[np.float64], among: NDArray[np.float64], *, own: bool = False) -> NDArray[np.float64]:
    """Return each query's distance to the nearest of some points.

    Parameters
    ----------
    queries : ndarray of shape (n_queries, n_dimensions), float64
        Points.
    among : ndarray of shape (n_points, n_dimensions), float64
        Points that may be found.
    own : bool
        Whether the queries are these points, so that the nearest but itself is meant.

    Returns
    -------
    ndarray of shape (n_queries,), float64
        Infinite where there is none.
    """
    order = 2 if own else 1
    if len(among) < order or not len(queries):
        return np.full(len(queries), np.inf)
    distance, _ = nearest_points(queries, among, order)
    return distance[:, -1]


def within(rows: NDArray[np.int64], chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return places among rows that were chosen.

    Parameters
    ----------
    rows : ndarray of shape (n,), int64
        Places among all of them; below 0 for none.
    chosen : ndarray of shape (n_all,), bool
        Which were.

    Returns
    -------
    ndarray of shape (n,), int64
        -1 for none of those chosen.
    """
    place = np.full(len(chosen) + 1, -1)
    place[:-1][chosen] = np.arange(np.count_nonzero(chosen))
    return place[np.where(rows < 0, len(chosen), rows)]
