"""Records of options: each option states its rule, default and meaning once.

A record is a frozen dataclass whose fields are declared with `option`. Its checks (`check_options`), its command-line
options (`resampler.command_options`) and its tables in the documentation are made from these declarations.
"""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from resampler.errors import InvalidInputError
from resampler.metric import check_ratio, check_seed
from resampler.secret import SecretKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_METADATA = "resampler.option"
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}
_OWN = ("resampler", "stream", "feast_plugin")


@dataclass(frozen=True, slots=True)
class Rule:
    """What the value of an option must be.

    Parameters
    ----------
    kind : type
        What a word on the command line is read as: float, int, str, or bool for a flag.
    check : callable
        ``check(name, value)`` returns the value as it is kept, or raises `InvalidInputError`.
    description : str
        The values that are taken, in a few words.
    words : tuple of str
        The values that are taken, where they are words of a list.
    former : mapping of str to str
        Former names of such words, taken for one more release, and their names of today.
    repeated : bool
        Whether the command line may give the option more than once: the value is then a tuple.
    metavar : str, optional
        What the command line calls a value; by default its type.
    """

    kind: type
    check: Callable[[str, Any], Any]
    description: str
    words: tuple[str, ...] = ()
    former: Mapping[str, str] = field(default_factory=dict)
    repeated: bool = False
    metavar: str | None = None


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a record.

    Parameters
    ----------
    name : str
        Of the field.
    default : object
        Where it is None, None is a value too.
    rule : Rule
        What a value must be.
    summary : str
        What it does, in one sentence.
    flags : tuple of str
        Its names on the command line; empty for an option of the Python interface alone.
    """

    name: str
    default: Any
    rule: Rule
    summary: str
    flags: tuple[str, ...]


def option(default: Any, rule: Rule, summary: str, *, flags: tuple[str, ...] | None = None) -> Any:
    """Declare a field of a record of options.

    Parameters
    ----------
    default : object
        Immutable.
    rule : Rule
        What a value must be.
    summary : str
        What the option does, in one sentence, its unit included.
    flags : tuple of str, optional
        Names on the command line; by default the field's, with hyphens.

    Returns
    -------
    dataclasses.Field
        The field, typed so that it can stand as the default of any annotation.
    """
    return field(default=default, metadata={_METADATA: {"rule": rule, "summary": summary, "flags": flags}})


def options_of(record: type) -> list[Option]:
    """List the options of a record.

    Parameters
    ----------
    record : type
        A dataclass.

    Returns
    -------
    list of Option
        In order of the fields, those of a base class first; fields that `option` did not declare are left out.
    """
    found = []
    for one in fields(record):
        if (declared := one.metadata.get(_METADATA)) is not None:
            flags = (f"--{one.name.replace('_', '-')}",) if declared["flags"] is None else declared["flags"]
            found.append(Option(one.name, one.default, declared["rule"], declared["summary"], flags))
    return found


def check_options(record: Any) -> None:
    """Check a record's options, and keep each value as its rule returns it.

    Parameters
    ----------
    record : object
        Of a dataclass, frozen or not; to be called in its `__post_init__`.

    Raises
    ------
    InvalidInputError
        If a value breaks its rule.
    """
    for one in options_of(type(record)):
        value = getattr(record, one.name)
        if value is not None or one.default is not None:
            object.__setattr__(record, one.name, one.rule.check(_said(one), value))


def _said(one: Option) -> str:
    """Return what messages call an option: where the command line has another name for it, that one."""
    own = f"--{one.name.replace('_', '-')}"
    return one.flags[0] if one.flags and own not in one.flags else one.name


RATIO = Rule(float, check_ratio, "above 0, at most 1")
SEED = Rule(int, lambda _name, value: check_seed(value), "0 to 2**64 - 1")
SECRET_KEY = Rule(
    str, lambda _name, value: SecretKey.of(value), "env:NAME, file:PATH, or either's name alone", metavar="ENV|FILE"
)


def _check_flag(name: str, value: object) -> bool:
    if not isinstance(value, bool | np.bool_):
        raise InvalidInputError(f"{name} must be True or False, got {value!r}")
    return bool(value)


FLAG = Rule(bool, _check_flag, "on, off")


def _check_recall(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.floating) or not 0 < value <= 1:
        raise InvalidInputError(f"{name} must be in (0, 1], the share of true neighbours to find, got {value!r}")
    return float(value)


RECALL = Rule(float, _check_recall, "above 0, at most 1")


def count(lowest: int, highest: int = 2**63 - 1) -> Rule:
    """Make the rule of an integer.

    Parameters
    ----------
    lowest, highest : int
        The range, both ends included.

    Returns
    -------
    Rule
        The rule.
    """

    def _check(name: str, value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < lowest:
            raise InvalidInputError(f"{name} must be an integer of at least {lowest}, got {value!r}")
        if value > highest:
            raise InvalidInputError(f"{name} must be at most {highest}, got {value!r}")
        return int(value)

    return Rule(int, _check, f"{lowest} or more" if highest == 2**63 - 1 else f"{lowest} to {highest:,}")


def number(lowest: float, highest: float) -> Rule:
    """Make the rule of a number.

    Parameters
    ----------
    lowest, highest : float
        The range, both ends included; they may be infinite, a value may not.

    Returns
    -------
    Rule
        The rule.
    """
    if highest == np.inf:
        words = "any number" if lowest == -np.inf else f"{lowest:g} or more"
    else:
        words = f"{lowest:g} to {highest:g}"

    def _check(name: str, value: object) -> float:
        wrong = isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating)
        if wrong or not np.isfinite(value) or not lowest <= value <= highest:  # type: ignore[call-overload, operator]
            raise InvalidInputError(f"{name} must be a number, {words}, got {value!r}")
        return float(value)  # type: ignore[arg-type]

    return Rule(float, _check, words)


SHARE = number(0.0, 1.0)


def _check_duration(name: str, value: Any) -> float:
    text = str(value).strip()
    unit = _SECONDS.get(text[-1:])
    try:
        seconds = float(text[:-1] if unit else text) * (unit or 1.0)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds > 0):
        raise InvalidInputError(f"{name} must be a time above 0, such as 90s, 10m or 2h, got {value!r}")
    return seconds


DURATION = Rule(str, _check_duration, "a time: 90s, 10m, 2h", metavar="TIME")


def text(what: str) -> Rule:
    """Make the rule of text that is not empty.

    Parameters
    ----------
    what : str
        What it is: ``a column's name``.

    Returns
    -------
    Rule
        The rule.
    """

    def _check(name: str, value: object) -> str:
        if not isinstance(value, str) or not value:
            raise InvalidInputError(f"{name} must be {what}, got {value!r}")
        return value

    return Rule(str, _check, what)


COLUMN = text("a column's name")


def by_class(each: Rule) -> Rule:
    """Make the rule of a value for each of some classes.

    Parameters
    ----------
    each : Rule
        Of a number.

    Returns
    -------
    Rule
        It takes a mapping of class to number, or a sequence of ``CLASS=NUMBER``, and keeps a dict by the classes' names
        in order; None if there is none.
    """

    def _check(name: str, value: Any) -> dict[str, float] | None:
        pairs = value.items() if isinstance(value, Mapping) else [_pair(name, one) for one in value]
        found: dict[str, float] = {}
        for label, one in pairs:
            if str(label) in found:
                raise InvalidInputError(f"{name} must name a class once, got {str(label)!r} twice")
            found[str(label)] = each.check(f"{name} of class {str(label)!r}", one)
        return dict(sorted(found.items())) or None

    return Rule(str, _check, f"CLASS=NUMBER, {each.description}", repeated=True, metavar="CLASS=NUMBER")


def _pair(name: str, text: object) -> tuple[str, float]:
    label, equals, number_ = str(text).rpartition("=")
    try:
        if label and equals:
            return label, float(number_)
    except ValueError:
        pass
    raise InvalidInputError(f"{name} must be CLASS=NUMBER, such as fraud=1, got {text!r}")


def one_of(words: Iterable[str], *, kind: Callable[[str], str] = str, former: Mapping[str, str] | None = None) -> Rule:
    """Make the rule of a word of a list.

    Parameters
    ----------
    words : iterable of str
        The list.
    kind : callable
        What a word is kept as, such as an enumeration of strings.
    former : mapping of str to str, optional
        Former names of words, and their names of today. They are taken with a `DeprecationWarning`.

    Returns
    -------
    Rule
        The rule.
    """
    known, renamed = tuple(map(str, words)), former or {}

    def _check(name: str, value: Any) -> str:
        if isinstance(value, str) and value in renamed:
            warnings.warn(f"{name}: {renaming(value, renamed[value])}", DeprecationWarning, _callers_level())
            value = renamed[value]
        if value not in known:
            raise InvalidInputError(f"{name} must be one of {known}, got {value!r}")
        return kind(value)

    return Rule(str, _check, ", ".join(known), known, renamed)


def renaming(former: str, today: str) -> str:
    """Say that a word has another name now.

    Parameters
    ----------
    former, today : str
        Its names.

    Returns
    -------
    str
        For a warning.
    """
    return f"{former!r} is called {today!r} now; the former name goes with the next release"


def _callers_level() -> int:
    """Return the `stacklevel` at which `_check` warns of the line outside this project that gave the value."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in _OWN:
        level, frame = level + 1, frame.f_back
    return level
