"""`GateRules`: what a policy asks of predictions, its table [gate]."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from resampler.errors import InvalidInputError
from resampler.options import COLUMN, SHARE, Rule, check_options, count, option, text
from resampler.policy import record_of
from resampler.quality.gate.limits import LEAST, MOST, RANGE, Limit, shares_of
from resampler.quality.measures import MEASURES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from resampler.policy import Policy

ALIASES = {"pr_auc": "average_precision"}
BY_GROUP = MEASURES | {"selection_rate": None}
GUIDE: Mapping[str, Any] = {
    "recall": 0.80,
    "precision": 0.70,
    "f1": 0.75,
    "validation_gap": 0.05,
    "synthetic_ratio": [0.1, 0.5],
}


def _check_names(name: str, value: Any) -> tuple[str, ...]:
    names = (value,) if isinstance(value, str) else value
    if not isinstance(names, list | tuple):
        raise InvalidInputError(f"{name} must be names of columns, got {value!r}")
    return tuple(COLUMN.check(name, one) for one in names)


def _check_class(name: str, value: Any) -> str | int | bool:
    if not isinstance(value, str | int):
        raise InvalidInputError(f"{name} must be a class: text, an integer or a boolean, got {value!r}")
    return value


NAMES = Rule(str, _check_names, "columns' names")
CLASS = Rule(str, _check_class, "text, an integer, true or false")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of measures.

    Parameters
    ----------
    recall, precision, f1, g_mean, fpr, average_precision, brier, calibration_error : Limit, optional
        What a policy says of each: a number is the least of a measure that is best when high, the most of another.
    """

    recall: Any = option(None, LEAST, "Of the rows of the class, the share that is found.", flags=())
    precision: Any = option(None, LEAST, "Of the alarms, the share that is right.", flags=())
    f1: Any = option(None, LEAST, "Harmonic mean of recall and precision.", flags=())
    g_mean: Any = option(None, LEAST, "Geometric mean of the recalls of the class and of other rows.", flags=())
    fpr: Any = option(None, MOST, "Of the other rows, the share with an alarm.", flags=())
    average_precision: Any = option(
        None, LEAST, "Area under the precision-recall curve; `pr_auc` is the same. Needs scores.", flags=()
    )
    brier: Any = option(None, MOST, "Mean squared error of probabilities. Needs scores.", flags=())
    calibration_error: Any = option(None, MOST, "Expected calibration error. Needs scores.", flags=())

    def limits(self) -> dict[str, Limit]:
        """Name the measures that have a limit.

        Returns
        -------
        dict of str to Limit
            In the order of `MEASURES`.
        """
        return {name: limit for name in MEASURES if (limit := getattr(self, name)) is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceRules(Limits):
    """What is asked of each group of one column, [gate.slices.COLUMN].

    Parameters
    ----------
    min_rows : int, optional
        As in `GateRules`, whose it is by default.
    difference, ratio : mapping of str to float, optional
        By measure, the most that the greatest of the groups may exceed the smallest by, and the least that the
        smallest may be of the greatest.
    worse : mapping of str to float, optional
        By measure, the most by which it may be worse in a group than a baseline's.
    over_represented : float, optional
        The most by which a group's share of the class's synthetic rows may exceed its share of the real ones.
    """

    min_rows: int | None = option(None, count(1), "As in [gate], for these groups; by default the same.", flags=())
    difference: Any = option(
        None,
        shares_of(BY_GROUP),
        "By measure, or `selection_rate`: the most by which the greatest figure of a group may exceed the smallest.",
        flags=(),
    )
    ratio: Any = option(
        None, shares_of(BY_GROUP), "The least that the smallest figure of a group may be of the greatest.", flags=()
    )
    worse: Any = option(
        None,
        shares_of(MEASURES),
        "By measure, the most by which it may be worse in a group than the baseline's. Needs `--baseline FILE`.",
        flags=(),
    )
    over_represented: float | None = option(
        None,
        SHARE,
        "The most by which a group's share of the class's synthetic rows may exceed its share of the real ones. Needs "
        "`--snapshot`.",
        flags=(),
    )

    def __post_init__(self) -> None:
        check_options(self)

    @property
    def compares(self) -> bool:
        """Whether groups are held against each other, a baseline or the training rows, not against limits alone."""
        return bool(self.difference or self.ratio) or self.worse is not None or self.over_represented is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineRules:
    """How much worse than a baseline predictions may be, [gate.baseline].

    Parameters
    ----------
    version : str, optional
        Whose figures in the ledger are the baseline, where no predictions of one are given: ``fraud:prod``.
    recall, precision, f1, g_mean, fpr, average_precision, brier, calibration_error : float, optional
        By how much.
    """

    version: str | None = option(
        None,
        text("NAME:VERSION or NAME:ALIAS"),
        "Whose newest figures in the ledger are the baseline, where no `--baseline` is given.",
        flags=(),
    )
    recall: float | None = option(None, SHARE, "By how much it may be worse.", flags=())
    precision: float | None = option(None, SHARE, "The same.", flags=())
    f1: float | None = option(None, SHARE, "The same.", flags=())
    g_mean: float | None = option(None, SHARE, "The same.", flags=())
    fpr: float | None = option(None, SHARE, "The same.", flags=())
    average_precision: float | None = option(None, SHARE, "The same. Needs scores.", flags=())
    brier: float | None = option(None, SHARE, "The same. Needs scores.", flags=())
    calibration_error: float | None = option(None, SHARE, "The same. Needs scores.", flags=())

    def __post_init__(self) -> None:
        check_options(self)

    def allowed(self) -> dict[str, float]:
        """Name the measures that are compared.

        Returns
        -------
        dict of str to float
            By how much each may be worse; F1 and average precision by .02 where the policy names none.
        """
        found = {name: by for name in MEASURES if (by := getattr(self, name)) is not None}
        return found or {"f1": 0.02, "average_precision": 0.02}

    @property
    def by_default(self) -> bool:
        """Whether the policy names no measure."""
        return not any(getattr(self, name) is not None for name in MEASURES)


def _check_slices(name: str, value: Any) -> dict[str, SliceRules]:
    if hasattr(value, "items"):
        for column, table in value.items():
            if not hasattr(table, "items") and not isinstance(table, SliceRules):
                raise InvalidInputError(f"{name}.{column} must be a table of limits, got {table!r}")
        return {
            column: table
            if isinstance(table, SliceRules)
            else record_of(f"[gate.slices.{column}]", named(table), SliceRules)
            for column, table in value.items()
        }
    return {column: SliceRules() for column in _check_names(name, value)}


def _check_baseline(_name: str, value: Any) -> BaselineRules:
    if isinstance(value, BaselineRules):
        return value
    if not hasattr(value, "items"):
        raise InvalidInputError(f"baseline must be a table such as [gate.baseline] with f1 = 0.02, got {value!r}")
    return record_of("[gate.baseline]", named(value), BaselineRules)


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRules(Limits):
    """What is asked of predictions.

    Parameters
    ----------
    y_true, y_pred, score, synthetic, timestamp : str
        Columns.
    keys : tuple of str
        Columns that say which entity a row is of; by default the snapshot's, where the file has them.
    positive : str, int or bool, optional
        The class that is measured.
    threshold : float
        From which score on a row is predicted to be of the class, where there is no `y_pred`.
    validation_gap, validation_gap_augmented : Limit, optional
        Of F1 on training rows minus F1 here.
    synthetic_ratio : Limit, optional
        Of synthetic rows among the version's training rows.
    min_rows : int
        A figure that fewer rows carry is not told from chance.
    slices : mapping of str to SliceRules
        By column.
    baseline : BaselineRules, optional
        None where the policy has no such table.
    is_guide : bool
        Whether the limits are the guide's, because the policy has none.
    """

    validation_gap: Any = option(
        None, MOST, "F1 on real training rows minus F1 on these rows. Needs `--train`.", flags=()
    )
    validation_gap_augmented: Any = option(
        None,
        MOST,
        "The same on all training rows, synthetic ones too: of another class share, so never alike.",
        flags=(),
    )
    synthetic_ratio: Any = option(
        None, RANGE, "Synthetic rows among the training rows of the version. Needs `--snapshot`.", flags=()
    )
    min_rows: int = option(30, count(1), "A figure that fewer rows carry cannot pass.", flags=())
    slices: Any = option(
        None,
        Rule(str, _check_slices, "columns' names, or a table each"),
        "By which columns the limits hold too.",
        flags=(),
    )
    baseline: Any = option(
        None, Rule(str, _check_baseline, "a table"), "How much worse than a baseline the figures may be.", flags=()
    )
    y_true: str = option("y_true", COLUMN, "Column of the true class.", flags=())
    y_pred: str = option("y_pred", COLUMN, "Column of the predicted class.", flags=())
    score: str = option("score", COLUMN, "Column of the probability of the class `positive`.", flags=())
    synthetic: str = option("is_synthetic", COLUMN, "Column that is true for a synthetic row.", flags=())
    keys: tuple[str, ...] = option(
        (), NAMES, "Columns that identify an entity; by default the snapshot's join keys.", flags=()
    )
    timestamp: str | None = option(None, COLUMN, "Column of the event time; by default the snapshot's.", flags=())
    positive: str | int | bool | None = option(
        None, CLASS, "The class that is measured; by default true, or 1 of 0 and 1.", flags=()
    )
    threshold: float = option(0.5, SHARE, "From this score on a row is predicted to be of the class.", flags=())
    is_guide: bool = False

    def __post_init__(self) -> None:
        check_options(self)
        columns = {name: getattr(self, name) for name in ("y_true", "y_pred", "score", "synthetic")}
        for name, column in columns.items():
            if same := [other for other, of in columns.items() if of == column and other != name]:
                raise InvalidInputError(f"{name} and {same[0]} must be two columns, got {column!r} for both")
        if self.slices is None:
            object.__setattr__(self, "slices", {})

    @property
    def asks_something(self) -> bool:
        """Whether there is any limit."""
        asked = (self.validation_gap, self.validation_gap_augmented, self.synthetic_ratio, self.baseline)
        by_slice = (one.limits() or one.compares for one in self.slices.values())
        return bool(self.limits()) or any(one is not None for one in asked) or any(by_slice)

    @classmethod
    def of(cls, policy: Policy | None) -> GateRules:
        """Take the table [gate] of a policy.

        Parameters
        ----------
        policy : Policy or None
            None for none at all.

        Returns
        -------
        GateRules
            With the guide's limits where the table sets none.

        Raises
        ------
        InvalidInputError
            If a name is unknown or a value breaks its rule.
        """
        where = "[gate]" if policy is None else f"[gate] of {policy.source}"
        table = {} if policy is None else named(policy.table("gate"))
        rules = record_of(where, table, cls)
        if rules.asks_something:
            return rules
        return replace(record_of(where, table | dict(GUIDE), cls), is_guide=True)


def named(table: Mapping[str, Any]) -> dict[str, Any]:
    """Give measures their own names.

    Parameters
    ----------
    table : mapping of str to object
        Of a policy.

    Returns
    -------
    dict of str to object
        With no alias of a measure.

    Raises
    ------
    InvalidInputError
        If a measure stands under two names.
    """
    found = {}
    for name, value in table.items():
        own = ALIASES.get(name, name)
        if own in found or (own != name and own in table):
            raise InvalidInputError(f"{name} and {own} are one measure: write one of them")
        found[own] = value
    return found
