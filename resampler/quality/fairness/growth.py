"""Whose error grew: two sets of predictions, group by group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from resampler.errors import InvalidInputError
from resampler.quality.intervals import difference_interval
from resampler.quality.measures import MEASURES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from resampler.quality.fairness.frame import MetricFrame

_DOUBT = 6  # rows that predictions count as apart in beyond those that they are: few rows agree by chance


class Change(NamedTuple):
    """What became of one group.

    Parameters
    ----------
    group : str
        Its name.
    support : int
        Rows that the measure is measured on, the fewer of both.
    before, after : float
        The measure's values.
    interval : tuple of (float, float)
        Of ``after - before``, of all groups at once.
    grew : bool
        Whether the error grew, and more than chance does.
    """

    group: str
    support: int
    before: float
    after: float
    interval: tuple[float, float]
    grew: bool

    def to_dict(self) -> dict[str, Any]:
        """Return plain data.

        Returns
        -------
        dict
            The fields.
        """
        return self._asdict() | {"interval": list(self.interval)}


def changes(
    before: MetricFrame, after: MetricFrame, metric: str, level: float = 0.95, *, paired: bool = True
) -> list[Change]:
    """Compare predictions of two models: of one without and of one with synthetic rows.

    Parameters
    ----------
    before, after : MetricFrame
        Of real rows, the same ones where they are `paired`, and of the same sensitive features.
    metric : str
        Of `MEASURES`.
    level : float
        How often the intervals of all groups hold the truth at once (Bonferroni).
    paired : bool
        Whether both are of the same rows in the same order; if not, each is a sample of its own.

    Returns
    -------
    list of Change
        The greatest growth of an error first; groups that have no row to measure it on, before or after, are left out.

    Raises
    ------
    InvalidInputError
        If paired frames are not of the same rows, sensitive features differ, or neither end of the measure is good.

    Notes
    -----
    Where both sets of predictions are of the same rows, a share's two values vary together; average precision,
    calibration error and G-mean are compared as though they did not, which makes their intervals wider than need be.
    """
    if metric not in MEASURES:
        raise InvalidInputError(f"metric must be of {', '.join(MEASURES)}, got {metric!r}")
    if before.groups.features != after.groups.features:
        raise InvalidInputError(
            f"before is by {', '.join(before.groups.features)} and after by {', '.join(after.groups.features)}: give "
            "both the same sensitive features"
        )
    if paired:
        _check_same_rows(before, after)
    then_at, now_at = _shared(before, after)
    first, second = before.estimates[metric], after.estimates[metric]
    measured = ~np.isnan(first.value[then_at]) & ~np.isnan(second.value[now_at])
    then_at, now_at = then_at[measured], now_at[measured]
    if not len(now_at):
        return []
    each = 1 - (1 - level) / len(now_at)
    (now_low, now_high), (then_low, then_high) = (one.interval(each) for one in (second, first))
    low, high = difference_interval(
        (second.value[now_at], now_low[now_at], now_high[now_at]),
        (first.value[then_at], then_low[then_at], then_high[then_at]),
        _correlation(before, after, metric)[now_at] if paired else 0.0,
    )
    support = np.minimum(first.support[then_at], second.support[now_at])
    high_is_good = MEASURES[metric].best == "high"
    found = [
        Change(
            after.groups.word(int(now_at[at])),
            int(support[at]),
            float(first.value[then_at[at]]),
            float(second.value[now_at[at]]),
            (float(low[at]), float(high[at])),
            bool(high[at] < 0 if high_is_good else low[at] > 0),
        )
        for at in range(len(now_at))
    ]
    return sorted(found, key=lambda one: (one.after - one.before) * (1 if high_is_good else -1))


def _check_same_rows(before: MetricFrame, after: MetricFrame) -> None:
    groups = before.groups is after.groups or (
        before.groups.values == after.groups.values and np.array_equal(before.groups.codes, after.groups.codes)
    )
    if not groups or not np.array_equal(before.y_true, after.y_true):
        raise InvalidInputError(
            "before and after must be predictions of the same rows in the same order, with the same sensitive "
            "features: y_true or a sensitive feature differs; of other rows, say paired=False"
        )


def _shared(before: MetricFrame, after: MetricFrame) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return which groups both have, as positions in each, in order of `after`."""
    there = {value: at for at, value in enumerate(before.groups.values)}
    pairs = [(there[value], at) for at, value in enumerate(after.groups.values) if value in there]
    first, second = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return first, second


def _correlation(before: MetricFrame, after: MetricFrame, metric: str) -> NDArray[np.float64]:
    """Return by group how far both values vary together, from 0 to 1."""
    moments = _of_scores(before, after) if metric == "brier" else _of_counts(before, after, metric)
    if moments is None:
        return np.zeros(len(before.rows))
    both, left, right = moments
    whole = np.sqrt(left * right)
    found = np.divide(both, whole, out=np.ones(len(whole)), where=whole > 0)
    rows = np.minimum(before.estimates[metric].support, after.estimates[metric].support)
    return np.clip(found, 0.0, 1.0) * rows / (rows + _DOUBT)


def _of_scores(before: MetricFrame, after: MetricFrame) -> tuple[NDArray[Any], ...]:
    """Return by group the moments, mixed and own, of what each row moves a Brier score by, up to a factor."""
    codes, n_groups = after.groups.codes, len(after.rows)
    parts = []
    for frame in (before, after):
        assert frame.score is not None  # noqa: S101 - or it had no estimate
        parts.append((frame.score - frame.y_true) ** 2 - np.nan_to_num(frame.estimates["brier"].value)[codes])
    a, b = parts
    return tuple(np.bincount(codes, one, minlength=n_groups) for one in (a * b, a * a, b * b))


def _of_counts(before: MetricFrame, after: MetricFrame, metric: str) -> tuple[NDArray[Any], ...] | None:
    """Return the same of a ratio of counts; None for what is no such ratio.

    Rows of a group that agree in class and in both predictions move it alike, so that eight counts a group are enough.
    """
    if metric not in {"recall", "precision", "f1", "fpr"}:
        return None
    assert before.y_pred is not None  # noqa: S101 - or it had no estimate
    assert after.y_pred is not None  # noqa: S101
    kinds = after.y_true * np.uint8(4) + before.y_pred * np.uint8(2) + after.y_pred
    counts = np.bincount(after.groups.codes * 8 + kinds, minlength=8 * len(after.rows)).reshape(-1, 8)
    y, then, now = (np.arange(8) >> 2) & 1, (np.arange(8) >> 1) & 1, np.arange(8) & 1
    moved = []
    for frame, p in ((before, then), (after, now)):
        part, whole = {
            "recall": (y * p, y),
            "precision": (y * p, p),
            "f1": (2 * y * p, y + p),
            "fpr": ((1 - y) * p, 1 - y),
        }[metric]
        moved.append(part - np.nan_to_num(frame.estimates[metric].value)[:, None] * whole)
    a, b = moved
    return tuple((counts * one).sum(1) for one in (a * b, a * a, b * b))
