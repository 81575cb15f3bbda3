"""`Finding`: one thing that a user should know about rows before a model learns from them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

from resampler.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Level = Literal["note", "warning", "refusal"]
LEVELS = get_args(Level)  # the worst last
DETECTABILITY = "detectability"  # the check whose figure is told where its rule is kept, too
_SHOWN = 3  # classes that a line names


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found.

    Parameters
    ----------
    name : str
        Of the check, in words with hyphens: what `--allow` takes.
    level : {"note", "warning", "refusal"}
        How much it matters. A note never stops anything; a warning does where the user is strict.
    figure : str
        What was measured, with its unit and of how many: ``"66 of 768 minority rows (8.6 %)"``.
    rule : str
        What it is held against: ``"at least half of the rows of a class can be parents"``.
    remedy : str
        What to do about it.
    columns : tuple of str
        The features at fault, the worst first; empty where it is none's.
    label : str, optional
        The class at fault.
    values : dict of str to float
        The same figures as numbers, for programs.
    allowed : bool
        Whether the user let it pass by name.

    Raises
    ------
    InvalidInputError
        If the level is none of these.
    """

    name: str
    level: Level
    figure: str
    rule: str
    remedy: str
    columns: tuple[str, ...] = ()
    label: str | None = None
    values: dict[str, float] = field(default_factory=dict)
    allowed: bool = False

    def __post_init__(self) -> None:
        if self.level not in LEVELS:
            raise InvalidInputError(f"level must be one of {LEVELS}, got {self.level!r}")

    def __str__(self) -> str:
        where = f" of class {self.label!r}" if self.label is not None else ""
        at = f" ({', '.join(self.columns)})" if self.columns else ""
        return f"{self.level} {self.name}{where}: {self.figure}{at}; {self.rule}: {self.remedy}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain data.

        Returns
        -------
        dict
            The fields, as JSON keeps them.
        """
        return asdict(self) | {"columns": list(self.columns)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Finding:
        """Read plain data.

        Parameters
        ----------
        data : dict
            What `to_dict` gave.

        Returns
        -------
        Finding
            Equal to the one that was written.
        """
        return cls(**(data | {"columns": tuple(data["columns"])}))


def worst_first(findings: list[Finding]) -> list[Finding]:
    """Order findings for a reader in a hurry.

    Parameters
    ----------
    findings : list of Finding
        In any order.

    Returns
    -------
    list of Finding
        Refusals, then warnings, then notes; what was let pass last; else in the order in which they came.
    """
    return sorted(findings, key=lambda one: (one.allowed, -LEVELS.index(one.level)))


def area_in_words(values: Mapping[str, float]) -> str:
    """Say how well rows of a class are told to be synthetic.

    Parameters
    ----------
    values : mapping of str to float
        Area, low, high and control of a `Detectability`.

    Returns
    -------
    str
        As findings say it.
    """
    return (
        f"area under the curve {values['area']:.2f} ({values['low']:.2f} to {values['high']:.2f}; "
        f"real rows against real ones {values['control']:.2f})"
    )


def grouped(findings: Iterable[Finding]) -> list[list[Finding]]:
    """Put findings of one check together, class by class, so that rule and remedy are read once.

    Parameters
    ----------
    findings : iterable of Finding
        In any order.

    Returns
    -------
    list of list of Finding
        Each of one name and level, let pass or not, in the order in which they came.
    """
    groups: dict[tuple[Any, ...], list[Finding]] = {}
    for one in findings:
        groups.setdefault((one.level, one.name, one.allowed, one.rule, one.remedy), []).append(one)
    return list(groups.values())


def in_lines(findings: Iterable[Finding]) -> list[str]:
    """Write findings for people: of many classes that a check finds something in, the first ones.

    Parameters
    ----------
    findings : iterable of Finding
        The worst first.

    Returns
    -------
    list of str
        A line a finding; where a check has more than a few, a line for all of them.
    """
    lines = []
    for group in grouped(findings):
        end = " (allowed)" if group[0].allowed else ""
        if len(group) <= _SHOWN:
            lines += [f"{one}{end}" for one in group]
            continue
        first = group[0]
        shown = "; ".join(f"{one.label!r}: {one.figure}" for one in group[:_SHOWN])
        lines.append(
            f"{first.level} {first.name} of {len(group):,} classes: {shown} and {len(group) - _SHOWN:,} more; "
            f"{first.rule}: {first.remedy}{end}"
        )
    return lines
