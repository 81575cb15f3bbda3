"""Random over- and under-sampling, with draws keyed by (seed, class): `RandomOverSampler`, `RandomUnderSampler`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from imblearn import over_sampling, under_sampling
from scipy import sparse
from sklearn.utils import _safe_indexing, check_array

from resampler.errors import InvalidInputError
from resampler.integers import are_wide, shift_integers, to_dtype
from resampler.kernels.random import rank_keys
from resampler.metric import label_key
from resampler.resolution import deviations
from resampler.samplers.base import TableMixin, seed_from
from resampler.samplers.containers import Container
from resampler.samplers.matrix import dense_rows
from resampler.samplers.provenance import Provenance

if TYPE_CHECKING:
    from numpy.typing import NDArray


def _generator(seed: int, label: object, use: int) -> np.random.Generator:
    """Return a stream of its own for each class and use; shorter requests are prefixes of longer ones."""
    return np.random.Generator(np.random.Philox(key=np.array([seed, label_key(label) << 8 | use], dtype=np.uint64)))


class RandomOverSampler(TableMixin, over_sampling.RandomOverSampler):  # type: ignore[misc]
    """Over-sample by drawing rows again, with a little noise where `shrinkage` is given (smoothed bootstrap).

    Parameters
    ----------
    sampling_strategy, random_state
        As in `SMOTE`.
    shrinkage : float, dict or None
        Width of the noise, for all classes or for each; 0 and None mean none.

    Attributes
    ----------
    sampling_strategy_ : dict
        Synthetic rows to make of each class.
    shrinkage_ : dict or None
        Width of the noise of each class.
    n_features_in_ : int
        Columns of `X`.
    feature_names_in_ : ndarray of shape (n_features_in_,), object
        Their names; only where `X` has names, all of them text.
    sample_indices_ : ndarray of shape (n_resampled,), int64
        Positions that the rows were drawn from.
    provenance_ : Provenance
        A drawn row is a copy of its base; only without `shrinkage`, since noise is in no provenance.

    References
    ----------
    Menardi, Torelli: Training and assessing classification rules with imbalanced data. DMKD 28 (2014),
    doi:10.1007/s10618-012-0295-5.
    """

    _needs_numbers = False

    def _fit_resample(self, X: Any, y: NDArray[Any]) -> tuple[Any, NDArray[Any]]:
        seed = seed_from(self.random_state)
        self.shrinkage_ = self._widths()
        self.__dict__.pop("provenance_", None)  # of an earlier fit without shrinkage
        drawn = {
            label: np.flatnonzero(y == label)[_generator(seed, label, 0).integers(np.count_nonzero(y == label), size=n)]
            for label, n in self.sampling_strategy_.items()
        }
        self.sample_indices_ = np.concatenate([np.arange(len(y)), *drawn.values()])
        labels = _safe_indexing(y, self.sample_indices_)
        if self.shrinkage_ is None:
            base = self.sample_indices_[len(y) :]
            copied = np.broadcast_to(base[:, None], (len(base), X.shape[1]))  # every column, at no memory
            still = np.zeros(len(base), dtype=np.float32)
            self.provenance_ = Provenance(labels[len(y) :], base, base, still, copied, np.arange(X.shape[1]))
            return self._picked(X), labels
        try:
            rows = check_array(
                X.numbers() if isinstance(X, Container) else X, accept_sparse=["csr", "csc"], dtype="numeric"
            )
        except ValueError as error:
            raise InvalidInputError(
                "When shrinkage is not None, X needs to contain only numerical data to later generate a smoothed "
                f"bootstrap sample: {error}"
            ) from error
        noise = [self._noise(rows, y, label, at, seed) for label, at in drawn.items()]
        if isinstance(X, Container):
            self._moved = X.moved(
                self.sample_indices_[len(y) :], np.concatenate([np.empty((0, rows.shape[1])), *noise])
            )
            return X, labels
        noisy = [rows, *(_moved(rows, at, by) for at, by in zip(drawn.values(), noise, strict=True))]
        return (sparse.vstack(noisy, format=rows.format) if sparse.issparse(rows) else np.vstack(noisy)), labels

    def _put_together(self, rows: Container, X_new: Any) -> Any:
        if self.shrinkage_ is None:
            return super()._put_together(rows, X_new)
        return rows.followed_by(self.__dict__.pop("_moved"))

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

    def _noise(self, X: Any, y: NDArray[Any], label: Any, at: NDArray[np.int64], seed: int) -> NDArray[np.float64]:
        n, d = X.shape
        bandwidth = (4 / ((d + 2) * n)) ** (1 / (d + 4))  # Silverman's, as imbalanced-learn has it
        members = X[np.flatnonzero(y == label)]
        members = members.toarray() if sparse.issparse(members) else members
        members = dense_rows(members) if members.dtype.kind in "iu" and are_wide(members) else members
        spread = (
            deviations(members, members.dtype.newbyteorder("=")) if members.dtype.kind == "f" else members.std(axis=0)
        )
        noise = _generator(seed, label, 1).standard_normal((len(at), d))
        return noise * (self.shrinkage_[label] * bandwidth * spread)  # type: ignore[index]


def _moved(X: Any, at: NDArray[np.int64], by: NDArray[np.float64]) -> Any:
    """Return rows at some distance from those at positions `at`, of the dtype of `X`."""
    rows = X[at].toarray() if sparse.issparse(X) else X[at]
    if X.dtype.kind in "iu" and are_wide(rows):
        made = np.stack([shift_integers(rows[:, j].astype(X.dtype), by[:, j]) for j in range(X.shape[1])], axis=1)
    else:
        made = to_dtype(rows + by, X.dtype)
    return type(X)(made, dtype=X.dtype) if sparse.issparse(X) else made


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
    sampling_strategy_ : dict
        Rows that each class has, or is to keep.
    n_features_in_ : int
        Columns of `X`.
    feature_names_in_ : ndarray of shape (n_features_in_,), object
        Their names; only where `X` has names, all of them text.
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
