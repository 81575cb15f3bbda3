"""`Gate`: which findings stop a version from being published. It decides no row."""

from __future__ import annotations

import dataclasses
import os.path
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feast_plugin.notices import FindingWarning, notice
from resampler.errors import GateError, InvalidInputError
from resampler.options import FLAG, Rule, check_options, option
from resampler.quality.finding import in_lines, worst_first

if TYPE_CHECKING:
    from collections.abc import Sequence

    from resampler.quality.finding import Finding

SUSPECT_FILES = (".parquet", ".csv")


def _check_allowed(name: str, value: Any) -> tuple[str, ...]:
    names = (value,) if isinstance(value, str) else tuple(value)
    if names:
        from resampler.quality.checks.catalog import CHECKS  # what checks need takes half a second to load
    for one in names:
        if one not in CHECKS:
            raise InvalidInputError(f"{name} must name checks, of {', '.join(CHECKS)}, got {one!r}")
    return names


def _check_suspects(name: str, value: Any) -> str:
    path = Path(value)
    if path.suffix not in SUSPECT_FILES:
        raise InvalidInputError(f"{name} must be the path of a .parquet or .csv file, got {str(value)!r}")
    if os.path.isdir(path):  # noqa: PTH112 - pathlib's raises where a name is too long
        raise InvalidInputError(f"{name} must be a file, got {str(value)!r}, which is a directory")
    if not path.parent.is_dir():
        raise InvalidInputError(f"{name} must be in a directory that exists, got {str(value)!r}")
    return str(path)


ALLOWED = Rule(str, _check_allowed, "names of checks", repeated=True)
SUSPECTS = Rule(str, _check_suspects, "a .parquet or .csv file")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What becomes of findings.

    Parameters
    ----------
    strict, allow, suspects
        As in `feast_plugin.create_snapshot`.

    Raises
    ------
    InvalidInputError
        If one of them breaks its rule.
    """

    strict: bool = option(False, FLAG, "Publish nothing where a check warns.")
    allow: str | Sequence[str] = option((), ALLOWED, "A check whose findings stop nothing; may be given again.")
    suspects: str | Path | None = option(
        None, SUSPECTS, "Write the training rows whose labels a person should look at first, with keys and reasons."
    )

    def __post_init__(self) -> None:
        check_options(self)

    def marked(self, findings: list[Finding]) -> list[Finding]:
        """Mark what the user lets pass.

        Parameters
        ----------
        findings : list of Finding
            In any order.

        Returns
        -------
        list of Finding
            The worst first.
        """
        return worst_first([dataclasses.replace(one, allowed=one.name in self.allow) for one in findings])

    def stopping(self, findings: list[Finding]) -> list[str]:
        """Name the checks whose findings may not be published.

        Parameters
        ----------
        findings : list of Finding
            From `marked`.

        Returns
        -------
        list of str
            Of refusals and, where the gate is strict, of warnings, that are not allowed.
        """
        stops = ("refusal", "warning") if self.strict else ("refusal",)
        return list(dict.fromkeys(one.name for one in findings if one.level in stops and not one.allowed))

    def say(self, findings: list[Finding]) -> None:
        """Warn of what was found; notes warn of nothing.

        Parameters
        ----------
        findings : list of Finding
            From `marked`.
        """
        for line in in_lines(one for one in findings if one.level != "note"):
            notice(line, FindingWarning)

    def check(self, findings: list[Finding]) -> None:
        """Say what was found, and stop where it may not be published.

        Parameters
        ----------
        findings : list of Finding
            From `marked`.

        Raises
        ------
        GateError
            If one that is not allowed is a refusal or, where the gate is strict, a warning.
        """
        self.say(findings)
        if stopping := self.stopping(findings):
            raise GateError(
                f"nothing was published: {', '.join(stopping)} (see the findings above): do what they say, or let them "
                f"pass by allow, as --allow {stopping[0]}"
            )
