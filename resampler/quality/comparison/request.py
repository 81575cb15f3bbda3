"""`Request`: what is to be compared, as options of a command; each states its rule and default once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from resampler.errors import InvalidInputError
from resampler.options import RATIO, SEED, Rule, check_options, count, one_of, option, options_of
from resampler.quality.comparison.scores import COST
from resampler.quality.measures import MEASURES

FOLDS, SEEDS, MAX_ROWS = 5, 2, 20_000


def _check_texts(name: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, str) or not all(isinstance(one, str) and one for one in value):
        raise InvalidInputError(f"{name} must be a list of texts that are not empty, got {value!r}")
    return tuple(dict.fromkeys(value))


def _check_costs(name: str, value: Any) -> tuple[float, float]:
    if not isinstance(value, str):
        return tuple(value)  # the measure checks what they are
    try:
        missed, alarmed = map(float, value.split(":"))
    except ValueError as error:
        raise InvalidInputError(
            f"{name} must be two numbers, of a row that is missed and of a false alarm, such as 50:1, got {value!r}"
        ) from error
    return missed, alarmed


TEXTS = Rule(str, _check_texts, "text", repeated=True)
COSTS = Rule(str, _check_costs, "two numbers, MISS:ALARM")
MEASURED = one_of((COST, *MEASURES))


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is to be compared.

    Parameters
    ----------
    learners, remedies, measure, tuned_by, costs, ratio, folds, seeds, seed, max_rows, threads
        As in `resampler.quality.compare`.

    Raises
    ------
    InvalidInputError
        If one of them breaks its rule.
    """

    learners: tuple[str, ...] = option(
        (),
        TEXTS,
        "A learner, again for more: logistic, boosting, forest, tree, neighbors, or module:Class, with parameters as "
        "JSON behind it; by default logistic and boosting.",
        flags=("--learner",),
    )
    remedies: tuple[str, ...] = option(
        (),
        TEXTS,
        "A remedy, again for more: weights, undersample, or a method, with +enn or +tomek for cleaning; by default "
        "those and what fits the columns.",
        flags=("--remedy",),
    )
    measure: str | None = option(
        None, MEASURED, "What decides; by default cost where costs are given, else average_precision."
    )
    tuned_by: str | None = option(
        None, MEASURED, "What thresholds are moved for; by default cost where costs are given, else f1."
    )
    costs: tuple[float, float] | None = option(
        None, COSTS, "What a missed rare row and a false alarm cost, such as 50:1.", flags=("--cost",)
    )
    ratio: float = option(1.0, RATIO, "Minority : majority after resampling.")
    folds: int = option(FOLDS, count(2), "Folds of a repetition.")
    seeds: int = option(SEEDS, count(1), "Repetitions, each with folds and draws of its own.")
    seed: int = option(0, SEED, "The first repetition.")
    max_rows: int = option(
        MAX_ROWS, count(100), "Rows that are used at most, chosen by a keyed draw.", flags=("--max-rows", "--rows")
    )
    threads: int | None = option(None, count(1), "Measurements at once; by default as many as there are cores.")

    def __post_init__(self) -> None:
        check_options(self)

    @property
    def keywords(self) -> dict[str, Any]:
        """What `resampler.quality.compare` is given; what was left open is left to it."""
        given = {one.name: getattr(self, one.name) for one in options_of(type(self))}
        return {name: value for name, value in given.items() if value not in ((), None)}
