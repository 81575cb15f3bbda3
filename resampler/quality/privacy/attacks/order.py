"""`order`: where bases take turns, rows that share a base stand at equal distances from one another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from resampler.profile.values import evenly
from resampler.quality.privacy.attacks.attack import Attack
from resampler.quality.privacy.attacks.cloud import Cloud
from resampler.quality.privacy.attacks.lines import AROUND, lines_meet
from resampler.quality.privacy.attacks.vertices import LEVERAGE, Lines, Vertices, meet
from resampler.quality.privacy.recovery import Recovery, recover

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from resampler.quality.privacy.attacks.attack import Effort
    from resampler.quality.privacy.exposure import Exposure

_SAMPLED = 2_000  # rows whose distance to the row a period later is taken
_DEVIATIONS = 8.0  # of the other periods' scores, by which the true one stands out
_ROWS = 16  # of a base, whose lines are drawn: 120, through each two
_LINES = 80_000  # over all bases


def attack_order(exposed: Exposure, effort: Effort) -> Recovery:
    """Find the period of the bases, and guess where lines through rows of one base meet.

    Parameters
    ----------
    exposed : Exposure
        The class.
    effort : Effort
        What may be spent.

    Returns
    -------
    Recovery
        Of no guess where rows show no period.

    Notes
    -----
    A base's rows lie on as many lines through it as it has partners, so of six rows at five partners two are on one;
    lines through two such pairs meet in the base. No three rows on one line are needed, as `lines` needs them; with
    these bases, `lines` finds more. Ours: published attacks take no account of the order of rows.
    """
    cloud = Cloud.of(exposed, effort.rows, consecutive=True)
    tolerance, period = max(cloud.grain, 1e-12), period_of(cloud.points)
    points = bases_of(cloud, tolerance, period).points
    if len(points):
        further = lines_meet(cloud, tolerance, AROUND * effort.neighbors, known=points).points
        points = np.concatenate([points, further])
    return recover(exposed, cloud.guess(points[: effort.guesses]))


def period_of(points: NDArray[np.float64]) -> int:
    """Find after how many rows bases come again.

    Parameters
    ----------
    points : ndarray of shape (n_rows, d), float64
        In the order in which they are stored.

    Returns
    -------
    int
        0 where no period stands out: rows a period apart must be nearer to each other than rows at any other distance.
    """
    n = len(points)
    longest = n // 2
    if longest < 2:
        return 0
    scores = np.empty(longest)
    for period in range(1, longest + 1):
        first = evenly(n - period, _SAMPLED)
        gap = np.sqrt(((points[first] - points[first + period]) ** 2).sum(axis=1))
        scores[period - 1] = np.log(np.maximum(gap, 1e-12)).mean()
    middle = np.median(scores)
    deviation = 1.4826 * np.median(np.abs(scores - middle))
    standing_out = np.flatnonzero(scores < middle - _DEVIATIONS * max(deviation, 0.02))
    return int(standing_out[0]) + 1 if len(standing_out) else 0


def bases_of(cloud: Cloud, tolerance: float, period: int, *, leverage: float = LEVERAGE, least: int = 2) -> Vertices:
    """Guess the bases of rows that take turns.

    Parameters
    ----------
    cloud : Cloud
        Consecutive rows.
    tolerance : float
        How far they may lie beside a line.
    period : int
        Bases; 0 for none.
    leverage : float
        How far from its rows a line is trusted, in their root mean square distance.
    least : int
        Lines that must meet; in two dimensions, where any two do, three.

    Returns
    -------
    Vertices
        At most one a base, those where most lines meet first.
    """
    n, d = cloud.points.shape
    if not period or d < 2 or n < 4:
        return Vertices.none(d)
    turn = cloud.kept % period
    allowed = max(2, min(_ROWS, int(np.sqrt(2 * _LINES / period))))
    order = np.argsort(turn, kind="stable")
    start = np.searchsorted(turn[order], np.arange(period + 1))
    members, group = [], []
    for base in range(period):
        rows = order[start[base] : start[base + 1]][:allowed]
        one, other = np.triu_indices(len(rows), 1)
        members.append(np.column_stack([rows[one], rows[other]]))
        group.append(np.full(len(one), base))
    pairs, base_of = np.concatenate(members), np.concatenate(group)
    apart = np.sqrt(((cloud.points[pairs[:, 0]] - cloud.points[pairs[:, 1]]) ** 2).sum(axis=1)) > 30.0 * tolerance
    pairs, base_of = pairs[apart], base_of[apart]
    lines = Lines.through(cloud.points, pairs.reshape(-1), np.arange(len(pairs) + 1) * 2, base_of)
    vertices = meet(lines, tolerance, least=max(least, 3 if d == 2 else 2), leverage=leverage, share_rows=True)
    _, first = np.unique(vertices.group, return_index=True)
    return vertices.take(np.sort(first))


ORDER = Attack(
    "order",
    "rows that share a base, told by their turns, and where lines through them meet",
    "the synthetic rows, in the order in which they are stored",
    "rows",
    attack_order,
    "a secret key, or a snapshot, which shuffle rows; method hardened",
)
