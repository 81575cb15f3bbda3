"""Cleaning where the classes meet: `TomekLinks` and `EditedNearestNeighbours`, with exact neighbours."""

from __future__ import annotations

import numbers
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from imblearn import under_sampling
from sklearn.base import clone
from sklearn.utils import _safe_indexing

from resampler.errors import InvalidInputError
from resampler.methods.clean import edited, tomek_links
from resampler.methods.labels import encoded
from resampler.methods.missing import nulls_in
from resampler.methods.table import dense_rows
from resampler.neighbors import nearest_rows
from resampler.samplers.base import TableMixin, renumbered
from resampler.samplers.estimator_search import others_found

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from resampler.methods.parameters import Missing
    from resampler.samplers.containers import Container


def _measured(rows: NDArray[Any], missing: Missing) -> Any:
    """Return what indexes the rows that have neighbours."""
    nulls = nulls_in(rows) if missing == "complete" else None
    return slice(None) if nulls is None else np.flatnonzero(~nulls.any(axis=1))


def _threads(n_jobs: int | None) -> int | None:
    return n_jobs if n_jobs and n_jobs > 0 else None


class TomekLinks(TableMixin, under_sampling.TomekLinks):  # type: ignore[misc]
    """Remove Tomek links: pairs of rows of different classes that are each other's nearest neighbour.

    Parameters
    ----------
    sampling_strategy : str, list or callable
        Classes whose rows of a link are removed, as in imbalanced-learn.
    n_jobs : int or None
        Threads; None or a negative number means all.
    missing : {"refuse", "inherit", "complete"}
        What rows with nulls are: an error, in scikit-learn's words; rows like others, whose distances are measured by
        the columns that both have, scaled up to all; or rows without neighbours, which stay.

    Attributes
    ----------
    n_features_in_
        As in `SMOTE`.
    feature_names_in_
        As in `SMOTE`: only where `X` has names.
    sampling_strategy_ : dict
        Rows that each class has, or is to keep.
    sample_indices_ : ndarray of shape (n_kept,), int64
        Positions of the rows that stay.

    References
    ----------
    Tomek: Two modifications of CNN. IEEE Trans. SMC 6 (1976), doi:10.1109/TSMC.1976.4309452.
    """

    _makes_values = False
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **under_sampling.TomekLinks._parameter_constraints,
        **TableMixin._missing_constraint,
    }

    def __init__(
        self, *, sampling_strategy: Any = "auto", n_jobs: int | None = None, missing: Missing = "refuse"
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy, n_jobs=n_jobs)
        self.missing = missing

    def _fit_resample(self, X: Any, y: NDArray[Any]) -> tuple[Any, NDArray[Any]]:
        rows = dense_rows(X, self._names)
        classes, codes = encoded(y)
        whole = _measured(rows, self.missing)

        def nearest(queries: NDArray[np.int64], k: int) -> NDArray[np.int64]:
            return nearest_rows(rows[whole], k, queries=queries, n_threads=_threads(self.n_jobs)).indices

        linked = np.arange(len(rows))[whole][tomek_links(nearest, codes[whole])]
        removed = linked[np.isin(codes[linked], np.flatnonzero([c in self.sampling_strategy_ for c in classes]))]
        self.sample_indices_ = np.delete(np.arange(len(rows)), removed)
        return self._picked(X), _safe_indexing(y, self.sample_indices_)

    def _put_together(self, rows: Container, X_new: Any) -> Any:
        return renumbered(super()._put_together(rows, X_new))


class EditedNearestNeighbours(TableMixin, under_sampling.EditedNearestNeighbours):  # type: ignore[misc]
    """Remove rows whose neighbours are of other classes.

    Parameters
    ----------
    sampling_strategy : str, list or callable
        Classes that rows are removed from, as in imbalanced-learn.
    n_neighbors : int or object
        Neighbours that are asked.
    kind_sel : {"all", "mode"}
        A row stays if all of them, or most, are of its class.
    n_jobs : int or None
        Threads; None or a negative number means all.
    missing : {"refuse", "inherit", "complete"}
        As in `TomekLinks`.

    Attributes
    ----------
    n_features_in_
        As in `SMOTE`.
    feature_names_in_
        As in `SMOTE`: only where `X` has names.
    sampling_strategy_ : dict
        Rows that each class has, or is to keep.
    nn_ : object
        What `n_neighbors` was validated to; it searches only where an object was given.
    sample_indices_ : ndarray of shape (n_kept,), int64
        Positions of the rows that stay, class by class.

    References
    ----------
    Wilson: Asymptotic properties of nearest neighbor rules using edited data. IEEE Trans. SMC 2 (1972),
    doi:10.1109/TSMC.1972.4309137.
    """

    _makes_values = False
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **under_sampling.EditedNearestNeighbours._parameter_constraints,
        **TableMixin._missing_constraint,
    }

    def __init__(
        self,
        *,
        sampling_strategy: Any = "auto",
        n_neighbors: Any = 3,
        kind_sel: str = "all",
        n_jobs: int | None = None,
        missing: Missing = "refuse",
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy, n_neighbors=n_neighbors, kind_sel=kind_sel, n_jobs=n_jobs)
        self.missing = missing

    def _fit_resample(self, X: Any, y: NDArray[Any]) -> tuple[Any, NDArray[Any]]:
        self._validate_estimator()
        rows = dense_rows(X, self._names)
        classes, codes = encoded(y)
        whole = _measured(rows, self.missing)
        held = codes[whole]
        asked = np.flatnonzero(np.isin(held, np.flatnonzero([c in self.sampling_strategy_ for c in classes])))
        removed = np.arange(len(rows))[whole][
            edited(
                lambda queries, _: self._neighbors_of(rows[whole], queries), held, asked, vote=self.kind_sel == "mode"
            )
        ]
        stays = np.ones(len(rows), dtype=np.bool_)
        stays[removed] = False
        order = np.argsort(codes, kind="stable")
        self.sample_indices_ = order[stays[order]]
        return self._picked(X), _safe_indexing(y, self.sample_indices_)

    def _put_together(self, rows: Container, X_new: Any) -> Any:
        return renumbered(super()._put_together(rows, X_new))

    def _neighbors_of(self, rows: NDArray[Any], queries: NDArray[np.int64]) -> NDArray[np.int64]:
        if not isinstance(self.n_neighbors, numbers.Integral):
            return others_found(clone(self.n_neighbors).fit(rows), rows, queries)
        k = int(self.n_neighbors)
        if len(rows) <= k:
            complete = self.missing == "complete"
            whole = " without a null" if complete else ""
            remedy = "lower it, or use missing='inherit'" if complete else "lower it"
            raise InvalidInputError(f"n_neighbors={k} needs at least {k + 1} rows{whole}, got {len(rows)}: {remedy}")
        return nearest_rows(rows, k, queries=queries, n_threads=_threads(self.n_jobs)).indices
