"""Points where lines meet: each is supposed to be a real row."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from resampler.kernels.attacks.crossings import cross_lines, merge_points
from resampler.kernels.attacks.lines import fit_lines

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEVERAGE = 30.0  # how far from its rows a line is trusted, in their root mean square distance
_PAIRS = 2_000_000  # crossings that are looked at
_WEIGHED = 24  # lines through a point that its place is computed from


class Lines(NamedTuple):
    """Lines through rows.

    Parameters
    ----------
    centers, directions : ndarray of shape (n_lines, d), float64
        Means of the rows, and unit vectors.
    extent : ndarray of shape (n_lines, 3), float64
        As `fit_lines` writes it.
    group : ndarray of shape (n_lines,), int64
        Ascending: only lines of one group meet.
    """

    centers: NDArray[np.float64]
    directions: NDArray[np.float64]
    extent: NDArray[np.float64]
    group: NDArray[np.int64]

    @classmethod
    def through(
        cls,
        points: NDArray[np.float64],
        members: NDArray[np.int64],
        start: NDArray[np.int64],
        group: NDArray[np.int64] | None = None,
    ) -> Lines:
        """Fit lines.

        Parameters
        ----------
        points : ndarray of shape (n_points, d), float64
            Rows.
        members : ndarray of shape (n_members,), int64
            Rows of each line, one line after the other.
        start : ndarray of shape (n_lines + 1,), int64
            Where the members of each line begin.
        group : ndarray of shape (n_lines,), int64, optional
            By default all lines are of one.

        Returns
        -------
        Lines
            In the same order.
        """
        n, d = len(start) - 1, points.shape[1]
        lines = cls(
            np.empty((n, d)), np.empty((n, d)), np.empty((n, 3)), np.zeros(n, np.int64) if group is None else group
        )
        fit_lines(points, members, start, lines.centers, lines.directions, lines.extent)
        return lines


class Vertices(NamedTuple):
    """Points where lines meet, the surest first.

    Parameters
    ----------
    points : ndarray of shape (n_vertices, d), float64
        By least squares of the distances to the lines.
    support : ndarray of shape (n_vertices,), int64
        Lines that meet there.
    doubt : ndarray of shape (n_vertices,), float64
        How far off each may be.
    group : ndarray of shape (n_vertices,), int64
        Of its lines.
    """

    points: NDArray[np.float64]
    support: NDArray[np.int64]
    doubt: NDArray[np.float64]
    group: NDArray[np.int64]

    @classmethod
    def none(cls, d: int) -> Vertices:
        """Return no vertex.

        Parameters
        ----------
        d : int
            Dimensions.

        Returns
        -------
        Vertices
            Empty.
        """
        return cls(np.empty((0, d)), np.empty(0, np.int64), np.empty(0), np.empty(0, np.int64))

    def take(self, which: NDArray[np.int64]) -> Vertices:
        """Return some of them.

        Parameters
        ----------
        which : ndarray of shape (n_vertices,), int64
            Their positions.

        Returns
        -------
        Vertices
            In this order.
        """
        return Vertices(self.points[which], self.support[which], self.doubt[which], self.group[which])

    @classmethod
    def surest(cls, several: list[Vertices]) -> NDArray[np.float64]:
        """Put what several searches found in one order.

        Parameters
        ----------
        several : list of Vertices
            The strictest search first.

        Returns
        -------
        ndarray of shape (n_vertices, d), float64
            By lines that meet there, then by search.
        """
        support = np.concatenate([one.support for one in several])
        points: NDArray[np.float64] = np.concatenate([one.points for one in several])
        return points[np.argsort(-support, kind="stable")]


def meet(
    lines: Lines, tolerance: float, *, least: int, leverage: float = LEVERAGE, share_rows: bool = False
) -> Vertices:
    """Find points where lines meet.

    Parameters
    ----------
    lines : Lines
        Through rows.
    tolerance : float
        How far rows lie beside their line.
    least : int
        Lines that must meet.
    leverage : float
        How far from its rows a line is trusted.
    share_rows : bool
        Whether lines share rows, so that where they meet in one is nothing.

    Returns
    -------
    Vertices
        By lines that meet there, then by doubt.
    """
    d = lines.centers.shape[1]
    capacity = min(_PAIRS, len(lines.group) ** 2 // 2 + 1)
    pairs, along, doubt = np.empty((capacity, 2), np.int64), np.empty((capacity, 2)), np.empty(capacity)
    found = cross_lines(*lines, tolerance, leverage, share_rows, pairs, along, doubt)
    order = np.argsort(doubt[:found], kind="stable")
    pairs, along, doubt = pairs[order], along[order], doubt[order]
    ends = lines.centers[pairs] + along[:, :, None] * lines.directions[pairs]
    points = ends.mean(axis=1)
    group = lines.group[pairs[:, 0]]
    cluster = np.empty(found, dtype=np.int64)
    n = merge_points(points, doubt, group, probes(1, d)[0], cluster)

    by_cluster = np.argsort(cluster, kind="stable")
    start = np.searchsorted(cluster[by_cluster], np.arange(n + 1))
    surest = by_cluster[start[:-1]]
    places, support = points[surest], np.full(n, 2)
    for c in np.flatnonzero(np.diff(start) > 1):
        of = by_cluster[start[c] : start[c + 1]]
        through, first = np.unique(pairs[of], return_index=True)
        support[c] = len(through)
        if len(through) < least:
            continue
        weight = 1.0 / (1.0 + np.abs(along[of].reshape(-1)[first]) / lines.extent[through, 2]) ** 2
        heaviest = np.argsort(-weight, kind="stable")[:_WEIGHED]
        through, weight = through[heaviest], weight[heaviest]
        places[c] = _middle_of(lines.centers[through], lines.directions[through], weight, points[of[0]])
    sure, groups = doubt[surest], group[surest]
    kept = np.flatnonzero(support >= least)
    kept = kept[np.lexsort((sure[kept], -support[kept]))]
    return Vertices(places[kept], support[kept], sure[kept], groups[kept])


def _middle_of(
    centers: NDArray[np.float64],
    directions: NDArray[np.float64],
    weight: NDArray[np.float64],
    start: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the point nearest to lines, by weighted squares, sought in the space that they span from `start`."""
    k, d = directions.shape
    offset = centers - start
    basis = np.linalg.qr(np.concatenate([directions, offset]).T)[0] if 2 * k < d else np.eye(d)
    u, c = directions @ basis, offset @ basis
    normal = np.eye(basis.shape[1])[None] - u[:, :, None] * u[:, None, :]
    left = np.einsum("k,kij->ij", weight, normal)
    right = np.einsum("k,kij,kj->i", weight, normal, c)
    moved: NDArray[np.float64] = basis @ np.linalg.lstsq(left, right, rcond=1e-12)[0]
    return start + moved


def probes(n: int, d: int) -> NDArray[np.float64]:
    """Return some directions, the same every time.

    Parameters
    ----------
    n : int
        So many.
    d : int
        Dimensions.

    Returns
    -------
    ndarray of shape (n, d), float64
        Unit vectors.
    """
    drawn = np.random.default_rng(d).normal(size=(n, d))
    unit: NDArray[np.float64] = drawn / np.sqrt((drawn**2).sum(axis=1, keepdims=True))
    return unit
