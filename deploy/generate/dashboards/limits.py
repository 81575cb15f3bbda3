"""The number that an alert compares with, so that a panel is red where the alert is."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from resampler.monitoring.alerts import ALERTS

if TYPE_CHECKING:
    from deploy.generate.dashboards.panel import Limit


def number(limit: Limit) -> float:
    """Return the number that an alert compares something with.

    Parameters
    ----------
    limit : Limit
        Which alert, and what is compared.

    Returns
    -------
    float
        Where a panel's colour changes. Of a product, as of minutes and seconds, what it comes to.
    """
    found = re.search(re.escape(limit.of) + r"[^<>=]*[<>]=? (\d[\d.]*(?: \* \d+)*)", ALERTS[limit.alert].expr)
    if not found:
        raise ValueError(f"{limit.alert} compares {limit.of!r} with no number")
    return math.prod(map(float, found[1].split(" * "))) or 1.0  # a step begins with its number: a count beyond 0 is 1
