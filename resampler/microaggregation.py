"""`Groups`: a class's rows cut into groups of near rows, and the statistics that hardened rows are made from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from resampler.errors import DataError, InvalidInputError
from resampler.kernels import microaggregation as kernels
from resampler.layout import as_kernel_array
from resampler.neighbors import nearest_rows
from resampler.resolution import deviations

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

GROUP_SIZE = 10  # rows of a group
LEAST = 5  # by consent
SPAN = 0.5  # of the way to a near group's centroid, at most
FLOOR = 0.25  # of the class's deviation: what the noise of a column has at least
_CATEGORIES = 16  # of a column that tell rows apart when groups are formed, the most frequent ones
_HALF = 0.5**0.5  # two rows of different categories are 1 apart, as two a deviation apart in a column


class Groups(NamedTuple):
    """What is known of the groups of a class: nothing in it comes from fewer rows than a group has.

    Parameters
    ----------
    id : ndarray of shape (n_groups,), int64
        Identities, from 0 to 2**63 - 1, that key draws: keyed sums over a group's rows, which name none of them.
    size : ndarray of shape (n_groups,), int64
        Rows of each, from `group_size` to twice that less one.
    center, spread : ndarray of shape (n_groups, n_features), float64
        Means and deviations of numeric columns, for which a group's least and greatest value count as the next to
        them; NaN and 0 where all values are null, and in categorical ones. A spread is at least a quarter of the
        class's.
    nulls : ndarray of shape (n_groups, n_features), int64
        Of a group's rows, those that are null in a numeric column; 0 where fewer rows of the class than a group has
        are.
    near : ndarray of shape (n_groups, k), int64
        The groups whose centroids are nearest, nearest first.
    column : ndarray of shape (n_categorical,), int64
        Which columns are categorical.
    start : ndarray of shape (n_categorical + 1,), int64
        Where in `code` those of each begin.
    code : ndarray of shape (n_codes,), float64
        Codes that at least `group_size` rows of the class have, ascending by column, a null (NaN) last.
    counts : ndarray of shape (n_groups, n_codes), int64
        Of a group's rows, those that have a code; where all of its codes are rare, those of the class.
    """

    id: NDArray[np.int64]
    size: NDArray[np.int64]
    center: NDArray[np.float64]
    spread: NDArray[np.float64]
    nulls: NDArray[np.int64]
    near: NDArray[np.int64]
    column: NDArray[np.int64]
    start: NDArray[np.int64]
    code: NDArray[np.float64]
    counts: NDArray[np.int64]

    @classmethod
    def none(cls, n_features: int, column: NDArray[np.int64]) -> Groups:
        """Return no groups.

        Parameters
        ----------
        n_features : int
            Columns of a row.
        column : ndarray of shape (n_categorical,), int64
            Which are categorical.

        Returns
        -------
        Groups
            Of length 0.
        """
        empty = np.empty((0, n_features))
        none = np.empty(0, dtype=np.int64)
        start = np.zeros(len(column) + 1, dtype=np.int64)
        whole = empty.astype(np.int64)
        return cls(
            none, none, empty, empty, whole, whole[:, :0].copy(), column, start, np.empty(0), whole[:, :0].copy()
        )

    @classmethod
    def side_by_side(cls, parts: Sequence[Groups]) -> Groups:
        """Put groups of one class that were formed apart together, as those of its subgroups.

        Parameters
        ----------
        parts : sequence of Groups
            One or more, of the same columns.

        Returns
        -------
        Groups
            Near each are groups of its own part; where another has more of these, some come twice.
        """
        if len(parts) == 1:
            return parts[0]
        known = [np.concatenate(column) for column in zip(*(part[:5] for part in parts), strict=True)]
        before = np.cumsum([0, *(len(part.id) for part in parts)])
        k = max(part.near.shape[1] for part in parts)
        near = [part.near[:, np.arange(k) % part.near.shape[1]] + at for part, at in zip(parts, before, strict=False)]
        columns = range(len(parts[0].column))
        codes = [np.unique(np.concatenate([part.codes_of(at) for part in parts])) for at in columns]
        start = np.cumsum([0, *map(len, codes)], dtype=np.int64)
        count = np.zeros((before[-1], start[-1]), dtype=np.int64)
        for part, first in zip(parts, before, strict=False):
            for at, code in enumerate(codes):
                into = start[at] + np.searchsorted(code, part.codes_of(at))
                count[first : first + len(part.id), into] = part.counts[:, part.start[at] : part.start[at + 1]]
        code = np.concatenate([np.empty(0), *codes])
        return cls._make((*known, np.concatenate(near), parts[0].column, start, code, count))

    def codes_of(self, at: int) -> NDArray[np.float64]:
        """Return the codes of one categorical column.

        Parameters
        ----------
        at : int
            Its place among the categorical ones.

        Returns
        -------
        ndarray of shape (n_codes_of_it,), float64
            Ascending.
        """
        return self.code[self.start[at] : self.start[at + 1]]

    @classmethod
    def joined(cls, parts: Sequence[Groups]) -> Groups:
        """Put the groups of several classes or subgroups end to end.

        Parameters
        ----------
        parts : sequence of Groups
            One or more, of the same columns.

        Returns
        -------
        Groups
            Without counts of codes and near groups, which each part has of its own: what writes rows needs neither.
        """
        known = [np.concatenate(column) for column in zip(*(part[:5] for part in parts), strict=True)]
        empty = cls.none(parts[0].center.shape[1], parts[0].column)
        return cls._make((*known, *empty[5:]))


def check_group_size(group_size: object, *, small_groups: bool = False) -> int:
    """Check how many rows a group is to have.

    Parameters
    ----------
    group_size : int
        10 or more; with consent 5 or more.
    small_groups : bool
        The consent: that groups may have 5 to 9 rows, which say more about each of these.

    Returns
    -------
    int
        The size.

    Raises
    ------
    InvalidInputError
        If it is smaller, or no integer.
    """
    least = LEAST if small_groups else GROUP_SIZE
    if isinstance(group_size, bool) or not isinstance(group_size, int | np.integer) or group_size < least:
        consent = (
            f"groups of {LEAST} are the smallest"
            if small_groups or not isinstance(group_size, int | np.integer) or group_size < LEAST
            else f"groups of {LEAST} to {GROUP_SIZE - 1} say more about each of their rows: consent with small_groups "
            "(--small-groups)"
        )
        raise InvalidInputError(f"group_size must be an integer of {least} or more, got {group_size!r}: {consent}")
    return int(group_size)


def check_rows(n_rows: int, group_size: int, name: str) -> None:
    """Refuse a class that gives fewer than two groups.

    Parameters
    ----------
    n_rows : int
        Rows of the class.
    group_size : int
        Rows of a group.
    name : str
        What the message calls the class.

    Raises
    ------
    DataError
        If it has fewer rows than two groups.
    """
    if n_rows < 2 * group_size:
        smaller = f", or consent to groups of {LEAST} (group_size={LEAST}, small_groups)"
        raise DataError(
            f"hardened rows need two groups of {group_size}, that is {2 * group_size} rows of {name}, got {n_rows}: "
            f"gather more rows{smaller if n_rows >= 2 * LEAST and group_size > LEAST else ''}"
        )


def form_groups(
    X: NDArray[Any],
    row_ids: NDArray[np.int64],
    *,
    group_size: int = GROUP_SIZE,
    k_neighbors: int = 5,
    categorical: NDArray[np.bool_] | None = None,
    seed: int = 0,
    stream: int = 0,
    names: Sequence[Any] = (),
    called: str = "the class",
    method: str = "exact",
    listed: Mapping[int, NDArray[np.float64]] | None = None,
) -> Groups:
    """Cut the rows of one class into groups.

    Groups are formed by microaggregation in units of the class's own deviations, a differing category counting as much
    as one deviation, a null as the class's mean: they depend on the rows and their identities alone, neither on the
    seed nor on other classes, nor on the order in which rows come.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features), float32 or float64
        The rows, categorical columns as codes; NaN is a null.
    row_ids : ndarray of shape (n_rows,), int64
        Distinct identities, 0 or more: they decide ties.
    group_size : int
        Rows of a group, at least.
    k_neighbors : int
        Near groups that each may be joined with; all others where there are fewer.
    categorical : ndarray of shape (n_features,), bool, optional
        Which columns hold codes; by default none.
    seed, stream : int
        What identities of groups are keyed on beside those of their rows: the seed of draws and the class key.
    names : sequence, optional
        Of the columns, for messages.
    called : str
        What messages call the class.
    method : str
        How near groups are found: see `resampler.neighbors.nearest_rows`.
    listed : mapping of int to ndarray, optional
        Of a categorical column, the codes that its contract lists: where a group's number of rows have none of them in
        common, rows draw from these, all alike, in place of an error.

    Returns
    -------
    Groups
        Two or more, numbered in an order that the rows decide.

    Raises
    ------
    DataError
        If there are fewer rows than two groups, or a categorical column has no code that a group's number of rows have.

    Notes
    -----
    O(n log n) time above 1,024 rows of a class; up to these it is MDAV, O(n**2 / group_size).
    """
    check_rows(len(X), group_size, called)
    order = np.argsort(row_ids, kind="stable")
    rows = as_kernel_array(X[order], np.float64)
    ids = as_kernel_array(row_ids[order], np.int64)
    mask = np.zeros(rows.shape[1], dtype=np.bool_) if categorical is None else np.asarray(categorical, dtype=np.bool_)
    few = (~mask) & (np.count_nonzero(~np.isnan(rows), axis=0) < group_size)
    rows[:, few] = np.nan  # no group of rows has a value there
    mean, spread = _moments(rows, ~mask)
    space = _space(rows, mask, mean, spread, group_size)
    group = np.empty(len(rows), dtype=np.int64)
    n_groups = kernels.cut(space, group_size, kernels.BLOCK, group)
    size = np.empty(n_groups, dtype=np.int64)
    center, own = np.empty((n_groups, rows.shape[1])), np.empty((n_groups, rows.shape[1]))
    nulls = np.empty(center.shape, dtype=np.int64)
    unit = np.where(spread > 0, spread, 1.0)
    kernels.summarise(rows, group, ~mask, group_size, mean, unit, size, center, own, nulls)
    own = np.where(np.isnan(center), 0.0, np.maximum(own, FLOOR * spread))
    nulls[:, mask | (nulls.sum(axis=0) < group_size)] = 0
    identity = np.empty(n_groups, dtype=np.int64)
    kernels.identify(np.uint64(seed), stream, ids, group, identity)
    near = nearest_rows(_means_of(space, group, size), min(k_neighbors, n_groups - 1), method=method).indices
    column = np.flatnonzero(mask)
    counted = [
        _counted(rows[:, j], group, n_groups, group_size, (listed or {}).get(j), _name(names, j), called)
        for j in column.tolist()
    ]
    start = np.cumsum([0, *(len(code) for code, _ in counted)], dtype=np.int64)
    code = np.concatenate([np.empty(0), *(code for code, _ in counted)])
    count = np.concatenate([np.empty((n_groups, 0), dtype=np.int64), *(count for _, count in counted)], axis=1)
    return Groups(identity, size, center, own, nulls, near, column, start, code, np.ascontiguousarray(count))


def _name(names: Sequence[Any], j: int) -> str:
    return repr(names[j]) if len(names) else f"{j}"


def _moments(rows: NDArray[np.float64], numeric: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and deviation of each column, its extreme values as the next to them; 0 where there are none."""
    mean, spread = np.zeros(len(numeric)), np.zeros(len(numeric))
    for j in np.flatnonzero(numeric).tolist():
        held = rows[:, j][~np.isnan(rows[:, j])]
        if len(held) > 2:
            ranked = np.partition(held, (1, len(held) - 2))
            held = held.clip(ranked[1], ranked[-2])
        if len(held):
            mean[j] = held[0] + (held - held[0]).mean()
            spread[j] = deviations(held[:, None])[0]
    return mean, spread


