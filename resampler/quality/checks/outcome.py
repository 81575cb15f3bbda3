"""Checks of synthetic rows: what they repeat, where they lie, and whether they have the nulls of the real ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from resampler.quality.checks.check import Check, Found
from resampler.quality.checks.evidence import NEAR_ROWS
from resampler.quality.checks.sample import content_ids
from resampler.quality.statistics import percent, share_interval

if TYPE_CHECKING:
    from collections.abc import Iterator

    from resampler.quality.checks.evidence import Evidence

REPEATS = 0.3
OVERLAP = 0.5
NULLS = 0.02  # difference of the share of nulls, beside three standard errors
_ASKED, _CELLS = 500, 50_000  # synthetic rows whose nearest real row is sought; x columns
_SHOWN = 5


def _repeats(seen: Evidence) -> Iterator[Found]:
    assert seen.made is not None, "asked after rows are made"  # noqa: S101
    for code in seen.minorities:
        made = content_ids(seen.made.X[seen.made_of(code)])
        if not len(made):
            continue
        again = np.isin(made, seen.contents[seen.rows_of(code)])
        first = np.unique(made, return_index=True)[1]
        once = np.zeros(len(made), dtype=np.bool_)
        once[first] = True
        count, n = int(np.count_nonzero(again | ~once)), len(made)
        low, high = share_interval(count, n)
        if low > REPEATS:
            yield Found(
                f"{count:,} of {n:,} synthetic rows ({percent(count / n)}) repeat a real row or another synthetic one",
                label=seen.classes[code].name,
                values={"share": count / n, "low": low, "high": high, "real": int(np.count_nonzero(again)), "rows": n},
            )


def _overlap(seen: Evidence) -> Iterator[Found]:
    assert seen.made is not None, "asked after rows are made"  # noqa: S101
    for code in seen.minorities:
        own = seen.rows_of(code, NEAR_ROWS)
        others, asked = (
            seen.others_of(code, len(own)),
            seen.made_of(code, min(_ASKED, max(100, _CELLS // len(seen.names)))),
        )
        if not len(own) or not len(others) or not len(asked):
            continue
        X = seen.X[np.concatenate([own, others])]
        near = seen.space.nearest_to(seen.made.X[asked], X)
        count, n = int(np.count_nonzero(near >= len(own))), len(asked)
        low, high = share_interval(count, n)
        if low > OVERLAP:
            again = seen.space.nearest(X, 1, np.arange(len(X)), np.arange(min(len(own), _ASKED)))
            control = float((again >= len(own)).mean())
            yield Found(
                f"{count:,} of {n:,} synthetic rows ({percent(count / n)}, {percent(low)} to {percent(high)}) are "
                f"nearest to a real row of another class, where these are as many; of the real rows {percent(control)}",
                label=seen.classes[code].name,
                values={"share": count / n, "low": low, "high": high, "rows": n, "control": control},
            )


def _nulls(seen: Evidence) -> Iterator[Found]:
    assert seen.made is not None, "asked after rows are made"  # noqa: S101
    for code in seen.minorities:
        real, made = seen.X[seen.rows_of(code)], seen.made.X[seen.made_of(code)]
        if not len(made):
            continue
        shares = [np.isnan(part).mean(axis=0) for part in (real, made)]
        n = min(len(real), len(made))  # copies of a base have its nulls: they are no further draws
        error = np.sqrt(sum(share * (1 - share) for share in shares) / n)
        off = np.abs(shares[0] - shares[1])
        fault = [j for j in np.argsort(-off, kind="stable") if off[j] > max(NULLS, 3 * error[j])]
        if fault:
            words = ", ".join(
                f"{seen.names[j]} {percent(shares[0][j])} real and {percent(shares[1][j])} synthetic"
                for j in fault[:_SHOWN]
            )
            yield Found(
                f"nulls: {words}",
                columns=tuple(seen.names[j] for j in fault),
                label=seen.classes[code].name,
                values={"difference": float(off[fault[0]]), "real": float(shares[0][fault[0]])},
            )


CHECKS = (
    Check(
        "repeats",
        "synthetic rows that repeat a real row of their class or another synthetic one",
        f"at most {percent(REPEATS)} of a class's synthetic rows",
        "lower the ratio, or use class weights: a repeated row says no more than its weight would; where features are "
        "mostly null, the nearest rows share few of them, so leave the sparse ones out",
        _repeats,
        synthetic=True,
    ),
    Check(
        "overlap",
        "synthetic rows whose nearest real row is of another class",
        f"at most {percent(OVERLAP)} of a class's synthetic rows",
        "the classes lie within each other: clean (tomek, enn), leave noise out as parents, or move the threshold",
        _overlap,
        synthetic=True,
    ),
    Check(
        "nulls",
        "nulls of each feature in real and in synthetic rows of a class",
        f"within 3 standard errors, or {percent(NULLS)}",
        "a model would learn that a value is there: use missing inherit and a sampler that takes nulls, or leave the "
        "feature out",
        _nulls,
        synthetic=True,
    ),
)
