"""`same rows`: a synthetic row itself is the guess."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from resampler.quality.privacy.attacks.attack import Attack
from resampler.quality.privacy.recovery import Recovery, recover

if TYPE_CHECKING:
    from resampler.quality.privacy.attacks.attack import Effort
    from resampler.quality.privacy.exposure import Exposure


def attack_same_rows(exposed: Exposure, effort: Effort) -> Recovery:
    """Guess that synthetic rows are real ones.

    Parameters
    ----------
    exposed : Exposure
        The class.
    effort : Effort
        What may be spent.

    Returns
    -------
    Recovery
        Of the distinct synthetic rows, those that stand most often first.

    Notes
    -----
    Steps near 0 leave a row beside its base, partners that are equal leave a copy, and rounding makes more of both.

    References
    ----------
    Ganev et al.: The DCR delusion: measuring the privacy risk of synthetic data. arXiv 2505.01524: why copies alone say
    little, and are one attack of several here.
    """
    made = np.ascontiguousarray(exposed.synthetic)
    bits, times = np.unique(made.view(np.int64), axis=0, return_counts=True)  # as bits, nulls are equal
    order = np.argsort(-times, kind="stable")[: min(effort.rows, effort.guesses)]
    return recover(exposed, bits[order].view(np.float64))


SAME_ROWS = Attack(
    "same rows",
    "synthetic rows that are real rows, or beside one",
    "the synthetic rows, in any order",
    "rows",
    attack_same_rows,
    "method hardened; of RandomOverSampler, any other method",
)
