"""`SMOTE`: synthetic rows between a row and one of its nearest neighbours of the same class."""

from __future__ import annotations

import numbers
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from imblearn import over_sampling
from scipy import sparse
from sklearn.utils._param_validation import Interval

from resampler.errors import InvalidInputError
from resampler.generate import Plan
from resampler.samplers.base import Synthesizer

if TYPE_CHECKING:
    from numpy.typing import NDArray


class SMOTE(Synthesizer, over_sampling.SMOTE):  # type: ignore[misc]
    """Over-sample by SMOTE, with the provenance of every synthetic row.

    Parameters
    ----------
    sampling_strategy : float, str, dict or callable
        As in imbalanced-learn; a float is minority : majority after resampling.
    random_state : int, RandomState or None
        An integer gives the same rows on every machine, whatever other classes or majority rows there are.
    k_neighbors : int or object
        Neighbours that a base may be joined with; a row is never its own neighbour, duplicates or not. Or an
        estimator with `kneighbors`, whose ``n_neighbors`` counts the row itself, as in imbalanced-learn.
    neighbors : {"auto", "exact", "approximate"}
        How they are sought: see `resampler.neighbors.nearest_rows`.
    group_by : int, str or None
        Column, by number or name, whose values split a class into subgroups: rows are joined within their subgroup
        alone, and every subgroup grows in proportion to its size.

    Attributes
    ----------
    sampling_strategy_ : dict
        Synthetic rows to make of each class.
    provenance_ : Provenance
        Parents and step of each synthetic row, in the order of the rows.
    neighbors_recall_ : dict
        For each class, or (class, subgroup), the share of true neighbours that a sample of its rows found.

    References
    ----------
    Chawla, Bowyer, Hall, Kegelmeyer: SMOTE. JAIR 16 (2002), doi:10.1613/jair.953. Deviation: bases take turns in
    a seeded order, where the paper draws them.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **over_sampling.SMOTE._parameter_constraints,
        **Synthesizer._neighbors_constraint,
        "group_by": [Interval(numbers.Integral, 0, None, closed="left"), str, None],
    }

    def __init__(
        self,
        *,
        sampling_strategy: Any = "auto",
        random_state: Any = None,
        k_neighbors: Any = 5,
        neighbors: str = "auto",
        group_by: int | str | None = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy, random_state=random_state, k_neighbors=k_neighbors)
        self.neighbors = neighbors
        self.group_by = group_by

    def _plan(self, X: Any, y: NDArray[Any], label: Any, n_synthetic: int) -> Plan:  # noqa: ARG002
        members = np.flatnonzero(y == label)
        if self.group_by is None:
            found = self._search(X, members, self.k_neighbors, label, within=members)
            return Plan(members, np.arange(len(members)), found)
        groups = self._groups(X)[members]
        parts = {group: members[groups == group] for group in np.unique(groups).tolist()}
        lists = [self._search(X, part, self.k_neighbors, (label, g), within=part) for g, part in parts.items()]
        order = np.argsort(np.concatenate(list(parts.values())))
        return Plan(members, np.arange(len(members)), np.concatenate(lists)[order])

    def _groups(self, X: Any) -> NDArray[Any]:
        names = list(self._names or getattr(self, "feature_names_in_", ()))
        if isinstance(self.group_by, str) and self.group_by not in names:
            raise InvalidInputError(f"group_by={self.group_by!r} must be one of the columns {names}")
        at = names.index(self.group_by) if isinstance(self.group_by, str) else self.group_by
        if not at < X.shape[1]:
            raise InvalidInputError(f"group_by={at} must be below the number of columns, {X.shape[1]}")
        column = X[:, [at]]
        return (column.toarray() if sparse.issparse(column) else column)[:, 0]
