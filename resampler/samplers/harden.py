"""`HardenedOverSampler`: rows that are made of groups of rows, never of one."""

from __future__ import annotations

import numbers
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from imblearn import over_sampling
from sklearn.utils._param_validation import Interval

from resampler.methods.parameters import Parameters
from resampler.microaggregation import GROUP_SIZE, LEAST
from resampler.samplers.nominal import SMOTENC

if TYPE_CHECKING:
    from resampler.grids import Grids
    from resampler.methods.parameters import Missing
    from resampler.secret import SecretKey


class HardenedOverSampler(SMOTENC):
    """Over-sample from groups of ten rows, so that attacks do not find the rows that were given.

    Each class's rows are cut into groups of `group_size` or more near rows. A synthetic row lies between a group's
    centroid and half the way to a near group's, moved in each column by a normal deviate times the group's own spread,
    and at least a quarter of the class's. No value comes from fewer rows than a group has. This is measured against
    attacks (`resampler audit privacy`), and is no formal guarantee.

    Parameters
    ----------
    categorical_features : "auto", array-like or None
        As in `SMOTENC`, some columns or all; None means that none are. Categories are drawn from the group's counts;
        one that fewer rows of the class have than a group is never drawn.
    sampling_strategy, random_state, neighbors, group_by, subgroups, grid, relations, missing
        As in `SMOTE`. Groups are formed within a subgroup; nulls are drawn from a group's count.
    secret_key : SecretKey, str or None
        As in `SMOTE`. Without one, whoever knows the seed and the identities of the rows finds the statistics of
        groups, and no row.
    group_size : int
        Real rows of a group, at least: 10 or more, or 5 or more with `small_groups`. A class needs two groups.
    small_groups : bool
        Consent to groups of 5 to 9 rows, which say more about each of them.
    k_neighbors : int
        Near groups that a group may be joined with; all others where there are fewer.

    Attributes
    ----------
    sampling_strategy_
        As in `SMOTE`.
    neighbors_recall_ : dict
        Empty.
    neighbors_exact_ : dict
        Empty.
    neighbors_rule_
        As in `SMOTE`, of near groups.
    n_features_in_
        As in `SMOTE`.
    feature_names_in_
        As in `SMOTE`: only where `X` has names.
    categorical_features_, continuous_features_, n_features_
        As in `SMOTENC`.
    categorical_encoder_
        As in `SMOTENC`: only where columns are categorical.
    nn_k_
        As in `SMOTE`.
    provenance_ : Provenance
        With the groups: `base` and `neighbor` name these, and never a row. It has the means of groups, which are worth
        keeping secret, too.

    References
    ----------
    Domingo-Ferrer, Torra: Ordinal, continuous and heterogeneous k-anonymity through microaggregation. DMKD 11 (2005),
    doi:10.1007/s10618-005-0007-5.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import make_classification
    >>> X, y = make_classification(200, weights=[0.8], random_state=0)
    >>> X_new, y_new = HardenedOverSampler(random_state=0).fit_resample(X, y)
    >>> bool(np.sum(y_new == 1) == np.sum(y_new == 0))
    True
    """

    _method = "hardened"
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **SMOTENC._parameter_constraints,
        "categorical_features": [*SMOTENC._parameter_constraints["categorical_features"], None],
        "k_neighbors": [Interval(numbers.Integral, 1, None, closed="left")],
        "group_size": [Interval(numbers.Integral, LEAST, None, closed="left")],
        "small_groups": ["boolean"],
    }

    def __init__(
        self,
        categorical_features: Any = None,
        *,
        sampling_strategy: Any = "auto",
        random_state: Any = None,
        secret_key: SecretKey | str | None = None,
        group_size: int = GROUP_SIZE,
        small_groups: bool = False,
        k_neighbors: int = 5,
        neighbors: str = "auto",
        group_by: int | str | None = None,
        subgroups: str = "within",
        grid: Grids = "off",
        relations: str = "off",
        missing: Missing = "refuse",
    ) -> None:
        super().__init__(
            categorical_features,
            sampling_strategy=sampling_strategy,
            random_state=random_state,
            k_neighbors=k_neighbors,
            neighbors=neighbors,
            group_by=group_by,
            subgroups=subgroups,
            grid=grid,
            relations=relations,
            missing=missing,
            secret_key=secret_key,
        )
        self.group_size = group_size
        self.small_groups = small_groups

    def _validate_estimator(self) -> None:
        over_sampling.SMOTE._validate_estimator(self)  # not SMOTENC's, which asks for columns of both kinds
        self._parameters()

    def _validate_column_types(self, X: Any) -> None:
        if self.categorical_features is None:
            self.categorical_features_ = np.empty(0, dtype=np.int64)
            self.continuous_features_ = np.arange(X.shape[1])
        else:
            super()._validate_column_types(X)

    def _parameters(self) -> Parameters:
        return Parameters(self.k_neighbors, group_size=self.group_size, small_groups=self.small_groups)
