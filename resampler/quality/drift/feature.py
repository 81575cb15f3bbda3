"""`FeatureDrift`: how one feature moved, with what chance alone does, and where to."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from resampler.quality.drift import chance
from resampler.quality.drift.listed import category_p
from resampler.quality.drift.scores import jensen_shannon, kolmogorov_smirnov, population_stability, total_variation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from resampler.profile.cells import Cells
    from resampler.profile.counts import Counts
    from resampler.quality.drift.settings import DriftPolicy

FEW = 5  # a number of at most so many values is compared as a category
SHOWN = 5  # categories that moved most


@dataclass(frozen=True, slots=True)
class FeatureDrift:
    """How one feature moved from the reference to later rows, of one class or all.

    Parameters
    ----------
    feature : str
        Its name.
    label : str
        The class; empty for all rows.
    category : bool
        Compared as a category: cells have no order.
    rows : tuple of int
        Before and after.
    distance, distance_most : float
        Kolmogorov-Smirnov of the values of a number, from bins, and what it is at most without bins; total variation of
        a category, twice the same. Nulls are left out.
    distance_chance : float
        What the distance stays below by chance, 95 times in 100 at least; and so below.
    wasserstein, wasserstein_chance : float or None
        Of a number, in standard deviations of the reference; None of a category, and where the reference has none.
    jensen_shannon, jensen_shannon_chance : float
        In bits, nulls being a value.
    stability, stability_chance : float
        Population stability index, nulls being a value.
    nulls, nulls_change : tuple of float
        Share of nulls before and after; ends of the 95 % interval of its change.
    median : tuple of (float or None), optional
        Of a number, before and after, from bins.
    median_beyond : tuple of int
        1 where the median is above what is given for it, the greatest edge; -1 where it is below it, the least; else 0.
    moved : list of tuple
        Of a category: value, share before, share after; what moved most first.
    p : float
        Probability that chance does as much to values or nulls.
    q : float
        The same, adjusted for how many features and classes were looked at.
    reasons : tuple of str
        The limits that it exceeded; empty where it has not drifted.
    """

    feature: str
    label: str
    category: bool
    rows: tuple[int, int]
    distance: float
    distance_most: float
    distance_chance: float
    wasserstein: float | None
    wasserstein_chance: float | None
    jensen_shannon: float
    jensen_shannon_chance: float
    stability: float
    stability_chance: float
    nulls: tuple[float, float]
    nulls_change: tuple[float, float]
    median: tuple[float | None, float | None] | None
    median_beyond: tuple[int, int]
    moved: list[tuple[Any, float, float]]
    p: float
    q: float = 1.0
    reasons: tuple[str, ...] = ()

    @property
    def drifted(self) -> bool:
        """Whether it moved by more than chance explains and by as much as matters."""
        return bool(self.reasons)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data.

        Returns
        -------
        dict
            The fields and `drifted`.
        """
        return asdict(self) | {"drifted": self.drifted}

    def reasons_under(self, policy: DriftPolicy) -> tuple[str, ...]:
        """Say which limits it exceeds.

        Parameters
        ----------
        policy : DriftPolicy
            The limits.

        Returns
        -------
        tuple of str
            None where chance explains it.
        """
        if self.q > policy.alpha:
            return ()
        change = abs(self.nulls[1] - self.nulls[0])
        found = [("nulls", change, policy.nulls)] if self.nulls_change[0] * self.nulls_change[1] > 0 else []
        if self.distance <= self.distance_chance:
            pass  # what is beyond chance is the share of nulls
        elif self.category:
            found.append(("jensen_shannon", self.jensen_shannon, policy.jensen_shannon))
        else:
            found.append(("kolmogorov_smirnov", self.distance, policy.kolmogorov_smirnov))
            found.append(("wasserstein", self.wasserstein or 0.0, policy.wasserstein))
        return tuple(name for name, value, limit in found if value > 0 and value >= limit)


def feature_drift(feature: str, cells: Cells, before: Counts, after: Counts, label: str = "") -> FeatureDrift:
    """Compare the counts of one feature.

    Parameters
    ----------
    feature : str
        Its name.
    cells : Cells
        That both were counted in.
    before, after : Counts
        Of the reference and of later rows, of which there are some.
    label : str
        The class.

    Returns
    -------
    FeatureDrift
        Not yet judged.
    """
    a, b = (np.asarray(side.counts, dtype=np.int64) for side in (before, after))
    nulls = [(int(side[-1]), int(side.sum())) for side in (a, b)]
    p = [chance.chi_square_p(*(np.array([null, n - null]) for null, n in nulls))] if a[-1] or b[-1] else []
    values = [side[:-1] for side in (a, b)]
    few = not cells.categorical and _is_few(cells, values[0] + values[1])
    category = cells.categorical or few
    distance = most = by_chance = 0.0
    moved: float | None = None
    moved_chance: float | None = None
    if all(side.sum() for side in values):
        n, m = (int(side.sum()) for side in values)
        if category:
            distance = most = float(total_variation(*values))
            by_chance = chance.total_variation_by_chance(*values)
            p.append(category_p(*values) if cells.categorical else chance.chi_square_p(*values))
        else:
            distance, most = kolmogorov_smirnov_bounds(values[0], values[1], cells.atoms)
            by_chance = chance.kolmogorov_smirnov_by_chance(n, m)
            p.append(chance.kolmogorov_smirnov_p(distance, n, m))
            moved, moved_chance = _wasserstein(cells, before, after)
    medians = [(None, 0), (None, 0)] if cells.categorical else [_median(cells, side) for side in (before, after)]
    return FeatureDrift(
        feature=feature,
        label=label,
        category=category,
        rows=(int(a.sum()), int(b.sum())),
        distance=distance,
        distance_most=most,
        distance_chance=by_chance,
        wasserstein=moved,
        wasserstein_chance=moved_chance,
        jensen_shannon=jensen_shannon(a, b),
        jensen_shannon_chance=chance.jensen_shannon_by_chance(a, b),
        stability=population_stability(a, b),
        stability_chance=chance.stability_by_chance(a, b),
        nulls=(float(a[-1] / a.sum()), float(b[-1] / b.sum())),
        nulls_change=chance.difference_interval(*nulls),
        median=None if cells.categorical else (medians[0][0], medians[1][0]),
        median_beyond=(medians[0][1], medians[1][1]),
        moved=_most_moved(cells, a, b) if cells.categorical else [],
        p=min(1.0, len(p) * min(p, default=1.0)),
    )


