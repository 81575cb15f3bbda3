"""Matrices of numbers with labels in an array: what imbalanced-learn checks of them, from one count of the labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from imblearn.base import BaseSampler
from imblearn.utils import check_sampling_strategy
from sklearn.base import _fit_context

from resampler.methods.labels import counted

if TYPE_CHECKING:
    from numpy.typing import NDArray


class _Counted(np.ndarray):
    """Labels of which NumPy is told the classes when it is asked for them."""

    classes: NDArray[Any]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, y: NDArray[Any]) -> _Counted:
        """Count the labels, once.

        Parameters
        ----------
        y : ndarray of shape (n_samples,)
            The labels.

        Returns
        -------
        _Counted
            A view.
        """
        view = y.view(cls)
        view.classes, view.counts = counted(y)
        return view

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function is np.unique and len(args) == 1 and args[0] is self:
            if not kwargs:
                return self.classes
            if kwargs == {"return_counts": True}:
                return self.classes, self.counts
        return super().__array_function__(function, types, args, kwargs)


def are_labels(y: Any) -> bool:
    """Say whether labels stand in an array that has no place for missing ones.

    Parameters
    ----------
    y : object
        Labels as a user gave them.

    Returns
    -------
    bool
        True for integers, booleans and text.
    """
    return type(y) is np.ndarray and y.ndim == 1 and y.dtype.kind in "iubU"


def are_numbers(X: Any) -> bool:
    """Say whether rows are a matrix that every method takes as it is.

    Parameters
    ----------
    X : object
        Rows as a user gave them.

    Returns
    -------
    bool
        True for finite floating-point numbers, one row and column or more, whose sum is finite too.
    """
    if type(X) is not np.ndarray or X.dtype not in (np.float32, np.float64) or X.ndim != 2 or not X.size:
        return False
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(X.sum()))


def resampled_plain(sampler: Any, mixin: type, X: Any, y: Any, params: dict[str, Any]) -> tuple[Any, Any] | None:
    """Resample where imbalanced-learn would find nothing to refuse but parameters.

    Parameters
    ----------
    sampler : object
        One of imbalanced-learn's, with a mixin of ours before it.
    mixin : type
        That mixin, with `_check_X_y`.
    X : object
        Rows as a user gave them.
    y : object
        Their labels.
    params : dict
        Passed on to the method.

    Returns
    -------
    tuple or None
        What `sampler` returned; None where `X` or `y` are to be looked at by imbalanced-learn itself, for they are
        other containers, may be refused or warned of, or the sampler has checks of its own.
    """
    if not (are_labels(y) and are_numbers(X) and len(X) == len(y) and _checks_as_usual(sampler, mixin)):
        return None
    labels = _Counted.of(y)
    if 2 * len(labels.classes) > len(y):  # scikit-learn warns that these may be no classes
        return None
    return _resample(sampler, X, y, labels, params)


@_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
def _resample(sampler: Any, X: Any, y: Any, labels: _Counted, params: dict[str, Any]) -> tuple[Any, Any]:
    strategy = sampler.sampling_strategy
    sampler.n_features_in_ = X.shape[1]
    if hasattr(sampler, "feature_names_in_"):
        del sampler.feature_names_in_  # of another fit
    sampler.sampling_strategy_ = check_sampling_strategy(
        strategy, y if callable(strategy) else labels, sampler._sampling_type
    )
    return sampler._fit_resample(X, y, **params)


def _checks_as_usual(sampler: Any, mixin: Any) -> bool:
    """Say whether rows and labels are checked as imbalanced-learn's base class does it."""
    theirs = super(mixin, sampler)._check_X_y
    return type(sampler)._check_X_y is mixin._check_X_y and theirs.__func__ is BaseSampler._check_X_y
