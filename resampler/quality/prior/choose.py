"""Whether the prior alone puts probabilities right, or their shape changed too: measured on validation rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from resampler.errors import DataError, InvalidInputError
from resampler.quality.statistics import deviations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Method = Literal["prior", "auto", "isotonic", "sigmoid"]
MIN_ROWS = 50  # of each class, below which nothing is fitted
ISOTONIC_ROWS = 1_000  # scikit-learn's own advice: below, steps fit noise
FOLDS = 5
LEVEL = 0.95  # of both comparisons at once
_NEAREST = 1e-12  # to 0 and 1, so that odds are finite


@dataclass(frozen=True, slots=True)
class Candidate:
    """A fitted calibration beside the prior correction, on rows that it was not fitted on.

    Parameters
    ----------
    method : {"isotonic", "sigmoid"}
        Which.
    brier, prior_brier : float
        Brier scores, its own and that of the prior correction.
    gain : tuple of float
        Ends of the interval of what it takes off the Brier score.
    rows : int
        Validation rows.
    """

    method: str
    brier: float
    prior_brier: float
    gain: tuple[float, float]
    rows: int

    def __str__(self) -> str:
        low, high = self.gain
        return (
            f"{self.method} has Brier {self.brier:.4f}, the prior correction {self.prior_brier:.4f} on {self.rows:,} "
            f"rows: {self.prior_brier - self.brier:+.4f} better ({low:+.4f} to {high:+.4f})"
        )


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen, and why.

    Parameters
    ----------
    method : {"prior", "isotonic", "sigmoid"}
        What is taken.
    reason : str
        In a sentence.
    calibrator : object or None
        Has `predict_proba` of corrected probabilities; None with "prior".
    compared : tuple of Candidate
        What was measured.
    """

    method: str
    reason: str
    calibrator: Any = None
    compared: tuple[Candidate, ...] = ()


