"""`compare`: what remedies for a rare class are worth, on the rows at hand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from resampler.errors import DataError, InvalidInputError
from resampler.metric import check_ratio, check_seed
from resampler.quality.comparison.cells import Bench
from resampler.quality.comparison.comparison import NOTHING, Asked, LeftOut, Tried
from resampler.quality.comparison.folds import split_rows
from resampler.quality.comparison.given import check_rows, chosen_rows
from resampler.quality.comparison.learners import USUAL, Learner
from resampler.quality.comparison.remedies import remedy, usual
from resampler.quality.comparison.request import FOLDS, MAX_ROWS, SEEDS
from resampler.quality.comparison.results import measured
from resampler.quality.comparison.scores import check_measures
from resampler.quality.store import Store, key_of_cell

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from resampler.quality.comparison.comparison import Comparison
    from resampler.storage import Location


def compare(
    X: ArrayLike,
    y: ArrayLike,
    *,
    learners: Sequence[Any] = USUAL,
    remedies: Sequence[str] | None = None,
    positive: Any = None,
    categorical: Sequence[int] | NDArray[np.bool_] | None = None,
    names: Sequence[str] | None = None,
    groups: ArrayLike | None = None,
    times: ArrayLike | None = None,
    costs: tuple[float, float] | None = None,
    measure: str | None = None,
    tuned_by: str | None = None,
    ratio: float = 1.0,
    folds: int = FOLDS,
    seeds: int = SEEDS,
    seed: int = 0,
    max_rows: int = MAX_ROWS,
    budget_s: float | None = None,
    store: Location | str | Path | None = None,
    threads: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Try remedies for a rare class on real rows, and say which is worth it, if any is.

    A remedy is recommended where two things hold, by the measure that decides: its gain over nothing with a moved
    threshold, on the same test rows, has a 95 % interval that excludes 0; and it is more than the luckiest of as many
    runs of nothing gain, of five at least, each learned from rows drawn again. Without the second, the best of many
    remedies is better than nothing by chance.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Real rows: numbers; NaN is a null, a category its code.
    y : array-like of shape (n_samples,)
        Classes: numbers, text or booleans. More than two are learned as they are, and measured as `positive` against
        the others.
    learners : sequence of str or estimator
        As `resampler.quality.comparison.learners.Learner.of` takes them; by default logistic regression and histogram
        boosting.
    remedies : sequence of str, optional
        As `resampler.quality.comparison.remedies.remedy` takes them; by default
        `resampler.quality.comparison.remedies.usual`. Each is measured by the learner's own decision, and with its
        probabilities mapped back to the real prior and its threshold moved.
    positive : object, optional
        The class that is to be found, by default the rarest.
    categorical : array-like of int or bool, optional
        Which columns are categorical, by default none.
    names : sequence of str, optional
        Of the columns, by default their numbers.
    groups : array-like of shape (n_samples,), optional
        Rows that agree in it are never both learned from and tested.
    times : array-like of shape (n_samples,), optional
        When rows happened: tested are stretches of the later half, each after all that is learned from. One of groups
        and times.
    costs : tuple of float, optional
        Of a false negative and of a false positive.
    measure : str, optional
        What decides: a key of `resampler.quality.measures.MEASURES`, or ``cost``. By default the cost where costs are
        given, else average precision.
    tuned_by : str, optional
        What thresholds are moved for: by default the cost where costs are given, else F1.
    ratio : float
        Minority : majority after resampling.
    folds, seeds : int
        How many test parts, and how often all is repeated with other ones.
    seed : int
        The first.
    max_rows : int
        How many rows are used, about; of more, a draw takes the same share of each class, or of groups as they are.
    budget_s : float, optional
        Seconds after which nothing is begun. What is measured up to there is a fair comparison, for parts count only
        where every candidate was tried on them.
    store : Location, str or Path, optional
        Directory in which each measurement is kept as it ends; the next run with the same rows takes it from there.
    threads : int, optional
        How many measurements at once, by default as many as there are cores.
    progress : callable, optional
        Called as ``progress(done, total)``.

    Returns
    -------
    Comparison
        The same for any number of threads, and for a run that was cut and went on.

    Raises
    ------
    InvalidInputError
        If a parameter breaks its rule, or shapes do not fit each other.
    DataError
        If rows break a rule, or there are too few of the class.
    MissingExtraError
        If a learner's package is not installed.

    Notes
    -----
    Thresholds are moved by scikit-learn's `TunedThresholdClassifierCV` over folds of the training part. Resampling is
    within the training part, and within each of its folds; what is tested is real and untouched.

    References
    ----------
    Intervals: `resampler.quality.comparison.overlap.Overlap`. Probabilities: `resampler.quality.correct_prior`.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat([0, 1], [450, 50])
    >>> X = rng.normal(size=(500, 2)) + 20 * y[:, None]  # so far apart that no remedy can gain anything
    >>> found = compare(X, y, learners=["logistic"], remedies=["random"], seeds=1)
    >>> found.recommendation.verdict
    'nothing'
    """
    ratio = check_ratio("ratio", ratio)
    for name, value, least in (("folds", folds, 2), ("seeds", seeds, 1), ("max_rows", max_rows, 100)):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise InvalidInputError(f"{name} must be an integer of {least} or more, got {value!r}")
    if budget_s is not None and not budget_s >= 0:
        raise InvalidInputError(f"budget_s must be 0 seconds or more, got {budget_s!r}")
    if threads is not None and threads < 1:
        raise InvalidInputError(f"threads must be 1 or more, got {threads!r}")
    seed = check_seed(seed)
    measure, tuned_by, costs = check_measures(measure, tuned_by, costs)
    who = _distinct([Learner.of(asked) for asked in ([learners] if isinstance(learners, str) else learners)])
    if not who:
        raise InvalidInputError("learners must name one learner at least, got none")
    every = check_rows(X, y, categorical=categorical, names=names, positive=positive, groups=groups, times=times)
    wanted = usual(every.mask) if remedies is None else (remedies,) if isinstance(remedies, str) else tuple(remedies)
    tried = {one.name: one for one in (remedy(name, every.mask) for name in (NOTHING, *wanted))}
    given = chosen_rows(every, max_rows)
    notes, sampled = [], ""
    if len(given.y) < len(every.y):
        sampled = (
            f"{len(given.y):,} of {len(every.y):,} rows were used, {int(given.positive.sum()):,} of them of class "
            f"{given.name!r}"
        )
        notes.append(f"{sampled}: more of them (--max-rows, `max_rows`) take longer and tell more")
    try:
        split = split_rows(given, folds, [(seed + i) % 2**64 for i in range(seeds)])
    except DataError as error:
        raise DataError(f"{error}{f'; {sampled}: allow more (--max-rows, `max_rows`)' if sampled else ''}") from error
    if split.note is not None:
        notes.append(split.note)
    n_folds = len(split.by_seed[seed])
    digest = given.digest
    bench = Bench(given, split, ratio, measure, tuned_by, costs, digest)
    asked = Asked(
        rows=len(every.y),
        rows_used=len(given.y),
        features=given.names,
        categorical=tuple(name for name, is_category in zip(given.names, given.mask, strict=True) if is_category),
        positive=given.name,
        classes={name: int((given.y == code).sum()) for code, name in enumerate(given.classes)},
        split=split.kind,
        folds=n_folds,
        seeds=seeds,
        ratio=ratio,
        measure=measure,
        tuned_by=tuned_by,
        costs=costs,
        remedies=tuple(tried),
        key=key_of_cell(
            rows=digest,
            learners=[[one.path, one.params, one.release] for one in who],
            remedies=list(tried),
            split=[split.kind, n_folds, seed, seeds],
            decides=[measure, tuned_by, costs, ratio],
        ),
    )
    shown = tuple(Tried(one.name, one.path, one.params, one.preparation(given.X, given.mask)[1]) for one in who)
    left_out = [
        LeftOut(f"{one.name} under {learner.name}", "the learner takes no weights (sample_weight)")
        for learner in who
        for one in tried.values()
        if one.weighs and not learner.takes_weights
    ]
    return measured(
        asked,
        shown,
        bench,
        who,
        list(tried.values()),
        left_out=left_out,
        notes=notes,
        store=Store(store),
        threads=threads,
        budget_s=budget_s,
        progress=progress,
    )


def _distinct(learners: list[Learner]) -> list[Learner]:
    """Give learners names of their own, and leave out those that were asked for twice."""
    found: list[Learner] = []
    for one in learners:
        if any((one.path, one.params) == (other.path, other.params) for other in found):
            continue
        taken = sum(other.name.partition(" #")[0] == one.name for other in found)
        found.append(one if not taken else replace(one, name=f"{one.name} #{taken + 1}"))
    return found
