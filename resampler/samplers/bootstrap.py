"""Random over- and under-sampling, with draws keyed by (seed, class): `RandomOverSampler`, `RandomUnderSampler`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from imblearn import over_sampling, under_sampling
from sklearn.utils import _safe_indexing, check_array
from sklearn.utils._param_validation import StrOptions

from resampler.errors import InvalidInputError
from resampler.grids import GRIDS
from resampler.kernels.random import rank_keys
from resampler.methods.oversample import oversample
from resampler.methods.parameters import Parameters
from resampler.methods.table import Table
from resampler.metric import label_key
from resampler.samplers.base import SECRET_KEY, TableMixin, identities, keeping, keyed_by, seed_from
from resampler.samplers.containers import Container
from resampler.samplers.matrix import append_synthetic

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from resampler.grids import Grids
    from resampler.secret import SecretKey


def _generator(seed: int, label: object, use: int) -> np.random.Generator:
    """Return a stream of its own for each class and use; shorter requests are prefixes of longer ones."""
    return np.random.Generator(np.random.Philox(key=np.array([seed, label_key(label) << 8 | use], dtype=np.uint64)))


class RandomOverSampler(TableMixin, over_sampling.RandomOverSampler):  # type: ignore[misc]
    """Over-sample by taking rows again, with a little noise where `shrinkage` is given (smoothed bootstrap).

    Parameters
    ----------
    sampling_strategy, random_state
        As in `SMOTE`.
    shrinkage : float, dict or None
        Width of the noise, for all classes or for each; 0 and None mean none.
    grid, relations
        As in `SMOTE`; copies are what they are.
    secret_key
        As in `SMOTE`.

    Attributes
    ----------
    sampling_strategy_
        As in `SMOTE`.
    n_features_in_
        As in `SMOTE`.
    feature_names_in_
        As in `SMOTE`: only where `X` has names.
    shrinkage_ : dict or None
        Width of the noise of each class.
    sample_indices_ : ndarray of shape (n_resampled,), int64
        Positions of the rows that were taken.
    provenance_ : Provenance
        Such a row is a copy of its base, or lies about it (`shrinkage`).

    References
    ----------
    Menardi, Torelli: Training and assessing classification rules with imbalanced data. DMKD 28 (2014),
    doi:10.1007/s10618-012-0295-5. Deviation: bases take turns in a seeded order, as in `SMOTE`.
    """

    _needs_numbers = False
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **over_sampling.RandomOverSampler._parameter_constraints,
        "grid": [StrOptions(set(GRIDS))],
        "relations": [StrOptions({"off", "keep"})],
        **SECRET_KEY,
    }

    def __init__(
        self,
        *,
        sampling_strategy: Any = "auto",
        random_state: Any = None,
        shrinkage: Any = None,
        grid: Grids = "off",
        relations: str = "off",
        secret_key: SecretKey | str | None = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy, random_state=random_state, shrinkage=shrinkage)
        self.grid = grid
        self.relations = relations
        self.secret_key = secret_key

    def fit_resample(self, X: Any, y: Any, *, row_ids: Any = None, **params: Any) -> tuple[Any, Any]:
        """Resample the data set.

        Parameters
        ----------
        X : {array-like, sparse matrix, pandas or Polars DataFrame, Arrow table} of shape (n_samples, n_features)
            The rows.
        y : array-like of shape (n_samples,)
            Their classes.
        row_ids : array-like of shape (n_samples,), int64, optional
            Identities that key the draws: as in `SMOTE`.
        **params : dict
            Passed on to the method.

        Returns
        -------
        X_resampled : of the type and dtypes of `X`
            The rows that were given, then those taken again, class by class.
        y_resampled : of the type of `y`
            Their classes.
        """
        return super().fit_resample(X, y, row_ids=row_ids, **params)

    _method = "random"

    def _asked(self) -> dict[str, Any]:
        """Return what `oversample` is asked for, as `Synthesizer` does; a copy has its base's nulls."""
        self.shrinkage_ = self._widths()
        return {
            "method": self._method,
            "wanted": self.sampling_strategy_,
            "parameters": Parameters(shrinkage=self.shrinkage_, missing="inherit"),
            **keyed_by(self),
        }

    def _fit_resample(self, X: Any, y: NDArray[Any], row_ids: Any = None) -> tuple[Any, NDArray[Any]]:
        self.shrinkage_ = self._widths()
        rows = X
        if self.shrinkage_ is not None:
            try:
                rows = check_array(
                    X.numbers() if isinstance(X, Container) else X, accept_sparse=["csr", "csc"], dtype="numeric"
                )
            except ValueError as error:
                raise InvalidInputError(
                    "When shrinkage is not None, X needs to contain only numerical data to later generate a smoothed "
                    f"bootstrap sample: {error}"
                ) from error
        table = Table(rows, y, None if row_ids is None else identities(row_ids, len(y)), names=self._names)
        if self.shrinkage_ is not None:
            table = keeping(table, self.grid, self.relations, self._given)
        made = oversample(table, **self._asked()).provenance
        if self.shrinkage_ is None:  # every column is copied, whatever it holds, at no memory
            copied = np.broadcast_to(made.base[:, None], (len(made.base), X.shape[1]))
            made = made._replace(donor=copied, categorical_features=np.arange(X.shape[1]))
        self.provenance_ = made
        self.sample_indices_ = np.concatenate([np.arange(len(y)), made.base])
        labels = _safe_indexing(y, self.sample_indices_)
        if self.shrinkage_ is None:
            return self._picked(X), labels
        return (append_synthetic(rows, made) if self._given is None else X), labels

    def _put_together(self, rows: Container, X_new: Any) -> Any:
        if self.shrinkage_ is None:
            return super()._put_together(rows, X_new)
        return rows.followed_by(rows.made(self.provenance_))

    def _widths(self) -> dict[Any, float] | None:
        given: Any = self.shrinkage
        if given is None:
            return None
        classes = self.sampling_strategy_
        widths: dict[Any, float] = dict(given) if hasattr(given, "items") else dict.fromkeys(classes, given)
        if missing := classes.keys() - widths.keys():
            raise InvalidInputError(
                "`shrinkage` should contain a shrinkage factor for each class that will be resampled. "
                f"The missing classes are: {missing!r}"
            )
        for label, width in widths.items():
            if width < 0:
                raise InvalidInputError(f"The shrinkage factor needs to be >= 0. Got {width} for class {label}.")
        return widths


