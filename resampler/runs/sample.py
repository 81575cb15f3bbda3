"""The audit sample for people: each synthetic row in a table beside its parents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resampler.printing import aligned, plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


_WHICH = {"base": "the base", "neighbor": "the neighbour", "other": "another one"}


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
            f"row {made['row']}, class {row['class']}: {row['step']:.4g} of the way from {_named(base, 'its base')} to "
            f"{_named(neighbor, 'its neighbour')}"
        )
        yield (
            f"  {_far(distance['base'])} from the base, {_far(distance['neighbor'])} from the neighbour, "
            f"{_far(distance['nearest_real'])} from the nearest real row of the class, which is "
            f"{_WHICH[row['nearest_is']]}"
        )
        table = [
            [f"  {name}", _value(value), _value(base["values"][name]), _value(neighbor["values"][name])]
            for name, value in made["values"].items()
        ]
        yield from aligned(table, ("", "synthetic", "base", "neighbour"), ("synthetic", "base", "neighbour"))


def _named(side: dict[str, Any], what: str) -> str:
    known = [f"row {side['row']}"] if "row" in side else []
    known += [f"{name} {_value(value)}" for name, value in side["keys"].items()]
    return f"{what} ({', '.join(known)})" if known else what


def _far(distance: float | None) -> str:
    return "no distance" if distance is None else f"{distance:.4g}"


def _value(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return f"{value:.6g}" if isinstance(value, float) else "" if value is None else str(value)
