"""`Check`: one question that is asked of rows, with the rule and the remedy that its findings quote."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from resampler.quality.finding import Finding, Level

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from resampler.quality.checks.evidence import Evidence


class Found(NamedTuple):
    """What a check saw that its rule does not allow; the fields are those of a `Finding`."""

    figure: str
    level: Level | None = None  # by default the check's
    columns: tuple[str, ...] = ()
    label: str | None = None
    values: dict[str, float] = {}  # noqa: RUF012 - never changed


@dataclass(frozen=True)
class Check:
    """A question.

    Parameters
    ----------
    name : str
        In words with hyphens: of its findings, and what `--allow` takes.
    measures : str
        What it measures, in a line for people.
    rule : str
        What that is held against.
    remedy : str
        What to do where the rule is broken.
    ask : callable
        Yields what breaks the rule; nothing where nothing does.
    level : {"note", "warning", "refusal"}
        Of its findings, where they do not say another.
    synthetic : bool
        Whether it needs the synthetic rows: it is asked after they are made.
    """

    name: str
    measures: str
    rule: str
    remedy: str
    ask: Callable[[Evidence], Iterator[Found]] = field(repr=False)
    level: Level = "warning"
    synthetic: bool = False

    def findings(self, evidence: Evidence) -> list[Finding]:
        """Ask the question.

        Parameters
        ----------
        evidence : Evidence
            The rows.

        Returns
        -------
        list of Finding
            Empty where the rule is kept.
        """
        return [
            Finding(
                self.name,
                one.level or self.level,
                one.figure,
                self.rule,
                self.remedy,
                one.columns,
                one.label,
                one.values,
            )
            for one in self.ask(evidence)
        ]