def kolmogorov_smirnov_bounds(a: NDArray[Any], b: NDArray[Any], atoms: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the Kolmogorov-Smirnov distance of binned values, and what it is at most without bins.

    Parameters
    ----------
    a, b : ndarray of shape (n_cells,)
        Rows in each cell, in order, nulls left out.
    atoms : ndarray of shape (n_cells,), bool
        Cells that hold one value alone.

    Returns
    -------
    tuple of float
        The exact one lies between. Within a cell the difference of the cumulative distributions can rise by the rows of
        one side before those of the other bring it down, so the second is at most the first and the smaller share of
        the two in any cell: about 1/64 where cells are the quantiles of one side.
    """
    p, q = a / a.sum(), b / b.sum()
    gap = np.cumsum(p - q)
    start = np.concatenate([[0.0], gap[:-1]])
    least = float(kolmogorov_smirnov(np.append(a, 0), np.append(b, 0)))
    within = np.maximum(np.abs(start + p), np.abs(start - q))[~atoms]
    return least, float(max(least, min(1.0, within.max(initial=0.0))))


def _is_few(cells: Cells, counts: NDArray[np.int64]) -> bool:
    """Whether all values are a few, each with a cell of its own; beyond the outermost edges stand unlike ones."""
    used = np.flatnonzero(counts)
    inner = used[(used > 0) & (used < len(counts) - 1)]
    return bool(len(used) <= FEW and cells.atoms[inner].all() and len(inner))


def _wasserstein(cells: Cells, before: Counts, after: Counts) -> tuple[float | None, float | None]:
    """Return the area between the cumulative distributions, in standard deviations of the reference.

    Between edges the distributions are taken for straight. Beyond them lies what the difference of the means says that
    is left; where a mean is not known, a triangle to the least and the greatest value.
    """
    if not before.spread:
        return None, None
    edges = np.asarray(cells.edges) / before.spread
    a, b = (np.asarray(side.counts[:-1], dtype=np.float64) for side in (before, after))
    gap = (np.cumsum(a) / a.sum() - np.cumsum(b) / b.sum())[:-1]
    widths = np.diff(edges)
    first, second = gap[:-1], gap[1:]
    signed = float(((first + second) / 2) @ widths)
    crossing = first * second < 0
    size = np.abs(first) + np.abs(second)
    areas = np.where(
        crossing, (first**2 + second**2) / (2 * np.where(size > 0, size, 1.0)), (np.abs(first) + np.abs(second)) / 2
    )
    tails = np.array([0.0, 0.0])
    if before.low is not None and before.high is not None:
        low = min(side for side in (before.low, after.low) if side is not None) / before.spread
        high = max(side for side in (before.high, after.high) if side is not None) / before.spread
        tails = np.maximum([edges[0] - low, high - edges[-1]], 0.0) / 2
    if before.mean is not None and after.mean is not None:
        beyond = abs((after.mean - before.mean) / before.spread - signed)
    else:
        beyond = float(tails @ np.abs(gap[[0, -1]]))
    stands = np.zeros(len(edges))  # what each edge stands for of the axis
    stands[:-1] += widths / 2
    stands[1:] += widths / 2
    stands[0] += tails[0]
    stands[-1] += tails[1]
    found = float(areas @ widths) + beyond, chance.wasserstein_by_chance(a, b, stands)
    return (found[0], found[1]) if np.isfinite(found).all() else (None, None)


def _median(cells: Cells, side: Counts) -> tuple[float | None, int]:
    """Return about the middle value, values of a bin being taken for evenly spread, and whether it lies beyond that."""
    counts = np.asarray(side.counts[:-1])
    if not counts.sum() or not cells.edges:
        return None, 0
    if side.low is not None and side.low == side.high:
        return side.low, 0
    total = np.cumsum(counts)
    at = int(np.searchsorted(total, total[-1] / 2))
    if at in (0, len(cells.edges)):
        return cells.edges[0 if at == 0 else -1], -1 if at == 0 else 1
    low, high = cells.edges[at - 1], cells.edges[at]
    if cells.atoms[at] or not np.isfinite(high - low):
        return high, 0
    part = (total[-1] / 2 - (total[at] - counts[at])) / counts[at]
    return float(low + part * (high - low)), 0


def _most_moved(cells: Cells, a: NDArray[Any], b: NDArray[Any]) -> list[tuple[Any, float, float]]:
    """Return the categories whose shares moved most; None stands for all that the reference does not list."""
    values = [*cells.values, None]
    before, after = a[:-1] / max(a[:-1].sum(), 1), b[:-1] / max(b[:-1].sum(), 1)
    order = np.argsort(-np.abs(after - before), kind="stable")[:SHOWN].tolist()
    return [(values[i], float(before[i]), float(after[i])) for i in order if before[i] != after[i]]