class RandomUnderSampler(TableMixin, under_sampling.RandomUnderSampler):  # type: ignore[misc]
    """Under-sample by keeping a random part of the rows; a smaller part is within a larger one of the same seed.

    Parameters
    ----------
    sampling_strategy, random_state
        As in imbalanced-learn.
    replacement : bool
        Whether a row may be kept more than once.

    Attributes
    ----------
    n_features_in_
        As in `SMOTE`.
    feature_names_in_
        As in `SMOTE`: only where `X` has names.
    sampling_strategy_ : dict
        Rows that each class has, or is to keep.
    sample_indices_ : ndarray of shape (n_resampled,), int64
        Positions of the rows that stay, class by class.
    """

    _makes_values = False
    _needs_numbers = False

    def _fit_resample(self, X: Any, y: NDArray[Any]) -> tuple[Any, NDArray[Any]]:
        seed = seed_from(self.random_state)
        kept = []
        for label in np.unique(y):
            members = np.flatnonzero(y == label)
            if label in self.sampling_strategy_:
                n = self.sampling_strategy_[label]
                if self.replacement:
                    members = members[_generator(seed, label, 0).integers(len(members), size=n)]
                else:
                    ranks = np.empty(len(members), dtype=np.uint64)
                    rank_keys(np.uint64(seed), label_key(label), np.arange(len(members)), ranks)
                    members = members[np.argsort(ranks, kind="stable")[:n]]
            kept.append(members)
        self.sample_indices_ = np.concatenate(kept)
        return self._picked(X), _safe_indexing(y, self.sample_indices_)
