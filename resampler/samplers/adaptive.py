"""Over-sampling where the classes meet: `BorderlineSMOTE`, `ADASYN` and `SVMSMOTE`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from imblearn import over_sampling

from resampler.methods.catalog import resolve
from resampler.methods.parameters import Missing, NoDanger, Parameters
from resampler.samplers.base import Synthesizer

if TYPE_CHECKING:
    from resampler.grids import Grids
    from resampler.methods.oversample import Grown
    from resampler.secret import SecretKey


class BorderlineSMOTE(Synthesizer, over_sampling.BorderlineSMOTE):  # type: ignore[misc]
    """Over-sample the rows in danger: half or more of their neighbours, but not all, are of other classes.

    Parameters
    ----------
    sampling_strategy, random_state, k_neighbors, neighbors, group_by, subgroups, grid, relations, missing, \
secret_key
        As in `SMOTE`.
    m_neighbors : int or object
        Neighbours, of any class, that decide whether a row is in danger.
    kind : {"borderline-1", "borderline-2"}
        1 joins rows in danger with rows of their class; 2 with rows of any class, half the way at most where it
        is another.
    no_danger : {"plain", "error"}
        What to do for a class of which no row is in danger: make `SMOTE`'s rows and warn, or raise.

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
    nn_m_ : object
        The same of `m_neighbors`.
    in_danger_indices : dict
        For each class the positions of its rows in danger; only for classes that have some.

    Warns
    -----
    ShortfallWarning
        If no row of a class is in danger, and `SMOTE`'s rows are made.

    References
    ----------
    Han, Wang, Mao: Borderline-SMOTE. ICIC 2005, doi:10.1007/11538059_91.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **over_sampling.BorderlineSMOTE._parameter_constraints,
        **Synthesizer._neighbors_constraint,
        **Synthesizer._grid_constraint,
        **Synthesizer._danger_constraint,
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
        subgroups: str = "within",
        grid: Grids = "off",
        relations: str = "off",
        no_danger: NoDanger = "plain",
        missing: Missing = "refuse",
        secret_key: SecretKey | str | None = None,
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
        self.subgroups = subgroups
        self.grid = grid
        self.relations = relations
        self.missing = missing
        self.secret_key = secret_key
        self.no_danger = no_danger

    @property
    def _method(self) -> str:  # type: ignore[override]
        return resolve(self.kind)

    def _parameters(self) -> Parameters:
        return Parameters(self.k_neighbors, self.m_neighbors, self.no_danger)

    def _learn(self, grown: tuple[Grown, ...]) -> None:
        self.in_danger_indices = {each.part.key: each.bases for each in grown if not each.plain}


class ADASYN(Synthesizer, over_sampling.ADASYN):  # type: ignore[misc]
    """Over-sample each row in proportion to how many of its neighbours are of other classes.

    Parameters
    ----------
    sampling_strategy, random_state, neighbors, group_by, subgroups, grid, relations, missing, \
secret_key
        As in `SMOTE`.
    n_neighbors : int or object
        Neighbours of any class that weigh a row, and of its class that it may be joined with.
    no_danger : {"plain", "error"}
        What to do for a class of which no row has a neighbour of another class: make `SMOTE`'s rows and warn, or raise.

    Attributes
    ----------
    sampling_strategy_
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
    nn_ : object
        What `n_neighbors` was validated to; it searches only where an object was given.

    References
    ----------
    He, Bai, Garcia, Li: ADASYN. IJCNN 2008, doi:10.1109/IJCNN.2008.4633969. Deviation: the count is exact, by
    Webster's apportionment, where the paper rounds row by row.
    """

    _method = "adasyn"
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **over_sampling.ADASYN._parameter_constraints,
        **Synthesizer._neighbors_constraint,
        **Synthesizer._grid_constraint,
        **Synthesizer._danger_constraint,
    }

    def __init__(
        self,
        *,
        sampling_strategy: Any = "auto",
        random_state: Any = None,
        n_neighbors: Any = 5,
        neighbors: str = "auto",
        group_by: int | str | None = None,
        subgroups: str = "within",
        grid: Grids = "off",
        relations: str = "off",
        no_danger: NoDanger = "plain",
        missing: Missing = "refuse",
        secret_key: SecretKey | str | None = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy, random_state=random_state, n_neighbors=n_neighbors)
        self.neighbors = neighbors
        self.group_by = group_by
        self.subgroups = subgroups
        self.grid = grid
        self.relations = relations
        self.missing = missing
        self.secret_key = secret_key
        self.no_danger = no_danger

    def _parameters(self) -> Parameters:
        return Parameters(self.n_neighbors, no_danger=self.no_danger)


class SVMSMOTE(Synthesizer, over_sampling.SVMSMOTE):  # type: ignore[misc]
    """Over-sample the support vectors of a class: towards neighbours where it is in danger, away from them elsewhere.

    Parameters
    ----------
    sampling_strategy, random_state, k_neighbors, neighbors, group_by, subgroups, grid, relations, missing, \
secret_key
        As in `SMOTE`.
    m_neighbors : int or object
        Neighbours, of any class, that distinguish noise, danger and safety.
    svm_estimator : object
        Gives `support_` when fitted; by default ``SVC(gamma="scale")``.
    out_step : float
        How far to extrapolate from a safe support vector.

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
    nn_m_ : object
        The same of `m_neighbors`.
    svm_estimator_ : object
        The fitted machine.
    provenance_ : Provenance
        As in `SMOTE`; the step of an extrapolated row is negative.

    References
    ----------
    Nguyen, Cooper, Kamei: Borderline over-sampling for imbalanced data classification. IJKESDP 3 (2011),
    doi:10.1504/IJKESDP.2011.039875. Deviation: half of the rows come from danger, where imbalanced-learn draws the
    share from Beta(10, 10), and all that were asked for are made where only one kind exists.
    """

    _method = "svm"
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **over_sampling.SVMSMOTE._parameter_constraints,
        **Synthesizer._neighbors_constraint,
        **Synthesizer._grid_constraint,
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
            m_neighbors=m_neighbors,
            svm_estimator=svm_estimator,
            out_step=out_step,
        )
        self.neighbors = neighbors
        self.group_by = group_by
        self.subgroups = subgroups
        self.grid = grid
        self.relations = relations
        self.missing = missing
        self.secret_key = secret_key

    def _parameters(self) -> Parameters:
        return Parameters(self.k_neighbors, self.m_neighbors, machine=self.svm_estimator_, out_step=self.out_step)
