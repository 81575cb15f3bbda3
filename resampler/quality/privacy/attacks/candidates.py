"""`candidates`: who has rebuilt rows, the seed and a list of keys tries out which key draws the steps that are seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import gammaln

from resampler.kernels.generation import draw_parents
from resampler.methods.catalog import METHODS
from resampler.profile.values import evenly
from resampler.quality.privacy.attacks.attack import Attack
from resampler.quality.privacy.attacks.names import NOBODY, attacked, closest, judge
from resampler.quality.privacy.search import nearest_points

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from resampler.quality.privacy.attacks.attack import Effort
    from resampler.quality.privacy.exposure import Exposure, Known
    from resampler.quality.privacy.recovery import Naming

_DRAWS = 5_000_000  # steps of candidates that are drawn at most; beyond, an even share of the candidates
_FITS = 10_000_000  # pairs of a step that is seen and one that is drawn, at most
_CELLS = 8_000_000  # numbers in memory together
_SEGMENTS = 4  # that a row may lie on, those that it lies nearest to
_WRONG = 0.05  # candidates that fit as well by chance, of a name that is given
_FLOAT32 = 2.0**-23  # what a step is rounded to, generously


class Seen(NamedTuple):
    """Steps that synthetic rows may have taken, from each end of each segment that they lie on.

    Parameters
    ----------
    row : ndarray of shape (n_steps,), int64
        Of the attacked rows.
    base : ndarray of shape (n_steps,), int64
        The real row at whose end it would have begun.
    step : ndarray of shape (n_steps,), float64
        How far it would have gone.
    doubt : ndarray of shape (n_steps,), float64
        How far off that may be.
    """

    row: NDArray[np.int64]
    base: NDArray[np.int64]
    step: NDArray[np.float64]
    doubt: NDArray[np.float64]


class Fit(NamedTuple):
    """Steps that are seen beside those that candidates would draw.

    Parameters
    ----------
    seen : ndarray of shape (n_fits,), int64
        Which step that is seen.
    candidate : ndarray of shape (n_fits,), int64
        Who would draw it.
    """

    seen: NDArray[np.int64]
    candidate: NDArray[np.int64]


def attack_candidates(exposed: Exposure, effort: Effort) -> Naming | None:
    """Name the entity behind each synthetic row.

    Parameters
    ----------
    exposed : Exposure
        The class.
    effort : Effort
        What may be spent.

    Returns
    -------
    Naming or None
        None where no seed is known, whose rows are whose is not, or rows do not lie on segments.

    Notes
    -----
    The attacker is taken to have rebuilt the real rows, as `lines` mostly does. The rows on segments from one of them
    are looked at together: the entity whose copies draw their steps, and more of them than any other on the list by
    chance, is its name. Strangers on the list cost little, so it may be long.
    """
    known, identity, made = exposed.known, exposed.identity, exposed.synthetic
    rule = None if known is None else METHODS.get(known.method)
    if known is None or identity is None or rule is None:
        return None
    if rule.place != "segment" or not rule.joins or rule.hardens:
        return None
    chosen = attacked(exposed, effort)
    if not len(chosen) or not len(exposed.real):
        return None
    named = np.full(len(chosen), NOBODY)
    seen = on_segments(exposed, chosen, effort.neighbors)
    if len(seen.row) and len(known.row_ids):
        copies = -(-len(made) // len(exposed.real))
        most = max(1, _DRAWS // copies)
        candidates = known.row_ids[evenly(len(known.row_ids), most)]
        row, candidate = _names(seen, _fits(seen, known, candidates, copies), len(candidates), copies)
        order = np.argsort(identity, kind="stable")
        at = np.minimum(np.searchsorted(identity[order], candidates[candidate]), len(order) - 1)
        there = identity[order][at] == candidates[candidate]
        named[row] = np.where(there, order[at], len(exposed.real))
    truth = exposed.base[chosen] if exposed.base is not None else closest(exposed, chosen, exposed.real)
    return judge(named, truth, len(exposed.real))


def on_segments(exposed: Exposure, synthetic: NDArray[np.int64], neighbors: int) -> Seen:
    """Find the segments between real rows that synthetic rows lie on, up to the precision of the columns.

    Parameters
    ----------
    exposed : Exposure
        The class.
    synthetic : ndarray of shape (n_attacked,), int64
        Which rows.
    neighbors : int
        Real rows around each that are looked at.

    Returns
    -------
    Seen
        Of each row the few segments that it lies nearest to, from both ends.
    """
    rows, real = exposed.synthetic[synthetic], exposed.real
    both = np.concatenate([rows, real])
    null = np.isnan(both).any(axis=0)
    with np.errstate(invalid="ignore"):
        columns = np.flatnonzero(~exposed.categorical & ~null & (np.ptp(both, axis=0) > 0))
    k = min(neighbors, len(real))
    if not len(columns) or k < 2:
        return Seen(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0), np.empty(0))
    middle, units = real[:, columns].mean(axis=0), exposed.units[columns]
    # In units of the precision: a row that was made between two lies at most 1 off their line in each column.
    weight = 1.0 / np.maximum(exposed.precision[columns], 1e-12 * units)
    points, ends = ((of[:, columns] - middle) * weight for of in (rows, real))
    near = nearest_points(points / (weight * units), ends / (weight * units), k)[1]
    first, second = np.triu_indices(k, 1)
    d = len(columns)
    block = max(1, _CELLS // (k * (d + 4 * k)))
    found = []
    for start in range(0, len(points), block):
        around = near[start : start + block]
        offset = ends[around] - points[start : start + block, None, :]
        products = offset @ offset.transpose(0, 2, 1)
        square = np.einsum("nii->ni", products)
        # From the first end to the second; rough, because differences of squares lose digits.
        length = square[:, first] + square[:, second] - 2.0 * products[:, first, second]
        along = square[:, first] - products[:, first, second]
        length = np.where(length > 0, length, np.inf)
        off = square[:, first] - along**2 / length
        inside = (along >= 0) & (along <= length)
        row, pair = np.nonzero(inside & (off <= d + 1e-11 * square[:, first]) & np.isfinite(length))
        a, b = offset[row, first[pair]], offset[row, second[pair]]
        way = b - a
        length_, step = (way**2).sum(axis=1), -(a * way).sum(axis=1)
        step = step / length_
        off_ = ((a + step[:, None] * way) ** 2).sum(axis=1)
        keep = np.flatnonzero(off_ <= d)
        keep = keep[np.lexsort((off_[keep], row[keep]))]
        rank = np.arange(len(keep)) - np.searchsorted(row[keep], row[keep])
        keep = keep[rank < _SEGMENTS]
        row, pair, step = row[keep], pair[keep], step[keep]
        doubt = 1.0 / np.sqrt(length_[keep]) + _FLOAT32
        for at, of in ((first, step), (second, 1.0 - step)):
            found.append(Seen(row + start, around[row, at[pair]], of, doubt))
    return Seen(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def _fits(seen: Seen, known: Known, candidates: NDArray[np.int64], copies: int) -> Fit:
    """Find who would draw the steps that are seen."""
    m = len(candidates)
    turn, copy = (of.ravel() for of in np.indices((m, copies)))
    slot, step = np.empty(len(turn), dtype=np.int64), np.empty(len(turn), dtype=np.float32)
    slots, span = np.zeros((m, 1), dtype=np.int64), np.ones((m, 1), dtype=np.float32)
    draw_parents(candidates, slots, span, turn, copy, np.uint64(known.seed), known.stream, slot, step)
    order = np.argsort(step, kind="stable")
    drawn = step[order].astype(np.float64)
    low = np.searchsorted(drawn, seen.step - seen.doubt)
    times = np.searchsorted(drawn, seen.step + seen.doubt, side="right") - low
    # Those that fit few first: the others say least.
    by = np.argsort(times, kind="stable")
    by = by[: np.searchsorted(np.cumsum(times[by]), _FITS, side="right")]
    which = np.repeat(by, times[by])
    within = np.arange(len(which)) - np.repeat(np.cumsum(times[by]) - times[by], times[by])
    return Fit(which, turn[order[low[which] + within]])


def _names(seen: Seen, fit: Fit, n_candidates: int, copies: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return rows, and who is named behind each."""
    empty = np.empty(0, dtype=np.int64)
    if not len(fit.seen):
        return empty, empty
    base, row = seen.base[fit.seen], seen.row[fit.seen]
    rare = -np.log(np.minimum(2.0 * seen.doubt[fit.seen] * copies, 1.0))  # of a step that fits by chance
    # A row counts once for a base and a candidate.
    order = np.lexsort((-rare, row, fit.candidate, base))
    key = np.stack([base[order], fit.candidate[order], row[order]])
    once = order[np.flatnonzero((np.diff(key, axis=1, prepend=-1) != 0).any(axis=0))]
    base, row, candidate, rare = base[once], row[once], fit.candidate[once], rare[once]
    start = np.flatnonzero((np.diff(np.stack([base, candidate]), axis=1, prepend=-1) != 0).any(axis=0))
    hits = np.diff(start, append=len(base))
    # Which of the rows around a base are its own is not known: any of them might have fitted.
    rows_of = np.bincount(np.unique(np.stack([seen.base, seen.row]), axis=1)[0], minlength=int(base.max()) + 1)
    around = rows_of[base[start]]
    evidence = np.add.reduceat(rare, start)
    evidence -= gammaln(around + 1) - gammaln(hits + 1) - gammaln(around - hits + 1)
    # The best candidate of each base, and of each row the best base.
    best = np.lexsort((candidate[start], -evidence, base[start]))
    best = best[np.flatnonzero(np.diff(base[start][best], prepend=-1))]
    best = best[evidence[best] > np.log(n_candidates / _WRONG)]
    if not len(best):
        return empty, empty
    group = np.repeat(best, hits[best])
    at = np.arange(len(group)) - np.repeat(np.cumsum(hits[best]) - hits[best], hits[best]) + start[group]
    order = np.lexsort((group, -evidence[group], row[at]))
    at, group = at[order], group[order]
    first = np.flatnonzero(np.diff(row[at], prepend=-1))
    return row[at[first]], candidate[start[group[first]]]


CANDIDATES = Attack(
    "candidates",
    "entities of a list whose draws are the steps that rows have taken",
    "rows that are rebuilt, the seed, a list of keys that entities may have, the times of the real rows",
    "names",
    attack_candidates,
    "--secret-key, kept apart from what is published; method hardened",
)
