"""How much effort a search among cells takes for a recall, by a rule whose name saved states keep.

What `auto` means gets a name of its own when it changes, so that a buffer that was saved goes on as it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from resampler.kernels.buffer.audit import MIN_BUDGET, count_lacking
from resampler.kernels.buffer.needs import measure_needs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from resampler.kernels.buffer.ring import Ring

Effort = Literal["auto", "effort-1", "effort-2"]

FIRST: Effort = "effort-1"  # of saved states that name no rule
LATEST: Effort = "effort-2"  # what "auto" means
# Audits' searches whose needs are kept, for `fit_budget`; none where the budget grows and shrinks in steps, by what
# lists lack (`resampler.kernels.buffer.audit`).
KEPT_NEEDS: dict[Effort, int] = {"effort-1": 0, "effort-2": 512}
# The budget follows from the last 256 of them, 64 while a buffer fills, since what searches need then grows; or from
# more, so that they may miss so many neighbours.
SEARCHES, LATEST_SEARCHES, TO_MISS = 256, 64, 8
MOST = 4  # budgets: a need is not followed farther, and a budget grows to no more at once
# Of what lists may miss, searches may miss this share while a buffer fills, and later as much as makes lists miss AIM.
# What lists miss and what searches do is counted, and held to be as much until there are some LIKELY misses.
SHARE_WHILE_FILLING, AIM, LIKELY = 0.6, 0.85, 16
LEAST_SHARE = 0.4


def effort_name(effort: Effort) -> Effort:
    """Return the name that a saved state keeps.

    Parameters
    ----------
    effort : str
        One of `Effort`.

    Returns
    -------
    str
        A key of `KEPT_NEEDS`.

    Examples
    --------
    >>> effort_name("auto")
    'effort-2'
    """
    return LATEST if effort == "auto" else effort


def fit_budget(ring: Ring, slots: NDArray[np.int64], found: NDArray[np.int64], stamps: NDArray[np.int32]) -> None:
    """Let the budget be what searches have needed lately, but for the share of the neighbours that they may miss.

    Parameters
    ----------
    ring : Ring
        The state, with needs.
    slots : ndarray of shape (n,), int64
        A new row and one that is held by turns, as `resampler.kernels.buffer.audit.choose_audits` writes them.
    found, stamps
        Their true neighbours, as `resampler.kernels.buffer.lookup.look_up_all` writes them.
    """
    (rows, lists, cells, scratch), control = ring.graph, ring.control
    budget, capacity, (kept, k) = int(control["budget"]), len(rows.X), ring.needs.shape
    needs = np.empty((len(slots), k), dtype=np.int64)
    measure_needs(rows, cells, scratch, slots, found, stamps, budget, MOST * budget, needs)
    before = int(control["audited"])
    searched = before + len(slots)
    ring.needs[np.arange(before, searched) % kept] = needs
    control["audited"] = searched
    share, least = SHARE_WHILE_FILLING, LATEST_SEARCHES
    if control["inserted"] >= capacity:
        if before // SEARCHES < searched // SEARCHES:  # the longer ago, the less it counts
            control["missed"] //= 2
            control["missed_kept"] //= 2
        held = np.arange(1, len(slots), 2)
        control["missed"] += np.count_nonzero(needs >= budget)
        control["missed_kept"] += count_lacking(rows, lists, k, slots[held], found[held], stamps[held])
        share, least = share_of(int(control["missed"]), int(control["missed_kept"])), SEARCHES
    tolerated = (1 - float(control["recall"])) * k  # by a list
    n = min(searched, max(least, min(int(TO_MISS / max(tolerated, 1e-9)), kept)))
    expected = n * tolerated * share
    # Less a standard error: misses come in twos.
    needed = _find_needed(ring, n, int(max(expected - np.sqrt(2 * expected), 0)))
    n = min(searched, LATEST_SEARCHES)
    needed = max(needed, _find_needed(ring, n, int(n * tolerated)))  # what rows look like may just have changed
    if needed > budget or searched >= LATEST_SEARCHES:
        control["budget"] = min(max(needed, MIN_BUDGET), max(capacity, MIN_BUDGET))


def share_of(missed: int, missed_kept: int) -> float:
    """Return how much searches may miss of what lists may.

    Parameters
    ----------
    missed : int
        What two searches of an audit have missed.
    missed_kept : int
        What one list has.

    Returns
    -------
    float
        From `LEAST_SHARE` to 1.

    Examples
    --------
    >>> share_of(0, 0), share_of(200, 50), share_of(200, 400)
    (0.85, 1.0, 0.4)
    """
    return min(max(AIM * (missed / 2 + LIKELY) / (missed_kept + LIKELY), LEAST_SHARE), 1.0)


def _find_needed(ring: Ring, n: int, missed: int) -> int:
    """Return the budget with which the last n searches would have missed so many neighbours."""
    searched = int(ring.control["audited"])
    needs = ring.needs.take(np.arange(searched - n, searched), axis=0, mode="wrap").ravel()
    rank = len(needs) - 1 - missed
    needs.partition(rank)
    return int(needs[rank]) + 1
