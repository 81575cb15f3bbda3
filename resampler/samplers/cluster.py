"""`KMeansSMOTE`: SMOTE within clusters that hold enough of the class, more where it is sparse."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from imblearn import over_sampling

from resampler.generate import Plan
from resampler.samplers.base import InfeasibleError, Synthesizer

if TYPE_CHECKING:
    from numpy.typing import NDArray


class KMeansSMOTE(Synthesizer, over_sampling.KMeansSMOTE):  # type: ignore[misc]
    """Over-sample by SMOTE inside k-means clusters.

    Parameters
    ----------
    sampling_strategy, random_state, k_neighbors, neighbors
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

    def _plan(self, X: Any, y: NDArray[Any], label: Any, n_synthetic: int) -> Plan:
        members = np.flatnonzero(y == label)
        clusters = self.kmeans_estimator_.fit_predict(X)
        threshold = self.cluster_balance_threshold_
        if threshold == "auto":
            threshold = n_synthetic / sum(self.sampling_strategy_.values()) / 2
        sizes = np.bincount(clusters)
        held = np.bincount(clusters[members], minlength=len(sizes))
        # `nn_k_` counts the row itself, so this is k_neighbors + 1.
        chosen = np.flatnonzero((held >= np.maximum(threshold * sizes, self.nn_k_.n_neighbors)) & (held > 0))
        if not chosen.size:
            raise InfeasibleError(
                f"KMeansSMOTE needs a cluster that is {threshold:g} of class {label!r} and holds "
                f"{self.nn_k_.n_neighbors} of its rows, got none of {len(sizes)}, so 0 of {n_synthetic} synthetic "
                "rows could be made: lower cluster_balance_threshold or k_neighbors, or ask for other clusters"
            )
        parts = [members[clusters[members] == cluster] for cluster in chosen]
        found = [self._search(X, part, self.k_neighbors, label, within=part) for part in parts]
        sparsity = np.array([self._find_cluster_sparsity(X[part]) for part in parts])
        if not (math.isfinite(sparsity.sum()) and sparsity.sum() > 0):
            sparsity = np.ones(len(parts))  # every cluster is one point: no spread to go by
        bases = np.concatenate(parts)
        weights = np.repeat(sparsity / [len(part) for part in parts], [len(part) for part in parts])
        turn = np.argsort(bases)
        return Plan(bases[turn], np.searchsorted(members, bases[turn]), np.concatenate(found)[turn], weights[turn])
