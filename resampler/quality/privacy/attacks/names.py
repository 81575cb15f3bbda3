"""Names given to synthetic rows: whom an attack supposes behind each, and how many it names rightly, beside chance."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from resampler.profile.values import evenly
from resampler.quality.privacy.recovery import Naming, Share
from resampler.quality.privacy.search import nearest_points

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from resampler.quality.privacy.attacks.attack import Effort
    from resampler.quality.privacy.exposure import Exposure

NOBODY = -1  # no name is given
_BEYOND = 3.0  # standard deviations above chance, from which on an attacker trusts the names


class Crowd(NamedTuple):
    """Rows that may stand behind synthetic ones: the real ones, or the control.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features), float64
        Their values.
    others : ndarray of shape (n_others, n_features), float64
        Rows of the class that are not among them.
    marks : mapping of str to ndarray of shape (n_rows,), int64
        By the column's name.
    """

    rows: NDArray[np.float64]
    others: NDArray[np.float64]
    marks: Mapping[str, NDArray[np.int64]]


def attacked(exposed: Exposure, effort: Effort) -> NDArray[np.int64]:
    """Choose the synthetic rows that are attacked.

    Parameters
    ----------
    exposed : Exposure
        The class.
    effort : Effort
        What may be spent.

    Returns
    -------
    ndarray of shape (n_attacked,), int64
        All, or an even share of them.
    """
    return evenly(len(exposed.synthetic), effort.rows)


def closest(exposed: Exposure, synthetic: NDArray[np.int64], crowd: NDArray[np.float64]) -> NDArray[np.int64]:
    """Find the row of a crowd that each synthetic row is nearest to.

    Parameters
    ----------
    exposed : Exposure
        The class.
    synthetic : ndarray of shape (n_attacked,), int64
        Which synthetic rows.
    crowd : ndarray of shape (n_rows, n_features), float64
        One or more.

    Returns
    -------
    ndarray of shape (n_attacked,), int64
        Of SMOTE it is the base in about every other case.
    """
    return nearest_points(exposed.space(exposed.synthetic[synthetic]), exposed.space(crowd), 1)[1][:, 0]


def name_rows(
    exposed: Exposure, effort: Effort, name: Callable[[NDArray[np.int64], Crowd], NDArray[np.int64]]
) -> Naming | None:
    """Let an attack name the rows behind synthetic ones, and judge it.

    Parameters
    ----------
    exposed : Exposure
        The class.
    effort : Effort
        What may be spent.
    name : callable
        ``name(synthetic, crowd)`` gives, for each of these synthetic rows, which row of the crowd it supposes behind
        it, or `NOBODY`.

    Returns
    -------
    Naming or None
        None without a synthetic row or a real one.

    Notes
    -----
    An attacker who has rebuilt rows sees which one is nearest to a synthetic row: names that agree with these no more
    than dealt ones would are given to nobody. Where it is not known which row is the base, the nearest counts as it,
    and chance is what the same attack finds of held-out rows, if that is more.
    """
    chosen = attacked(exposed, effort)
    if not len(chosen) or not len(exposed.real):
        return None
    crowd = Crowd(exposed.real, exposed.held_out, {key: of.real for key, of in exposed.marks.items()})
    named = name(chosen, crowd)
    near = closest(exposed, chosen, crowd.rows)
    if not _trusted(named, near, len(crowd.rows)):
        named = np.full(len(chosen), NOBODY)
    if exposed.base is not None:
        return judge(named, exposed.base[chosen], len(crowd.rows))
    control = 0.0
    if len(exposed.held_out):
        other = Crowd(exposed.held_out, exposed.real, {key: of.held_out for key, of in exposed.marks.items()})
        of_others, near_others = name(chosen, other), closest(exposed, chosen, other.rows)
        if _trusted(of_others, near_others, len(other.rows)):
            # The nearest of few is the right one more often.
            alike = np.count_nonzero((of_others == near_others) & (of_others != NOBODY))
            control = alike * len(other.rows) / len(crowd.rows)
    return judge(named, near, len(crowd.rows), control)


def judge(named: NDArray[np.int64], truth: NDArray[np.int64], n_real: int, control: float = 0.0) -> Naming:
    """Count the names that are right.

    Parameters
    ----------
    named : ndarray of shape (n_attacked,), int64
        Which real row each synthetic one is said to be made from; `NOBODY` where no name is given, `n_real` for
        somebody who is not among them.
    truth : ndarray of shape (n_attacked,), int64
        Which it was made from, below 0 for none of them.
    n_real : int
        Real rows.
    control : float
        Names that are right where none can be.

    Returns
    -------
    Naming
        Chance is what is to be expected if the names are dealt out among the synthetic rows, or `control` if that is
        more.
    """
    n, given = len(named), named != NOBODY
    right = int(np.count_nonzero(given & (named == truth)))
    expected = max(_dealt(named, truth, n_real), control)
    chance = min(n, round(expected))
    return Naming(Share(right, n), Share(right, int(np.count_nonzero(given))), Share(chance, n))


def trusts(agree: int, expected: float) -> bool:
    """Say whether an attacker trusts names.

    Parameters
    ----------
    agree : int
        Names that agree with what is known otherwise.
    expected : float
        The same of names that are dealt out.

    Returns
    -------
    bool
        True for more than chance makes likely.
    """
    return agree > expected + _BEYOND * np.sqrt(expected)


def _trusted(named: NDArray[np.int64], near: NDArray[np.int64], n_rows: int) -> bool:
    agree = int(np.count_nonzero((named == near) & (named != NOBODY)))
    return trusts(agree, _dealt(named, near, n_rows))


def _dealt(named: NDArray[np.int64], truth: NDArray[np.int64], n_rows: int) -> float:
    """Return how many names are right on average, if each goes to a synthetic row at random."""
    names = np.bincount(named[named >= 0], minlength=n_rows + 1)[: n_rows + 1]
    bases = np.bincount(truth[truth >= 0], minlength=n_rows + 1)
    return float(names @ bases) / max(len(named), 1)
