"""Over-sampling where the classes meet: `BorderlineSMOTE`, `ADASYN` and `SVMSMOTE`.

Row ids, which key the draws, are places within the class.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from imblearn import over_sampling

from resampler.errors import InvalidInputError
from resampler.generate import Plan
from resampler.samplers.base import InfeasibleError, Synthesizer, warn_shortfall

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from resampler.samplers.groups import Part

_DANGER_SHARE = 0.5  # SVMSMOTE: the mean of imbalanced-learn's Beta(10, 10)


class BorderlineSMOTE(Synthesizer, over_sampling.BorderlineSMOTE):  # type: ignore[misc]
    """Over-sample the rows in danger: half or more of their neighbours, but not all, are of other classes.

    Parameters
    ----------
    sampling_strategy, random_state, k_neighbors, neighbors, group_by
        As in `SMOTE`.
    m_neighbors : int or object
        Neighbours, of any class, that decide whether a row is in danger.
    kind : {"borderline-1", "borderline-2"}
        1 joins rows in danger with rows of their class; 2 with rows of any class, half the way at most where it
        is another.

    Attributes
    ----------
    sampling_strategy_ : dict
        Synthetic rows to make of each class.
    nn_k_ : object
        What `k_neighbors` was validated to; it searches only where an object was given.
    nn_m_ : object
        The same of `m_neighbors`.
    neighbors_recall_ : dict
        As in `SMOTE`.
    n_features_in_ : int
        Columns of `X`.
    feature_names_in_ : ndarray of shape (n_features_in_,), object
        Their names; only where `X` has names, all of them text.
    in_danger_indices : dict
        For each class the positions of its rows in danger.
    provenance_ : Provenance
        As in `SMOTE`.

    Warns
    -----
    ShortfallWarning
        If no row of a class is in danger: none is made.

    References
    ----------
    Han, Wang, Mao: Borderline-SMOTE. ICIC 2005, doi:10.1007/11538059_91.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **over_sampling.BorderlineSMOTE._parameter_constraints,
        **Synthesizer._neighbors_constraint,
    }

    def __init__(
        self,
        *,
        sampling_strategy: Any = "auto",
        random_state: Any = None,
        k_neighbors: Any = 5,
        m_neighbors: Any = 10,
        kind: str = "borderline-1",
        neighbors: str = "auto",
        group_by: int | str | None = None,
    ) -> None:
        super().__init__(
            sampling_strategy=sampling_strategy,
            random_state=random_state,
            k_neighbors=k_neighbors,
            m_neighbors=m_neighbors,
            kind=kind,
        )
        self.neighbors = neighbors
        self.group_by = group_by

    def _validate_estimator(self) -> None:
        super()._validate_estimator()
        self.in_danger_indices: dict[Any, NDArray[np.int64]] = {}

    def _plan(self, X: Any, y: NDArray[Any], part: Part) -> Plan | None:
        members = np.flatnonzero(y == part.label)
        others = (y[self._search(X, members, self.m_neighbors, part)] != part.label).mean(axis=1)
        ids = np.flatnonzero((others >= 0.5) & (others < 1))
        if not ids.size:
            warn_shortfall(0, part, "no row is in danger; use SMOTE, or raise m_neighbors")
            return None
        danger = members[ids]
        self.in_danger_indices[part.key] = part.place(danger)
        if self.kind == "borderline-1":
            return Plan(danger, ids, self._search(X, danger, self.k_neighbors, part, within=members))
        found = self._search(X, danger, self.k_neighbors, part)
        return Plan(danger, ids, found, span=np.where(y[found] == part.label, 1, 0.5).astype(np.float32))


