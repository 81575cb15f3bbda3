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

from resampler.errors import InvalidInputError
from resampler.resolution import at_unit, rows_at_unit
from resampler.samplers.base import Synthesizer, TableMixin
from resampler.samplers.contain import are_foreign, contain, to_labels
from resampler.samplers.groups import GroupColumn
from resampler.samplers.matrix import sliceable
from resampler.samplers.remedies import with_remedies
from resampler.samplers.smote import SMOTE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from resampler.methods.provenance import Provenance
    from resampler.samplers.containers import Container
    from resampler.secret import SecretKey

_CONTRAST = 0.8
_SAMPLE = 256


class ContrastWarning(UserWarning):
    """Warn that the nearest rows are hardly nearer than any others."""


class EmbeddingSMOTE(TableMixin, BaseOverSampler):  # type: ignore[misc]
    """Over-sample by SMOTE between embeddings.

    Parameters
    ----------
    transformer : object or None
        A transformer of scikit-learn's kind, fitted on all rows and classes: principal components, an encoder of
        columns or of text. None where `X` is embeddings already.
    inverse : {"none", "nearest"}
        Return all rows as embeddings, or decode each synthetic one to the nearest real row of its class.
    metric : {"euclidean", "cosine"}
        Cosine scales embeddings to length 1 first, which is also how they are returned.
    sampling_strategy, random_state, k_neighbors, neighbors, group_by, subgroups, secret_key
        As in `SMOTE`.

    Attributes
    ----------
    sampling_strategy_
        As in `SMOTE`.
    n_features_in_
        As in `SMOTE`.
    feature_names_in_
        As in `SMOTE`: only where `X` has names.
    transformer_ : object
        The fitted transformer.
    smote_ : SMOTE
        What worked on the embeddings.
    decoded_ : ndarray of shape (n_synthetic,), int64
        Positions in `X` of the rows that stand for the synthetic embeddings; only with ``inverse="nearest"``.
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
        **Synthesizer._neighbors_constraint,
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
        group_by: int | str | None = None,
        subgroups: str = "within",
        secret_key: SecretKey | str | None = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.transformer = transformer
        self.inverse = inverse
        self.metric = metric
        self.random_state = random_state
        self.k_neighbors = k_neighbors
        self.neighbors = neighbors
        self.group_by = group_by
        self.subgroups = subgroups
        self.secret_key = secret_key

    def fit_resample(
        self, X: Any, y: Any, *, groups: Any = None, row_ids: Any = None, **params: Any
    ) -> tuple[Any, Any]:
        """Resample the data set.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame, Arrow table} of shape (n_samples, n_features)
            The rows: whatever the transformer takes, documents too.
        y : array-like of shape (n_samples,)
            Their classes; the transformer gets them too.
        groups : array-like of shape (n_samples,), optional
            The subgroup of each row, in place of `group_by`. It can be routed through a pipeline:
            ``set_fit_resample_request(groups=True)``.
        row_ids : array-like of shape (n_samples,), int64, optional
            As in `SMOTE.fit_resample`.
        **params : dict
            Passed on to the method.

        Returns
        -------
        X_resampled : ndarray, or of the type of `X`
            Embeddings of a transformer are an ndarray: they do not have the columns of `X`.
        y_resampled : of the type of `y`
            Their classes.
        """
        with with_remedies():
            self._validate_params()
            if self.group_by is not None and groups is None:
                groups = GroupColumn(X, self.group_by).values
            self.transformer_ = None if self.transformer is None else clone(self.transformer)
            if self.transformer_ is None and self.inverse == "none":
                return super().fit_resample(X, y, groups=groups, row_ids=row_ids, **params)
            rows = contain(X)
            foreign = are_foreign(X) and not hasattr(X, "iloc")
            if self.transformer_ is None:
                embedded = X if rows is None else rows.numbers()
            else:
                embedded = self.transformer_.fit_transform(
                    X.to_pandas() if foreign else X, to_labels(y) if are_foreign(y) else y
                )
                embedded = embedded if sparse.issparse(embedded) else np.asarray(embedded)
        made, y_new = super().fit_resample(embedded, y, groups=groups, row_ids=row_ids, **params)
        self._remember_columns(X, rows)
        if self.inverse == "none":
            return made, y_new
        rows_taken = np.concatenate([np.arange(made.shape[0] - len(self.decoded_)), self.decoded_])
        if rows is not None and foreign:
            return rows.take(rows_taken), y_new
        return _safe_indexing(sliceable(X) if sparse.issparse(X) else X, rows_taken), y_new

    def _remember_columns(self, X: Any, rows: Container | None) -> None:
        """Set what is known of the columns of `X`; the base saw those of the embedding."""
        names = [] if rows is None else rows.names
        self.n_features_in_ = len(names) or (np.shape(X)[1] if np.ndim(X) > 1 else 1)
        if names and all(isinstance(name, str) for name in names):
            self.feature_names_in_ = np.array(names, dtype=object)

    def _fit_resample(
        self, X: Any, y: NDArray[Any], groups: Any = None, row_ids: Any = None
    ) -> tuple[Any, NDArray[Any]]:
        embedded = X.toarray() if sparse.issparse(X) else X
        if self.metric == "cosine":
            if self._given is not None and (whole := np.count_nonzero(self._given.whole())):
                raise InvalidInputError(
                    f"metric='cosine' scales rows to length 1, which {whole} integer columns of X cannot hold: convert "
                    "them to float first"
                )
            embedded = normalize(rows_at_unit(embedded))
        self._check_contrast(embedded)
        self.smote_ = SMOTE(
            sampling_strategy={label: n + np.count_nonzero(y == label) for label, n in self.sampling_strategy_.items()},
            random_state=self.random_state,
            k_neighbors=self.k_neighbors,
            neighbors=self.neighbors,
            subgroups=self.subgroups,
            secret_key=self.secret_key,
        )
        made, labels = self.smote_.fit_resample(embedded, y, groups=groups, row_ids=row_ids)
        self.provenance_: Provenance = self.smote_.provenance_
        if self.inverse == "nearest":
            self.decoded_ = self._decode(embedded, y, made[len(y) :], labels[len(y) :])
        same_space = self.transformer_ is None and sparse.issparse(X)
        return type(X)(made) if same_space else made, labels

    def _put_together(self, rows: Container, X_new: Any) -> Any:
        if self.metric == "euclidean":
            return rows.followed_by(rows.made(self.provenance_))
        matrix = X_new.toarray() if sparse.issparse(X_new) else X_new
        return rows.new_rows(len(matrix), list(matrix.T))  # real rows too were scaled

    def _sources(self, n: int) -> NDArray[np.int64]:
        return np.concatenate([np.arange(n), self.provenance_.base])

    @staticmethod
    def _decode(embedded: NDArray[Any], y: NDArray[Any], made: NDArray[Any], labels: NDArray[Any]) -> NDArray[np.int64]:
        """Return the position of the real row of its class that is nearest to each synthetic embedding."""
        nearest = np.empty(len(made), dtype=np.int64)
        for label in np.unique(labels):
            members = np.flatnonzero(y == label)
            both = at_unit(np.concatenate([embedded[members], made[labels == label]]))
            search = NearestNeighbors(n_neighbors=1).fit(both[: len(members)])
            nearest[labels == label] = members[search.kneighbors(both[len(members) :], return_distance=False)[:, 0]]
        return nearest

    @staticmethod
    def _check_contrast(embedded: NDArray[Any]) -> None:
        sample = at_unit(embedded[:: max(1, len(embedded) // _SAMPLE)])
        distances = np.sort(np.linalg.norm(sample[:, None] - sample[None], axis=2), axis=1)
        nearest, any_row = np.median(distances[:, 1]), np.median(distances[:, 1:])
        if nearest > _CONTRAST * any_row:
            warnings.warn(
                f"the nearest embedding is at {nearest / any_row:.2f} of the distance of any embedding (median of "
                f"{len(sample)} rows): distances have lost their contrast, reduce the dimension first",
                ContrastWarning,
                stacklevel=2,
            )
