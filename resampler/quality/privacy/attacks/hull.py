"""`hull`: rows mixed of several real rows lie in a flat through these, and flats meet in real rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.spatial import KDTree

from resampler.kernels.attacks.crossings import merge_points
from resampler.kernels.attacks.flats import find_flats
from resampler.profile.values import evenly
from resampler.quality.privacy.attacks.attack import Attack
from resampler.quality.privacy.attacks.cloud import Cloud
from resampler.quality.privacy.attacks.order import period_of
from resampler.quality.privacy.attacks.vertices import probes
from resampler.quality.privacy.recovery import Recovery, recover

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from resampler.quality.privacy.attacks.attack import Effort
    from resampler.quality.privacy.exposure import Exposure

_DIMENSIONS = (2, 3, 4, 5)  # of the flats: rows of three to six parents
_AROUND = 4  # times `Effort.neighbors`: rows among which others of a flat are sought
_PARTNERS = 32  # nearest rows that span a plane with a row, each in turn
_SAMPLED = 24  # choices of partners among the nearest, for flats of more dimensions
_AMONG = 14
_TRIED = 300  # rows of which one in a hundred must lie in a flat, or no more are tried
_NEAR = 12  # flats with which a flat meets
_TOGETHER = 6  # flats that meet in a point, at most; as many as leave nothing else in common
_WIDE = 64  # columns; of more, flats are compared along so many directions, which keeps what meets
_SINGULAR = 1e-3  # eigenvalue: below, flats share a line, and no point
_SYSTEMS = 15_000  # sets of flats of one size that are looked at


class Flats(NamedTuple):
    """Flats through rows.

    Parameters
    ----------
    centers : ndarray of shape (n_flats, d), float64
        Means of the rows.
    normals : ndarray of shape (n_flats, d, d), float64
        Projections onto what is perpendicular to each.
    codimension : ndarray of shape (n_flats,), int64
        Dimensions that are perpendicular.
    """

    centers: NDArray[np.float64]
    normals: NDArray[np.float64]
    codimension: NDArray[np.int64]


def attack_hull(exposed: Exposure, effort: Effort) -> Recovery:
    """Find flats through rows, and guess the points where flats meet.

    Parameters
    ----------
    exposed : Exposure
        The class.
    effort : Effort
        What may be spent.

    Returns
    -------
    Recovery
        Of no guess where there are fewer than four numeric columns: in three, any two planes meet.

    Notes
    -----
    A mixture of three or six real rows hides them from `lines` and from nothing else: rows of one set of parents lie in
    a flat, which their order tells (rows of one base lie in one hull), or a search among near rows. Flats that
    meet in one point, by more equations than chance would fulfil, share a real row. Ours, after subspace
    clustering; it falls short where few rows share their parents, or parents are nearly as many as columns.

    References
    ----------
    Elhamifar, Vidal: Sparse subspace clustering: algorithm, theory, and applications. IEEE TPAMI 35 (2013),
    arXiv 1203.1005: that rows near one another lie in one flat, and how that is found.
    """
    cloud = Cloud.of(exposed, effort.rows, consecutive=True)
    points = cloud.points
    n, d = points.shape
    if d < 4 or n < 5:
        return recover(exposed, cloud.guess(np.empty((0, d))))
    if d > _WIDE:
        axes = np.linalg.svd(points[:: max(1, n // 2_000)], full_matrices=False)[2]
        axes = axes[: min(_WIDE, len(axes))]
        flat_points = points @ axes.T
    else:
        axes, flat_points = np.eye(d), points
    tolerance = 4.0 * max(cloud.grain, 1e-12)
    found = [
        _meet(_through(flat_points, flat_of), tolerance) for flat_of in _flats(cloud, flat_points, effort, tolerance)
    ]
    guesses = np.concatenate([np.empty((0, axes.shape[0])), *found])
    return recover(exposed, cloud.guess((guesses @ axes)[: min(effort.guesses, n)]))


def _flats(cloud: Cloud, points: NDArray[np.float64], effort: Effort, tolerance: float) -> list[NDArray[np.int64]]:
    """Return the flat of each row, -1 for none: by the order of rows, and by search."""
    n, d = points.shape
    several = []
    period = period_of(points)
    if period and n // period >= 4:
        several.append(np.arange(n) % period)
    around = min(_AROUND * effort.neighbors, n - 1)
    near = cloud.nearest(around)
    flat_of, n_flats = np.full(n, -1), 0
    rng = np.random.default_rng(d)
    floor, probe = 30.0 * tolerance, probes(2, d)
    few = evenly(n, _TRIED)
    for dimension in _DIMENSIONS:
        if dimension + 2 > d or around < dimension + 2:
            break
        if dimension == 2:
            choices, anchors = np.arange(min(_PARTNERS, around))[:, None], [np.arange(n)]
        else:
            among = min(_AMONG, around)
            choices = np.array([rng.choice(among, dimension - 1, replace=False) for _ in range(_SAMPLED)])
            anchors = [few, np.arange(n)]
        before = n_flats
        for some in anchors:
            n_flats = find_flats(points, some, near, dimension, choices, tolerance, floor, 2, probe, flat_of, n_flats)
            if n_flats - before < _TRIED // 100:
                break
    several.append(flat_of)
    return several


def _through(points: NDArray[np.float64], flat_of: NDArray[np.int64]) -> Flats:
    """Fit a flat to the rows of each number; rows that fill all dimensions, or all that they could, are none."""
    d = points.shape[1]
    order = np.argsort(flat_of, kind="stable")
    start = np.searchsorted(flat_of[order], np.arange(flat_of.max(initial=-1) + 2))
    centers, normals, codimension = [], [], []
    for one in range(len(start) - 1):
        rows = points[order[start[one] : start[one + 1]]]
        center = rows.mean(axis=0)
        _, sizes, axes = np.linalg.svd(rows - center, full_matrices=False)
        rank = int(np.count_nonzero(sizes > 1e-6 * max(sizes[0], 1e-300)))
        if not 2 <= rank <= min(len(rows) - 2, d - 2):
            continue
        centers.append(center)
        normals.append(np.eye(d) - axes[:rank].T @ axes[:rank])
        codimension.append(d - rank)
    return Flats(np.array(centers).reshape(-1, d), np.array(normals).reshape(-1, d, d), np.array(codimension, np.int64))


def _meet(flats: Flats, tolerance: float) -> NDArray[np.float64]:
    """Return the points where near flats meet, those where most do first."""
    n, d = flats.centers.shape
    if n < 2:
        return np.empty((0, d))
    _, near = KDTree(flats.centers).query(flats.centers, k=np.arange(1, min(_NEAR + 1, n) + 1))
    open_sets = np.arange(n)[:, None]
    places, doubts = [], []
    for size in range(2, min(_TOGETHER, n) + 1):
        others = near[open_sets[:, 0], 1:]
        wider = np.sort(np.column_stack([np.repeat(open_sets, others.shape[1], axis=0), others.reshape(-1)]), axis=1)
        wider = np.unique(wider[(np.diff(wider, axis=1) > 0).all(axis=1)], axis=0)
        if len(wider) > _SYSTEMS:
            wider = wider[evenly(len(wider), _SYSTEMS)]
        unfinished = [np.empty((0, size), dtype=np.int64)]
        for lo in range(0, len(wider), 4_096):
            of = wider[lo : lo + 4_096]
            x, doubt, meets, one = _common(flats, of, tolerance)
            places.append(x[meets & one])
            doubts.append(doubt[meets & one])
            unfinished.append(of[meets & ~one])
        open_sets = np.concatenate(unfinished)
        if not len(open_sets):
            break
    if not places:
        return np.empty((0, d))
    points, doubt = np.concatenate(places), np.concatenate(doubts)
    order = np.argsort(doubt, kind="stable")
    points, doubt = points[order], doubt[order]
    cluster = np.empty(len(points), dtype=np.int64)
    count = merge_points(points, doubt, np.zeros(len(points), np.int64), probes(1, d)[0], cluster)
    _, first, support = np.unique(cluster, return_index=True, return_counts=True)
    kept: NDArray[np.float64] = points[first[np.argsort(-support, kind="stable")]]
    return kept[:count]


def _common(
    flats: Flats, sets: NDArray[np.int64], tolerance: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]]:
    """Return what flats have in common: a point, how far off it may be, whether they meet, and whether nowhere else."""
    normals, centers = flats.normals[sets], flats.centers[sets]
    values, vectors = np.linalg.eigh(normals.sum(axis=1))
    held = values > _SINGULAR
    middle = centers.mean(axis=1)
    right = np.einsum("skij,skj->si", normals, centers - middle[:, None])
    along = np.einsum("sij,si->sj", vectors, right) / np.where(held, values, 1.0) * held
    x = middle + np.einsum("sij,sj->si", vectors, along)
    beside = np.sqrt((np.einsum("skij,skj->ski", normals, x[:, None] - centers) ** 2).sum(axis=2)).max(axis=1)
    doubt = 10.0 * tolerance / np.sqrt(np.where(held, values, np.inf).min(axis=1))
    # More equations than directions that they hold, or any flats would meet.
    told = flats.codimension[sets].sum(axis=1) > held.sum(axis=1)
    meets: NDArray[np.bool_] = told & (beside <= doubt)
    return x, doubt, meets, np.asarray(held.all(axis=1))


HULL = Attack(
    "hull",
    "flats through rows of the same parents, and where flats meet",
    "the synthetic rows, in the order in which they are stored",
    "rows",
    attack_hull,
    "method hardened; more parents without noise do not help",
)
