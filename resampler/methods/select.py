"""Which rows of a class are bases, and how often each is used relative to the others."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from resampler.errors import DataError, InfeasibleError
from resampler.resolution import at_unit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from resampler.methods.task import Task

_DANGER_SHARE = 0.5  # svm: the mean of imbalanced-learn's Beta(10, 10)


class Selection(NamedTuple):
    """Bases.

    Parameters
    ----------
    bases : ndarray of shape (n_bases,), int64
        Ascending positions; none where no row qualifies.
    weights : ndarray of shape (n_bases,), float64, or None
        How often each is used, relative to the others; None means equally often.
    mark : ndarray of shape (n_bases,), int64, or None
        What pairing needs to know of each: its cluster, or whether it is in danger.
    """

    bases: NDArray[np.int64]
    weights: NDArray[np.float64] | None = None
    mark: NDArray[np.int64] | None = None


def every_row(task: Task) -> Selection:
    """Take every row of the class, equally often.

    Parameters
    ----------
    task : Task
        The class.

    Returns
    -------
    Selection
        All its rows.
    """
    return Selection(task.members)


def danger(foreign: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    """Say which rows are in danger: half or more of their neighbours, but not all, are of other classes.

    Parameters
    ----------
    foreign : ndarray of int64
        How many of a row's neighbours are of other classes.
    k : int
        How many neighbours it has.

    Returns
    -------
    ndarray of int64
        1 where it is, 0 elsewhere.

    References
    ----------
    Han, Wang, Mao: Borderline-SMOTE. ICIC 2005, section 3, doi:10.1007/11538059_91.
    """
    return ((2 * foreign >= k) & (foreign < k)).astype(np.int64)


def hardness(foreign: NDArray[np.int64], k: int) -> NDArray[np.int64]:  # noqa: ARG001 - one signature for all rules
    """Weigh a row by how many of its neighbours are of other classes.

    Parameters
    ----------
    foreign : ndarray of int64
        How many these are.
    k : int
        How many neighbours it has.

    Returns
    -------
    ndarray of int64
        The number itself.

    References
    ----------
    He, Bai, Garcia, Li: ADASYN. IJCNN 2008, doi:10.1109/IJCNN.2008.4633969.
    """
    return foreign


def alike(foreign: NDArray[np.int64], k: int) -> NDArray[np.int64]:  # noqa: ARG001
    """Weigh all rows the same.

    Parameters
    ----------
    foreign : ndarray of int64
        How many of a row's neighbours are of other classes.
    k : int
        How many neighbours it has.

    Returns
    -------
    ndarray of int64
        1 everywhere.
    """
    return np.ones_like(foreign)


def in_danger(task: Task) -> Selection:
    """Take the rows in danger, equally often.

    Parameters
    ----------
    task : Task
        The class; `m_neighbors` of any class decide.

    Returns
    -------
    Selection
        Those rows.
    """
    found = task.nearest(task.members, task.parameters.m_neighbors)
    return Selection(task.members[danger(task.foreign(found).sum(axis=1), found.shape[1]) > 0])


def by_hardness(task: Task) -> Selection:
    """Take the rows that have neighbours of other classes, each as often as it has such.

    Parameters
    ----------
    task : Task
        The class; `k_neighbors` of any class decide.

    Returns
    -------
    Selection
        Those rows.
    """
    found = task.nearest(task.members, task.parameters.k_neighbors)
    k = found.shape[1]
    weights = hardness(task.foreign(found).sum(axis=1), k) / k
    some = weights > 0
    return Selection(task.members[some], weights[some])


def by_support_vectors(task: Task) -> Selection:
    """Take the class's support vectors but noise; those in danger get half of the rows.

    Parameters
    ----------
    task : Task
        The class; ``machine.fit(X, y)`` finds the vectors, `m_neighbors` of any class distinguish danger from noise.

    Returns
    -------
    Selection
        `mark` is 1 for a vector in danger.

    Raises
    ------
    InfeasibleError
        If the machine has no support vectors.
    DataError
        If all of the class's are noise, or there is no other class.

    References
    ----------
    Nguyen, Cooper, Kamei: Borderline over-sampling for imbalanced data classification. IJKESDP 3 (2011),
    doi:10.1504/IJKESDP.2011.039875.
    """
    if len(task.members) == len(task.table.y):
        raise DataError(
            f"support vectors of {task.part.name} need rows of other classes, got none, so 0 of "
            f"{task.part.n_synthetic} synthetic rows could be made: use smote"
        )
    machine = task.parameters.machine
    if machine is None:
        from sklearn.svm import SVC

        machine = SVC(gamma="scale")
    machine = machine.fit(task.table.measured, task.table.y)
    if not hasattr(machine, "support_"):
        raise InfeasibleError(
            "`svm_estimator` is required to exposed a `support_` fitted attribute, "
            f"got {type(machine).__name__}: give a support vector machine such as sklearn.svm.SVC"
        )
    vectors = np.intersect1d(machine.support_, task.members)
    others = task.foreign(task.nearest(vectors, task.parameters.m_neighbors)).mean(axis=1)
    vectors, others = vectors[others < 1], others[others < 1]
    if not vectors.size:
        raise DataError(
            f"SVM-SMOTE is not adapted to your dataset: all support vectors of {task.part.name} are noise, so 0 of "
            f"{task.part.n_synthetic} synthetic rows could be made: use another method, or ask for fewer neighbours"
        )
    threatened = others >= 0.5
    # The share of danger is split among its rows, the rest among the safe ones; where one kind is missing, the
    # other's weights alone remain, and weights are relative.
    n_danger, n_safe = int(threatened.sum()), int((~threatened).sum())
    weights = np.where(threatened, _DANGER_SHARE / max(n_danger, 1), (1 - _DANGER_SHARE) / max(n_safe, 1))
    return Selection(vectors, weights, threatened.astype(np.int64))


def by_cluster(task: Task) -> Selection:
    """Take the rows of clusters that hold enough of the class, more often where it is sparse.

    Parameters
    ----------
    task : Task
        The class; ``clusters.fit_predict(X)`` finds the clusters, by default eight by k-means in mini-batches.

    Returns
    -------
    Selection
        `mark` is each row's cluster; where there are subgroups, its cluster and subgroup.

    Raises
    ------
    InfeasibleError
        If no cluster does.

    References
    ----------
    Last, Douzas, Bacao: Oversampling for imbalanced learning based on k-means and SMOTE. arXiv:1711.00837.
    """
    parameters, members = task.parameters, task.members
    X = at_unit(task.table.measured)  # tiny numbers have no squares: clusters would be arbitrary
    clusters = _clusters_of(task, X)
    if task.table.groups is not None:  # rows of two subgroups are never joined, so each has clusters of its own
        values, groups = np.unique(task.table.groups, return_inverse=True)
        clusters = clusters.astype(np.int64) * len(values) + groups
    threshold = task.share / 2 if parameters.cluster_share is None else parameters.cluster_share
    sizes = np.bincount(clusters)
    held = np.bincount(clusters[members], minlength=len(sizes))
    least = task.search.count(parameters.k_neighbors) + 1
    chosen = np.flatnonzero((held >= np.maximum(threshold * sizes, least)) & (held > 0))
    if not chosen.size:
        raise InfeasibleError(
            f"kmeans needs a cluster that is {threshold:g} of {task.part.name} and holds {least} of its rows, got "
            f"none of {np.count_nonzero(sizes)}, so 0 of {task.part.n_synthetic} synthetic rows could be made: lower "
            "k_neighbors, use smote, or give KMeansSMOTE a lower cluster_balance_threshold or other clusters"
        )
    measure = parameters.sparsity or sparsity_of
    sparsity = np.array([measure(X[members[clusters[members] == cluster]]) for cluster in chosen])
    if not (math.isfinite(sparsity.sum()) and sparsity.sum() > 0):
        sparsity = np.ones(len(chosen))  # every cluster is one point: no spread to go by
    bases = members[np.isin(clusters[members], chosen)]
    mark = clusters[bases].astype(np.int64)
    at = np.searchsorted(chosen, mark)
    return Selection(bases, sparsity[at] / held[chosen][at], mark)


def _clusters_of(task: Task, X: Any) -> NDArray[np.int64]:
    """Find the clusters, on one thread unless the user brought what finds them: sums would depend on their number."""
    if task.parameters.clusters is not None:
        return task.parameters.clusters.fit_predict(X)
    from sklearn.cluster import MiniBatchKMeans
    from threadpoolctl import threadpool_limits

    count = min(8, X.shape[0])  # imbalanced-learn's
    with threadpool_limits(1):
        return MiniBatchKMeans(count, random_state=task.seed % 2**32, n_init=1).fit_predict(X)


def sparsity_of(X: Any) -> float:
    """Measure how sparse a cluster is: a power of its rows' mean distance, divided by their number.

    Parameters
    ----------
    X : {ndarray, sparse matrix} of shape (n_rows, n_features)
        The cluster's rows of the class.

    Returns
    -------
    float
        0 or more. The power is imbalanced-learn's: ``0.16 * log(n_rows, 1.6) ** 1.8``.

    Notes
    -----
    O(n_rows**2) time, and memory for a part of the distances at a time.
    """
    from sklearn.metrics import pairwise_distances_chunked

    n = X.shape[0]
    if n < 2:
        return 0.0
    total = sum(float(part.sum()) for part in pairwise_distances_chunked(X))
    return float((total / (n * n - n)) ** (math.log(n, 1.6) ** 1.8 * 0.16) / n)
