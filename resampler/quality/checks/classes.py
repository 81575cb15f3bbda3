"""Checks of numbers: classes, their rows, their parents, and the copies that are made of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from resampler.quality.checks.check import Check, Found
from resampler.quality.statistics import percent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from resampler.quality.checks.evidence import Evidence

MOST_CLASSES = 100
LEAST_ROWS = 50  # fewer decide nothing: whether a method helps is then chance
LEAST_PARENTS = 0.5  # of a class's rows
MOST_COPIES = 20.0
TOO_MANY_COPIES = 100.0  # where parents are few as well, rows say nothing but what these parents say
_SHOWN = 5


def _classes(seen: Evidence) -> Iterator[Found]:
    if len(seen.classes) > MOST_CLASSES:
        yield Found(f"{len(seen.classes):,} classes", values={"classes": len(seen.classes)})


def _few_rows(seen: Evidence) -> Iterator[Found]:
    for code in seen.minorities:
        one = seen.classes[code]
        if one.rows < LEAST_ROWS:
            yield Found(f"{one.rows} rows", label=one.name, values={"rows": one.rows})


def _few_parents(seen: Evidence) -> Iterator[Found]:
    for code in seen.minorities:
        one = seen.classes[code]
        if one.usable < LEAST_PARENTS * one.rows:
            each = one.wanted / max(one.usable, 1)
            lost = _lost(seen.X[seen.rows_of(code)], one.usable / one.rows)
            share = np.maximum(*lost.values())
            worst = [j for j in np.argsort(-share, kind="stable")[:_SHOWN] if share[j] > 0]
            why = ", ".join(
                f"{seen.names[j]} is {what} in {percent(of[j])}" for j in worst for what, of in lost.items() if of[j]
            )
            yield Found(
                f"{one.usable:,} of {one.rows:,} rows ({percent(one.usable / one.rows)}) can be parents, "
                f"{each:,.0f} copies each{'; ' if why else ''}{why}",
                "refusal" if each > TOO_MANY_COPIES else None,
                columns=tuple(seen.names[j] for j in worst),
                label=one.name,
                values={"parents": one.usable, "rows": one.rows, "copies": each},
            )


def _lost(rows: NDArray[np.float64], usable: float) -> dict[str, NDArray[np.float64]]:
    """Return the share of rows that each column keeps from being parents, by infinite values and by nulls."""
    infinite, null = np.isinf(rows), np.isnan(rows)
    finite, whole = (1 - bad.any(axis=1).mean() for bad in (infinite, infinite | null))
    if abs(usable - finite) < abs(usable - whole):  # rows with nulls are parents
        null = np.zeros_like(null)
    return {"infinite": infinite.mean(axis=0), "null": null.mean(axis=0)}


def _copies(seen: Evidence) -> Iterator[Found]:
    for code in seen.minorities:
        one = seen.classes[code]
        each = one.wanted / max(one.parents, 1)
        if one.parents and each > MOST_COPIES:  # without any, few-parents says so
            yield Found(
                f"{one.wanted:,} synthetic rows of {one.parents:,} parents, {each:,.0f} copies each",
                label=one.name,
                values={"synthetic": one.wanted, "parents": one.parents, "copies": each},
            )


CHECKS = (
    Check(
        "many-classes",
        "how many classes the label has",
        f"at most {MOST_CLASSES} classes",
        "a label of many values is a number or a name: choose another label, or group its values",
        _classes,
    ),
    Check(
        "few-rows",
        "real rows of a class that is filled up",
        f"at least {LEAST_ROWS} rows",
        "so few decide nothing: gather more, and try a moved threshold or class weights first",
        _few_rows,
    ),
    Check(
        "few-parents",
        "rows of a class that can be parents",
        f"at least {percent(LEAST_PARENTS)} of a class's rows; a refusal above {TOO_MANY_COPIES:.0f} copies a parent",
        "use missing inherit and a sampler that takes nulls, or leave out the features whose nulls or infinite values "
        "keep rows from being parents",
        _few_parents,
    ),
    Check(
        "copies",
        "synthetic rows a parent",
        f"at most {MOST_COPIES:.0f} copies a parent",
        "lower the ratio, under-sample the larger classes, or use class weights",
        _copies,
    ),
)
