"""One cell of a comparison: a learner behind a remedy, learned from one training part, measured on its test part."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import config_context
from sklearn.inspection import permutation_importance
from sklearn.metrics import make_scorer
from sklearn.model_selection import TunedThresholdClassifierCV

from resampler.quality.checks.sample import content_ids, keyed
from resampler.quality.comparison.comparison import NOTHING
from resampler.quality.comparison.detector import Detector
from resampler.quality.comparison.folds import split_again
from resampler.quality.comparison.learners import SEEDS
from resampler.quality.comparison.remedies import Remedy, bootstrapped
from resampler.quality.comparison.scores import PROBABILITIES, measures_with
from resampler.quality.measures import average_precision
from resampler.quality.statistics import area
from resampler.quality.store import key_of_cell

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from resampler.quality.comparison.folds import Fold, Folds
    from resampler.quality.comparison.given import Given
    from resampler.quality.comparison.learners import Learner

OWN, MOVED = "own", "moved"  # the learner's decision; a moved threshold on probabilities of the real prior
_CONSTANT = "constant predictions"  # scikit-learn's words, for which it has no type
_SHUFFLES = 3
_SHUFFLED_ROWS = 1_000  # of the positive class, and as many of others
_CONTROL_SEED = 1_000_003  # apart from the seeds of repetitions


@dataclass(frozen=True)
class Bench:
    """What all cells share.

    Parameters
    ----------
    given : Given
        The rows.
    folds : Folds
        How they are split.
    ratio : float
        Minority : majority after resampling.
    measure, tuned_by : str
        What decides, and what thresholds are moved for.
    costs : tuple of float, optional
        Of a false negative and of a false positive.
    digest : str
        Of the rows.
    """

    given: Given
    folds: Folds
    ratio: float
    measure: str
    tuned_by: str
    costs: tuple[float, float] | None
    digest: str
    _inner: dict[tuple[int, int], list[Fold]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def detector(self, learner: Learner, remedy: Remedy, seed: int) -> Detector:
        """Return a learner behind a remedy.

        Parameters
        ----------
        learner : Learner
            Who learns.
        remedy : Remedy
            What is done before.
        seed : int
            Of the repetition.

        Returns
        -------
        Detector
            Not fitted.
        """
        given = self.given
        return Detector(
            learner,
            remedy,
            mask=given.mask,
            code=given.code,
            n_classes=len(given.classes),
            ratio=self.ratio,
            seed=seed,
        )

    def inner(self, seed: int, fold: int) -> list[Fold]:
        """Return how a training part is split again; all cells of a part share it.

        Parameters
        ----------
        seed, fold : int
            Which part.

        Returns
        -------
        list of tuple of ndarray
            Positions within the training part.
        """
        with self._lock:
            if (seed, fold) not in self._inner:
                self._inner[seed, fold] = split_again(self.given, self.folds.by_seed[seed][fold][0], seed)
            return self._inner[seed, fold]


@dataclass(frozen=True)
class Cell:
    """A learner, a remedy and a part.

    Parameters
    ----------
    learner : Learner
        Who learns.
    remedy : Remedy
        What is done before.
    seed, fold : int
        Which part.
    luck : int or None
        The number of the control's run, where it is one.
    importance : bool
        Whether features are shuffled, in place of measuring predictions.
    """

    learner: Learner
    remedy: Remedy
    seed: int
    fold: int
    luck: int | None = None
    importance: bool = False

    def key(self, bench: Bench) -> str:
        """Return what the cell is kept under.

        Parameters
        ----------
        bench : Bench
            What it shares with others.

        Returns
        -------
        str
            A sha256.
        """
        return key_of_cell(
            rows=bench.digest,
            kind=bench.folds.kind,
            folds=len(bench.folds.by_seed[self.seed]),
            learner=[self.learner.path, self.learner.params, self.learner.release],
            remedy=self.remedy.name,
            part=[self.seed, self.fold],
            luck=self.luck,
            importance=self.importance,
            ratio=bench.ratio,
            tuned=[bench.tuned_by, bench.costs],
            measure=None if self.luck is None else bench.measure,
        )

    def measure(self, bench: Bench) -> dict[str, Any]:
        """Measure it.

        Parameters
        ----------
        bench : Bench
            What it shares with others.

        Returns
        -------
        dict
            Figures of predictions, of luck or of features; or ``error``, where rows or learner do not allow it.
        """
        learned, tested = bench.folds.by_seed[self.seed][self.fold]
        try:
            if self.importance:
                return self._shuffled(bench, learned, tested)
            if self.luck is not None:
                return self._luck(bench, learned, tested)
            return self._figures(bench, learned, tested)
        except Exception as error:  # a learner is anybody's code: the others are compared without it
            return {"error": " ".join(f"{error}".split()) or type(error).__name__}

    def _figures(self, bench: Bench, learned: NDArray[np.int64], tested: NDArray[np.int64]) -> dict[str, Any]:
        detector = bench.detector(self.learner, self.remedy, self.seed)
        detector, threshold = self._tuned(bench, detector, learned)
        X, truth = bench.given.X[tested], bench.given.positive[tested]
        decided = detector.predict(X)
        own, corrected = detector.scores(X)
        moved = decided if threshold is None else corrected >= threshold
        return {
            OWN: self._measured(bench, truth, decided, own),
            MOVED: self._measured(bench, truth, moved, corrected),
            "threshold": math.nan if threshold is None else threshold,
            "area": area(corrected[truth], corrected[~truth]),
            "converged": detector.has_converged,
        }

    def _luck(self, bench: Bench, learned: NDArray[np.int64], tested: NDArray[np.int64]) -> dict[str, Any]:
        again = Remedy(NOTHING, bootstrapped)
        seed = (self.seed + 1) * _CONTROL_SEED + (self.luck or 0)
        detector = bench.detector(self.learner, again, seed % 2**64)
        X, truth = bench.given.X[tested], bench.given.positive[tested]
        measure = measures_with(bench.costs)[bench.measure]
        if measure.of == "score":
            detector.fit(bench.given.X[learned], truth_of(bench, learned), codes=bench.given.y[learned])
            answer: Any = detector.scores(X)[1]
        else:
            detector, threshold = self._tuned(bench, detector, learned)
            answer = detector.predict(X) if threshold is None else detector.scores(X)[1] >= threshold
        return {"value": float(measure.compute(truth, answer))}

    def _tuned(self, bench: Bench, detector: Detector, learned: NDArray[np.int64]) -> tuple[Detector, float | None]:
        """Fit, and move the threshold by folds of the training part alone, if it can be moved."""
        X, y, codes = bench.given.X[learned], truth_of(bench, learned), bench.given.y[learned]
        inner = bench.inner(self.seed, self.fold)
        goal = measures_with(bench.costs)[bench.tuned_by]
        if inner:
            scorer = make_scorer(goal.compute, greater_is_better=goal.best == "high")
            tuned = TunedThresholdClassifierCV(detector, scoring=scorer, cv=inner)
            try:
                with config_context(enable_metadata_routing=True):
                    tuned.fit(X, y, codes=codes)
                return tuned.estimator_, float(tuned.best_threshold_)
            except ValueError as error:
                if _CONSTANT not in str(error):
                    raise
        return detector.fit(X, y, codes=codes), None

    def _measured(self, bench: Bench, truth: NDArray[np.bool_], decided: Any, score: Any) -> dict[str, float]:
        found = {}
        for name, measure in measures_with(bench.costs).items():
            if name in PROBABILITIES and not self.learner.gives_probabilities:
                found[name] = math.nan
            else:
                found[name] = float(measure.compute(truth, decided if measure.of == "prediction" else score))
        return found

    def _shuffled(self, bench: Bench, learned: NDArray[np.int64], tested: NDArray[np.int64]) -> dict[str, Any]:
        detector = bench.detector(self.learner, self.remedy, self.seed)
        detector.fit(bench.given.X[learned], truth_of(bench, learned), codes=bench.given.y[learned])
        truth = bench.given.positive[tested]
        ids = content_ids(bench.given.X[tested])
        rows = np.sort(
            np.concatenate(
                [of[keyed(ids[of], _SHUFFLED_ROWS)] for of in (np.flatnonzero(truth), np.flatnonzero(~truth))]
            )
        )
        found = permutation_importance(
            detector,
            bench.given.X[tested][rows],
            truth[rows].astype(np.int64),
            scoring=_ranked,
            n_repeats=_SHUFFLES,
            random_state=self.seed % SEEDS,
        )
        return {"features": found.importances_mean.tolist()}


def truth_of(bench: Bench, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Say which rows are of the positive class, as scikit-learn has it.

    Parameters
    ----------
    bench : Bench
        Whose rows.
    rows : ndarray of int64
        Their positions.

    Returns
    -------
    ndarray of int64
        1 or 0 each.
    """
    return bench.given.positive[rows].astype(np.int64)


def _ranked(detector: Detector, X: NDArray[np.float64], y: NDArray[Any]) -> float:
    return average_precision(y, detector.scores(X)[1])
