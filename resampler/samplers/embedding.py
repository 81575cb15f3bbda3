"""`EmbeddingSMOTE`: SMOTE in the space of a transformer: principal components, an encoder's output."""

from __future__ import annotations

import numbers
import warnings
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from imblearn.over_sampling.base import BaseOverSampler
from scipy import sparse
from sklearn.base import clone
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import normalize
from sklearn.utils import _safe_indexing
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions

from resampler.samplers.base import Provenance, TableMixin
from resampler.samplers.smote import SMOTE
from resampler.samplers.tables import is_table, to_matrix

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CONTRAST = 0.8
_SAMPLE = 256


class ContrastWarning(UserWarning):
    """Warn that the nearest rows are hardly nearer than any others."""


class EmbeddingSMOTE(TableMixin, BaseOverSampler):  # type: ignore[misc]
    """Over-sample by SMOTE between embeddings.

    Parameters
    ----------
    transformer : object or None
        A transformer of scikit-learn's kind, fitted on all rows; None where `X` is embeddings already.
    inverse : {"none", "nearest"}
        Return all rows as embeddings, or decode each synthetic one to the nearest real row of its class.
    metric : {"euclidean", "cosine"}
        Cosine scales embeddings to length 1 first, which is also how they are returned.
    sampling_strategy, random_state, k_neighbors, neighbors
        As in `SMOTE`.

    Attributes
    ----------
    transformer_ : object
        The fitted transformer.
    smote_ : SMOTE
        What worked on the embeddings.
    provenance_ : Provenance
        Positions in `X`; the steps are in the space of the embeddings.

    Warns
    -----
    ContrastWarning
        If the median distance to the nearest neighbour is above 0.8 of that to any row: then neighbours mean little.

    References
    ----------
    Beyer, Goldstein, Ramakrishnan, Shaft: When is "nearest neighbor" meaningful? ICDT 1999,
    doi:10.1007/3-540-49257-7_15.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **BaseOverSampler._parameter_constraints,
        "transformer": [HasMethods(["fit_transform"]), None],
        "inverse": [StrOptions({"none", "nearest"})],
        "metric": [StrOptions({"euclidean", "cosine"})],
        "k_neighbors": [Interval(numbers.Integral, 1, None, closed="left")],
        "neighbors": SMOTE._parameter_constraints["neighbors"],
    }

    def __init__(
        self,
        transformer: Any = None,
        *,
        inverse: str = "none",
        metric: str = "euclidean",
        sampling_strategy: Any = "auto",
        random_state: Any = None,
        k_neighbors: int = 5,
        neighbors: str = "auto",
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.transformer = transformer
        self.inverse = inverse
        self.metric = metric
        self.random_state = random_state
        self.k_neighbors = k_neighbors
        self.neighbors = neighbors

    def fit_resample(self, X: Any, y: Any, **params: Any) -> tuple[Any, Any]:
        """Resample the data set.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame, Arrow table} of shape (n_samples, n_features)
            The rows.
        y : array-like of shape (n_samples,)
            Their classes.
        **params : dict
            Passed on to the method.

        Returns
        -------
        X_resampled : ndarray, or of the type of `X`
            Embeddings of a transformer are an ndarray: they do not have the columns of `X`.
        y_resampled : of the type of `y`
            Their classes.
        """
        if self.inverse == "none" and self.transformer is not None:
            X = to_matrix(X)[0] if is_table(X) else X.to_numpy() if hasattr(X, "iloc") else X
        return super().fit_resample(X, y, **params)

    def _fit_resample(self, X: Any, y: NDArray[Any]) -> tuple[Any, NDArray[Any]]:
        self.transformer_ = None if self.transformer is None else clone(self.transformer)
        embedded = X if self.transformer_ is None else self.transformer_.fit_transform(X)
        embedded = embedded.toarray() if hasattr(embedded, "toarray") else np.asarray(embedded)
        if self.metric == "cosine":
            embedded = normalize(embedded)
        self._check_contrast(embedded)
        self.smote_ = SMOTE(
            sampling_strategy={label: n + np.count_nonzero(y == label) for label, n in self.sampling_strategy_.items()},
            random_state=self.random_state,
            k_neighbors=self.k_neighbors,
            neighbors=self.neighbors,
        )
        made, labels = self.smote_.fit_resample(embedded, y)
        self.provenance_: Provenance = self.smote_.provenance_
        if self.inverse == "none":
            same_space = self.transformer_ is None and sparse.issparse(X)
            return sparse.csr_matrix(made).asformat(X.format) if same_space else made, labels
        decoded = self._decode(embedded, y, made[len(y) :], labels[len(y) :])
        return _safe_indexing(X, np.concatenate([np.arange(len(y)), decoded])), labels

    @staticmethod
    def _decode(embedded: NDArray[Any], y: NDArray[Any], made: NDArray[Any], labels: NDArray[Any]) -> NDArray[np.int64]:
        """Return the position of the real row of its class that is nearest to each synthetic embedding."""
        nearest = np.empty(len(made), dtype=np.int64)
        for label in np.unique(labels):
            members = np.flatnonzero(y == label)
            search = NearestNeighbors(n_neighbors=1).fit(embedded[members])
            nearest[labels == label] = members[search.kneighbors(made[labels == label], return_distance=False)[:, 0]]
        return nearest

    @staticmethod
    def _check_contrast(embedded: NDArray[Any]) -> None:
        sample = embedded[:: max(1, len(embedded) // _SAMPLE)]
        distances = np.sort(np.linalg.norm(sample[:, None] - sample[None], axis=2), axis=1)
        nearest, any_row = np.median(distances[:, 1]), np.median(distances[:, 1:])
        if nearest > _CONTRAST * any_row:
            warnings.warn(
                f"the nearest embedding is at {nearest / any_row:.2f} of the distance of any embedding (median of "
                f"{len(sample)} rows): distances have lost their contrast, reduce the dimension first",
                ContrastWarning,
                stacklevel=2,
            )
