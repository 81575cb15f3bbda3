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
        In PromQL; what it finds has a label ``stream`` or ``snapshot``, or ``dataset``, from which its label
        ``dataset`` is made.
    lasting : str
        How long it must be true: ``5m``. Empty: at once.
    severity : str
        ``page``: someone is woken; ``ticket``: within days; ``none``: for other rules to look at.
    summary : str
        One line, with ``{{ $labels.NAME }}``.
    description : str
        What it means and what to do first, with ``{{ $value }}``.
    """

    name: str
    expr: str
    lasting: str
    severity: Severity
    summary: str
    description: str

    @property
    def runbook(self) -> str:
        """Name of its page in `docs/runbooks`."""
        return f"{self.name}.md"
