"""`KMeansSMOTE`: SMOTE within clusters that hold enough of the class, more where it is sparse."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from imblearn import over_sampling

from resampler.generate import Plan
from resampler.resolution import at_unit
from resampler.samplers.base import InfeasibleError, Synthesizer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from resampler.samplers.groups import Part


class KMeansSMOTE(Synthesizer, over_sampling.KMeansSMOTE):  # type: ignore[misc]
    """Over-sample by SMOTE inside k-means clusters.

    Parameters
    ----------
    sampling_strategy, random_state, k_neighbors, neighbors, group_by
        As in `SMOTE`.
    n_jobs : int or None
        For imbalanced-learn's measure of a cluster's sparsity.
    kmeans_estimator : int, object or None
        Number of clusters, or the estimator that finds them; by default MiniBatchKMeans.
    cluster_balance_threshold : float or "auto"
        Share of the class that a cluster must have.
    density_exponent : float or "auto"
        Power of the mean distance in a cluster's sparsity.

    Attributes
    ----------
    sampling_strategy_ : dict
        Synthetic rows to make of each class.
    kmeans_estimator_ : object
        The fitted clusters.
    cluster_balance_threshold_ : float or str
        What `cluster_balance_threshold` was validated to.
    nn_k_ : object
        What `k_neighbors` was validated to; it searches only where an object was given.
    neighbors_recall_ : dict
        As in `SMOTE`.
    n_features_in_ : int
        Columns of `X`.
    feature_names_in_ : ndarray of shape (n_features_in_,), object
        Their names; only where `X` has names, all of them text.
    provenance_ : Provenance
        As in `SMOTE`.

    References
    ----------
    Last, Douzas, Bacao: Oversampling for imbalanced learning based on k-means and SMOTE. arXiv:1711.00837.
    Deviation: the count is exact, by Webster's apportionment.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **over_sampling.KMeansSMOTE._parameter_constraints,
        **Synthesizer._neighbors_constraint,
    }

    def __init__(
        self,
        *,
        sampling_strategy: Any = "auto",
        random_state: Any = None,
        k_neighbors: Any = 2,
        n_jobs: int | None = None,
        kmeans_estimator: Any = None,
        cluster_balance_threshold: Any = "auto",
        density_exponent: Any = "auto",
        neighbors: str = "auto",
        group_by: int | str | None = None,
    ) -> None:
        super().__init__(
            sampling_strategy=sampling_strategy,
            random_state=random_state,
            k_neighbors=k_neighbors,
            n_jobs=n_jobs,
            kmeans_estimator=kmeans_estimator,
            cluster_balance_threshold=cluster_balance_threshold,
            density_exponent=density_exponent,
        )
        self.neighbors = neighbors
        self.group_by = group_by

    def _plan(self, X: Any, y: NDArray[Any], part: Part) -> Plan:
        members = np.flatnonzero(y == part.label)
        X = at_unit(X)  # tiny numbers have no squares: clusters would be arbitrary
        clusters = self.kmeans_estimator_.fit_predict(X)
        threshold = self.cluster_balance_threshold_
        if threshold == "auto":
            threshold = part.n_synthetic / sum(self.sampling_strategy_.values()) / 2
        sizes = np.bincount(clusters)
        held = np.bincount(clusters[members], minlength=len(sizes))
        # `nn_k_` counts the row itself, so this is k_neighbors + 1.
        chosen = np.flatnonzero((held >= np.maximum(threshold * sizes, self.nn_k_.n_neighbors)) & (held > 0))
        if not chosen.size:
            raise InfeasibleError(
                f"KMeansSMOTE needs a cluster that is {threshold:g} of {part.name} and holds "
                f"{self.nn_k_.n_neighbors} of its rows, got none of {len(sizes)}, so 0 of {part.n_synthetic} synthetic "
                "rows could be made: lower cluster_balance_threshold or k_neighbors, or ask for other clusters"
            )
        held_by = [members[clusters[members] == cluster] for cluster in chosen]
        found = [self._search(X, rows, self.k_neighbors, part, within=rows) for rows in held_by]
        sparsity = np.array([self._find_cluster_sparsity(X[rows]) for rows in held_by])
        if not (math.isfinite(sparsity.sum()) and sparsity.sum() > 0):
            sparsity = np.ones(len(held_by))  # every cluster is one point: no spread to go by
        bases = np.concatenate(held_by)
        weights = np.repeat(sparsity / [len(rows) for rows in held_by], [len(rows) for rows in held_by])
        turn = np.argsort(bases)
        return Plan(bases[turn], np.searchsorted(members, bases[turn]), np.concatenate(found)[turn], weights[turn])
