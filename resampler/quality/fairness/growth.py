"""Whose error grew: two sets of predictions of the same rows, group by group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from resampler.errors import InvalidInputError
from resampler.quality.intervals import difference_interval
from resampler.quality.measures import MEASURES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from resampler.quality.fairness.frame import MetricFrame

_DOUBT = 2  # rows that predictions count as apart in beyond those that they are: few rows agree by chance


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


def changes(before: MetricFrame, after: MetricFrame, metric: str, level: float = 0.95) -> list[Change]:
    """Compare predictions with others of the same rows: those of a model without and with synthetic rows.

    Parameters
    ----------
    before, after : MetricFrame
        Of the same real rows and sensitive features.
    metric : str
        Of `MEASURES`.
    level : float
        How often the intervals of all groups hold the truth at once (Bonferroni).

    Returns
    -------
    list of Change
        The greatest growth of an error first; groups that have no row to measure it on are left out.

    Raises
    ------
    InvalidInputError
        If the frames are not of the same rows, or neither end of the measure is good.

    Notes
    -----
    Both sets of predictions are of the same rows, so that a share's two values vary together; average precision,
    calibration error and G-mean are compared as though they did not, which makes their intervals wider than need be.
    """
    if metric not in MEASURES:
        raise InvalidInputError(f"metric must be of {', '.join(MEASURES)}, got {metric!r}")
    same = before.groups.values == after.groups.values and np.array_equal(before.groups.codes, after.groups.codes)
    if not same or not np.array_equal(before.y_true, after.y_true):
        raise InvalidInputError(
            "before and after must be predictions of the same rows in the same order, with the same sensitive "
            "features: y_true or a sensitive feature differs"
        )
    first, second = before.estimates[metric], after.estimates[metric]
    kept = np.flatnonzero(~np.isnan(first.value) & ~np.isnan(second.value))
    if not len(kept):
        return []
    each = 1 - (1 - level) / len(kept)
    (now_low, now_high), (then_low, then_high) = (one.interval(each) for one in (second, first))
    low, high = difference_interval(
        (second.value[kept], now_low[kept], now_high[kept]),
        (first.value[kept], then_low[kept], then_high[kept]),
        _correlation(before, after, metric)[kept],
    )
    support = np.minimum(first.support, second.support)
    high_is_good = MEASURES[metric].best == "high"
    found = [
        Change(
            before.groups.word(int(group)),
            int(support[group]),
            float(first.value[group]),
            float(second.value[group]),
            (float(low[at]), float(high[at])),
            bool(high[at] < 0 if high_is_good else low[at] > 0),
        )
        for at, group in enumerate(kept)
    ]
    return sorted(found, key=lambda one: (one.after - one.before) * (1 if high_is_good else -1))


def _correlation(before: MetricFrame, after: MetricFrame, metric: str) -> NDArray[np.float64]:
    """Return by group how far both values vary together, from 0 to 1."""
    n_groups, codes = len(before.rows), before.groups.codes
    parts = [_influence(frame, metric) for frame in (before, after)]
    if parts[0] is None or parts[1] is None:
        return np.zeros(n_groups)
    a, b = parts[0], parts[1]
    both, left, right = (np.bincount(codes, one, minlength=n_groups) for one in (a * b, a * a, b * b))
    whole = np.sqrt(left * right)
    found = np.divide(both, whole, out=np.ones(n_groups), where=whole > 0)
    rows = np.minimum(before.estimates[metric].support, after.estimates[metric].support)
    return np.clip(found, 0.0, 1.0) * rows / (rows + _DOUBT)


def _influence(frame: MetricFrame, metric: str) -> NDArray[np.float64] | None:
    """Return what each row moves a ratio of sums by, up to a factor a group; None for what is no such ratio."""
    y = frame.y_true
    part: NDArray[Any]
    whole: NDArray[Any]
    if metric == "brier":
        assert frame.score is not None  # noqa: S101 - or it had no estimate
        part, whole = (frame.score - y) ** 2, np.ones(len(y))
    elif metric in {"recall", "precision", "f1", "fpr"}:
        assert frame.y_pred is not None  # noqa: S101
        p = frame.y_pred
        part, whole = {
            "recall": (y & p, y),
            "precision": (y & p, p),
            "f1": (2.0 * (y & p), y + p.astype(np.float64)),
            "fpr": (~y & p, ~y),
        }[metric]
    else:
        return None
    value: NDArray[Any] = np.nan_to_num(frame.estimates[metric].value)[frame.groups.codes]
    return np.asarray(part - value * whole, dtype=np.float64)
