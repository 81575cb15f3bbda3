"""`Counts`: how labelled predictions that gates were given came out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

RESULTS = ("true_positive", "false_negative", "false_positive")


class Counts(NamedTuple):
    """Rows of predictions, by what became of them.

    Parameters
    ----------
    true_positive, false_negative, false_positive : int
        Rows of the class that are found, those that are not, and other rows with an alarm.
    """

    true_positive: int = 0
    false_negative: int = 0
    false_positive: int = 0

    @classmethod
    def of(cls, details: Mapping[str, Any]) -> Counts | None:
        """Take them from what a gate keeps.

        Parameters
        ----------
        details : mapping
            Of a run of a gate.

        Returns
        -------
        Counts or None
            None where rows were forgotten from the run and an earlier release kept it, which had figures alone.

        Notes
        -----
        A recall is carried by the rows of the class and a precision by the alarms, and both are shares of whole rows,
        so that the figures of earlier releases give the exact counts.
        """
        if isinstance(kept := details.get("counts"), dict):
            return cls(*(int(kept[name]) for name in RESULTS))
        figures = details.get("figures")
        if not isinstance(figures, dict):
            return None
        of_class, found = _part(figures["recall"])
        alarms, right = _part(figures["precision"])
        return cls(found, of_class - found, alarms - right)

    def __add__(self, other: object) -> Counts:
        """Add those of other rows."""
        if not isinstance(other, Counts):
            return NotImplemented
        return Counts(*(a + b for a, b in zip(self, other, strict=True)))


def _part(figure: Mapping[str, Any]) -> tuple[int, int]:
    return figure["rows"], round((figure["value"] or 0.0) * figure["rows"])
