"""`keys`: keys of synthetic rows that follow those of their bases, by an offset or by their order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from resampler.profile.values import evenly
from resampler.quality.privacy.attacks.attack import Attack
from resampler.quality.privacy.attacks.names import NOBODY, Crowd, closest, name_rows, trusts
from resampler.quality.privacy.attacks.times import next_to
from resampler.quality.privacy.exposure import UNMARKED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from resampler.quality.privacy.attacks.attack import Effort
    from resampler.quality.privacy.exposure import Exposure
    from resampler.quality.privacy.recovery import Naming

_FOLDS = 2
_LOOK = (200, 20_000)  # keys of synthetic and of real rows whose differences are looked at for an offset


def attack_keys(exposed: Exposure, effort: Effort) -> Naming | None:
    """Name bases by the rule for keys that fits half of the rows best; those of the other half.

    Parameters
    ----------
    exposed : Exposure
        The class.
    effort : Effort
        What may be spent.

    Returns
    -------
    Naming or None
        None without a mark but the event time.
    """
    names = [name for name in sorted(exposed.marks) if name != exposed.time]
    if not names:
        return None

    def _name(synthetic: NDArray[np.int64], crowd: Crowd) -> NDArray[np.int64]:
        supposed = [
            guess[synthetic] for key in names for guess in rules(exposed.marks[key].synthetic, crowd.marks[key])
        ]
        near = closest(exposed, synthetic, crowd.rows)
        # Not by turns: a rule that deals rows out in turns would be seen in one half alone.
        fold = np.random.default_rng(0).integers(0, _FOLDS, size=len(synthetic))
        named = np.full(len(synthetic), NOBODY)
        for part in range(_FOLDS):
            seen = fold != part
            agree = [int(np.count_nonzero((guess == near)[seen])) for guess in supposed]
            best = int(np.argmax(agree))
            if trusts(agree[best], np.count_nonzero(seen) / len(crowd.rows)):
                named[~seen] = supposed[best][~seen]
        return named

    return name_rows(exposed, effort, _name)


def rules(made: NDArray[np.int64], real: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Suppose how keys of synthetic rows could follow those of their bases.

    Parameters
    ----------
    made : ndarray of shape (n_synthetic,), int64
        Keys of all synthetic rows.
    real : ndarray of shape (n_real,), int64
        Keys of the rows that may stand behind them, one or more.

    Yields
    ------
    ndarray of shape (n_synthetic,), int64
        Which real row, by one rule: the nearest key, the negative one, the one at the commonest offset; or by order,
        where bases follow one another, each with all its rows at once or a row each in turns.
    """
    yield next_to(made, real)
    yield next_to(np.where(made == UNMARKED, UNMARKED, -made), real)
    yield _at(made - _offset(made, real), real)
    n, m = len(made), len(real)
    rank = np.empty(n, dtype=np.int64)
    rank[np.argsort(made, kind="stable")] = np.arange(n)
    for order in (np.argsort(real, kind="stable"), np.arange(m)):
        for place in (rank, n - 1 - rank):
            yield order[place * m // max(n, 1)]
            yield order[place % m]


def _offset(made: NDArray[np.int64], real: NDArray[np.int64]) -> int:
    """Return the commonest difference of the keys of a synthetic row and a real one."""
    few = [of[evenly(len(of), most)] for of, most in zip((made, np.unique(real)), _LOOK, strict=True)]
    if not len(few[0]):
        return 0
    found, times = np.unique(np.subtract.outer(*few), return_counts=True)
    return int(found[np.argmax(times)])


def _at(keys: NDArray[np.int64], real: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the one row that has each key."""
    found = next_to(keys, real)
    return np.where((found != NOBODY) & (real[found] == keys), found, NOBODY)


KEYS = Attack(
    "keys",
    "keys of synthetic rows that follow those of their bases, by an offset or by their order",
    "the synthetic rows with their keys, the keys of the real rows",
    "names",
    attack_keys,
    "a snapshot of this release, which numbers shuffled rows; or keys that are drawn",
)
