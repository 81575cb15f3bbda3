"""`Detector`: a learner behind a remedy, that says how likely a row is of the positive class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin

from resampler.quality.comparison.remedies import Training
from resampler.quality.prior.correct import correct_prior

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from resampler.quality.comparison.learners import Learner
    from resampler.quality.comparison.remedies import Remedy


class Detector(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Learn classes from rows that a remedy has changed; answer whether a row is of one class.

    All that is changed is within `fit`, so whoever splits rows around it, as scikit-learn's searches do, tests rows
    that are real and untouched.

    Parameters
    ----------
    learner : Learner
        Who learns.
    remedy : Remedy
        What is done to rows before.
    mask : ndarray of shape (n_features,), bool
        Which columns are categorical.
    code, n_classes : int
        The positive class, and how many codes there are.
    ratio : float
        Minority : majority that is wanted.
    seed : int
        Keys every draw, and seeds the learner.

    Attributes
    ----------
    classes_ : ndarray of int64
        0 and 1: other classes, and the positive one.
    """

    __metadata_request__fit: ClassVar[dict[str, bool]] = {"codes": True}

    def __init__(
        self,
        learner: Learner,
        remedy: Remedy,
        *,
        mask: NDArray[np.bool_],
        code: int,
        n_classes: int,
        ratio: float,
        seed: int,
    ) -> None:
        self.learner = learner
        self.remedy = remedy
        self.mask = mask
        self.code = code
        self.n_classes = n_classes
        self.ratio = ratio
        self.seed = seed

    def fit(self, X: NDArray[np.float64], y: NDArray[Any], codes: NDArray[np.int64] | None = None) -> Detector:
        """Learn.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_features), float64
            Rows.
        y : ndarray of shape (n_rows,)
            1 for rows of the positive class.
        codes : ndarray of shape (n_rows,), int64, optional
            Classes as codes, which are what is learned; by default `y`.

        Returns
        -------
        Detector
            Itself.
        """
        learned = np.asarray(y if codes is None else codes, dtype=np.int64)
        before = Training(X, learned, self.code, self.mask, self.ratio, self.seed)
        after = self.remedy.apply(before)
        self.classes_ = np.array([0, 1])
        self.real_, self.trained_ = before.share(self.n_classes), after.share(self.n_classes)
        with config_context(enable_metadata_routing=False):  # what is routed ends here
            # What rows are prepared by is learned from rows that were observed, the same for every remedy.
            transformer, _ = self.learner.preparation(X, self.mask)
            self.prepare_ = transformer.fit(X)
            self.model_ = self.learner.seeded(self.seed, self.mask)
            weights = {} if after.weight is None else {"sample_weight": after.weight}
            self.model_.fit(self.prepare_.transform(after.X), after.y, **weights)
        return self

    @property
    def has_converged(self) -> bool:
        """Whether the learner ended before it ran out of iterations, as far as it says."""
        model = self.model_.steps[-1][1] if hasattr(self.model_, "steps") else self.model_
        most = getattr(model, "max_iter", None)
        used = getattr(model, "n_iter_", None)
        if used is None or not isinstance(most, int) or most < 0 or hasattr(model, "max_bins"):
            return True  # for boosting, iterations are its size
        return bool(np.max(used) < most)

    def predict(self, X: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the learner's own decisions.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_features), float64
            Rows.

        Returns
        -------
        ndarray of shape (n_rows,), int64
            1 where it takes a row for one of the positive class.
        """
        with config_context(enable_metadata_routing=False):
            found = np.asarray(self.model_.predict(self.prepare_.transform(X))) == self.code
        return found.astype(np.int64)

    def scores(self, X: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Score rows.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_features), float64
            Rows.

        Returns
        -------
        own, corrected : ndarray of shape (n_rows,), float64
            The learner's score of the positive class, and that mapped back to the real prior; the same where it gives
            no probabilities.
        """
        with config_context(enable_metadata_routing=False):
            prepared = self.prepare_.transform(X)
            at = int(np.searchsorted(self.model_.classes_, self.code))
            if not self.learner.gives_probabilities:
                found = np.asarray(self.model_.decision_function(prepared), dtype=np.float64)
                score = (found if at else -found) if found.ndim == 1 else found[:, at]
                return score, score
            proba = np.asarray(self.model_.predict_proba(prepared), dtype=np.float64)
        return proba[:, at], self._corrected(proba)[:, at]

    def _corrected(self, proba: NDArray[np.float64]) -> NDArray[np.float64]:
        known = self.model_.classes_
        if np.array_equal(self.real_, self.trained_):
            return proba
        return correct_prior(proba, trained=self.trained_[known], real=self.real_[known])

    def decision_function(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return scores that a threshold can be moved on: `scores`, mapped back to the real prior.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_features), float64
            Rows.

        Returns
        -------
        ndarray of shape (n_rows,), float64
            The greater, the likelier.
        """
        return self.scores(X)[1]