class ADASYN(Synthesizer, over_sampling.ADASYN):  # type: ignore[misc]
    """Over-sample each row in proportion to how many of its neighbours are of other classes.

    Parameters
    ----------
    sampling_strategy, random_state, neighbors, group_by
        As in `SMOTE`.
    n_neighbors : int or object
        Neighbours of any class that weigh a row, and of its class that it may be joined with.

    Attributes
    ----------
    sampling_strategy_ : dict
        Synthetic rows to make of each class.
    nn_ : object
        What `n_neighbors` was validated to; it searches only where an object was given.
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
    He, Bai, Garcia, Li: ADASYN. IJCNN 2008, doi:10.1109/IJCNN.2008.4633969. Deviation: the count is exact, by
    Webster's apportionment, where the paper rounds row by row.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **over_sampling.ADASYN._parameter_constraints,
        **Synthesizer._neighbors_constraint,
    }

    def __init__(
        self,
        *,
        sampling_strategy: Any = "auto",
        random_state: Any = None,
        n_neighbors: Any = 5,
        neighbors: str = "auto",
        group_by: int | str | None = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy, random_state=random_state, n_neighbors=n_neighbors)
        self.neighbors = neighbors
        self.group_by = group_by

    def _plan(self, X: Any, y: NDArray[Any], part: Part) -> Plan:
        members = np.flatnonzero(y == part.label)
        weights = (y[self._search(X, members, self.n_neighbors, part)] != part.label).mean(axis=1)
        if not weights.any():
            raise InfeasibleError(
                f"ADASYN needs a row of {part.name} with a neighbour of another class, got none, so 0 of "
                f"{part.n_synthetic} synthetic rows could be made: raise n_neighbors or use SMOTE"
            )
        ids = np.flatnonzero(weights)
        found = self._search(X, members[ids], self.n_neighbors, part, within=members)
        return Plan(members[ids], ids, found, weights[ids])


class SVMSMOTE(Synthesizer, over_sampling.SVMSMOTE):  # type: ignore[misc]
    """Over-sample the support vectors of a class: towards neighbours where it is in danger, away from them elsewhere.

    Parameters
    ----------
    sampling_strategy, random_state, k_neighbors, neighbors, group_by
        As in `SMOTE`.
    m_neighbors : int or object
        Neighbours, of any class, that tell noise, danger and safety apart.
    svm_estimator : object
        Gives `support_` when fitted; by default ``SVC(gamma="scale")``.
    out_step : float
        How far to extrapolate from a safe support vector.

    Attributes
    ----------
    sampling_strategy_ : dict
        Synthetic rows to make of each class.
    nn_k_ : object
        What `k_neighbors` was validated to; it searches only where an object was given.
    nn_m_ : object
        The same of `m_neighbors`.
    svm_estimator_ : object
        The fitted machine.
    neighbors_recall_ : dict
        As in `SMOTE`.
    n_features_in_ : int
        Columns of `X`.
    feature_names_in_ : ndarray of shape (n_features_in_,), object
        Their names; only where `X` has names, all of them text.
    provenance_ : Provenance
        As in `SMOTE`; the step of an extrapolated row is negative.

    References
    ----------
    Nguyen, Cooper, Kamei: Borderline over-sampling for imbalanced data classification. IJKESDP 3 (2011),
    doi:10.1504/IJKESDP.2011.039875. Deviation: half of the rows come from danger, where imbalanced-learn draws the
    share from Beta(10, 10), and all that were asked for are made where only one kind exists.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **over_sampling.SVMSMOTE._parameter_constraints,
        **Synthesizer._neighbors_constraint,
    }

    def __init__(
        self,
        *,
        sampling_strategy: Any = "auto",
        random_state: Any = None,
        k_neighbors: Any = 5,
        m_neighbors: Any = 10,
        svm_estimator: Any = None,
        out_step: float = 0.5,
        neighbors: str = "auto",
        group_by: int | str | None = None,
    ) -> None:
        super().__init__(
            sampling_strategy=sampling_strategy,
            random_state=random_state,
            k_neighbors=k_neighbors,
            m_neighbors=m_neighbors,
            svm_estimator=svm_estimator,
            out_step=out_step,
        )
        self.neighbors = neighbors
        self.group_by = group_by

    def _plan(self, X: Any, y: NDArray[Any], part: Part) -> Plan:
        members = np.flatnonzero(y == part.label)
        machine = self.svm_estimator_.fit(X, y)
        if not hasattr(machine, "support_"):
            raise InfeasibleError(
                "`svm_estimator` is required to exposed a `support_` fitted attribute, "
                f"got {type(machine).__name__}: give a support vector machine such as sklearn.svm.SVC"
            )
        vectors = np.intersect1d(machine.support_, members)
        others = (y[self._search(X, vectors, self.m_neighbors, part)] != part.label).mean(axis=1)
        vectors, others = vectors[others < 1], others[others < 1]
        if not vectors.size:
            raise InvalidInputError(
                f"SVM-SMOTE is not adapted to your dataset: all support vectors of {part.name} are noise, so 0 of "
                f"{part.n_synthetic} synthetic rows could be made: use another variant or lower m_neighbors"
            )
        found = self._search(X, vectors, self.k_neighbors, part, within=members)
        danger = others >= 0.5
        # The share of danger is split among its rows, the rest among the safe ones; where one kind is missing, the
        # other's weights alone remain, and weights are relative.
        n_danger, n_safe = int(danger.sum()), int((~danger).sum())
        weights = np.where(danger, _DANGER_SHARE / max(n_danger, 1), (1 - _DANGER_SHARE) / max(n_safe, 1))
        span = np.where(danger, 1, -self.out_step)[:, None] * np.ones(found.shape[1])
        return Plan(vectors, np.searchsorted(members, vectors), found, weights, span.astype(np.float32))
