"""`Dashboard`, its `Row`s and `Panel`s: what is shown, without how Grafana writes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Shape = Literal["lines", "number", "table", "states", "heatmap"]
# What is chosen above a dashboard; the interval of rates follows from that of the scrapes.
STREAM, SNAPSHOT = 'stream=~"$stream"', 'snapshot=~"$snapshot"'
DATASET = 'dataset=~"$stream|$snapshot"'
RATE = "$__rate_interval"
RANGE = "$__range"


@dataclass(frozen=True, slots=True)
class Query:
    """One query of a panel.

    Parameters
    ----------
    expr : str
        In PromQL, with variables of the dashboard.
    legend : str
        What a series is called, ``{{label}}``. In a table the heading of its value; empty: the value is not shown.
    quiet : str
        Why it may find nothing where all is well. Empty: it finds something wherever there is a worker and a ledger.
    unit : str
        In a table, of its column; by default the panel's.
    """

    expr: str
    legend: str = ""
    quiet: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Limit:
    """Where a panel turns red: where an alert does.

    Parameters
    ----------
    alert : str
        Its name.
    of : str
        What is compared with a number in it; the first such comparison counts.
    below : bool
        Whether it is red below the limit, not above it.
    """

    alert: str
    of: str
    below: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel.

    Parameters
    ----------
    title : str
        What is seen.
    queries : tuple of Query
        What is asked.
    unit : str
        Grafana's name of the unit.
    shape : str
        ``lines``: over time; ``number``: now; ``table``: now, a row a series; ``states``: a bar of colours over time;
        ``heatmap``: buckets of a histogram over time.
    limit : Limit or None
        Where it turns red.
    steps : tuple of (float or None, str)
        Colours from a value on, where no alert has a limit.
    alerts : tuple of str
        Names of alerts that look at the same, beside that of `limit`: their runbooks are linked.
    note : str
        What the help of its metrics does not say.
    words : tuple of (str, str, str)
        Of a value, the word and colour that stand for it; in a table of the column `worded`.
    worded : str
        That column.
    width, height : int
        Of 24 columns; rows of 30 pixels.
    most : float or None
        Upper end of the axis.
    """

    title: str
    queries: tuple[Query, ...]
    unit: str = "short"
    shape: Shape = "lines"
    limit: Limit | None = None
    steps: tuple[tuple[float | None, str], ...] = ()
    alerts: tuple[str, ...] = ()
    note: str = ""
    words: tuple[tuple[str, str, str], ...] = ()
    worded: str = ""
    width: int = 8
    height: int = 7
    most: float | None = None

    @property
    def runbooks(self) -> tuple[str, ...]:
        """Names of the alerts whose runbooks are linked."""
        return tuple(dict.fromkeys((*((self.limit.alert,) if self.limit else ()), *self.alerts)))


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under one heading.

    Parameters
    ----------
    title : str
        The heading.
    panels : tuple of Panel
        From left to right, then down.
    """

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One dashboard.

    Parameters
    ----------
    uid : str
        Its identity in Grafana, and the name of its file.
    title : str
        Its name.
    description : str
        Whom it is for.
    since, refresh : str
        The time that is shown, and how often it is renewed.
    rows : tuple of Row
        From top to bottom.
    """

    uid: str
    title: str
    description: str
    since: str
    refresh: str
    rows: tuple[Row, ...]

    @property
    def panels(self) -> tuple[Panel, ...]:
        """All panels, in order."""
        return tuple(panel for row in self.rows for panel in row.panels)
