"""`detectability`: how well a classifier tells synthetic rows from real ones of their class, and by what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from resampler.errors import InvalidInputError
from resampler.kernels.random import rank_keys
from resampler.quality.checks.check import Check, Found
from resampler.quality.finding import DETECTABILITY, area_in_words
from resampler.quality.statistics import areas

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import ArrayLike, NDArray

    from resampler.quality.checks.evidence import Evidence

TOLD = 0.6  # area under the curve from which synthetic rows are told from real ones: mixed tables reach 0.75
GIVEN_AWAY = 0.8  # from which a model that learns by them learns what is synthetic
ROWS = 2_000  # of each kind, of few columns
CELLS = 200_000  # rows of a kind x columns; of many columns fewer rows are looked at
FOLDS = 3
LEAST_ROWS, FEWEST = 30, 300  # of each kind: to say anything, and of any number of columns
_RESAMPLES = 200
_MATTERS = 0.01  # loss of area without a column's values, from which it gives rows away
_WIDEST = 100  # columns, up to which each is tried
_SHOWN = 5
_BINS = 25_500  # of all columns: of many columns each has fewer, for that is what trees cost
_FARTHEST = 1e300
_FOLD_SEED, _HALF_SEED = 1, 2


class Detectability(NamedTuple):
    """How well synthetic rows are told from real ones.

    Parameters
    ----------
    area : float
        Under the receiver operating characteristic, of rows that the classifier had not seen: 0.5 is not at all.
    low, high : float
        Ends of a 95 % interval, from resampled bases with all their rows; 0 and 1 where all rows are of so few bases
        that none could be tested by a model that had not seen them.
    control : float
        The same for one half of the real rows against the other.
    columns : tuple of (str, float)
        What gives rows away, the worst first: how much of the area is lost when its values are shuffled.
    """

    area: float
    low: float
    high: float
    control: float
    columns: tuple[tuple[str, float], ...]


def detectability(
    real: ArrayLike,
    synthetic: ArrayLike,
    *,
    base: ArrayLike | None = None,
    names: Sequence[str] | None = None,
) -> Detectability:
    """Measure how well boosted trees tell synthetic rows from real ones of the same class.

    Parameters
    ----------
    real : array-like of shape (n_real, n_features)
        Numbers; NaN is a null, a category its code.
    synthetic : array-like of shape (n_synthetic, n_features)
        The same columns.
    base : array-like of shape (n_synthetic,), int, optional
        Position in `real` of the row that each started from. A row and its copies are then tested together: otherwise
        real rows that lie among their copies are taken for synthetic, and the area falls below 0.5.
    names : sequence of str, optional
        Of the columns, by default their numbers.

    Returns
    -------
    Detectability
        The area, its interval and a control. Equal for any number of threads.

    Raises
    ------
    InvalidInputError
        If the columns differ, or there are fewer than 30 rows of a kind.

    Notes
    -----
    At most 2,000 rows of each kind are looked at, of more than 100 columns fewer, evenly spaced, in three folds.

    Examples
    --------
    >>> rows = np.random.default_rng(0).normal(size=(400, 2))
    >>> found = detectability(rows[:200], np.rint(rows[200:]))
    >>> found.low > 0.9
    True
    """
    real, synthetic = (np.asarray(rows, dtype=np.float64) for rows in (real, synthetic))
    if real.ndim != 2 or synthetic.ndim != 2 or real.shape[1] != synthetic.shape[1]:
        raise InvalidInputError(
            f"real and synthetic rows must have the same columns, got shapes {real.shape} and {synthetic.shape}"
        )
    if min(len(real), len(synthetic)) < LEAST_ROWS:
        raise InvalidInputError(
            f"detectability needs {LEAST_ROWS} rows of each kind, got {len(real)} real and {len(synthetic)} synthetic"
        )
    own = np.arange(len(real))
    bases = np.arange(len(synthetic)) + len(real) if base is None else np.asarray(base, dtype=np.int64)
    most = _rows(real.shape[1])
    first, second = (np.arange(min(most, n)) * n // min(most, n) for n in (len(real), len(synthetic)))
    labels = tuple(map(str, range(real.shape[1]) if names is None else names))
    return measure(real[first], synthetic[second], own[first], bases[second], labels)


def measure(
    real: NDArray[np.float64],
    synthetic: NDArray[np.float64],
    own: NDArray[np.int64],
    base: NDArray[np.int64],
    names: Sequence[str],
) -> Detectability:
    """Measure as `detectability` does, rows that were chosen and know who they are.

    Parameters
    ----------
    real, synthetic : ndarray of shape (n_rows, n_features), float64
        Rows.
    own, base : ndarray of shape (n_rows,), int64
        Identity of each real row, and of each synthetic row's base.
    names : sequence of str
        Of the columns.

    Returns
    -------
    Detectability
        As `detectability`.
    """
    import sklearn.ensemble  # noqa: F401 - a library that is not loaded yet would not be limited
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):  # sums depend on the number of threads
        # An infinite value is one that lies outside all others: bins of it have no middle.
        real, synthetic = (np.clip(rows, -_FARTHEST, _FARTHEST) for rows in (real, synthetic))
        X, groups = np.concatenate([real, synthetic]), np.concatenate([own, base])
        y = np.repeat([0, 1], [len(real), len(synthetic)])
        trial = _cross_fit(X, y, groups)
        half = (_keys(own, _HALF_SEED) & np.uint64(1)).astype(np.int64)
        control = _cross_fit(real, half, own).area() if 0 < half.sum() < len(half) else 0.5
        found, (low, high) = trial.area(), trial.interval()
        columns = _what_tells(trial, X, real, synthetic, names) if low > TOLD else ()
    return Detectability(found, low, high, control, columns)


class _Trial(NamedTuple):
    """Scores of rows by models that had not seen them, or the groups that they belong to."""

    y: NDArray[np.int64]
    groups: NDArray[np.int64]
    fold: NDArray[np.int64]
    score: NDArray[np.float64]
    models: dict[int, Any]

    def area(self, score: NDArray[np.float64] | None = None) -> float:
        """Return the mean area of the folds, in each of which one model gave the scores."""
        score = self.score if score is None else score
        return _mean([_Ranked.of(self.y[at], score[at]).area() for at in self.parts])

    @property
    def parts(self) -> list[NDArray[np.int64]]:
        """Positions of the rows of each fold."""
        return [np.flatnonzero(self.fold == k) for k in self.models]

    def interval(self) -> tuple[float, float]:
        """Return what 95 % of the areas of resampled groups lie within."""
        members = np.unique(self.groups, return_inverse=True)[1]
        n = members.max() + 1
        rng = np.random.default_rng(0)
        folds = [(_Ranked.of(self.y[at], self.score[at]), members[at]) for at in self.parts]
        found = []
        for _ in range(_RESAMPLES):
            drawn = np.bincount(rng.integers(0, n, n), minlength=n)
            drawn_areas = [ranked.area(drawn[of]) for ranked, of in folds]
            if not np.isnan(drawn_areas).all():
                found.append(_mean(drawn_areas))
        low, high = np.quantile(found, [0.025, 0.975]) if found else (0.0, 1.0)
        return float(low), float(high)


class _Ranked(NamedTuple):
    """Rows of two kinds by their scores, sorted once: an area of resampled rows is then a sum."""

    y: NDArray[np.int64]
    place: NDArray[np.int64]
    n: int

    @classmethod
    def of(cls, y: NDArray[np.int64], score: NDArray[np.float64]) -> _Ranked:
        values, place = np.unique(score, return_inverse=True)
        return cls(y, place, len(values))

    def area(self, weights: NDArray[np.int64] | None = None) -> float:
        """Return the area where rows count as often as `weights` says; NaN where a kind is missing."""
        weights = np.ones(len(self.y), dtype=np.int64) if weights is None else weights
        own, other = (np.bincount(self.place, weights * (self.y == kind), minlength=self.n) for kind in (1, 0))
        pairs = own.sum() * other.sum()
        return float((own * (np.cumsum(other) - other / 2)).sum() / pairs) if pairs > 0 else np.nan


def _mean(found: list[float]) -> float:
    held = [area for area in found if not np.isnan(area)]
    return float(np.mean(held)) if held else 0.5


def _cross_fit(X: NDArray[np.float64], y: NDArray[np.int64], groups: NDArray[np.int64]) -> _Trial:
    from sklearn.ensemble import HistGradientBoostingClassifier

    fold = (_keys(groups, _FOLD_SEED) % np.uint64(FOLDS)).astype(np.int64)
    score, models = np.full(len(y), 0.5), {}
    for k in range(FOLDS):
        held, rest = fold == k, fold != k
        if len(np.unique(y[rest])) == 2 and held.any():
            model = HistGradientBoostingClassifier(
                max_iter=25,
                learning_rate=0.3,
                max_leaf_nodes=15,
                max_bins=min(255, max(31, _BINS // X.shape[1])),
                early_stopping=False,
                random_state=0,
            )
            known = X[rest]
            known[:, np.isnan(known).all(axis=0)] = 0.0  # the trees need a value, and split no column of one
            models[k] = model.fit(known, y[rest])
            score[held] = model.predict_proba(X[held])[:, 1]
    return _Trial(y, groups, fold, score, models)


def _rows(columns: int) -> int:
    return min(ROWS, max(FEWEST, CELLS // max(columns, 1)))


def _keys(ids: NDArray[np.int64], seed: int) -> NDArray[np.uint64]:
    keys = np.empty(len(ids), dtype=np.uint64)
    rank_keys(np.uint64(seed), np.uint64(0), np.ascontiguousarray(ids, dtype=np.int64), keys)
    return keys


def _what_tells(
    trial: _Trial,
    X: NDArray[np.float64],
    real: NDArray[np.float64],
    synthetic: NDArray[np.float64],
    names: Sequence[str],
) -> tuple[tuple[str, float], ...]:
    """Find the columns without whose values the area falls; of very many, those that tell by themselves."""
    if len(names) > _WIDEST:
        loss = np.abs(areas(real, synthetic) - 0.5)
    else:
        whole, rng, loss = trial.area(), np.random.default_rng(0), np.zeros(len(names))
        for j in range(len(names)):
            score = np.empty_like(trial.score)
            for part, model in zip(trial.parts, trial.models.values(), strict=True):
                shuffled = X[part]
                shuffled[:, j] = rng.permutation(shuffled[:, j])
                score[part] = model.predict_proba(shuffled)[:, 1]
            loss[j] = whole - trial.area(score)
    return tuple((names[j], float(loss[j])) for j in np.argsort(-loss, kind="stable")[:_SHOWN] if loss[j] > _MATTERS)


def _told(seen: Evidence) -> Iterator[Found]:
    assert seen.made is not None, "asked after rows are made"  # noqa: S101
    for code in seen.minorities:
        real, made = (rows(code, _rows(len(seen.names))) for rows in (seen.rows_of, seen.made_of))
        if min(len(real), len(made)) < LEAST_ROWS:
            continue
        base = -1 - made if seen.made.base is None else seen.made.base[made]
        found = measure(seen.X[real], seen.made.X[made], seen.ids[real], np.abs(base), seen.names)
        name = seen.classes[code].name
        values = {"area": found.area, "low": found.low, "high": found.high, "control": found.control}
        seen.figures.setdefault(DETECTABILITY, {})[name] = values
        if found.low > TOLD:
            yield Found(
                area_in_words(values),
                "warning" if found.low > GIVEN_AWAY else None,
                columns=tuple(name for name, _ in found.columns),
                label=name,
                values=values,
            )


CHECKS = (
    Check(
        DETECTABILITY,
        "how well boosted trees tell synthetic rows from real ones of their class",
        f"an area under the curve of {TOLD} or less; a warning above {GIVEN_AWAY}",
        "what gives rows away can be learned as the class: use grid auto and missing inherit where they are not, leave "
        "out the features named, lower the ratio, or compare with class weights on validation",
        _told,
        "note",
        synthetic=True,
    ),
)
