"""Whether a row was among those that synthetic ones were made from, by what synthetic rows lie around it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from resampler.profile.values import evenly
from resampler.quality.privacy.attacks.attack import Attack
from resampler.quality.privacy.recovery import FALSE_POSITIVES, Inference, infer
from resampler.quality.privacy.search import nearest_points
from resampler.quality.statistics import area

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from resampler.quality.privacy.attacks.attack import Effort
    from resampler.quality.privacy.exposure import Exposure

    Score = Callable[["Around"], NDArray[np.float64]]

_CLOSEST = 5  # synthetic rows whose mean log distance is a score
_TINY = 1e-12  # added to distances before logarithms are taken
_ANGLES = 8  # smallest angles between directions to synthetic rows that are a score
_FOLDS = 2


class Around(NamedTuple):
    """What lies around rows that are asked about.

    Parameters
    ----------
    distance : ndarray of shape (n_rows, k), float64
        To the nearest synthetic rows, ascending.
    offset : ndarray of shape (n_rows, k, n_dimensions), float64
        What leads to them.
    reference : ndarray of shape (n_rows, k_reference), float64
        Distances to the nearest held-out rows; of a held-out row, to the others.
    """

    distance: NDArray[np.float64]
    offset: NDArray[np.float64]
    reference: NDArray[np.float64]


def attack_nearest(exposed: Exposure, effort: Effort) -> Inference | None:
    """Score rows by the nearest synthetic one.

    Parameters
    ----------
    exposed : Exposure
        The class.
    effort : Effort
        What may be spent.

    Returns
    -------
    Inference or None
        None without a held-out row or a synthetic one.

    References
    ----------
    Yao et al.: The DCR delusion: measuring the privacy risk of synthetic data. arXiv 2505.01524: a score that misses
    much, beside which the others stand.
    """
    return _scored(exposed, effort, _nearest)


def attack_density(exposed: Exposure, effort: Effort) -> Inference | None:
    """Score rows by how dense synthetic rows are about them, beside how dense held-out ones are.

    Parameters
    ----------
    exposed : Exposure
        The class.
    effort : Effort
        What may be spent.

    Returns
    -------
    Inference or None
        None without two held-out rows or a synthetic one.

    References
    ----------
    van Breugel et al.: Membership inference attacks against synthetic data through overfitting detection (DOMIAS).
    AISTATS 2023, arXiv 2302.12580, equation 2; here the densities are those of the nearest rows.
    """
    return _scored(exposed, effort, _density) if len(exposed.held_out) > 1 else None


def attack_best(exposed: Exposure, effort: Effort) -> Inference | None:
    """Score half of the rows by the score that is best for the other half.

    Parameters
    ----------
    exposed : Exposure
        The class.
    effort : Effort
        What may be spent.

    Returns
    -------
    Inference or None
        None with fewer than four held-out or real rows, or without a synthetic one. What is chosen on rows never
        scores them, so the best of many is no better than it is.
    """
    if min(len(exposed.held_out), len(exposed.real)) < 2 * _FOLDS:
        return None
    found = _around(exposed, effort)
    if found is None:
        return None
    return _beside_fresh(infer(*_best(*found)), exposed, effort, _best)


def _best(real: Around, held_out: Around) -> list[NDArray[np.float64]]:
    """Score each half of the rows by the score that is best for the other half."""
    scores = [np.stack([score(around) for score in _SCORES], axis=1) for around in (real, held_out)]
    fold = [np.arange(len(of)) % _FOLDS for of in scores]
    out = [np.empty(len(of)) for of in scores]
    for part in range(_FOLDS):
        ours, theirs = (of[at != part] for of, at in zip(scores, fold, strict=True))
        best = int(np.argmax([area(ours[:, j], theirs[:, j]) for j in range(len(_SCORES))]))
        low, middle, high = np.quantile(theirs[:, best], (0.25, 0.5, 0.75))
        for of, at, to in zip(scores, fold, out, strict=True):
            to[at == part] = (of[at == part, best] - middle) / max(high - low, _TINY)
    return out


def _scored(exposed: Exposure, effort: Effort, score: Score) -> Inference | None:
    def scores(real: Around, held_out: Around) -> list[NDArray[np.float64]]:
        return [score(real), score(held_out)]

    found = _around(exposed, effort)
    return None if found is None else _beside_fresh(infer(*scores(*found)), exposed, effort, scores)


def _beside_fresh(
    result: Inference,
    exposed: Exposure,
    effort: Effort,
    scores: Callable[[Around, Around], list[NDArray[np.float64]]],
) -> Inference:
    """Add what the scores say with the other real rows in place of synthetic ones, if they say more than chance."""
    told = result.auc_interval[0] > 0.5 or result.tpr.interval[0] > FALSE_POSITIVES
    found = _around(exposed, effort, fresh=True) if told and len(exposed.real) > 2 * _FOLDS else None
    if found is None:
        return result
    fresh = infer(*scores(*found))
    return replace(result, fresh_auc=fresh.auc, fresh_tpr=fresh.tpr.share)


def _around(exposed: Exposure, effort: Effort, *, fresh: bool = False) -> tuple[Around, Around] | None:
    """Look around real rows and held-out ones, as if nobody knew which is which.

    `fresh` has the real rows stand for the synthetic ones, without the row that is asked about; a held-out row goes
    without one of them, too.
    """
    if not len(exposed.held_out) or not len(exposed.synthetic) or not len(exposed.real):
        return None
    held_out = exposed.space(exposed.held_out[evenly(len(exposed.held_out), effort.rows)])
    real = exposed.space(exposed.real[evenly(len(exposed.real), effort.rows)])
    made = real if fresh else exposed.space(exposed.synthetic)
    k = min(effort.neighbors, len(made) - fresh)
    # A held-out row is not its own reference, so a real row goes without one of them, too: equal chances.
    k_reference = min(_CLOSEST, len(held_out) - 1)
    both = []
    for rows in (real, held_out):
        distance, near = _but_one(rows, made, k) if fresh else nearest_points(rows, made, k)
        reference = _but_one(rows, held_out, k_reference)[0] if k_reference else np.ones((len(rows), 1))
        both.append(Around(distance, made[near] - rows[:, None, :], reference))
    return both[0], both[1]


def _but_one(
    rows: NDArray[np.float64], among: NDArray[np.float64], k: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Find the k points nearest to each row but for the one of its own number, be it near or not."""
    far, which = nearest_points(rows, among, k + 1)
    out = which == (np.arange(len(rows)) % len(among))[:, None]
    out[~out.any(axis=1), -1] = True
    return far[~out].reshape(len(rows), k), which[~out].reshape(len(rows), k)


