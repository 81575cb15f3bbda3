"""`noisy lines` and `noisy order`: the same where rows were jittered, rounded or put on a grid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resampler.quality.privacy.attacks.attack import Attack
from resampler.quality.privacy.attacks.cloud import Cloud
from resampler.quality.privacy.attacks.lines import lines_meet
from resampler.quality.privacy.attacks.order import bases_of, period_of
from resampler.quality.privacy.attacks.vertices import Vertices
from resampler.quality.privacy.recovery import Recovery, recover

if TYPE_CHECKING:
    from resampler.quality.privacy.attacks.attack import Effort
    from resampler.quality.privacy.exposure import Exposure

# How far rows may lie beside a line, in spreads of a column. The attacker does not know how much noise there is, and
# tries each: half a decade apart loses little, and beyond the last a line is as wide as the way between rows.
_TOLERANCES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2)
_AROUND = 4  # times `Effort.neighbors`; a wider search finds more lines that are none
_TOO_NEAR = 10.0
_LEVERAGE = 5.0
_LEAST_LINES, _LEAST_ORDER = 3, 4  # that meet: two wide ones often do


def attack_noisy_lines(exposed: Exposure, effort: Effort) -> Recovery:
    """Find rows near one line, and guess where lines nearly meet, for several widths of a line.

    Parameters
    ----------
    exposed : Exposure
        The class.
    effort : Effort
        What may be spent.

    Returns
    -------
    Recovery
        Points where most lines meet are guessed first, of all widths.

    Notes
    -----
    Of noise of a hundredth of a column's spread, lines still lead near most real rows; the published attack finds none
    at a tenth of that, for it asks for a cosine of 1 up to 1e-12.

    References
    ----------
    Ganev et al.: arXiv 2510.15083, appendix on noise: what this improves on.
    """
    cloud = Cloud.of(exposed, effort.rows)
    found = [
        lines_meet(cloud, width, _AROUND * effort.neighbors, leverage=_LEVERAGE, least=_LEAST_LINES, too_near=_TOO_NEAR)
        for width in _TOLERANCES
    ]
    return recover(exposed, cloud.guess(Vertices.surest(found)[: effort.guesses]))


def attack_noisy_order(exposed: Exposure, effort: Effort) -> Recovery:
    """Guess where lines through rows of one base nearly meet, for several widths of a line.

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
    """
    cloud = Cloud.of(exposed, effort.rows, consecutive=True)
    period = period_of(cloud.points)
    found = [bases_of(cloud, width, period, leverage=_LEVERAGE, least=_LEAST_ORDER) for width in _TOLERANCES]
    return recover(exposed, cloud.guess(Vertices.surest(found)[: effort.guesses]))


NOISY_LINES = Attack(
    "noisy lines",
    "rows near one line, and where such lines nearly meet",
    "the synthetic rows, in any order",
    "rows",
    attack_noisy_lines,
    "method hardened; or fewer synthetic rows: of each real row, one or two",
)

NOISY_ORDER = Attack(
    "noisy order",
    "rows that share a base, told by their turns, and where lines through them nearly meet",
    "the synthetic rows, in the order in which they are stored",
    "rows",
    attack_noisy_order,
    "a secret key, or a snapshot, which shuffle rows; method hardened",
)