def _space(
    rows: NDArray[np.float64],
    mask: NDArray[np.bool_],
    mean: NDArray[np.float64],
    spread: NDArray[np.float64],
    group_size: int,
) -> NDArray[np.float64]:
    """Return rows as points: numbers in deviations about the mean, categories as columns of 0 and 1."""
    moves = np.flatnonzero(~mask & (spread > 0))
    points = [np.nan_to_num((rows[:, moves] - mean[moves]) / spread[moves])]
    for j in np.flatnonzero(mask).tolist():
        codes, counts = np.unique(rows[:, j], return_counts=True)
        frequent = np.argsort(-counts, kind="stable")[:_CATEGORIES]
        frequent = frequent[counts[frequent] >= group_size]  # the rare ones are one
        null = np.isnan(rows[:, j])
        points += [
            _HALF * (null if np.isnan(code) else rows[:, j] == code)[:, None].astype(np.float64)
            for code in codes[np.sort(frequent)]
        ]
    return np.ascontiguousarray(np.concatenate(points, axis=1))


def _means_of(space: NDArray[np.float64], group: NDArray[np.int64], size: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the centroids in the space in which groups are formed."""
    order = np.argsort(group, kind="stable")
    starts = np.cumsum(size) - size
    sums = np.add.reduceat(space[order], starts, axis=0)
    means: NDArray[np.float64] = sums / size[:, None]
    return means if means.shape[1] else np.zeros((len(size), 1))


def _counted(
    values: NDArray[np.float64],
    group: NDArray[np.int64],
    n_groups: int,
    group_size: int,
    listed: NDArray[np.float64] | None,
    name: str,
    called: str,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the codes that enough rows have, and how many rows of each group have each."""
    codes, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    common = np.flatnonzero(counts >= group_size)
    if not len(common):
        if listed is not None:
            return listed, np.ones((n_groups, len(listed)), dtype=np.int64)
        raise DataError(
            f"column {name} of {called} has no category that {group_size} rows have, so none can be drawn: leave the "
            "column out, or gather its categories into fewer"
        )
    at = np.full(len(codes), -1)
    at[common] = np.arange(len(common))
    kept = at[which] >= 0
    count = np.zeros((n_groups, len(common)), dtype=np.int64)
    np.add.at(count, (group[kept], at[which][kept]), 1)
    count[count.sum(axis=1) == 0] = counts[common]
    return codes[common], count
