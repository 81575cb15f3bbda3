"""`MetricFrame`: measures by group, in fairlearn's words."""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import numpy as np

from resampler.errors import DataError, InvalidInputError
from resampler.quality.fairness.groups import Groups
from resampler.quality.intervals import COUNTED, SCORED, counted, difference_interval, scored
from resampler.quality.measures import MEASURES, Confusion

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa
    from numpy.typing import ArrayLike, NDArray

    from resampler.quality.intervals import Estimate

Method = Literal["between_groups", "to_overall"]
METHODS = get_args(Method)
NAMES = (*COUNTED, *SCORED)


class Disparity(NamedTuple):
    """How far groups lie apart in one measure.

    Parameters
    ----------
    difference, ratio : float
        Of the groups with the greatest and the smallest value; NaN where no group has one.
    interval : tuple of (float, float)
        What the true difference lies in, whichever groups are the two: of all pairs at once. Its lower end is 0 where
        chance can make the difference.
    lowest, highest : str
        Names of the two groups.
    left_out : tuple of str
        Groups with fewer rows to measure it on than the minimum, or with none.
    """

    difference: float
    ratio: float
    interval: tuple[float, float]
    lowest: str
    highest: str
    left_out: tuple[str, ...]

    @property
    def shown(self) -> bool:
        """Whether chance alone does not make such a difference."""
        return self.interval[0] > 0


