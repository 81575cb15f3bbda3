"""Features that follow from others in every real row: sums and multiples, and whether synthetic rows keep them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from resampler.quality.checks.check import Check, Found
from resampler.quality.statistics import percent
from resampler.relations import find_relations, in_single

if TYPE_CHECKING:
    from collections.abc import Iterator

    from resampler.quality.checks.evidence import Evidence
    from resampler.relations import Relation

BROKEN = 0.05  # of the synthetic rows
_SHOWN = 5


def _related(seen: Evidence) -> Iterator[Found]:
    # A copy is a duplicate column, and no step parts the two.
    found = [
        one
        for one in find_relations(seen.X, np.flatnonzero(~seen.categorical).tolist())
        if len(one.terms) > 1 or one.factor != 1
    ]
    if not found:
        return
    broken = {one.column: _broken(seen, one) for one in found}
    found.sort(key=lambda one: -broken[one.column])
    words = []
    for one in found[:_SHOWN]:
        share = broken[one.column]
        words.append(f"{one.named(seen.names)}" + (f", not in {percent(share)} of the synthetic rows" if share else ""))
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    worst = broken[found[0].column]
    yield Found(
        "; ".join(words) + more,
        "warning" if worst > BROKEN else None,
        columns=tuple(seen.names[one.column] for one in found),
        values={"relations": len(found), "broken": worst},
    )


def _broken(seen: Evidence, one: Relation) -> float:
    """Return the share of the synthetic rows that do not keep a relation."""
    if seen.made is None or not len(seen.made.X):
        return 0.0
    columns = [one.column, *one.terms]
    single = all(in_single(seen.X[:, j]) for j in columns)
    kept = one.kept(seen.made.X[:, one.column], seen.made.X[:, list(one.terms)], single=single)
    return float(1 - kept.mean())


CHECKS = (
    Check(
        "related-columns",
        "features that are a sum of two others, or a multiple of one, in every real row",
        f"a feature says what no others do; a warning where more than {percent(BROKEN)} of the synthetic rows do not "
        "keep to it",
        "leave it out, and compute it where it is needed; or use relations keep, so that synthetic rows keep to it",
        _related,
        "note",
    ),
)
