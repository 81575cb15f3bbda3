"""Checks of neighbourhoods: noise, rows that stand twice, and what distances are worth."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from resampler.quality.checks.check import Check, Found
from resampler.quality.checks.evidence import NEAR_ROWS
from resampler.quality.statistics import percent, share_interval

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from resampler.quality.checks.evidence import Evidence

NEIGHBORS = 5
NOISE = 0.2  # share of a class's rows without one of their own near
TWICE = 0.3  # share of a class's rows that stand twice
CONFLICTS = 0.05  # share of a class's rows that stand in another class too
CONTRAST = 0.8  # distance to the nearest row : to any row
_PAIRS = 1_000
_DIMENSION_NEIGHBORS = 10


class Neighborhood(NamedTuple):
    """Rows of a class among as many of the other classes.

    Parameters
    ----------
    own : ndarray of shape (n_own,), int64
        Positions of the class's rows.
    foreign : ndarray of shape (n_own,), int64
        How many of each one's `NEIGHBORS` nearest rows are of other classes.
    """

    own: NDArray[np.int64]
    foreign: NDArray[np.int64]


def neighborhood(seen: Evidence, code: int) -> Neighborhood | None:
    """Look at what surrounds the rows of a class, where the others are as many.

    Counted among all rows, as in a table of one rare class, nearly every row would be noise.

    Parameters
    ----------
    seen : Evidence
        The rows.
    code : int
        The class.

    Returns
    -------
    Neighborhood or None
        None where there are too few rows.
    """
    own = seen.rows_of(code, NEAR_ROWS)
    others = seen.others_of(code, len(own))
    members = np.concatenate([own, others])
    if len(own) < 2 or len(others) < 1 or len(members) <= NEIGHBORS:
        return None
    found = seen.space.nearest(seen.X[members], NEIGHBORS, np.arange(len(members)), np.arange(len(own)))
    return Neighborhood(own, (found >= len(own)).sum(axis=1))


def _noise(seen: Evidence) -> Iterator[Found]:
    for code in seen.minorities:
        around = neighborhood(seen, code)
        if around is None:
            continue
        count, n = int(np.count_nonzero(around.foreign == NEIGHBORS)), len(around.own)
        low, high = share_interval(count, n)
        if low > NOISE:
            yield Found(
                f"{count:,} of {n:,} rows ({percent(count / n)}, {percent(low)} to {percent(high)}) have none of their "
                f"own among their {NEIGHBORS} nearest",
                label=seen.classes[code].name,
                values={"share": count / n, "low": low, "high": high, "rows": n},
            )


def _twice(seen: Evidence) -> Iterator[Found]:
    for code in seen.minorities:
        own = seen.rows_of(code, NEAR_ROWS)
        if len(own) < 2:
            continue
        _, place, often = np.unique(seen.rounded[own], return_inverse=True, return_counts=True)
        count, n = int(np.count_nonzero(often[place] > 1)), len(own)
        low, high = share_interval(count, n)
        if low > TWICE:
            yield Found(
                f"{count:,} of {n:,} rows ({percent(count / n)}) have the values of another of their class",
                label=seen.classes[code].name,
                values={"share": count / n, "low": low, "high": high, "rows": n},
            )


def _conflicts(seen: Evidence) -> Iterator[Found]:
    for code in seen.minorities:
        own, others = seen.rows_of(code, NEAR_ROWS), np.flatnonzero(seen.y != code)
        if not len(own) or not len(others):
            continue
        count, n = int(np.isin(seen.rounded[own], seen.rounded[others]).sum()), len(own)
        low, high = share_interval(count, n)
        if low > CONFLICTS:
            yield Found(
                f"{count:,} of {n:,} rows ({percent(count / n)}) have the values of a row of another class, of "
                f"{len(others):,} that were looked at",
                label=seen.classes[code].name,
                values={"share": count / n, "low": low, "high": high, "rows": n},
            )


def _contrast(seen: Evidence) -> Iterator[Found]:
    for code in seen.minorities:
        own = seen.rows_of(code, NEAR_ROWS)
        if len(own) < 5 * _DIMENSION_NEIGHBORS:
            continue
        X, asked = seen.X[own], np.arange(min(_PAIRS, len(own)))
        nearest = seen.space.nearest(X, _DIMENSION_NEIGHBORS, np.arange(len(own)), asked)
        near = np.stack([seen.space.between(X[asked], X[column]) for column in nearest.T])
        any_row = seen.space.between(X[asked], X[(asked + len(own) // 2) % len(own)])
        middle = float(np.median(any_row))
        contrast = float(np.median(near[0]) / middle) if np.isfinite(middle) and middle > 0 else 0.0
        if contrast > CONTRAST:
            dimension = intrinsic_dimension(near)
            yield Found(
                f"the nearest row is {contrast:.2f} times as far as any row, intrinsic dimension {dimension:.0f} of "
                f"{len(seen.names)}",
                label=seen.classes[code].name,
                values={"contrast": contrast, "dimension": dimension},
            )


def intrinsic_dimension(near: NDArray[np.float64]) -> float:
    """Estimate how many dimensions rows fill.

    Parameters
    ----------
    near : ndarray of shape (k, n_rows), float64
        Distances of each row's k nearest rows, ascending.

    Returns
    -------
    float
        The maximum-likelihood estimate, 0 where rows coincide.

    References
    ----------
    Levina, Bickel: Maximum likelihood estimation of intrinsic dimension. NIPS 17 (2004); averaged as MacKay and
    Ghahramani's comment on it has it.
    """
    apart = near[:, (near[0] > 0) & np.isfinite(near[-1])]
    logs = np.log(apart[-1] / apart[:-1]) if apart.size else np.zeros((1, 1))
    return float(1 / logs.mean()) if logs.mean() > 0 else 0.0


CHECKS = (
    Check(
        "noise",
        f"rows of a class, none of whose {NEIGHBORS} nearest rows are of it where other classes are as many",
        f"at most {percent(NOISE)} of a class's rows",
        "see the rows that --suspects lists; leave noise out as parents (exclude_noisy), or mend labels",
        _noise,
    ),
    Check(
        "near-duplicates",
        "rows of a class that stand twice, to within a millionth of the unit of distance",
        f"at most {percent(TWICE)} of a class's rows",
        "rows that stand twice weigh twice, and their synthetic rows repeat them: take repeats out",
        _twice,
        "note",
    ),
    Check(
        "conflicts",
        "rows of a class whose values a row of another class has too, to within a millionth of the unit of distance",
        f"at most {percent(CONFLICTS)} of a class's rows",
        "no model tells these apart: mend labels (--suspects lists the rows), or add features that differ",
        _conflicts,
    ),
    Check(
        "contrast",
        "distance to the nearest row of the class against that to any",
        f"at most {CONTRAST} times as far",
        "neighbours are hardly nearer than any row: leave out features that say nothing, reduce dimensions, or use "
        "sampler embedding",
        _contrast,
    ),
)
