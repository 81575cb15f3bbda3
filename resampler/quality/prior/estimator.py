"""`PriorCorrection`: a classifier whose probabilities are those of the real shares of the classes."""

from __future__ import annotations

import functools
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d

from resampler.errors import InvalidInputError
from resampler.notices import warn
from resampler.quality.prior.choose import MIN_ROWS, Choice, Method, check_method, choose, held_out
from resampler.quality.prior.correct import correct_prior
from resampler.quality.prior.counts import ClassCounts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import ArrayLike, NDArray


class PriorCorrection(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):  # type: ignore[misc]
    """Correct the probabilities of a classifier that is trained on resampled rows.

    Parameters
    ----------
    estimator : object
        A classifier with `predict_proba`: a pipeline with samplers, whose rows are counted before and after as it is
        fitted; or any other, with `counts`. In scikit-learn's `FrozenEstimator` it is not fitted again. A version of a
        snapshot in its place makes a correction without a classifier, for `correct`.
    counts : ClassCounts, TrainingSet, snapshot, manifest, ClassWindow, OnlineStats or pair of mappings, optional
        Rows by class, real and as trained on: what says so, or ``(real, trained)``. By default those of the rows that
        a pipeline is fitted on and of what its last step gets.
    method : {"prior", "auto", "isotonic", "sigmoid"}
        "prior" corrects the shares of the classes alone. "auto" takes a calibration of scikit-learn's that is fitted
        on top of it where that has a lower Brier score beyond chance, on rows that the model was not trained on: those
        that `fit` gets, which a pipeline is then fitted on in five folds more. "isotonic" and "sigmoid" take that one.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classifier's.
    estimator_ : object
        The classifier, fitted.
    real_, trained_ : dict
        Rows by class.
    method_ : {"prior", "isotonic", "sigmoid"}
        What was taken.
    reason_ : str
        Why, in a sentence.
    compared_ : tuple of Candidate
        What was measured for it.
    n_features_in_, feature_names_in_
        Where the classifier has them.

    Notes
    -----
    Rows are counted, weights are not: ``class_weight="balanced"`` trains on equal shares, which ``counts=(real,
    {0: 1, 1: 1})`` says. Two classes keep their ranking, so only what depends on probabilities, and predictions at a
    threshold of one half, change.

    References
    ----------
    As `resampler.quality.prior.correct.correct_prior`. Platt: Probabilistic outputs for support vector machines, 1999;
    Zadrozny, Elkan: Transforming classifier scores into accurate multiclass probability estimates. KDD 2002.

    Examples
    --------
    >>> from imblearn.pipeline import make_pipeline
    >>> from sklearn.linear_model import LogisticRegression
    >>> from resampler import SMOTE
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.normal(size=(1000, 2)), np.arange(1000) % 20 == 0
    >>> model = PriorCorrection(make_pipeline(SMOTE(random_state=0), LogisticRegression())).fit(X, y)
    >>> model.trained_
    {False: 950, True: 950}
    >>> round(float(model.predict_proba(X)[:, 1].mean()), 2)
    0.05
    """

    def __init__(self, estimator: Any, *, counts: Any = None, method: Method = "prior") -> None:
        self.estimator = estimator
        self.counts = counts
        self.method = method

    def fit(self, X: Any, y: Any, **fit_params: Any) -> PriorCorrection:
        """Fit the classifier, and find what its probabilities are to be multiplied by.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows. With a frozen classifier, real rows that it was not trained on.
        y : array-like of shape (n_samples,)
            Their classes.
        **fit_params : dict
            Of the classifier; routed where scikit-learn's metadata routing is enabled.

        Returns
        -------
        PriorCorrection
            Itself.

        Raises
        ------
        InvalidInputError
            If `method` is none, there is no classifier or it has no probabilities, or nothing says how many rows of
            each class it was trained on.
        DataError
            If validation rows have classes that the classifier does not know.
        """
        check_method(self.method)
        if not hasattr(self.estimator, "fit"):
            raise InvalidInputError(
                f"fit needs a classifier, got {type(self.estimator).__name__}: "
                "PriorCorrection(classifier, counts=...), or use correct"
            )
        frozen = isinstance(self.estimator, FrozenEstimator)
        if frozen and self.counts is None:
            raise InvalidInputError(
                "a classifier that is fitted already does not say how many rows of each class it was trained on: "
                "give counts, such as the version of the snapshot"
            )
        if self.method != "prior" and not frozen and self.counts is not None:
            raise InvalidInputError(
                f"method={self.method!r} needs real rows that the classifier was not trained on, and with counts fit "
                "may get synthetic ones: fit the classifier, then calibrate(classifier, X_validation, y_validation, "
                "counts=...)"
            )
        params = self._routed(fit_params)
        model = clone(self.estimator)
        with _counted(model) as fitted_on:
            model.fit(X, y, **params)
        if not hasattr(model, "predict_proba"):
            raise InvalidInputError(
                f"{type(model).__name__} has no predict_proba, so there is nothing to correct: use a classifier that "
                "has, or scikit-learn's CalibratedClassifierCV around it"
            )
        labels = column_or_1d(y)
        check_classification_targets(labels)
        check_consistent_length(X, labels)  # a frozen classifier does not look at them
        counts = self._found(labels, fitted_on)
        classes = model.classes_
        real, trained = counts.among(list(classes))
        even = np.full((1, len(classes)), 1 / len(classes))  # what cannot be corrected is said here, not in use
        correct_prior(even, real=list(real.values()), trained=list(trained.values()), classes=classes)
        self.estimator_, self.classes_ = model, classes
        self.real_, self.trained_ = ({_plain(c): n for c, n in of.items()} for of in (real, trained))
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(model, name):
                setattr(self, name, getattr(model, name))
        choice = self._chosen(X, y, labels, fit_params, frozen=frozen)
        self.method_, self.reason_, self.compared_ = choice.method, choice.reason, choice.compared
        self._calibrator = choice.calibrator
        return self

    def _routed(self, given: dict[str, Any]) -> dict[str, Any]:
        if sklearn.get_config()["enable_metadata_routing"]:
            found: dict[str, Any] = process_routing(self, "fit", **given).estimator.fit
            return found
        return given

    def _found(self, labels: NDArray[Any], fitted_on: list[NDArray[Any]]) -> ClassCounts:
        """Return real rows and those trained on, and say where they do not tell all."""
        if self.counts is not None:
            found = ClassCounts.of(self.counts)
            _say_grouped(found.group_by)
            return found
        samplers = [step for step in _steps(self.estimator) if hasattr(step, "fit_resample")]
        if not samplers:
            warn(
                f"{type(self.estimator).__name__} has no sampler among its steps, so nothing is corrected: wrap the "
                "pipeline that has it, or give counts",
                UserWarning,
            )
        for sampler in samplers:
            if getattr(sampler, "subgroups", "within") == "within":
                _say_grouped(getattr(sampler, "group_by", None))
        real = _class_sizes(labels)
        return ClassCounts(real, dict.fromkeys(real, 0) | _class_sizes(fitted_on[-1]) if fitted_on else real)

    def _chosen(self, X: Any, y: Any, labels: NDArray[Any], params: dict[str, Any], *, frozen: bool) -> Choice:
        """Decide between the prior alone and a fitted calibration."""
        if self.method == "prior":
            changed = [n / self.real_[c] for c, n in self.trained_.items() if self.real_[c]]
            same = changed and max(changed) <= min(changed) * (1 + 1e-12)
            return Choice("prior", "the classes had their real shares: nothing to correct" if same else "asked for")
        if frozen:
            corrected = self._corrected(X)
        else:
            least = min(int(np.count_nonzero(labels == one)) for one in self.classes_)
            if self.method == "auto" and least < MIN_ROWS:  # models of the folds would be fitted for nothing
                return choose(np.empty((len(labels), 0)), labels, list(self.classes_), "auto")
            again = PriorCorrection(self.estimator)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # said once
                corrected = held_out(again, X, y, params)
        return choose(corrected.astype(np.float64), labels, list(self.classes_), self.method)

    def _corrected(self, X: Any) -> NDArray[Any]:
        proba = self.estimator_.predict_proba(X)
        return correct_prior(
            proba, trained=list(self.trained_.values()), real=list(self.real_.values()), classes=self.classes_
        )

    def predict_proba(self, X: Any) -> NDArray[Any]:
        """Return probabilities at the real shares of the classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of `classes_`.
        """
        check_is_fitted(self)
        found = self._corrected(X)
        return found if self._calibrator is None else self._calibrator.predict_proba(found)

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the most probable class of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples,)
            Classes. Of a rare class these are few: choose a threshold, with scikit-learn's
            `TunedThresholdClassifierCV`, where recall counts.
        """
        check_is_fitted(self)
        return self.classes_[np.argmax(self.predict_proba(X), axis=1)]

    def correct(self, proba: ArrayLike, classes: Sequence[Any] | None = None) -> NDArray[Any]:
        """Map probabilities that a classifier gave back to the real shares of the classes.

        Parameters
        ----------
        proba : array-like of shape (n_rows, n_classes) or (n_rows,)
            As `correct_prior` takes them.
        classes : sequence of object, optional
            The classes of the columns; by default the fitted classifier's, else those of the counts in ascending order.

        Returns
        -------
        ndarray of the shape of `proba`
            As `correct_prior` returns them; by the prior alone, whatever `method` is.

        Raises
        ------
        InvalidInputError, DataError
            As `correct_prior`.
        NotFittedError
            If nothing is fitted, and no counts were given.
        """
        if hasattr(self, "classes_"):
            found = ClassCounts(self.real_, self.trained_)
            classes = self.classes_ if classes is None else classes
        else:
            source = self.counts if self.counts is not None or hasattr(self.estimator, "fit") else self.estimator
            if source is None:
                raise NotFittedError("this PriorCorrection has no counts yet: fit it, or give some")
            found = ClassCounts.of(source)
            _say_grouped(found.group_by)
        return correct_prior(proba, trained=found.trained, real=found.real, classes=classes)

    def get_metadata_routing(self) -> MetadataRouter:
        """Say that what `fit` is given goes to the classifier's `fit`.

        Returns
        -------
        MetadataRouter
            scikit-learn's.
        """
        mapping = MethodMapping().add(caller="fit", callee="fit")
        return MetadataRouter(owner=type(self).__name__).add(estimator=self.estimator, method_mapping=mapping)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        if hasattr(self.estimator, "fit"):
            inner = get_tags(self.estimator)
            tags.input_tags.sparse = inner.input_tags.sparse
            tags.input_tags.allow_nan = inner.input_tags.allow_nan
            if inner.classifier_tags is not None:
                tags.classifier_tags.multi_class = inner.classifier_tags.multi_class
        return tags


def calibrate(
    model: Any, X_validation: Any, y_validation: Any, *, counts: Any = None, method: Method = "auto"
) -> PriorCorrection:
    """Put the probabilities of a fitted classifier right, by the prior or, where that is better, by a calibration.

    Parameters
    ----------
    model : object
        A fitted classifier with `predict_proba`, trained on resampled rows; or a fitted `PriorCorrection`.
    X_validation : array-like of shape (n_samples, n_features)
        Real rows that it was not trained on.
    y_validation : array-like of shape (n_samples,)
        Their classes.
    counts : object, optional
        As in `PriorCorrection`; by default those of a `PriorCorrection`.
    method : {"auto", "prior", "isotonic", "sigmoid"}
        As in `PriorCorrection`.

    Returns
    -------
    PriorCorrection
        Fitted; `method_` and `reason_` say what was taken, and why.

    Raises
    ------
    InvalidInputError
        If nothing says how many rows of each class the classifier was trained on.
    DataError
        If validation rows have classes that it does not know.
    NotFittedError
        If it is not fitted.
    """
    if isinstance(model, PriorCorrection):
        check_is_fitted(model)
        counts = ClassCounts(model.real_, model.trained_) if counts is None else counts
        model = model.estimator_
    frozen = model if isinstance(model, FrozenEstimator) else FrozenEstimator(model)
    return PriorCorrection(frozen, counts=counts, method=method).fit(X_validation, y_validation)


def _plain(label: Any) -> Any:
    return label.item() if isinstance(label, np.generic) else label


def _class_sizes(labels: NDArray[Any]) -> dict[Any, int]:
    values, sizes = np.unique(labels, return_counts=True)
    return dict(zip(values.tolist(), sizes.tolist(), strict=True))


def _say_grouped(group_by: Any) -> None:
    if group_by is not None:
        warn(
            f"classes were balanced within each {group_by!s}, so that shares changed otherwise in each: the counts of "
            "all rows are right on average only; correct each subgroup by its own counts with correct_prior",
            UserWarning,
        )


def _steps(estimator: Any) -> Iterator[Any]:
    if isinstance(estimator, FrozenEstimator):  # which passes on what is asked of it
        return
    for _, step in getattr(estimator, "steps", ()):
        yield step
        yield from _steps(step)


@contextmanager
def _counted(model: Any) -> Iterator[list[NDArray[Any]]]:
    """Keep the labels that the last step of a pipeline is fitted on, whatever its samplers are.

    A step of ours would be seen by who reads the pipeline, and by metadata routing; so the step's own `fit` is
    overlaid for as long as it takes.
    """
    last = model
    while hasattr(last, "steps") and not isinstance(last, FrozenEstimator):
        last = last.steps[-1][1]
    seen: list[NDArray[Any]] = []
    if last is model or not hasattr(last, "fit"):
        yield seen
        return
    fit = last.fit

    @functools.wraps(fit)
    def counting(X: Any, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        if y is not None:
            seen.append(np.asarray(y))
        return fit(X, y, *args, **kwargs)

    last.fit = counting
    try:
        yield seen
    finally:
        del last.fit
