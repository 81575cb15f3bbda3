"""`values`: a synthetic row names the one real row that has a category, or a number to its last digit, of its."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from resampler.quality.privacy.attacks.attack import Attack
from resampler.quality.privacy.attacks.names import NOBODY, Crowd, name_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from resampler.quality.privacy.attacks.attack import Effort
    from resampler.quality.privacy.exposure import Exposure
    from resampler.quality.privacy.recovery import Naming


def attack_values(exposed: Exposure, effort: Effort) -> Naming | None:
    """Name the real row that alone has a value of a synthetic row.

    Parameters
    ----------
    exposed : Exposure
        The class.
    effort : Effort
        What may be spent.

    Returns
    -------
    Naming or None
        None without rows. Of several rows that are named, the one with the most such values.
    """
    made = exposed.synthetic
    known = made[~np.isnan(made)]
    single = bool((known == known.astype(np.float32)).all())

    def _name(synthetic: NDArray[np.int64], crowd: Crowd) -> NDArray[np.int64]:
        rows, others = (_as_stored(of, single=single) for of in (crowd.rows, crowd.others))
        pairs = [np.empty((2, 0), dtype=np.int64)]
        for j in range(made.shape[1]):
            values, first, times = np.unique(rows[:, j], return_index=True, return_counts=True)
            alone = (times == 1) & ~np.isnan(values) & ~np.isin(values, others[:, j])
            values, first = values[alone], first[alone]
            if len(values):
                at = np.minimum(np.searchsorted(values, made[synthetic, j]), len(values) - 1)
                found = np.flatnonzero(values[at] == made[synthetic, j])
                pairs.append(np.stack([found, first[at[found]]]))
        return _most(np.concatenate(pairs, axis=1), len(synthetic))

    return name_rows(exposed, effort, _name)


def _as_stored(rows: NDArray[np.float64], *, single: bool) -> NDArray[np.float64]:
    """Round rows as synthetic ones were, where these are float32."""
    return rows.astype(np.float32).astype(np.float64) if single else rows


def _most(pairs: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Return whom each of n rows is paired with most often, `NOBODY` for none or several."""
    named = np.full(n, NOBODY)
    if not pairs.shape[1]:
        return named
    (row, whom), times = np.unique(pairs, axis=1, return_counts=True)
    order = np.lexsort((-times, row))
    row, whom, times = row[order], whom[order], times[order]
    first = np.flatnonzero(np.diff(row, prepend=-1))
    second = np.minimum(first + 1, len(row) - 1)
    tied = (second > first) & (row[second] == row[first]) & (times[second] == times[first])
    named[row[first[~tied]]] = whom[first[~tied]]
    return named


VALUES = Attack(
    "values",
    "real rows that alone have a category, or a number to its last digit, of a synthetic row",
    "the synthetic rows, in any order, values that single entities are known to have",
    "names",
    attack_values,
    "method hardened; or leave out columns that tell entities apart",
)
