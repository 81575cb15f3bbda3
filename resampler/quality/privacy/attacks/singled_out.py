"""`singled out`: a synthetic row with a time or a key that one real row alone has names that row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from resampler.quality.privacy.attacks.attack import Attack
from resampler.quality.privacy.recovery import Naming, Share
from resampler.quality.privacy.search import nearest_points

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from resampler.quality.privacy.attacks.attack import Effort
    from resampler.quality.privacy.exposure import Exposure, Marks

_NULL = -1  # of a mark


def attack_singled_out(exposed: Exposure, effort: Effort) -> Naming | None:
    """Name the row that alone has a synthetic row's time or key.

    Parameters
    ----------
    exposed : Exposure
        The class.
    effort : Effort
        What may be spent.

    Returns
    -------
    Naming or None
        None without times or keys, and without a row on either side.

    Notes
    -----
    Lineage is not read, so that rows of any origin are judged alike: a synthetic row's base is taken to be the real row
    that is nearest to it. That is right for about half of SMOTE's rows, so where times are copied, about half is named.
    Chance is exact in the mean: the same names, dealt out among the same rows.
    """
    n = min(len(exposed.synthetic), effort.rows)
    if not exposed.marks or not n or not len(exposed.real):
        return None
    rows = np.linspace(0, len(exposed.synthetic) - 1, n).astype(np.int64)
    _, near = nearest_points(exposed.space(exposed.synthetic[rows]), exposed.space(exposed.real), 1)
    base, m = near[:, 0], len(exposed.real)
    named, given, claimed = np.zeros(n, dtype=np.bool_), 0, np.zeros(m)
    right = 0
    for marks in exposed.marks.values():
        name = _names(marks, rows)
        there = name >= 0
        given += int(there.sum())
        right += int((name[there] == base[there]).sum())
        named |= name == base
        claimed += np.bincount(name[there], minlength=m)
    chance = float((claimed * np.bincount(base, minlength=m)).sum()) / n
    return Naming(Share(int(named.sum()), n), Share(right, given), Share(min(n, round(chance)), n))


def _names(marks: Marks, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each row the real one that alone has its mark; -1 where none or several have, held-out ones too."""
    values, first, count = np.unique(
        np.concatenate([marks.real, marks.held_out]), return_index=True, return_counts=True
    )
    mine = marks.synthetic[rows]
    at = np.minimum(np.searchsorted(values, mine), len(values) - 1)
    alone = (values[at] == mine) & (count[at] == 1) & (first[at] < len(marks.real)) & (mine != _NULL)
    return np.where(alone, first[at], -1)


SINGLED_OUT = Attack(
    "singled out",
    "a time or a key that one real row alone has names that row",
    "the synthetic rows with their times and keys, a list of the times and keys of real rows",
    "names",
    attack_singled_out,
    "a snapshot, which draws times of its own, and keys that are nobody's",
)
