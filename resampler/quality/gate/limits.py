"""`Limit`: between what a figure must lie, and how a policy writes it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from resampler.errors import InvalidInputError
from resampler.options import SHARE, Rule
from resampler.quality.measures import MEASURES

if TYPE_CHECKING:
    from collections.abc import Mapping

_NARROWEST = 0.02


class Limit(NamedTuple):
    """A range, both ends included.

    Parameters
    ----------
    low, high : float
        Infinite where that end is open.
    """

    low: float = -math.inf
    high: float = math.inf

    def __str__(self) -> str:
        if math.isinf(self.high):
            return f"at least {self.low:.4g}"
        if math.isinf(self.low):
            return f"at most {self.high:.4g}"
        return f"{self.low:.4g} to {self.high:.4g}"

    def holds(self, value: float) -> bool:
        """Say whether a value lies within.

        Parameters
        ----------
        value : float
            Any number.

        Returns
        -------
        bool
            False for NaN.
        """
        return self.low <= value <= self.high

    @property
    def narrow(self) -> float:
        """How wide an interval about the limit of a share may be before its middle decides nothing.

        As far as the limit is from the nearer of 0 and 1, and .02 of a limit that is one of these.
        """
        ends = [end for end in self if math.isfinite(end)]
        return min(max(min(abs(end), abs(1 - end)), 0.0) or _NARROWEST for end in ends)


def no_worse(name: str, by: float) -> Limit:
    """Limit what became of a measure.

    Parameters
    ----------
    name : str
        Of `MEASURES`.
    by : float
        The most by which it may be worse than before.

    Returns
    -------
    Limit
        Of after minus before: open to the good end.
    """
    return Limit(low=-by) if MEASURES[name].best == "high" else Limit(high=by)


def widest(allowed: float) -> float:
    """Say how wide the interval of a difference may be before its middle decides nothing.

    Parameters
    ----------
    allowed : float
        What the difference may be.

    Returns
    -------
    float
        As far as is allowed to either side, and .02 where that is less.
    """
    return max(2 * allowed, _NARROWEST)


def _limit_of(best: Literal["high", "low", "range"]) -> Rule:
    words = {
        "high": "the least, 0 to 1, or a table of min and max",
        "low": "the most, 0 to 1, or a table of min and max",
        "range": "[least, most], 0 to 1, or a table of min and max",
    }[best]

    def _check(name: str, value: Any) -> Limit:
        if isinstance(value, Limit):
            return value
        if hasattr(value, "items"):
            if not value or set(value) - {"min", "max"}:
                raise InvalidInputError(f"{name} must have min, max or both, got {dict(value)!r}")
            ends = {end: SHARE.check(f"{name}.{end}", found) for end, found in value.items()}
            found = Limit(ends.get("min", -math.inf), ends.get("max", math.inf))
        elif isinstance(value, list | tuple) and len(value) == 2:
            found = Limit(*(SHARE.check(name, end) for end in value))
        elif best == "range":
            raise InvalidInputError(f"{name} must be {words}, got {value!r}")
        else:
            end = SHARE.check(name, value)
            found = Limit(low=end) if best == "high" else Limit(high=end)
        if found.low > found.high:
            raise InvalidInputError(f"{name} must not have a least above its most, got {value!r}: swap them")
        return found

    return Rule(str, _check, words)


LEAST, MOST, RANGE = _limit_of("high"), _limit_of("low"), _limit_of("range")


def shares_of(names: Mapping[str, object]) -> Rule:
    """Make the rule of a table of numbers from 0 to 1.

    Parameters
    ----------
    names : mapping of str to object
        Which names it may have.

    Returns
    -------
    Rule
        Of a mapping of str to float.
    """

    def _check(name: str, value: Any) -> dict[str, float]:
        if not hasattr(value, "items"):
            raise InvalidInputError(f"{name} must be a table such as {{{next(iter(names))} = 0.1}}, got {value!r}")
        for one in value:
            if one not in names:
                raise InvalidInputError(f"{name} has no measure {one!r}: it has {', '.join(names)}")
        return {one: SHARE.check(f"{name}.{one}", limit) for one, limit in value.items()}

    return Rule(str, _check, "a table of numbers from 0 to 1 by measure")
