"""`means` and `mixture`: where rows were made about means of groups, these means are guessed, and what lies in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import KDTree

from resampler.kernels.attacks.mixture import cluster_rows, fit_mixture, spread_centers
from resampler.profile.values import evenly
from resampler.quality.privacy.attacks.attack import Attack
from resampler.quality.privacy.attacks.cloud import Cloud
from resampler.quality.privacy.recovery import Recovery, recover

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from resampler.quality.privacy.attacks.attack import Effort
    from resampler.quality.privacy.exposure import Exposure

_GROUP_SIZES = (10, 5, 1)  # what microaggregation may have cut the class into; 1: a cluster about each real row
_CLUSTERS = 512  # at most, of one clustering
_ROUNDS = 15
_WORK = 2_000_000_000  # products of rows, clusters and columns, a clustering and round of it; beyond, fewer rows
_LEAST = 1e-6  # variance of a component, in units
_CROWD = 10  # rows around each whose nearness says how crowded it is


def attack_means(exposed: Exposure, effort: Effort) -> Recovery:
    """Cluster the synthetic rows, and guess the means, medians and most crowded rows of the clusters.

    Parameters
    ----------
    exposed : Exposure
        The class.
    effort : Effort
        What may be spent.

    Returns
    -------
    Recovery
        Of clusterings into as many clusters as there are real rows, groups of five and groups of ten: how many rows a
        class has is no secret.

    Notes
    -----
    Against rows that were made about the means of groups, this finds the means; it rebuilds a real row where a group is
    one row many times over, or lies around one. Ours, as a check of `hardened`.

    References
    ----------
    Domingo-Ferrer, Mateo-Sanz: Practical data-oriented microaggregation for statistical disclosure control. IEEE TKDE
    14 (2002), doi:10.1109/69.979982.
    """
    cloud = Cloud.of(exposed, effort.rows)
    guesses = [np.empty((0, cloud.points.shape[1]))]
    for points, centers, cluster in _clusterings(cloud, len(exposed.real)):
        guesses += [centers, *_middles(points, cluster, len(centers))]
    return recover(exposed, cloud.guess(np.concatenate(guesses)[: effort.guesses]))


def attack_mixture(exposed: Exposure, effort: Effort) -> Recovery:
    """Take the noise away: fit as many normal distributions as there are groups, and guess their means.

    Parameters
    ----------
    exposed : Exposure
        The class.
    effort : Effort
        What may be spent.

    Returns
    -------
    Recovery
        As of `attack_means`, with one guess a component.

    Notes
    -----
    Who knows that noise has the spread of its group, column by column, knows the distribution up to means, spreads and
    shares, and expectation-maximisation finds these, clusters that overlap included. Ours, as a check of `hardened`.
    """
    cloud = Cloud.of(exposed, effort.rows)
    guesses = [np.empty((0, cloud.points.shape[1]))]
    for points, centers, cluster in _clusterings(cloud, len(exposed.real)):
        k = len(centers)
        counts = np.bincount(cluster, minlength=k).astype(np.float64)
        around = (points - centers[cluster]) ** 2
        variances = np.empty_like(centers)
        for f in range(points.shape[1]):
            variances[:, f] = np.bincount(cluster, weights=around[:, f], minlength=k)
        variances = np.maximum(variances / np.maximum(counts, 1.0)[:, None], _LEAST)
        fit_mixture(points, centers, variances, counts / len(points), _ROUNDS, _LEAST)
        guesses.append(centers)
    return recover(exposed, cloud.guess(np.concatenate(guesses)[: effort.guesses]))


def _clusterings(
    cloud: Cloud, n_real: int
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]]:
    """Give rows, centers and each row's cluster, for each number of clusters that the class may have been cut into."""
    n, d = cloud.points.shape
    if not d or not n:
        return
    for k in sorted({min(max(n_real // size, 1), _CLUSTERS, n) for size in _GROUP_SIZES}):
        share = evenly(n, max(k, _WORK // (k * d * _ROUNDS)))
        points = np.ascontiguousarray(cloud.points[share])
        centers, cluster = np.empty((k, d)), np.empty(len(points), dtype=np.int64)
        spread_centers(points, np.random.default_rng(k).random(k), centers)
        cluster_rows(points, centers, _ROUNDS, cluster)
        yield points, centers, cluster


def _middles(points: NDArray[np.float64], cluster: NDArray[np.int64], k: int) -> Iterator[NDArray[np.float64]]:
    """Give the medians of clusters, and of each the row that others crowd around most."""
    order = np.argsort(cluster, kind="stable")
    start = np.searchsorted(cluster[order], np.arange(k + 1))
    filled = np.flatnonzero(np.diff(start))
    yield np.array([np.median(points[order[start[c] : start[c + 1]]], axis=0) for c in filled])
    crowded = []
    for c in filled:
        own = points[order[start[c] : start[c + 1]]]
        distance, _ = KDTree(own).query(own, k=[min(_CROWD, len(own))])
        crowded.append(own[distance[:, 0].argmin()])
    yield np.array(crowded)


MEANS = Attack(
    "means",
    "means, medians and crowded places of clusters of rows",
    "the synthetic rows in any order, the number of real rows",
    "rows",
    attack_means,
    "method hardened with groups of 10",
)

MIXTURE = Attack(
    "mixture",
    "means that are left when noise of a group's spread is taken away",
    "the synthetic rows in any order, the number of real rows, how rows are hardened",
    "rows",
    attack_mixture,
    "method hardened with groups of 10",
)
