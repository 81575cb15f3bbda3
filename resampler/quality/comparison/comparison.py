"""`Comparison`: what came of trying remedies on rows, as plain data."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT = 1
LATE = "time was up"  # why something is left out
NOTHING = "nothing"  # the remedy that others are held against, with its threshold moved
Verdict = Literal["remedy", "threshold", "nothing", "unknown"]


@dataclass(frozen=True, slots=True)
class Figure:
    """A mean with its 95 % interval.

    Parameters
    ----------
    mean, low, high : float
        NaN where it cannot be measured; the ends are NaN where there are fewer than three values.
    values : tuple of float
        What the mean is of: one a part, in the order of `Comparison.parts`.
    """

    mean: float
    low: float
    high: float
    values: tuple[float, ...] = ()

    @property
    def excludes_zero(self) -> bool:
        """Whether 0 lies outside the interval."""
        return self.low > 0 or self.high < 0

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Figure:
        """Read plain data.

        Parameters
        ----------
        data : mapping
            What `Comparison.to_dict` wrote.

        Returns
        -------
        Figure
            Equal to the one that was written.
        """
        mean, low, high = (_number(data[name]) for name in ("mean", "low", "high"))
        return cls(mean, low, high, tuple(_number(value) for value in data.get("values", ())))


@dataclass(frozen=True, slots=True)
class Asked:
    """What was compared.

    Parameters
    ----------
    rows, rows_used : int
        Rows that were given, and those that were chosen of them.
    features : tuple of str
        Names of the columns.
    categorical : tuple of str
        Those that hold categories.
    positive : str
        The class that is to be found, as `str` names it.
    classes : dict of str to int
        Rows that were chosen, by class.
    split : {"stratified", "groups", "times"}
        What test parts are made of: any rows, whole groups, or rows later than those of the training part.
    folds, seeds : int
        How many.
    ratio : float
        Minority : majority after resampling.
    measure : str
        What decides: a key of `resampler.quality.measures.MEASURES`, or ``cost``.
    tuned_by : str
        What thresholds are moved for, likewise.
    costs : tuple of float, optional
        Of a false negative and of a false positive.
    remedies : tuple of str
        Those that were tried.
    key : str
        The sha256 of the rows and of all that decides what comes of them.
    """

    rows: int
    rows_used: int
    features: tuple[str, ...]
    categorical: tuple[str, ...]
    positive: str
    classes: dict[str, int]
    split: Literal["stratified", "groups", "times"]
    folds: int
    seeds: int
    ratio: float
    measure: str
    tuned_by: str
    costs: tuple[float, float] | None
    remedies: tuple[str, ...]
    key: str

    @property
    def positives_used(self) -> int:
        """Rows of the positive class that were chosen."""
        return self.classes[self.positive]


@dataclass(frozen=True, slots=True)
class Tried:
    """A learner.

    Parameters
    ----------
    name : str
        What it is called here.
    path : str
        Where it is imported from.
    params : dict
        What it is made with.
    preparation : str
        What is done to rows before it sees them, in words.
    """

    name: str
    path: str
    params: dict[str, Any]
    preparation: str


@dataclass(frozen=True, slots=True)
class Part:
    """A test part and the training part that goes with it.

    Parameters
    ----------
    seed, fold : int
        Which.
    n_train, n_test : int
        Rows.
    positives_train, positives_test : int
        Of them, rows of the positive class.
    """

    seed: int
    fold: int
    n_train: int
    n_test: int
    positives_train: int
    positives_test: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """What came of a remedy under a learner.

    Parameters
    ----------
    learner, remedy : str
        Which.
    moved : bool
        Whether probabilities were mapped back to the real prior and the threshold was moved; else the learner's own
        decision stands.
    figures : dict of str to Figure
        By measure, of test rows that are real and untouched.
    differences : dict of str to Figure
        By measure, how much more it is than with nothing and a moved threshold, part by part.
    threshold : Figure, optional
        Where the threshold went.
    beats_control : bool
        Whether it is better, by the measure that decides, than the luckiest of as many runs of nothing.
    recommended : bool
        Whether it may be recommended: better beyond the interval, and better than luck.
    """

    learner: str
    remedy: str
    moved: bool
    figures: dict[str, Figure]
    differences: dict[str, Figure]
    threshold: Figure | None = None
    beats_control: bool = False
    recommended: bool = False

    @property
    def name(self) -> str:
        """What it is called in tables."""
        return f"{self.remedy} + threshold" if self.moved else self.remedy

    @property
    def is_reference(self) -> bool:
        """Whether it is what others are held against."""
        return self.moved and self.remedy == NOTHING


@dataclass(frozen=True, slots=True)
class Control:
    """What luck alone reaches: nothing, learned again as often as there are other remedies, and five times at least.

    Parameters
    ----------
    learner : str
        Whose.
    measure : str
        What decides.
    gains : tuple of float
        How much better each run was than their mean, in the direction that is good.
    """

    learner: str
    measure: str
    gains: tuple[float, ...]

    @property
    def best(self) -> float:
        """What a remedy must gain more than; 0 without runs."""
        return max(self.gains, default=0.0)


@dataclass(frozen=True, slots=True)
class Importance:
    """What a feature is worth to a model, with and without synthetic rows.

    Parameters
    ----------
    learner, remedy, feature : str
        Of which.
    without, with_remedy, difference : Figure
        How much of the average precision on real test rows is lost when its values are shuffled; the interval of the
        difference allows for as many features as there are.
    moved : bool
        Whether that interval excludes 0.
    """

    learner: str
    remedy: str
    feature: str
    without: Figure
    with_remedy: Figure
    difference: Figure
    moved: bool


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do, in a sentence.

    Parameters
    ----------
    learner : str or None
        Under which; None: under all.
    verdict : {"remedy", "threshold", "nothing", "unknown"}
        Resample or weigh, as `remedy` says; move the threshold and no more; leave all as it is; too little to tell.
    remedy : str or None
        Which is recommended.
    threshold : float or None
        Where the threshold goes.
    sentence : str
        For people.
    """

    learner: str | None
    verdict: Verdict
    remedy: str | None
    threshold: float | None
    sentence: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What was asked for and is not in the figures.

    Parameters
    ----------
    what, why : str
        In words.
    """

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of it.

    Parameters
    ----------
    asked : Asked
        What was compared.
    learners : tuple of Tried
        In order.
    parts : tuple of Part
        Those that all candidates were tried on, in order; fewer than were asked for where time was up.
    candidates : tuple of Candidate
        Learner by learner.
    controls : tuple of Control
        One a learner.
    importance : tuple of Importance
        Learner by learner, the features in order.
    advice : tuple of Advice
        One for all learners first, then one a learner.
    left_out : tuple of LeftOut
        What is not in it.
    notes : tuple of str
        What else a reader should know.
    """

    asked: Asked
    learners: tuple[Tried, ...]
    parts: tuple[Part, ...]
    candidates: tuple[Candidate, ...]
    controls: tuple[Control, ...]
    importance: tuple[Importance, ...]
    advice: tuple[Advice, ...]
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]

    @property
    def is_late(self) -> bool:
        """Whether time was up before all was measured."""
        return len(self.parts) < self.asked.folds * self.asked.seeds or any(one.why == LATE for one in self.left_out)

    @property
    def recommendation(self) -> Advice:
        """The one for all learners."""
        return self.advice[0]

    def of(self, learner: str) -> list[Candidate]:
        """Return the candidates of a learner.

        Parameters
        ----------
        learner : str
            Its name.

        Returns
        -------
        list of Candidate
            In order.
        """
        return [one for one in self.candidates if one.learner == learner]

    def to_dict(self, *, by_part: bool = True) -> dict[str, Any]:
        """Return plain data.

        Parameters
        ----------
        by_part : bool
            With the values of each part, which are most of it; without them figures are means and intervals.

        Returns
        -------
        dict
            As JSON keeps it; what could not be measured is None.
        """
        data: dict[str, Any] = _plain(asdict(self))
        return (data if by_part else _without_values(data)) | {"format": FORMAT}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Comparison:
        """Read plain data.

        Parameters
        ----------
        data : mapping
            What `to_dict` gave.

        Returns
        -------
        Comparison
            Equal to the one that was written, but for values of parts that were left out.
        """
        asked = data["asked"]
        tuples = {name: tuple(asked[name]) for name in ("features", "categorical", "remedies")}
        costs = None if asked["costs"] is None else tuple(asked["costs"])
        return cls(
            Asked(**(asked | tuples | {"costs": costs})),
            tuple(Tried(**one) for one in data["learners"]),
            tuple(Part(**one) for one in data["parts"]),
            tuple(_candidate(one) for one in data["candidates"]),
            tuple(Control(**(one | {"gains": tuple(map(_number, one["gains"]))})) for one in data["controls"]),
            tuple(_importance(one) for one in data["importance"]),
            tuple(Advice(**one) for one in data["advice"]),
            tuple(LeftOut(**one) for one in data["left_out"]),
            tuple(data["notes"]),
        )


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _plain(of) for name, of in value.items()}
    return [_plain(of) for of in value] if isinstance(value, list | tuple) else value


def _without_values(value: Any) -> Any:
    if isinstance(value, dict):
        figure = "mean" in value and "values" in value
        return {name: _without_values(of) for name, of in value.items() if not (figure and name == "values")}
    return [_without_values(of) for of in value] if isinstance(value, list) else value


def _candidate(data: Mapping[str, Any]) -> Candidate:
    read = {
        group: {name: Figure.from_dict(one) for name, one in data[group].items()}
        for group in ("figures", "differences")
    }
    threshold = None if data["threshold"] is None else Figure.from_dict(data["threshold"])
    return Candidate(**(dict(data) | read | {"threshold": threshold}))


def _importance(data: Mapping[str, Any]) -> Importance:
    figures = {name: Figure.from_dict(data[name]) for name in ("without", "with_remedy", "difference")}
    return Importance(**(dict(data) | figures))
