"""`times`: a synthetic row that stands at the instant of one real row, or next to it, names that row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from resampler.quality.privacy.attacks.attack import Attack
from resampler.quality.privacy.attacks.names import NOBODY, Crowd, name_rows
from resampler.quality.privacy.exposure import UNMARKED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from resampler.quality.privacy.attacks.attack import Effort
    from resampler.quality.privacy.exposure import Exposure
    from resampler.quality.privacy.recovery import Naming


def attack_times(exposed: Exposure, effort: Effort) -> Naming | None:
    """Name the real row whose instant is the nearest to a synthetic row's.

    Parameters
    ----------
    exposed : Exposure
        The class.
    effort : Effort
        What may be spent.

    Returns
    -------
    Naming or None
        None without event times.
    """
    time = exposed.time
    if time is None or time not in exposed.marks:
        return None
    instants = exposed.marks[time].synthetic

    def _name(synthetic: NDArray[np.int64], crowd: Crowd) -> NDArray[np.int64]:
        return next_to(instants[synthetic], crowd.marks[time])

    return name_rows(exposed, effort, _name)


def next_to(values: NDArray[np.int64], among: NDArray[np.int64]) -> NDArray[np.int64]:
    """Find the one row whose mark is the nearest.

    Parameters
    ----------
    values : ndarray of shape (n_values,), int64
        Marks of synthetic rows.
    among : ndarray of shape (n_rows,), int64
        Marks of rows that may stand behind them.

    Returns
    -------
    ndarray of shape (n_values,), int64
        Which row; `NOBODY` where two rows are as near, or there is no mark.
    """
    known = np.flatnonzero(among != UNMARKED)
    found = np.full(len(values), NOBODY)
    if not len(known) or not len(values):
        return found
    marks, first, times = np.unique(among[known], return_index=True, return_counts=True)
    after = np.clip(np.searchsorted(marks, values), 1, max(len(marks) - 1, 1)) if len(marks) > 1 else None
    if after is None:
        at, alone = np.zeros(len(values), dtype=np.int64), np.ones(len(values), dtype=np.bool_)
    else:
        # As floats, because the difference of two int64 may be none.
        below, above = (np.abs(values.astype(np.float64) - marks[of].astype(np.float64)) for of in (after - 1, after))
        exact = values == marks[after]
        at = np.where(exact | (above < below), after, after - 1)
        alone = exact | (values == marks[after - 1]) | (above != below)
    given = alone & (times[at] == 1) & (values != UNMARKED)
    found[given] = known[first[at[given]]]
    return found


TIMES = Attack(
    "times",
    "real rows that alone stand at the instant of a synthetic row, or the nearest to it",
    "the synthetic rows with their event times, the times of the real rows",
    "names",
    attack_times,
    "a snapshot of this release, which draws times; method hardened",
)
