"""Objectives on recall and precision of the rare class, by how fast the errors that they allow are spent.

As the Google Site Reliability Workbook has it, "Alerting on SLOs", with a long window that decides and a short one that
ends the alert soon. Gates come in runs, so a short window without enough predictions decides nothing. What is enough
is said in errors that the objective would allow: with ten or more, twice as many are three standard errors away.
"""

from __future__ import annotations

from resampler.monitoring.recordings import OBJECTIVES as MEASURES
from resampler.monitoring.rule import Alert

_ENOUGH = 10  # errors that the objective allows in a window: with fewer, chance explains what is seen
_OF = {"recall": "missed rows", "precision": "false alarms"}


def _burns(measure: str, window: str, over: float) -> str:
    name = f"snapshot:resampler_gate_{measure}"
    return (
        f"{name}_burn:ratio{window} > {over} and {name}_allowed:increase{window} >= {_ENOUGH}\n"
        f"and ({name}_burn:ratio{window} - 1) * sqrt({name}_allowed:increase{window}) > 3"
    )


def _spares(measure: str, window: str, over: float) -> str:
    name = f"snapshot:resampler_gate_{measure}"
    return f"({name}_burn:ratio{window} <= {over} and {name}_allowed:increase{window} >= {_ENOUGH})"


def _alerts(measure: str) -> tuple[Alert, Alert]:
    name = f"Resampler{measure.capitalize()}BudgetBurn"
    return (
        Alert(
            f"{name}Fast",
            f"{_burns(measure, '1h', 2)}\nunless {_spares(measure, '5m', 2)}",
            lasting="",
            severity="page",
            subject="snapshot",
            summary=(
                f"{{{{ $labels.snapshot }}}}: {{{{ printf `%.1f` $value }}}} x the {_OF[measure]} that {measure} "
                f"allows, in an hour"
            ),
            description=(
                f"Within an hour gates of {{{{ $labels.snapshot }}}} counted {{{{ printf `%.1f` $value }}}} times as "
                f"many {_OF[measure]} as the objective allows, with enough rows to tell. The model is worse than "
                f"agreed. First: see whether a new model or new rows came; `resampler rollback` goes back to the "
                f"version before."
            ),
        ),
        Alert(
            f"{name}Slow",
            f"{_burns(measure, '3d', 1)}\nunless {_spares(measure, '6h', 1)}",
            lasting="",
            severity="ticket",
            subject="snapshot",
            summary=(
                f"{{{{ $labels.snapshot }}}}: {measure} is below its objective, {{{{ printf `%.1f` $value }}}} x its "
                f"{_OF[measure]} in 3 days"
            ),
            description=(
                f"Within 3 days gates of {{{{ $labels.snapshot }}}} counted {{{{ printf `%.1f` $value }}}} times as "
                f"many {_OF[measure]} as the objective allows, with enough rows to tell. First: look at drift and at "
                f"the figures of the last gates; train again, or agree on another objective."
            ),
            explained_by=(f"{name}Fast",),
        ),
    )


OBJECTIVES = tuple(alert for measure in MEASURES for alert in _alerts(measure))