class _Odds(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Probabilities as a classifier whose decision function is their log-odds: what sigmoid and isotonic start from.

    A sigmoid of log-odds can leave them as they are, and a wrong prior is one of its two parameters; a sigmoid of
    probabilities can do neither.
    """

    def fit(self, X: Any, y: Any) -> _Odds:  # noqa: ARG002 - scikit-learn's signature
        self.classes_ = np.unique(y)
        return self

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        p = np.clip(X, _NEAREST, 1 - _NEAREST)
        odds = np.log(p) - np.log1p(-p)
        return odds[:, 1] if len(self.classes_) == 2 else odds

    def predict(self, X: Any) -> NDArray[Any]:  # scikit-learn asks for it
        return self.classes_[np.argmax(X, axis=1)]


def fitted(method: str, proba: NDArray[np.float64], y: NDArray[Any]) -> Any:
    """Fit scikit-learn's calibration of probabilities.

    Parameters
    ----------
    method : {"isotonic", "sigmoid"}
        Which.
    proba : ndarray of shape (n_rows, n_classes)
        Probabilities of real rows that the model was not trained on.
    y : ndarray of shape (n_rows,)
        Their classes, every one with rows.

    Returns
    -------
    CalibratedClassifierCV
        Its `predict_proba` takes probabilities.
    """
    odds = FrozenEstimator(_Odds().fit(proba, y))
    return CalibratedClassifierCV(odds, method=method, cv=_folds(), ensemble=False).fit(proba, y)


def _folds() -> StratifiedKFold:
    return StratifiedKFold(FOLDS, shuffle=True, random_state=0)


def choose(proba: NDArray[np.float64], y: NDArray[Any], classes: Sequence[Any], method: Method) -> Choice:
    """Take the prior correction, or a fitted calibration on top of it where that is better beyond chance.

    Parameters
    ----------
    proba : ndarray of shape (n_rows, n_classes)
        Corrected probabilities of real rows that the model was not trained on.
    y : ndarray of shape (n_rows,)
        Their classes.
    classes : sequence of object
        The classes of the columns.
    method : {"auto", "isotonic", "sigmoid"}
        What to take; "auto" compares.

    Returns
    -------
    Choice
        What is taken.

    Raises
    ------
    DataError
        If `y` has classes that the model does not know, or too few rows for the calibration that was asked for.

    Notes
    -----
    Brier scores are of probabilities that were calibrated on the other four of five folds. The difference to the prior
    correction is taken row by row; its interval counts rows as independent, and holds for both candidates at once
    (Bonferroni), so that the better of two lucky ones is not taken for a good one. Isotonic regression is no candidate
    below 1,000 rows.
    """
    if not np.isin(y, np.asarray(classes)).all():
        unknown = next(one for one in np.unique(y).tolist() if one not in np.asarray(classes).tolist())
        raise DataError(f"validation rows have the class {unknown!s}, which the model does not know: leave them out")
    sizes = [int(np.count_nonzero(y == one)) for one in classes]
    least = int(np.argmin(sizes))
    if method != "auto":
        if sizes[least] < FOLDS:
            raise DataError(
                f"method={method!r} needs {FOLDS} rows of each class, got {sizes[least]} of {classes[least]!s}: "
                "use method='prior'"
            )
        return Choice(method, "asked for", fitted(method, proba, y))
    if sizes[least] < MIN_ROWS:
        return Choice(
            "prior",
            f"{sizes[least]} rows of class {classes[least]!s} are too few to tell whether a fitted calibration is "
            f"better, which takes {MIN_ROWS}",
        )
    candidates = ("sigmoid", "isotonic") if len(y) >= ISOTONIC_ROWS else ("sigmoid",)
    truth = (y[:, None] == np.asarray(classes)).astype(np.float64)
    kept = _losses(proba, truth)
    compared = []
    for one in candidates:
        held_out = np.empty_like(proba)
        for train, test in _folds().split(proba, y):
            held_out[test] = fitted(one, proba[train], y[train]).predict_proba(proba[test])
        compared.append(_compared(one, kept, _losses(held_out, truth), len(candidates)))
    best = max(compared, key=lambda one: one.gain[0])
    if best.gain[0] <= 0:
        said = "; ".join(map(str, compared))
        return Choice("prior", f"no fitted calibration is better beyond chance: {said}", None, tuple(compared))
    return Choice(best.method, str(best), fitted(best.method, proba, y), tuple(compared))


def _losses(proba: NDArray[np.float64], truth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each row's squared error; halved, so that of two classes it is the Brier score of one."""
    found: NDArray[np.float64] = ((proba - truth) ** 2).sum(axis=1) / 2
    return found


def _compared(method: str, kept: NDArray[np.float64], own: NDArray[np.float64], n: int) -> Candidate:
    gain = kept - own
    half = deviations(1 - (1 - LEVEL) / n) * float(gain.std(ddof=1)) / len(gain) ** 0.5
    middle = float(gain.mean())
    return Candidate(method, float(own.mean()), float(kept.mean()), (middle - half, middle + half), len(gain))


def check_method(method: object) -> None:
    """Refuse what is no method.

    Parameters
    ----------
    method : object
        What was given.

    Raises
    ------
    InvalidInputError
        If it is none.
    """
    if method not in get_args(Method):
        raise InvalidInputError(f"method must be one of {', '.join(get_args(Method))}, got {method!r}")


def held_out(estimator: Any, X: Any, y: Any, params: dict[str, Any]) -> NDArray[np.float64]:
    """Return corrected probabilities of rows by models that were trained on the others.

    Parameters
    ----------
    estimator : object
        Corrects the prior of what it fits.
    X, y : array-like
        Real rows.
    params : dict
        Of `fit`.

    Returns
    -------
    ndarray of shape (n_rows, n_classes), float64
        In five folds.
    """
    found = cross_val_predict(estimator, X, y, cv=_folds(), method="predict_proba", params=params or None)
    return np.asarray(found, dtype=np.float64)
