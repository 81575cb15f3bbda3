"""Which rows are learned from and which are tested: by class, by whole groups, or by time."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from resampler.errors import DataError
from resampler.quality.comparison.learners import SEEDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from resampler.quality.comparison.given import Given

FEWEST = 10  # rows of the positive class, and of others, to compare anything by
A_FOLD = 5  # rows of the positive class that a test part should have
_TESTED, _LEARNED = 2, 3  # that it must have, and that the training part must
INNER = 3  # folds of a training part, to move a threshold by
Split = Literal["stratified", "groups", "times"]
Fold = tuple["NDArray[np.int64]", "NDArray[np.int64]"]


class Folds(NamedTuple):
    """How rows are split.

    Parameters
    ----------
    kind : {"stratified", "groups", "times"}
        What test parts are made of.
    by_seed : dict of int to list of tuple of ndarray
        By seed, positions of the rows that are learned from and of those that are tested, fold by fold.
    note : str or None
        Why there are fewer folds than were asked for.
    """

    kind: Split
    by_seed: dict[int, list[Fold]]
    note: str | None


def split_rows(given: Given, n_folds: int, seeds: Sequence[int]) -> Folds:
    """Split rows, into fewer folds where the positive class is too rare for as many.

    Parameters
    ----------
    given : Given
        The rows.
    n_folds : int
        Asked for.
    seeds : sequence of int
        One a repetition.

    Returns
    -------
    Folds
        Of two folds at least.

    Raises
    ------
    DataError
        If there are fewer than 10 rows of the positive class or of others, or no two folds have rows of it.
    """
    positives = int(given.positive.sum())
    for n, of in ((positives, f"class {given.name!r}"), (len(given.positive) - positives, "other classes")):
        if n < FEWEST:
            raise DataError(f"a comparison needs {FEWEST} rows of {of}, got {n}: gather more rows")
    for n in range(max(2, min(n_folds, positives // A_FOLD)), 1, -1):
        by_seed = {seed: _folds(given.y, given.positive, given.groups, given.times, n, seed) for seed in seeds}
        if all(len(folds) == n and all(_fit(given.positive, fold) for fold in folds) for folds in by_seed.values()):
            note = (
                f"{n} folds in place of {n_folds}: class {given.name!r} has {positives} rows" if n < n_folds else None
            )
            return Folds(given.kind, by_seed, note)
    where = {"groups": "groups", "times": "stretches of time"}.get(given.kind, "folds")
    raise DataError(
        f"no two {where} have {_TESTED} rows of class {given.name!r} to test and {_LEARNED} to learn from: gather more "
        "rows, or compare without groups or times"
    )


def split_again(given: Given, rows: NDArray[np.int64], seed: int) -> list[Fold]:
    """Split a training part, to move thresholds by.

    Parameters
    ----------
    given : Given
        All rows.
    rows : ndarray of int64
        Positions of the training part.
    seed : int
        Of the repetition.

    Returns
    -------
    list of tuple of ndarray
        Positions within `rows`; empty where the positive class is too rare in it.
    """
    positive = given.positive[rows]
    groups, times = (None if of is None else of[rows] for of in (given.groups, given.times))
    for n in range(min(INNER, int(positive.sum()) // 2), 1, -1):
        folds = _folds(given.y[rows], positive, groups, times, n, seed)
        if folds and all(positive[learned].sum() > 1 and positive[tested].any() for learned, tested in folds):
            return folds
    return []


def _fit(positive: NDArray[np.bool_], fold: Fold) -> bool:
    learned, tested = (positive[part] for part in fold)
    return bool(tested.sum() >= _TESTED and learned.sum() >= _LEARNED and not learned.all() and not tested.all())


def _folds(y: NDArray[np.int64], positive: NDArray[np.bool_], groups: Any, times: Any, n: int, seed: int) -> list[Fold]:
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    if times is not None:
        return _forward(times, n)
    random_state = seed % SEEDS
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of other classes some may be rarer than there are folds
        if groups is None:
            # Where a class is too rare to be shared out, it is one with the others.
            rare = np.isin(y, np.flatnonzero(np.bincount(y) < n)) & ~positive
            found = StratifiedKFold(n, shuffle=True, random_state=random_state).split(y, np.where(rare, y.max() + 1, y))
        elif len(np.unique(groups)) < n:
            return []
        else:
            found = StratifiedGroupKFold(n, shuffle=True, random_state=random_state).split(y, positive, groups)
        return list(found)


def _forward(times: NDArray[Any], n: int) -> list[Fold]:
    """Test n stretches of the later half, each after all that is learned from; rows of one time stay together."""
    from sklearn.model_selection import TimeSeriesSplit

    order = np.argsort(times, kind="stable")
    inorder = times[order]
    size = len(times) // (2 * n)
    if size < 1:
        return []
    found = []
    for learned, tested in TimeSeriesSplit(n, test_size=size).split(order):
        first, after = len(learned), tested[-1] + 1
        first = int(np.searchsorted(inorder, inorder[first], side="left"))
        after = int(np.searchsorted(inorder, inorder[after], side="left")) if after < len(times) else after
        found.append((np.sort(order[:first]), np.sort(order[first:after])))
    return found
