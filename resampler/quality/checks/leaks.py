"""Features that alone tell a class from all others: they know the label."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from resampler.quality.checks.check import Check, Found
from resampler.quality.checks.evidence import NEAR_ROWS
from resampler.quality.statistics import area, percent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from resampler.quality.checks.evidence import Evidence

LEAKS = 0.99  # area under the curve of one feature
FEW_VALUES = 20  # up to which each value of a feature is looked at
LEAST_ROWS = 20  # with a value that belongs to one class
LEAST_SHARE = 0.1  # of the class's rows


def _leaks(seen: Evidence) -> Iterator[Found]:
    for code in seen.minorities:
        own, others = seen.X[seen.rows_of(code, NEAR_ROWS)], seen.X[seen.others_of(code, NEAR_ROWS)]
        if min(len(own), len(others)) < LEAST_ROWS:
            continue
        found = []
        for j, name in enumerate(seen.names):
            how, figure = max(_ways(own[:, j], others[:, j], categorical=bool(seen.categorical[j])), key=lambda x: x[1])
            if figure >= LEAKS:
                found.append((figure, name, f"{name} {how}, area under the curve {figure:.3f}"))
        found.sort(key=lambda one: -one[0])
        if found:
            yield Found(
                "; ".join(words for _, _, words in found[:5]),
                columns=tuple(name for _, name, _ in found),
                label=seen.classes[code].name,
                values={"area": found[0][0]},
            )


def _ways(own: NDArray[np.float64], others: NDArray[np.float64], *, categorical: bool) -> list[tuple[str, float]]:
    nulls = [np.isnan(part) for part in (own, others)]
    both = area(*(part.astype(np.float64) for part in nulls))
    ways = [("by its nulls", max(both, 1 - both))]
    held = [part[~null] for part, null in zip((own, others), nulls, strict=True)]
    if min(map(len, held)) >= LEAST_ROWS:
        if categorical:
            ways.append(("by its categories", _by_categories(*held)))
        else:
            one = area(*held)
            # A null could have any value: it counts as a tie.
            known = (len(held[0]) / len(own)) * (len(held[1]) / len(others))
            ways.append(("by its values", known * max(one, 1 - one) + (1 - known) / 2))
    return ways


def _by_categories(own: NDArray[np.float64], others: NDArray[np.float64]) -> float:
    """Score each category by its share of the class in one half of the rows, and measure that on the other half."""
    categories, place = np.unique(np.concatenate([own, others]), return_inverse=True)
    sides = place[: len(own)], place[len(own) :]
    areas = []
    for half in (0, 1):
        counts = [np.bincount(side[half::2], minlength=len(categories)) / max(len(side[half::2]), 1) for side in sides]
        with np.errstate(invalid="ignore"):
            score = np.nan_to_num(counts[0] / (counts[0] + counts[1]), nan=0.5)
        areas.append(area(*(score[side[1 - half :: 2]] for side in sides)))
    return float(np.mean(areas))


def _pure(seen: Evidence) -> Iterator[Found]:
    for code in seen.minorities:
        one = seen.classes[code]
        own, others = seen.X[seen.rows_of(code)], seen.X[seen.y != code]
        least = max(LEAST_ROWS, LEAST_SHARE * len(own))
        found = []
        for j, name in enumerate(seen.names):
            values, counts = np.unique(own[:, j], return_counts=True)
            if len(values) > FEW_VALUES or len(np.unique(others[:, j])) > FEW_VALUES:
                continue
            foreign = np.array([_count(others[:, j], value) for value in values])
            for value, count, strange in zip(values, counts, foreign, strict=True):
                if count >= least and strange == 0:
                    found.append((int(count), name, _worded(seen, j, value)))
        found.sort(key=lambda each: -each[0])
        if found:
            yield Found(
                "; ".join(
                    f"{name} {words} in {percent(n / len(own))} of its rows and no other's"
                    for n, name, words in found[:5]
                ),
                columns=tuple(dict.fromkeys(name for _, name, _ in found)),
                label=one.name,
                values={"share": found[0][0] / len(own)},
            )


def _count(column: NDArray[np.float64], value: float) -> int:
    return int(np.count_nonzero(np.isnan(column) if np.isnan(value) else column == value))


def _worded(seen: Evidence, j: int, value: float) -> str:
    if np.isnan(value):
        return "is null"
    return "has a category" if seen.categorical[j] else f"is {value:g}"


CHECKS = (
    Check(
        "leaks",
        "how well one feature alone tells a class from all others, by values in either direction or by nulls",
        f"an area under the curve below {LEAKS}",
        "a feature that knows the label was recorded after it, or is made of it: leave it out",
        _leaks,
    ),
    Check(
        "own-values",
        "values, of features that have few, that only rows of one class have",
        f"no value is a class's own in {percent(LEAST_SHARE)} of its rows",
        "see whether the value was recorded because of the label: if so leave the feature out",
        _pure,
    ),
)
