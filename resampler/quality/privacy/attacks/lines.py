"""`lines`: rows between two real rows lie on a line, and lines of neighbours meet in real rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from resampler.kernels.attacks.lines import find_lines
from resampler.quality.privacy.attacks.attack import Attack
from resampler.quality.privacy.attacks.cloud import Cloud
from resampler.quality.privacy.attacks.vertices import LEVERAGE, Lines, Vertices, meet, probes
from resampler.quality.privacy.recovery import Recovery, recover

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from resampler.quality.privacy.attacks.attack import Effort
    from resampler.quality.privacy.exposure import Exposure

AROUND = 8  # times `Effort.neighbors`: rows around each among which others of its line are sought
_ROUNDS = 3  # each takes the points where lines meet for rows of further lines


def attack_lines(exposed: Exposure, effort: Effort) -> Recovery:
    """Find rows on one line, and guess where lines meet.

    Parameters
    ----------
    exposed : Exposure
        The class.
    effort : Effort
        What may be spent.

    Returns
    -------
    Recovery
        Of no guess where there are fewer than two numeric columns.

    Notes
    -----
    Three synthetic rows on one line come from one pair of real rows; where lines of neighbours meet, a real row lies.
    Beyond the source: directions from a row are sorted, which takes m log m where tests of each two take m * m; two
    lines that meet in three or more dimensions are no chance, so two are enough; points that were found stand for rows
    of further lines, which then need two synthetic rows only; and what counts as one line follows from what values are
    rounded to.

    References
    ----------
    Ganev et al.: SMOTE and Mirrors: exposing privacy leakage from synthetic minority oversampling. ICLR 2026,
    arXiv 2510.15083, section 4.2 (ReconSMOTE).
    """
    cloud = Cloud.of(exposed, effort.rows)
    guesses = lines_meet(cloud, max(cloud.grain, 1e-12), AROUND * effort.neighbors).points
    return recover(exposed, cloud.guess(guesses[: effort.guesses]))


def lines_meet(
    cloud: Cloud,
    tolerance: float,
    around: int,
    *,
    leverage: float = LEVERAGE,
    least: int = 2,
    too_near: float = 30.0,
    known: NDArray[np.float64] | None = None,
) -> Vertices:
    """Find lines through rows, and where they meet.

    Parameters
    ----------
    cloud : Cloud
        Rows.
    tolerance : float
        How far they may lie beside a line.
    around : int
        Rows around each among which others of its line are sought.
    leverage : float
        How far from its rows a line is trusted, in their root mean square distance.
    least : int
        Lines that must meet; in two dimensions, where any two do, three.
    too_near : float
        Tolerances between two rows, below which they tell no direction.
    known : ndarray of shape (n_known, d), float64, optional
        Points where lines meet, from elsewhere.

    Returns
    -------
    Vertices
        The surest first.
    """
    points = cloud.points
    n, d = points.shape
    if n < 3 or d < 2:
        return Vertices.none(d)
    least = max(least, 3 if d == 2 else 2)
    floor = too_near * tolerance
    line_of, through, probe = np.full(n, -1), np.full(n, -1), probes(2, d)
    near = cloud.nearest(around)
    n_lines = 0
    for others in (3, 2):  # lines of four rows first: three may be one by chance, and would use up rows of a true one
        n_lines = find_lines(points, np.arange(n), near, n, tolerance, floor, others, probe, line_of, through, n_lines)
    places = points
    for turn in range(_ROUNDS):
        lines = _fit(places, line_of, through, n_lines)
        vertices = meet(lines, tolerance, least=least, leverage=leverage)
        ends = vertices.points if known is None or turn else np.concatenate([known, vertices.points])
        if turn == _ROUNDS - 1 or not len(ends):
            break
        rows = cloud.nearest_to(ends, around)
        anchors = np.arange(len(places), len(places) + len(ends))
        places = np.concatenate([places, ends])
        before = n_lines
        n_lines = find_lines(places, anchors, rows, n, tolerance, floor, 2, probe, line_of, through, n_lines)
        if n_lines == before:
            break
    return vertices


def _fit(places: NDArray[np.float64], line_of: NDArray[np.int64], through: NDArray[np.int64], n_lines: int) -> Lines:
    """Return the lines through their rows, and through the point that each was found from."""
    on = np.flatnonzero(line_of >= 0)
    from_point = np.flatnonzero(through[:n_lines] >= 0)
    members = np.concatenate([on, through[from_point]])
    line = np.concatenate([line_of[on], from_point])
    order = np.argsort(line, kind="stable")
    return Lines.through(places, members[order], np.searchsorted(line[order], np.arange(n_lines + 1)))


LINES = Attack(
    "lines",
    "rows on one line, and where such lines meet",
    "the synthetic rows, in any order",
    "rows",
    attack_lines,
    "method hardened; or fewer synthetic rows: of each real row, one or two",
)
