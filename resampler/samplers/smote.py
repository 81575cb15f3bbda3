"""`SMOTE`: synthetic rows between a row and one of its nearest neighbours of the same class."""

from __future__ import annotations

import numbers
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from imblearn.over_sampling.base import BaseOverSampler
from scipy import sparse
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval

from resampler.synthesize import synthesize

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Provenance(NamedTuple):
    """Where each synthetic row of a `fit_resample` came from.

    Parameters
    ----------
    label : ndarray of shape (n_synthetic,)
        Its class.
    base, neighbor : ndarray of shape (n_synthetic,), int64
        Positions of the parents in the `X` that was given.
    step : ndarray of shape (n_synthetic,), float32
        The row is ``X[base] + step * (X[neighbor] - X[base])``.
    """

    label: NDArray[Any]
    base: NDArray[np.int64]
    neighbor: NDArray[np.int64]
    step: NDArray[np.float32]


def seed_from(random_state: object) -> int:
    """Turn scikit-learn's `random_state` into a seed.

    Parameters
    ----------
    random_state : int, RandomState or None
        An integer is its own seed.

    Returns
    -------
    int
        From 0 to 2**64 - 1.
    """
    if isinstance(random_state, numbers.Integral):
        return int(random_state)
    return int(check_random_state(random_state).randint(0, 2**63, dtype=np.int64))


class SMOTE(BaseOverSampler):  # type: ignore[misc]
    """Over-sample by SMOTE, with the provenance of every synthetic row.

    Parameters
    ----------
    sampling_strategy : float, str, dict or callable
        As in imbalanced-learn; a float is minority : majority after resampling.
    random_state : int, RandomState or None
        An integer gives the same rows on every machine, whatever other classes or majority rows there are.
    k_neighbors : int
        Neighbours that a base may be joined with; a row is never its own neighbour, duplicates or not.

    Attributes
    ----------
    sampling_strategy_ : dict
        Synthetic rows to make of each class.
    provenance_ : Provenance
        Parents and step of each synthetic row, in the order of the rows.

    References
    ----------
    Chawla, Bowyer, Hall, Kegelmeyer: SMOTE. JAIR 16 (2002), doi:10.1613/jair.953. Deviation: bases take turns in
    a seeded order, where the paper draws them.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **BaseOverSampler._parameter_constraints,
        "k_neighbors": [Interval(numbers.Integral, 1, None, closed="left")],
    }

    def __init__(self, *, sampling_strategy: Any = "auto", random_state: Any = None, k_neighbors: int = 5) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.random_state = random_state
        self.k_neighbors = k_neighbors

    def _fit_resample(self, X: Any, y: NDArray[Any]) -> tuple[Any, NDArray[Any]]:
        seed = seed_from(self.random_state)
        rows, labels = [X], [y]
        parts: list[Provenance] = []
        for label, n_synthetic in self.sampling_strategy_.items():
            if n_synthetic == 0:
                continue
            ids = np.flatnonzero(y == label)
            members = X[ids].toarray() if sparse.issparse(X) else X[ids]
            made = synthesize(members, n_synthetic, k_neighbors=self.k_neighbors, seed=seed, label=label)
            made_labels = np.full(n_synthetic, label, dtype=y.dtype)
            rows.append(sparse.csr_matrix(made.X, dtype=X.dtype) if sparse.issparse(X) else made.X.astype(X.dtype))
            labels.append(made_labels)
            parts.append(Provenance(made_labels, ids[made.base_id], ids[made.neighbor_id], made.step))
        empty = Provenance(y[:0], *(np.empty(0, dtype=t) for t in (np.int64, np.int64, np.float32)))
        self.provenance_ = Provenance(*(np.concatenate(c) for c in zip(empty, *parts, strict=True)))
        stacked = sparse.vstack(rows, format=X.format) if sparse.issparse(X) else np.vstack(rows)
        return stacked, np.concatenate(labels)
