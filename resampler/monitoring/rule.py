"""`Recording` and `Alert`: rules of Prometheus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["page", "ticket", "none"]


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
