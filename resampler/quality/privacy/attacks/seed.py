"""`seed`: who knows the seed, or guesses it, draws the steps again and solves for the rows at their ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from resampler.quality.privacy.attacks.attack import Attack
from resampler.quality.privacy.attacks.spread import spread
from resampler.quality.privacy.attacks.turns import first_turns, known_turns, solve, suppose
from resampler.quality.privacy.recovery import Recovery, recover

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from resampler.quality.privacy.attacks.attack import Effort
    from resampler.quality.privacy.attacks.turns import Solved, Turns
    from resampler.quality.privacy.exposure import Exposure, Known

_GUESSED = 10_000  # seeds from 0 on that are tried where the published one does not fit
_DRAWS = 5_000_000  # rows that are drawn again for that; a class of many rows gets fewer guesses
_WRONG = 24  # seeds that are surely wrong: what misfit chance leaves
_SURE = 6.0  # standard deviations below it
_MAYBE = 2.5  # the same of a look at few bases
_LOOK = 12  # bases whose copies a guessed seed is judged by
_COLUMNS = 8  # that it is judged by
_SALT = 0x9E3779B97F4A7C15


class Unlocked(NamedTuple):
    """What a seed that fits says of the rows.

    Parameters
    ----------
    seed : int
        Which.
    rows : ndarray of shape (n_rows,), int64
        Which synthetic rows.
    turns : Turns
        What these are.
    solved : Solved
        The rows at the ends, in units about `middle`.
    columns : ndarray of shape (n_columns,), int64
        Which columns they have.
    middle : ndarray of shape (n_columns,), float64
        What was subtracted.
    """

    seed: int
    rows: NDArray[np.int64]
    turns: Turns
    solved: Solved
    columns: NDArray[np.int64]
    middle: NDArray[np.float64]


def attack_seed(exposed: Exposure, effort: Effort) -> Recovery | None:
    """Solve for the rows that synthetic ones lie between, once the seed says how far between.

    Parameters
    ----------
    exposed : Exposure
        The class.
    effort : Effort
        What may be spent.

    Returns
    -------
    Recovery or None
        Of no guess where no seed fits the rows; None where none is known, or the method's draws need more than it.
    """
    if exposed.known is None or not known_turns(exposed.known.method):
        return None
    found = unlock(exposed, effort)
    if found is None:
        return recover(exposed, exposed.synthetic[:0])
    ends, doubt = found.solved.ends, found.solved.doubt
    base, end = np.nonzero(np.isfinite(doubt))
    # Bases first: what is decided as a partner of one is mostly a base too.
    order = np.lexsort((doubt[base, end], end > 0))[: effort.guesses]
    base, end = base[order], end[order]
    rows = _rest(exposed, found)[base]
    rows[:, found.columns] = ends[base, end] * exposed.units[found.columns] + found.middle
    if len(found.columns) < rows.shape[1]:  # a partner's categories are not known: its base's are not its own
        return recover(exposed, rows[end == 0])
    left = np.flatnonzero(~np.isfinite(doubt[:, 0]))
    grain = float(np.sqrt(np.sum((exposed.precision / exposed.units) ** 2)))
    points = (exposed.synthetic[found.rows] - found.middle) / exposed.units
    further = spread(points, found.turns, ends[base, end], left, max(grain, np.sqrt(found.solved.misfit)))
    rows = np.concatenate([rows, further * exposed.units + found.middle])[: effort.guesses]
    return recover(exposed, rows)


def unlock(exposed: Exposure, effort: Effort) -> Unlocked | None:
    """Find the seed and the order that fit the rows.

    Parameters
    ----------
    exposed : Exposure
        The class; its `known` is not None.
    effort : Effort
        What may be spent.

    Returns
    -------
    Unlocked or None
        None where none of those tried leaves less unexplained than seeds that are surely wrong.
    """
    known, made = exposed.known, exposed.synthetic
    if known is None or len(made) < 3 or len(known.row_ids) < 2 or len(np.unique(known.row_ids)) < len(known.row_ids):
        return None
    null = np.isnan(made)
    low, high = np.where(null, np.inf, made).min(axis=0), np.where(null, -np.inf, made).max(axis=0)
    columns = np.flatnonzero(~exposed.categorical & (high > low) & ~null.any(axis=0))
    if not len(columns):
        return None
    middle, units = made[:, columns].mean(axis=0), exposed.units[columns]
    points = (made[:, columns] - middle) / units
    for seed, shuffled in _fitting(exposed, points, effort):
        turns = suppose(known, seed, len(made), shuffled=shuffled)
        bases = max(1, effort.rows * len(known.row_ids) // max(len(made), effort.rows))
        rows = np.flatnonzero(turns.base < bases)
        turns = turns.take(rows)
        return Unlocked(seed, rows, turns, solve(points[rows], turns), columns, middle)
    return None


def _fitting(exposed: Exposure, points: NDArray[np.float64], effort: Effort) -> Iterator[tuple[int, bool]]:
    """Give the seeds and orders that fit: the published seed first, then small ones, which are guessed."""
    known = exposed.known
    if known is None:
        return
    few = np.ascontiguousarray(points[:, :: -(-points.shape[1] // _COLUMNS)])
    m = len(known.row_ids)
    most = max(1, effort.rows * m // max(len(points), effort.rows))
    limits = {}
    for shuffled in (False, True):
        limits[shuffled] = _limit(known, few, most, shuffled=shuffled)
        if _misfit(known, few, known.seed, most, shuffled=shuffled) < limits[shuffled]:
            yield known.seed, shuffled
    for shuffled in (False, True):
        limit = _limit(known, few, _LOOK, shuffled=shuffled, sure=_MAYBE)
        for seed in range(min(_GUESSED, _DRAWS // (len(points) if shuffled else m))):
            if (
                _misfit(known, few, seed, _LOOK, shuffled=shuffled) < limit
                and _misfit(known, few, seed, most, shuffled=shuffled) < limits[shuffled]
            ):
                yield seed, shuffled


def _limit(known: Known, points: NDArray[np.float64], bases: int, *, shuffled: bool, sure: float = _SURE) -> float:
    """Return how little a seed must leave unexplained: less than those do that are surely wrong."""
    seeds = ((known.seed ^ _SALT) + 7919 * at for at in range(_WRONG))
    with np.errstate(divide="ignore"):
        wrong = np.log([_misfit(known, points, seed % 2**64, bases, shuffled=shuffled) for seed in seeds])
    wrong = wrong[np.isfinite(wrong)]
    if len(wrong) < _WRONG // 2:
        return 0.0  # too few copies of each base to tell a right seed by
    return float(np.exp(min(wrong.mean() - sure * wrong.std(), wrong.min() - 0.02)))


def _misfit(known: Known, points: NDArray[np.float64], seed: int, bases: int, *, shuffled: bool) -> float:
    """Return what a seed leaves unexplained of the copies of some bases."""
    if shuffled:
        turns = suppose(known, seed, len(points), shuffled=True)
        rows = np.flatnonzero(turns.base < bases)
        turns = turns.take(rows)
    else:
        rows, turns = first_turns(known, seed, len(points), bases)
    return solve(points[rows], turns).misfit


def _rest(exposed: Exposure, found: Unlocked) -> NDArray[np.float64]:
    """Return, for each base, what most of its copies have: categories, nulls and constants."""
    made, base = exposed.synthetic[found.rows], found.turns.base
    rows = np.empty((len(found.solved.ends), made.shape[1]))
    for j in range(made.shape[1]):
        values, code = np.unique(made[:, j], return_inverse=True)
        order = np.lexsort((code, base))
        pair = np.stack([base[order], code[order]])
        first = np.flatnonzero((np.diff(pair, axis=1, prepend=-1) != 0).any(axis=0))
        times = np.diff(first, append=len(base))
        best = np.lexsort((-times, pair[0, first]))
        of, at = np.unique(pair[0, first][best], return_index=True)
        rows[of, j] = values[pair[1, first][best][at]]
    return rows


SEED = Attack(
    "seed",
    "steps drawn again from the seed, and the rows at their ends solved for",
    "the synthetic rows, the seed or that it is small, the class's identities, the method",
    "rows",
    attack_seed,
    "--secret-key, kept apart from what is published",
)
