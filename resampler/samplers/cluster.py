"""`KMeansSMOTE`: SMOTE within clusters that hold enough of the class, more where it is sparse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from imblearn import over_sampling

from resampler.methods.parameters import Missing, Parameters
from resampler.samplers.base import Synthesizer

if TYPE_CHECKING:
    from resampler.grids import Grids
    from resampler.secret import SecretKey


class KMeansSMOTE(Synthesizer, over_sampling.KMeansSMOTE):  # type: ignore[misc]
    """Over-sample by SMOTE inside k-means clusters.

    Parameters
    ----------
    sampling_strategy, random_state, k_neighbors, neighbors, group_by, subgroups, grid, relations, missing, \
secret_key
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
    sampling_strategy_
        As in `SMOTE`.
    nn_k_
        As in `SMOTE`.
    neighbors_recall_
        As in `SMOTE`.
    neighbors_exact_
        As in `SMOTE`.
    neighbors_rule_
        As in `SMOTE`.
    n_features_in_
        As in `SMOTE`.
    feature_names_in_
        As in `SMOTE`: only where `X` has names.
    provenance_
        As in `SMOTE`.
    kmeans_estimator_ : object
        The fitted clusters.
    cluster_balance_threshold_ : float or str
        What `cluster_balance_threshold` was validated to.

    References
    ----------
    Last, Douzas, Bacao: Oversampling for imbalanced learning based on k-means and SMOTE. arXiv:1711.00837.
    Deviation: the count is exact, by Webster's apportionment.
    """

    _method = "kmeans"
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **over_sampling.KMeansSMOTE._parameter_constraints,
        **Synthesizer._neighbors_constraint,
        **Synthesizer._grid_constraint,
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
        subgroups: str = "within",
        grid: Grids = "off",
        relations: str = "off",
        missing: Missing = "refuse",
        secret_key: SecretKey | str | None = None,
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
        self.subgroups = subgroups
        self.grid = grid
        self.relations = relations
        self.missing = missing
        self.secret_key = secret_key

    def _parameters(self) -> Parameters:
        share = self.cluster_balance_threshold_
        return Parameters(
            self.k_neighbors,
            clusters=self.kmeans_estimator_,
            cluster_share=None if share == "auto" else share,
            sparsity=self._find_cluster_sparsity,
        )
