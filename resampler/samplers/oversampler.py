"""`OverSampler`: any method of the catalogue, by its name."""

from __future__ import annotations

import numbers
from typing import TYPE_CHECKING, Any, ClassVar

from imblearn.over_sampling.base import BaseOverSampler
from sklearn.utils._param_validation import Interval

from resampler.errors import InvalidInputError
from resampler.methods.catalog import ALIASES, METHODS, resolve
from resampler.methods.parameters import DANGER_NEIGHBORS, Missing, NoDanger, Parameters
from resampler.microaggregation import GROUP_SIZE, LEAST
from resampler.options import one_of
from resampler.samplers.base import Synthesizer

if TYPE_CHECKING:
    from resampler.grids import Grids
    from resampler.secret import SecretKey

OFFERED = tuple(name for name, method in METHODS.items() if method.clean is None and method.categories != "all")
_METHOD = one_of(OFFERED, former=ALIASES)


class OverSampler(Synthesizer, BaseOverSampler):  # type: ignore[misc]
    """Over-sample numeric rows by a method that is named, with the provenance of every synthetic row.

    The rows are those that the method's own class makes with these parameters, where it has one. The command line and
    snapshots know the method by the same name.

    Parameters
    ----------
    method : str
        A key of `resampler.methods.catalog.METHODS`: one that cleans nothing afterwards and takes numeric columns.
    sampling_strategy, random_state, k_neighbors, neighbors, group_by, subgroups, grid, relations, missing, \
secret_key
        As in `SMOTE`.
    m_neighbors : int
        Neighbours, of any class, that decide whether a row is in danger, for methods that ask.
    no_danger : {"plain", "error"}
        As in `BorderlineSMOTE`.
    shrinkage : float or None
        For random, and refused with others: as in `RandomOverSampler`, one for all classes.
    group_size, small_groups
        For hardened: as in `HardenedOverSampler`.

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

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import make_classification
    >>> X, y = make_classification(60, weights=[0.8], random_state=0)
    >>> X_new, y_new = OverSampler("borderline-2", random_state=0).fit_resample(X, y)
    >>> bool(np.sum(y_new == 1) == np.sum(y_new == 0))
    True
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **BaseOverSampler._parameter_constraints,
        "method": [str],
        "random_state": ["random_state"],
        "k_neighbors": [Interval(numbers.Integral, 1, None, closed="left")],
        "m_neighbors": [Interval(numbers.Integral, 1, None, closed="left")],
        "shrinkage": [Interval(numbers.Real, 0, None, closed="left"), None],
        "group_size": [Interval(numbers.Integral, LEAST, None, closed="left")],
        "small_groups": ["boolean"],
        **Synthesizer._neighbors_constraint,
        **Synthesizer._grid_constraint,
        **Synthesizer._danger_constraint,
    }

    def __init__(
        self,
        method: str = "smote",
        *,
        sampling_strategy: Any = "auto",
        random_state: Any = None,
        k_neighbors: int = 5,
        m_neighbors: int = DANGER_NEIGHBORS,
        no_danger: NoDanger = "plain",
        shrinkage: float | None = None,
        group_size: int = GROUP_SIZE,
        small_groups: bool = False,
        neighbors: str = "auto",
        group_by: int | str | None = None,
        subgroups: str = "within",
        grid: Grids = "off",
        relations: str = "off",
        missing: Missing = "refuse",
        secret_key: SecretKey | str | None = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.method = method
        self.random_state = random_state
        self.k_neighbors = k_neighbors
        self.m_neighbors = m_neighbors
        self.no_danger = no_danger
        self.shrinkage = shrinkage
        self.group_size = group_size
        self.small_groups = small_groups
        self.neighbors = neighbors
        self.group_by = group_by
        self.subgroups = subgroups
        self.grid = grid
        self.relations = relations
        self.missing = missing
        self.secret_key = secret_key

    @property
    def _method(self) -> str:  # type: ignore[override]
        return resolve(self.method, known=OFFERED)

    def _validate_estimator(self) -> None:
        method = _METHOD.check("method", self.method)
        if self.shrinkage is not None and method != "random":
            raise InvalidInputError(
                f"shrinkage goes with method 'random', got method {self.method!r}: leave it out, or use random"
            )

    def _parameters(self) -> Parameters:
        return Parameters(
            self.k_neighbors,
            self.m_neighbors,
            self.no_danger,
            shrinkage=self.shrinkage,
            group_size=self.group_size,
            small_groups=self.small_groups,
        )