def _logs(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.log(distance + _TINY)


def _nearest(around: Around) -> NDArray[np.float64]:
    return -_logs(around.distance[:, 0])


def _relative(around: Around) -> NDArray[np.float64]:
    """Nearest held-out row over nearest synthetic one: near where nobody else is."""
    return _logs(around.reference[:, 0]) - _logs(around.distance[:, 0])


def _closest(around: Around) -> NDArray[np.float64]:
    return -_logs(around.distance[:, :_CLOSEST]).mean(axis=1)


def _all(around: Around) -> NDArray[np.float64]:
    return -_logs(around.distance).mean(axis=1)


def _density(around: Around) -> NDArray[np.float64]:
    """Log of the ratio of densities, each of its nearest rows, but for the dimension as a factor."""
    return _logs(around.reference).mean(axis=1) - _logs(around.distance[:, :_CLOSEST]).mean(axis=1)


def _steepness(around: Around) -> NDArray[np.float64]:
    """How much nearer the nearest is than the rest: a real row has copies that go up to it."""
    return _logs(around.distance[:, -1]) - _logs(around.distance[:, 0])


def _within(around: Around) -> NDArray[np.float64]:
    """Synthetic rows within the distance to the nearest held-out row."""
    return (around.distance < around.reference[:, :1]).sum(axis=1) + 1e-3 * _relative(around)


def _aligned(around: Around) -> NDArray[np.float64]:
    """How small angles between directions to synthetic rows are: those with one partner lie in one direction."""
    unit = around.offset / (around.distance[:, :, None] + _TINY)
    k = unit.shape[1]
    first, second = np.triu_indices(k, 1)
    if not len(first):
        return np.zeros(len(unit))
    scores = np.empty(len(unit))
    for at, of in enumerate(unit):
        angle = np.sqrt(np.maximum(2.0 - 2.0 * (of @ of.T)[first, second], 0.0))
        few = min(_ANGLES, len(angle))
        scores[at] = -_logs(np.partition(angle, few - 1)[:few] + 1e-8).mean()
    return scores


def _beside_lines(around: Around) -> NDArray[np.float64]:
    """How near the row lies to a line through two of the synthetic rows around it."""
    k = min(around.distance.shape[1], 12)
    first, second = np.triu_indices(k, 1)
    if not len(first):
        return _nearest(around)
    best = np.full(len(around.distance), np.inf)
    for i, j in zip(first, second, strict=True):
        a, b = around.offset[:, i], around.offset[:, j]
        way = b - a
        along = np.clip(-(a * way).sum(axis=1) / np.maximum((way**2).sum(axis=1), _TINY), -1.0, 2.0)
        best = np.minimum(best, np.sqrt(((a + along[:, None] * way) ** 2).sum(axis=1)))
    return -_logs(best)


_SCORES = (_nearest, _relative, _closest, _all, _density, _steepness, _within, _aligned, _beside_lines)
_REMEDY = "method hardened; or fewer synthetic rows"
NEAREST = Attack(
    "nearest",
    "rows that have a synthetic one near are supposed to be among the real ones",
    "the synthetic rows, and a row to ask about",
    "membership",
    attack_nearest,
    _REMEDY,
)
DENSITY = Attack(
    "density",
    "the same, beside how many other rows are there anyway",
    "the synthetic rows, a row to ask about, other rows of its class",
    "membership",
    attack_density,
    _REMEDY,
)
BEST = Attack(
    "best score",
    "the same by the best of nine scores, among them lines and angles, chosen on other rows",
    "the synthetic rows, a row to ask about, others of which it is known whether they were among the real ones",
    "membership",
    attack_best,
    _REMEDY,
)
