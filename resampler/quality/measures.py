"""How good predictions of one class are: `MEASURES`, one entry a measure, under one name everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

CALIBRATION_BINS = 15


class Confusion(NamedTuple):
    """How often a class is and is not predicted, where it is and is not. Arrays of any one shape, or numbers.

    Parameters
    ----------
    tp, fp, fn, tn : float or ndarray
        Rows: true and false positives, false and true negatives.
    """

    tp: Any
    fp: Any
    fn: Any
    tn: Any

    @classmethod
    def of(cls, y_true: ArrayLike, y_pred: ArrayLike) -> Confusion:
        """Count predictions.

        Parameters
        ----------
        y_true, y_pred : array-like of shape (n_rows,), bool
            Whether a row is of the class, and is predicted to be.

        Returns
        -------
        Confusion
            Of integers.
        """
        code = np.asarray(y_true, dtype=np.bool_) * np.uint8(2) + np.asarray(y_pred, dtype=np.bool_)
        tn, fp, fn, tp = np.bincount(code, minlength=4).tolist()
        return cls(tp, fp, fn, tn)

    @property
    def recall(self) -> Any:
        """Of the rows of the class, the share that is found; NaN without such rows."""
        return _share(self.tp, self.tp + self.fn, np.nan)

    @property
    def precision(self) -> Any:
        """Of the rows that are predicted, the share that is of the class; 0 where none is predicted."""
        return _share(self.tp, self.tp + self.fp, 0.0)

    @property
    def f1(self) -> Any:
        """The harmonic mean of recall and precision; 0 where no row is of the class or predicted."""
        return _share(2 * self.tp, 2 * self.tp + self.fp + self.fn, 0.0)

    @property
    def fpr(self) -> Any:
        """Of the rows of other classes, the share that is predicted; NaN without such rows."""
        return _share(self.fp, self.fp + self.tn, np.nan)

    @property
    def selection_rate(self) -> Any:
        """The share of all rows that is predicted; NaN without rows."""
        return _share(self.tp + self.fp, self.tp + self.fp + self.fn + self.tn, np.nan)

    @property
    def g_mean(self) -> Any:
        """The geometric mean of recall and of the share of other rows that is not predicted."""
        return np.sqrt(self.recall * (1 - self.fpr))


def _share(part: Any, whole: Any, empty: float) -> Any:
    with np.errstate(invalid="ignore", divide="ignore"):
        found = np.where(np.asarray(whole) > 0, np.true_divide(part, whole), empty)
    return found[()]


def average_precision(y_true: ArrayLike, score: ArrayLike) -> float:
    """Return the area under the precision-recall curve, as scikit-learn defines it: no interpolation.

    Parameters
    ----------
    y_true : array-like of shape (n_rows,), bool
        Whether a row is of the class.
    score : array-like of shape (n_rows,), float
        The greater, the likelier.

    Returns
    -------
    float
        From 0 to 1; NaN without rows of the class.
    """
    y, s = np.asarray(y_true, dtype=np.bool_), np.asarray(score, dtype=np.float64)
    if not y.any():
        return float("nan")
    if not _is_falling(s):
        order = np.argsort(-s, kind="stable")
        y, s = y[order], s[order]
    ends = np.append(np.flatnonzero(np.diff(s)), len(s) - 1)  # rows of one score come at once
    tp = np.cumsum(y)[ends]
    return float((np.diff(tp, prepend=0) * (tp / (ends + 1))).sum() / tp[-1])


def brier(y_true: ArrayLike, score: ArrayLike) -> float:
    """Return the mean squared difference of probability and truth.

    Parameters
    ----------
    y_true : array-like of shape (n_rows,), bool
        Whether a row is of the class.
    score : array-like of shape (n_rows,), float
        Probabilities.

    Returns
    -------
    float
        From 0, which is best, to 1; NaN without rows.
    """
    s = np.asarray(score, dtype=np.float64)
    return float(np.mean((s - np.asarray(y_true, dtype=np.float64)) ** 2)) if len(s) else float("nan")


def calibration_error(y_true: ArrayLike, score: ArrayLike, *, n_bins: int = CALIBRATION_BINS) -> float:
    """Return the expected calibration error: how far probabilities lie from shares, over bins of equally many rows.

    Parameters
    ----------
    y_true : array-like of shape (n_rows,), bool
        Whether a row is of the class.
    score : array-like of shape (n_rows,), float
        Probabilities.
    n_bins : int
        How many bins at most; rows of equal scores share one.

    Returns
    -------
    float
        The mean over rows of ``|mean probability - share|`` of their bin; NaN without rows.

    Notes
    -----
    Bins of equal width would hold nearly all rows of a rare class's model in one.

    References
    ----------
    Nixon et al.: Measuring calibration in deep learning. CVPR Workshops 2019, arXiv:1904.01685 (equal mass).
    """
    y, s = np.asarray(y_true, dtype=np.float64), np.asarray(score, dtype=np.float64)
    if not len(s):
        return float("nan")
    at = equal_mass_bins(s, n_bins)
    return float(np.abs(np.bincount(at, s) - np.bincount(at, y)).sum() / len(s))


def equal_mass_bins(score: NDArray[np.float64], n_bins: int = CALIBRATION_BINS) -> NDArray[np.int64]:
    """Put rows into bins of equally many, in order of their scores.

    Parameters
    ----------
    score : ndarray of shape (n_rows,), float64
        One or more.
    n_bins : int
        How many bins at most; rows of equal scores share one.

    Returns
    -------
    ndarray of shape (n_rows,), int64
        The bin of each row.
    """
    ends = np.arange(1, n_bins) * len(score) // n_bins
    # a few order statistics need no sorted copy
    edges = np.unique(score[::-1][ends] if _is_falling(score) else np.partition(score, ends)[ends])
    return np.searchsorted(edges, score, side="right")


def _is_falling(score: NDArray[np.float64]) -> bool:
    """Say whether scores are in order already: a gate of many slices sorts them once, and a look costs little."""
    return not bool(np.any(score[1:] > score[:-1]))


class Measure(NamedTuple):
    """One measure.

    Parameters
    ----------
    name : str
        What sentences call it.
    title : str
        What columns of tables call it.
    of : {"prediction", "score"}
        What it is measured on, beside the truth.
    best : {"high", "low"}
        Which end is good.
    compute : callable
        ``compute(y_true, y_pred or score)`` returns a float.
    """

    name: str
    title: str
    of: Literal["prediction", "score"]
    best: Literal["high", "low"]
    compute: Callable[[NDArray[Any], NDArray[Any]], float]

    @property
    def sign(self) -> float:
        """1 where more is better, -1 where less is."""
        return 1.0 if self.best == "high" else -1.0


def _counted(name: str) -> Callable[[NDArray[Any], NDArray[Any]], float]:
    return lambda y_true, y_pred: float(getattr(Confusion.of(y_true, y_pred), name))


MEASURES = {
    "recall": Measure("recall", "recall", "prediction", "high", _counted("recall")),
    "precision": Measure("precision", "prec.", "prediction", "high", _counted("precision")),
    "f1": Measure("F1", "F1", "prediction", "high", _counted("f1")),
    "g_mean": Measure("G-mean", "G-mean", "prediction", "high", _counted("g_mean")),
    "fpr": Measure("false alarms", "FPR", "prediction", "low", _counted("fpr")),
    "average_precision": Measure("average precision", "av. prec.", "score", "high", average_precision),
    "brier": Measure("Brier score", "Brier", "score", "low", brier),
    "calibration_error": Measure("calibration error", "ECE", "score", "low", calibration_error),
}
