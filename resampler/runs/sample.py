"""Audit samples: how far synthetic rows lie from real ones, and each of them in a table beside its parents."""

from __future__ import annotations

import math
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from resampler.printing import aligned, plural
from resampler.quality.checks.space import Space
from resampler.wings import from_wing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray


GROUP = "resampler.samples"  # entry points: functions that choose a sample of an output
_WHICH = {"base": "the base", "neighbor": "the neighbour", "other": "another one"}


def sample_of(kind: str) -> Callable[..., list[dict[str, Any]]]:
    """Find what chooses a sample of an output.

    Parameters
    ----------
    kind : str
        Name of the entry point: ``stream``.

    Returns
    -------
    callable
        ``sample(where, n=, url=, redacted=, secret_key=)``, which returns rows as `in_words` takes them.

    Raises
    ------
    MissingExtraError
        If it, or what it needs, is not installed.
    """
    found: Callable[..., list[dict[str, Any]]] = from_wing(GROUP, kind, f"rows of a {kind} need")
    return found


def distances(
    X: NDArray[np.float64],
    labels: NDArray[Any],
    real: NDArray[np.bool_],
    categorical: NDArray[np.bool_],
    units: NDArray[np.float64],
    at: Sequence[NDArray[np.int64]],
) -> dict[str, NDArray[Any]]:
    """Measure synthetic rows against their parents and the real rows of their class.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features), float64
        Real and synthetic rows, categories as codes; NaN is a null.
    labels : ndarray of shape (n_rows,)
        Their classes.
    real : ndarray of shape (n_rows,), bool
        Which are real.
    categorical : ndarray of shape (n_features,), bool
        Which columns hold codes.
    units : ndarray of shape (n_features,), float64
        Units of distance.
    at : sequence of three ndarray of shape (n_chosen,), int64
        Positions of the synthetic rows, of their bases and of their neighbours; -1 where a parent is not there.

    Returns
    -------
    dict
        ``base``, ``neighbor`` and ``nearest_real``: distances, NaN where there is none; ``nearest``, the position of
        the nearest real row, or -1.
    """
    n = len(at[0])
    found: dict[str, NDArray[Any]] = {name: np.full(n, np.nan) for name in ("base", "neighbor", "nearest_real")}
    found["nearest"] = np.full(n, -1, dtype=np.int64)
    for label in np.unique(labels[at[0]]) if X.shape[1] else ():
        mine = np.flatnonzero(labels[at[0]] == label)
        rows = np.flatnonzero(real & (labels == label))
        if not len(rows):
            continue
        space = Space.of(X[rows], categorical, units)
        queries = X[at[0][mine]]
        for name, parents in (("base", at[1][mine]), ("neighbor", at[2][mine])):
            known = parents >= 0
            found[name][mine[known]] = space.between(queries[known], X[parents[known]])
        nearest = rows[space.nearest_to(queries, X[rows])]
        found["nearest"][mine] = nearest
        found["nearest_real"][mine] = space.between(queries, X[nearest])
    return found


def plain_value(value: Any) -> Any:
    """Return a value as JSON can hold it.

    Parameters
    ----------
    value : object
        Of a table.

    Returns
    -------
    object
        What is not finite is None, a time is ISO 8601.
    """
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [plain_value(one) for one in value]
    return value.isoformat() if isinstance(value, datetime | date) else value


def in_words(rows: list[dict[str, Any]], subject: str, redacted: Sequence[str]) -> Iterator[str]:
    """Say what a sample holds.

    Parameters
    ----------
    rows : list of dict
        As they are kept.
    subject : str
        What they are of.
    redacted : sequence of str
        Columns that were left out.

    Yields
    ------
    str
        A line.
    """
    out = f"; left out: {', '.join(redacted)}" if redacted else ""
    yield f"{subject}: {plural(len(rows), 'synthetic row')} beside the parents, as sensitive as the real rows{out}"
    for row in rows:
        made, base, neighbor, distance = row["synthetic"], row["base"], row["neighbor"], row["distance"]
        yield ""
        yield (
            f"{_named(made, 'synthetic')}, class {row['class']}: {row['step']:.4g} of the way from "
            f"{_named(base, 'its base')} to {_named(neighbor, 'its neighbour')}"
        )
        yield (
            f"  {_far(distance['base'])} from the base, {_far(distance['neighbor'])} from the neighbour, "
            f"{_far(distance['nearest_real'])} from the nearest real row of the class, which is "
            f"{_WHICH[row['nearest_is']]}"
        )
        table = [
            [f"  {name}", _value(value), *(_value(side["values"].get(name)) for side in (base, neighbor))]
            for name, value in made["values"].items()
        ]
        yield from aligned(table, ("", "synthetic", "base", "neighbour"), ("synthetic", "base", "neighbour"))


def _named(side: dict[str, Any], what: str) -> str:
    known = [f"row {side['row']}"] if "row" in side else []
    known += [f"{name} {_value(value)}" for name, value in side.get("keys", {}).items()]
    known += ["no longer there"] if side.get("missing") else []
    return f"{what} ({', '.join(known)})" if known else what


def _far(distance: float | None) -> str:
    return "no distance" if distance is None else f"{distance:.4g}"


def _value(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return f"{value:.6g}" if isinstance(value, float) else "" if value is None else str(value)
