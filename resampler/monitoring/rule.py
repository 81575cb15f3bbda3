"""`Recording` and `Alert`: rules of Prometheus."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

Severity = Literal["page", "ticket", "none"]

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_RANGE = re.compile(r"(?<=\[)(\d+)([smhd])(?=\])|(?<=offset )(\d+)([smhd])")
_SECONDS = re.compile(r"\b(\d+) \* (60|3600)\b")


@dataclass(frozen=True, slots=True)
class Recording:
    """A series that is computed from others.

    Parameters
    ----------
    name : str
        ``level:metric:operations``, as Prometheus recommends.
    expr : str
        In PromQL.
    """

    name: str
    expr: str

    def faster(self, by: float) -> Recording:
        """Return the rule for a time that runs faster.

        Parameters
        ----------
        by : float
            What its ranges, its offsets and its times, written as ``N * 60`` or ``N * 3600``, are divided by.

        Returns
        -------
        Recording
            Its name is the same: the ranges in names are those of the real time.
        """
        return replace(self, expr=_faster(self.expr, by))


@dataclass(frozen=True, slots=True)
class Alert:
    """A condition that someone is called for.

    Parameters
    ----------
    name : str
        In CamelCase; its runbook is ``docs/runbooks/NAME.md``.
    expr : str
        In PromQL; what it finds has a label ``stream``, ``snapshot`` or ``dataset``, the alert's `subject`.
    lasting : str
        How long it must be true: ``5m``. Empty: at once.
    severity : str
        ``page``: someone is woken; ``ticket``: within days; ``none``: for other rules to look at.
    summary : str
        One line, with ``{{ $labels.NAME }}``.
    description : str
        What it means and what to do first, with ``{{ $value }}``.
    subject : str
        The label of `expr` that names the dataset.
    explained_by : tuple of str
        Names of alerts of the same dataset beside which this one says nothing new: it does not fire beside them.
    """

    name: str
    expr: str
    lasting: str
    severity: Severity
    summary: str
    description: str
    subject: Literal["stream", "snapshot", "dataset"] = "stream"
    explained_by: tuple[str, ...] = ()

    @property
    def runbook(self) -> str:
        """Name of its page in `docs/runbooks`."""
        return f"{self.name}.md"

    @property
    def condition(self) -> str:
        """`expr`, unless one of `explained_by` is pending or fires for the same dataset."""
        if not self.explained_by:
            return self.expr
        causes = "|".join(self.explained_by)
        return f'({self.expr})\nunless on ({self.subject}) ALERTS{{alertname=~"{causes}"}}'

    def faster(self, by: float) -> Alert:
        """Return the rule for a time that runs faster.

        Parameters
        ----------
        by : float
            What its ranges, offsets, times written as ``N * 60`` or ``N * 3600``, and `lasting`, are divided by.

        Returns
        -------
        Alert
            Under the same name.
        """
        lasting = re.sub(r"(\d+)([smhd])", lambda found: _shorter(found[1], found[2], by), self.lasting)
        return replace(self, expr=_faster(self.expr, by), lasting=lasting)


def _faster(expr: str, by: float) -> str:
    expr = _RANGE.sub(lambda found: _shorter(found[1] or found[3], found[2] or found[4], by), expr)
    return _SECONDS.sub(lambda found: f"{int(found[1]) * int(found[2]) / by:g}", expr)


def _shorter(number: str, unit: str, by: float) -> str:
    return f"{max(1, round(int(number) * _UNITS[unit] * 1_000 / by))}ms"