class MetricFrame:
    """Measures of predictions of one class, by group.

    Parameters
    ----------
    metrics : sequence of str, optional
        Names of `MEASURES`, or ``selection_rate``; by default all that the predictions given allow.
    y_true : array-like of shape (n_rows,), bool or 0 and 1
        Whether a row is of the class.
    y_pred : array-like of shape (n_rows,), bool or 0 and 1, optional
        Whether it is predicted to be.
    score : array-like of shape (n_rows,), float, optional
        Probability of the class.
    sensitive_features : mapping of str to array-like, pyarrow.Table, data frame, array-like or Groups
        Columns whose values make the groups; several are crossed, and a null is a value.
    min_rows : int
        `group_min`, `group_max`, `difference` and `ratio` leave out groups with fewer rows to measure on.

    Attributes
    ----------
    groups : Groups
        Which there are: those that some row is in, sorted.
    rows : ndarray of shape (n_groups,), int64
        Rows of each.
    confusion : Confusion
        Counts of each, where `y_pred` was given.

    Raises
    ------
    InvalidInputError
        If a metric is unknown or cannot be measured on what was given, or an array is not what it must be.
    DataError
        If there are no rows, or a score is not a number from 0 to 1.

    Notes
    -----
    Figures are fairlearn's, with one exception: the recall of a group without rows of the class, and the false positive
    rate of one without others, are NaN here and left out, not 0.

    References
    ----------
    Weerts et al.: Fairlearn: assessing and improving fairness of AI systems. JMLR 24 (2023), 257.

    Examples
    --------
    >>> frame = MetricFrame(
    ...     metrics=["recall"],
    ...     y_true=[1, 1, 1, 1, 0, 0],
    ...     y_pred=[1, 1, 1, 0, 0, 0],
    ...     sensitive_features={"region": ["n", "n", "s", "s", "n", "s"]},
    ... )
    >>> frame.by_group["recall"].tolist(), frame.overall["recall"], frame.difference()["recall"]
    ([1.0, 0.5], 0.75, 0.5)
    >>> frame.disparity("recall").shown
    False
    """

    def __init__(
        self,
        *,
        y_true: ArrayLike,
        y_pred: ArrayLike | None = None,
        score: ArrayLike | None = None,
        sensitive_features: Mapping[str, Any] | pa.Table | ArrayLike | Groups,
        metrics: Sequence[str] | None = None,
        min_rows: int = 1,
    ) -> None:
        self.y_true = _flags("y_true", y_true)
        if not len(self.y_true):
            raise DataError("y_true has 0 rows: there is nothing to measure")
        self.y_pred = None if y_pred is None else _flags("y_pred", y_pred)
        self.score = None if score is None else _scores(score)
        self.groups = Groups.of(sensitive_features)
        self.min_rows = max(int(min_rows), 1)
        lengths = {"y_pred": self.y_pred, "score": self.score, "sensitive_features": self.groups.codes}
        for name, array in lengths.items():
            if array is not None and len(array) != len(self.y_true):
                raise InvalidInputError(
                    f"{name} has {len(array)} rows and y_true {len(self.y_true)}: give values of the same rows"
                )
        possible = (COUNTED if y_pred is not None else ()) + (SCORED if score is not None else ())
        self.metrics = tuple(metrics) if metrics is not None else possible
        for name in self.metrics:
            if name not in NAMES:
                raise InvalidInputError(f"metrics must be of {', '.join(NAMES)}, got {name!r}")
            if name not in possible:
                needed = "y_pred" if name in COUNTED else "score"
                raise InvalidInputError(f"metric {name!r} is measured on {needed}, which was not given: give it")
        n_groups = len(self.groups.values)
        self.rows = np.bincount(self.groups.codes, minlength=n_groups)
        if self.y_pred is not None:
            cells = self.groups.codes * 4 + self.y_true * np.uint8(2) + self.y_pred
            tn, fp, fn, tp = np.bincount(cells, minlength=4 * n_groups).reshape(n_groups, 4).T
            self.confusion = Confusion(tp, fp, fn, tn)

    @cached_property
    def estimates(self) -> dict[str, Estimate]:
        """By metric: value, rows it is measured on and interval of each group."""
        return {
            name: counted(name, self.confusion) if name in COUNTED else scored(name, self._samples)
            for name in self.metrics
        }

    @cached_property
    def _samples(self) -> list[tuple[NDArray[np.bool_], NDArray[np.float64]]]:
        """Truth and scores of each group."""
        assert self.score is not None  # noqa: S101 - metrics of scores were refused otherwise
        codes = self.groups.codes.astype(np.uint16)  # there are few groups, and short integers are sorted by digits
        order = np.argsort(codes, kind="stable")
        cuts = np.cumsum(self.rows)[:-1]
        return list(zip(np.split(self.y_true[order], cuts), np.split(self.score[order], cuts), strict=True))

    @cached_property
    def overall(self) -> dict[str, float]:
        """By metric, its value on all rows."""
        found = {}
        for name in self.metrics:
            if name in COUNTED:
                found[name] = float(getattr(Confusion(*(int(cell.sum()) for cell in self.confusion)), name))
            else:
                found[name] = MEASURES[name].compute(self.y_true, self.score)  # type: ignore[arg-type]
        return found

    @property
    def by_group(self) -> dict[str, NDArray[np.float64]]:
        """By metric, its value in each group, in order of `groups`; NaN where a group has no row to measure it on."""
        return {name: one.value for name, one in self.estimates.items()}

    def intervals(self, level: float = 0.95) -> dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """Return the intervals of the groups' values.

        Parameters
        ----------
        level : float
            How often one holds the truth, between 0 and 1.

        Returns
        -------
        dict of str to tuple of ndarray
            By metric: lower and upper ends, each of shape (n_groups,).
        """
        return {name: one.interval(level) for name, one in self.estimates.items()}

    def group_min(self) -> dict[str, float]:
        """Return the smallest value of any group.

        Returns
        -------
        dict of str to float
            By metric; NaN where no group has a value.
        """
        return {name: _over(np.min, self._kept(name)) for name in self.metrics}

    def group_max(self) -> dict[str, float]:
        """Return the greatest value of any group.

        Returns
        -------
        dict of str to float
            By metric; NaN where no group has a value.
        """
        return {name: _over(np.max, self._kept(name)) for name in self.metrics}

    def difference(self, method: Method = "between_groups") -> dict[str, float]:
        """Return how far groups lie apart.

        Parameters
        ----------
        method : {"between_groups", "to_overall"}
            The greatest difference of two groups, or of a group and all rows.

        Returns
        -------
        dict of str to float
            By metric; NaN where no group has a value.
        """
        _check_method(method)
        if method == "between_groups":
            most, least = self.group_max(), self.group_min()
            return {name: most[name] - least[name] for name in self.metrics}
        return {name: _over(np.max, np.abs(self._kept(name) - self.overall[name])) for name in self.metrics}

    def ratio(self, method: Method = "between_groups") -> dict[str, float]:
        """Return how groups compare, the smaller value over the greater.

        Parameters
        ----------
        method : {"between_groups", "to_overall"}
            The smallest ratio of two groups, or of a group and all rows.

        Returns
        -------
        dict of str to float
            By metric, from 0 to 1; NaN where no two values have a ratio.
        """
        _check_method(method)
        if method == "between_groups":
            most, least = self.group_max(), self.group_min()
            return {name: least[name] / most[name] if most[name] else math.nan for name in self.metrics}
        found = {}
        for name in self.metrics:
            with np.errstate(divide="ignore", invalid="ignore"):
                ratios = self._kept(name) / np.float64(self.overall[name])
                found[name] = _over(np.min, np.where(ratios > 1, 1 / ratios, ratios))
        return found

    def disparity(self, metric: str, level: float = 0.95) -> Disparity:
        """Say how far groups lie apart in one measure, and whether chance alone can do that.

        Parameters
        ----------
        metric : str
            One of the frame's.
        level : float
            How often the interval holds the truth.

        Returns
        -------
        Disparity
            With an interval that holds for all pairs of groups at once (Bonferroni).
        """
        kept = np.flatnonzero(self._measured(metric))
        out = tuple(map(self.groups.word, np.setdiff1d(np.arange(len(self.rows)), kept).tolist()))
        if not len(kept):
            return Disparity(math.nan, math.nan, (math.nan, math.nan), "", "", out)
        value = self.estimates[metric].value[kept]
        lowest, highest = (self.groups.word(int(kept[at(value)])) for at in (np.argmin, np.argmax))
        interval = (0.0, 0.0)
        if (pairs := len(kept) * (len(kept) - 1) // 2) > 0:
            low, high = (end[kept] for end in self.estimates[metric].interval(1 - (1 - level) / pairs))
            sides = (value[:, None], low[:, None], high[:, None])
            least, most = difference_interval(sides, (value[None, :], low[None, :], high[None, :]))
            interval = (max(float(least.max()), 0.0), min(float(most[~np.eye(len(kept), dtype=bool)].max()), 1.0))
        top, bottom = float(value.max()), float(value.min())
        return Disparity(top - bottom, bottom / top if top else math.nan, interval, lowest, highest, out)

    def to_dict(self, level: float = 0.95) -> dict[str, Any]:
        """Return plain data.

        Parameters
        ----------
        level : float
            How often an interval holds the truth.

        Returns
        -------
        dict
            ``features``, and by metric its value ``overall``, the `Disparity` and the ``groups``; None where there is
            no value.
        """
        found = {}
        for name, one in self.estimates.items():
            low, high = one.interval(level)
            groups = [
                {
                    "group": dict(zip(self.groups.features, map(_plain, self.groups.values[at]), strict=True)),
                    "rows": int(self.rows[at]),
                    "support": int(one.support[at]),
                    "value": _plain(float(one.value[at])),
                    "interval": [_plain(float(low[at])), _plain(float(high[at]))],
                }
                for at in range(len(self.rows))
            ]
            apart = self.disparity(name, level)
            plain = {key: _plain(value) for key, value in apart._asdict().items()}
            plain |= {"interval": list(map(_plain, apart.interval)), "left_out": list(apart.left_out)}
            found[name] = {"overall": _plain(self.overall[name]), **plain, "shown": apart.shown, "groups": groups}
        return {"features": list(self.groups.features), "metrics": found}

    def _measured(self, name: str) -> NDArray[np.bool_]:
        one = self.estimates[name]
        return ~np.isnan(one.value) & (one.support >= self.min_rows if self.min_rows > 1 else True)

    def _kept(self, name: str) -> NDArray[np.float64]:
        return self.estimates[name].value[self._measured(name)]


def _over(reduce: Any, values: NDArray[np.float64]) -> float:
    values = values[~np.isnan(values)]
    return float(reduce(values)) if len(values) else math.nan


def _plain(value: Any) -> Any:
    """Return a value as JSON can hold it."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value)


def _check_method(method: str) -> None:
    if method not in METHODS:
        raise InvalidInputError(f"method must be one of {METHODS}, got {method!r}")


def _flags(name: str, given: ArrayLike) -> NDArray[np.bool_]:
    array = np.asarray(given)
    if array.ndim != 1:
        raise InvalidInputError(f"{name} must be one value a row, got an array of {array.ndim} dimensions")
    if array.dtype != np.bool_ and len(array):
        try:
            known = (array == 0) | (array == 1)
            wrong = array[~known][:1].tolist()
        except (TypeError, ValueError):
            wrong = array[:1].tolist()
        if wrong:
            raise InvalidInputError(
                f"{name} says whether a row is of the class, True or False, 1 or 0, got {wrong[0]!r}: compare the "
                "labels with the class first"
            )
    return array.astype(np.bool_)


def _scores(given: ArrayLike) -> NDArray[np.float64]:
    try:
        array = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(f"score must be numbers from 0 to 1: {error}: give the class's probability") from error
    if array.ndim != 1:
        raise InvalidInputError(f"score must be one number a row, got an array of {array.ndim} dimensions")
    if (wrong := np.flatnonzero(~((array >= 0) & (array <= 1)))).size:
        raise DataError(
            f"score must be numbers from 0 to 1, got {array[wrong[0]]} in row {wrong[0]} and {wrong.size} such rows: "
            "give the class's probability"
        )
    return array
