"""`Sample`: one value of a metric of the catalogue."""

from __future__ import annotations

from typing import NamedTuple


class Sample(NamedTuple):
    """One value.

    Parameters
    ----------
    metric : str
        Of `resampler.monitoring.catalog.METRICS`.
    labels : tuple of str
        Values of its labels, in their order.
    value : float
        Any number.
    """

    metric: str
    labels: tuple[str, ...]
    value: float
