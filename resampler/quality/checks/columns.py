"""Checks of single columns: constant, twice the same, identities and times that are taken as features."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from resampler.quality.checks.check import Check, Found
from resampler.quality.statistics import percent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from resampler.quality.checks.evidence import Evidence

LEAST = 50  # values, before anything is said of a column
UNIQUE = 0.95  # of the values, from which they identify rows
RISES = 0.98  # rank correlation with the order of rows, from which a column is a time
MOSTLY_CATEGORICAL = 0.5
_ID = re.compile(r"(^|[_\W])(id|uuid|guid|key)$|[a-z]I[dD]$", re.IGNORECASE)
_SHOWN = 5


def _constant(seen: Evidence) -> Iterator[Found]:
    held = [j for j in range(len(seen.names)) if not len(_values(seen, j)) or np.ptp(_values(seen, j)) == 0]
    if held and len(seen.X) > 1:
        empty = sum(not len(_values(seen, j)) for j in held)
        yield Found(
            f"{len(held)} of {len(seen.names)} columns have one value{f', or none ({empty}),' if empty else ''} in "
            f"{len(seen.X):,} rows",
            columns=tuple(seen.names[j] for j in held),
            values={"columns": len(held)},
        )


def _duplicate(seen: Evidence) -> Iterator[Found]:
    first: dict[bytes, int] = {}
    pairs = []
    for j, column in enumerate(_ranked(seen).T):
        if len(_values(seen, j)) and np.ptp(_values(seen, j)) > 0:
            content = (column + 0.0).tobytes()  # -0 and 0 are one value
            if content in first:
                pairs.append((first[content], j))
            else:
                first[content] = j
    if pairs:
        shown = ", ".join(f"{seen.names[b]} says what {seen.names[a]} says" for a, b in pairs[:_SHOWN])
        yield Found(
            shown + (f" and {len(pairs) - _SHOWN} more" if len(pairs) > _SHOWN else ""),
            columns=tuple(seen.names[b] for _, b in pairs),
            values={"columns": len(pairs)},
        )


def _ranked(seen: Evidence) -> NDArray[np.float64]:
    """Return categories numbered as they come, numbers as they are: two codings of one column are equal."""
    found = np.array(seen.X)
    for j in np.flatnonzero(seen.categorical):
        held = ~np.isnan(found[:, j])
        _, first, inverse = np.unique(found[held, j], return_index=True, return_inverse=True)
        found[held, j] = np.argsort(np.argsort(first))[inverse]
    return found


def _ids(seen: Evidence) -> Iterator[Found]:
    found = {}
    for j, name in enumerate(seen.names):
        values = _values(seen, j)
        if len(values) < LEAST or (values != np.rint(values)).any():
            continue
        distinct = len(np.unique(values))
        named = _ID.search(name) is not None and not seen.categorical[j] and distinct > LEAST
        # Whole numbers that fill their range: amounts in cents repeat, or leave gaps.
        dense = seen.categorical[j] or np.ptp(values) < 2 * sum(one.rows for one in seen.classes.values())
        if named or (dense and distinct >= UNIQUE * len(values)):
            found[name] = f"{name} has {distinct:,} distinct of {len(values):,} values"
    if found:
        yield Found("; ".join(found.values()), columns=tuple(found), values={"columns": len(found)})


def _times(seen: Evidence) -> Iterator[Found]:
    found = {}
    if seen.order is None:
        return
    for j, name in enumerate(seen.names):
        held = ~np.isnan(seen.X[:, j])
        values = seen.X[held, j]
        if seen.categorical[j] or len(np.unique(values)) < LEAST:
            continue
        rho = _rank_correlation(values, seen.order[held])
        if abs(rho) >= RISES:
            found[name] = f"{name} {'rises' if rho > 0 else 'falls'}, rank correlation {rho:.3f}"
    if found:
        yield Found("; ".join(found.values()), columns=tuple(found), values={"columns": len(found)})


def _rank_correlation(first: NDArray[np.float64], second: NDArray[np.int64]) -> float:
    a, b = (np.unique(one, return_inverse=True)[1].astype(np.float64) for one in (first, second))
    a, b = a - a.mean(), b - b.mean()
    spread = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float((a * b).sum() / spread) if spread > 0 else 0.0


def _categorical(seen: Evidence) -> Iterator[Found]:
    count = int(np.count_nonzero(seen.categorical))
    if seen.minorities and count > MOSTLY_CATEGORICAL * len(seen.names):
        yield Found(
            f"{count} of {len(seen.names)} columns are categorical",
            values={"categorical": count, "columns": len(seen.names)},
        )


def _values(seen: Evidence, j: int) -> NDArray[np.float64]:
    column = seen.X[:, j]
    return column[np.isfinite(column)]


CHECKS = (
    Check(
        "constant-columns",
        "features with one value or none",
        "a feature has two values or more",
        "leave them out: they say nothing",
        _constant,
        "note",
    ),
    Check(
        "duplicate-columns",
        "features that say the same in every row",
        "a feature says what no other does",
        "leave one of each out: a distance counts them twice",
        _duplicate,
        "note",
    ),
    Check(
        "ids",
        "whole numbers or categories that are different in nearly every row, or are called an id",
        f"fewer than {percent(UNIQUE)} of a feature's values are distinct, and no number is an id",
        "an identity is no feature: name it in join_keys, or leave it out by naming the features; where it means a "
        "category, name it in categorical",
        _ids,
    ),
    Check(
        "times",
        "numbers that rise or fall with the time of the rows",
        f"a feature's rank correlation with the time is below {RISES}",
        "later rows lie outside of what was learned: leave it out, or take what repeats of it, such as the hour",
        _times,
    ),
    Check(
        "mostly-categorical",
        "categorical features among all",
        f"at most {percent(MOSTLY_CATEGORICAL)} of the features",
        "over-sampling is the weakest remedy here: try class weights, a moved threshold or under-sampling first",
        _categorical,
        "note",
    ),
)
