"""`Metric`: a name of Prometheus with its kind, labels and meaning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    Parameters
    ----------
    name : str
        As Prometheus shows it: a counter's ends in ``_total``; units are ``_seconds``, ``_bytes``, ``_ratio``.
    kind : str
        ``counter``, ``gauge`` or ``histogram``.
    help : str
        What a value says, in one sentence.
    labels : tuple of str
        Few values each: what runs, versions and seeds are called stands in a metric that ends in ``_info``.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()

    @property
    def family(self) -> str:
        """The name as clients declare it: a counter's without ``_total``."""
        return self.name.removesuffix("_total") if self.kind == "counter" else self.name
