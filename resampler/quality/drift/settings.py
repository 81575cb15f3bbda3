"""`DriftPolicy`: what counts as drift of a feature, and when a model is to be trained again."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from resampler.errors import InvalidInputError
from resampler.options import SHARE, Rule, check_options, count, number, option

if TYPE_CHECKING:
    from collections.abc import Mapping


def _weights(name: str, value: Any) -> dict[str, float]:
    if not hasattr(value, "items") or not value:
        raise InvalidInputError(f"{name} must be a table of weights by feature, got {value!r}")
    for feature, weight in value.items():
        number_like = isinstance(weight, int | float) and not isinstance(weight, bool)
        if not number_like or not math.isfinite(weight) or weight < 0:
            raise InvalidInputError(f"{name} of {feature!r} must be a number of 0 or more, got {weight!r}")
    if not any(value.values()):
        raise InvalidInputError(f"{name} must have a weight above 0: else no feature counts")
    return {str(feature): float(weight) for feature, weight in value.items()}


def _names(name: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, str) or not all(isinstance(one, str) for one in value):
        raise InvalidInputError(f"{name} must be a list of features, got {value!r}")
    return tuple(value)


_WEIGHTS = Rule(dict, _weights, "a weight of 0 or more by feature")
_NAMES = Rule(str, _names, "names of features", repeated=True)


@dataclass(frozen=True, slots=True)
class DriftPolicy:
    """What counts as drift, and when it is enough.

    A feature has drifted where chance does not explain it (`alpha`) and it moved by as much as matters (one of the four
    limits). A model is to be trained again where the share of features that drifted reaches `enter` for `windows` runs
    in a row; from then on, until it falls below `leave`.
    """

    alpha: float = option(
        0.05, number(1e-12, 0.5), "Share of false alarms among features that are said to have drifted.", flags=()
    )
    wasserstein: float = option(
        0.1, number(0, math.inf), "Least Wasserstein distance of a number, in its standard deviations.", flags=()
    )
    kolmogorov_smirnov: float = option(0.1, SHARE, "Least Kolmogorov-Smirnov distance of a number.", flags=())
    jensen_shannon: float = option(0.12, SHARE, "Least Jensen-Shannon distance of a category, in bits.", flags=())
    nulls: float = option(0.05, SHARE, "Least change of the share of nulls.", flags=())
    min_rows: int = option(100, count(2), "Fewer rows of a class are too few to tell.", flags=())
    enter: float = option(0.5, number(1e-9, 1), "Share of drifted features from which on to train again.", flags=())
    leave: float = option(0.3, SHARE, "Share below which drift is over.", flags=())
    windows: int = option(1, count(1), "Runs in a row that must reach `enter`.", flags=())
    cooldown: int = option(0, count(0), "Runs after one that said to train again in which none says so.", flags=())
    importance: Mapping[str, float] | None = option(
        None, _WEIGHTS, "Weights of features in the share; a feature that is not named has none.", flags=()
    )
    ignore: tuple[str, ...] = option((), _NAMES, "Feature to leave out; may be repeated.", flags=("--ignore",))

    def __post_init__(self) -> None:
        check_options(self)
        if self.leave > self.enter:
            raise InvalidInputError(f"leave must be at most enter ({self.enter:g}), got {self.leave:g}")
