"""What drift came to, for people: the decision, then what moved and from where to where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resampler.printing import aligned, share

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MOST = 40  # features that are listed
_HEADER = ("feature", "class", "distance", "chance", "in SD", "PSI", "nulls", "before and after")
_RIGHT = ("distance", "chance", "in SD", "PSI")
_LEGEND = (
    "distance: Kolmogorov-Smirnov of numbers, total variation of categories; chance: it alone stays below, 95 times in",
    "100; in SD: Wasserstein, in standard deviations of the reference; PSI: population stability index; median:",
    "from bins, so that of whole numbers may lie between two",
)
_DECIDED = {"no": "train again", "pass": "no training", "unknown": "not enough rows to tell"}


def in_words(details: Mapping[str, Any], subject: str) -> Iterator[str]:
    """Write what a run of drift came to.

    Parameters
    ----------
    details : mapping
        Of the run.
    subject : str
        What was compared.

    Yields
    ------
    str
        Lines.
    """
    reasons = "; ".join(details["reasons"])
    yield reasons if details["outcome"] == "unknown" else f"{_DECIDED[details['outcome']]}: {reasons}"
    before, after = details["rows"]
    how = "class by class" if details["by_class"] else "all rows together"
    yield f"drift of {subject}: {after:,} rows, reference {before:,} real training rows, {how}"
    drifted = [one for one in details["features"] if one["drifted"]]
    yield from (f"  {line}" for line in aligned([_row(one) for one in drifted[:MOST]], _HEADER, _RIGHT))
    if len(drifted) > MOST:
        yield f"  and {len(drifted) - MOST} more: --json has them all"
    if drifted:
        yield from (f"  {line}" for line in _LEGEND)
    yield from _others(details)
    yield from _classes(details["classes"])


def _others(details: Mapping[str, Any]) -> Iterator[str]:
    still = [one for one in details["features"] if not one["drifted"]]
    still = [one for one in still if one["feature"] not in details["drifted"]]
    names = list(dict.fromkeys(one["feature"] for one in still))
    if names:
        most = max(still, key=lambda one: one["distance"] - one["distance_chance"])
        yield (
            f"  not drifted: {_listed(names)}; nearest to it {most['feature']}{_of_class(most)}, distance "
            f"{most['distance']:.3f} where chance gives {most['distance_chance']:.3f}"
        )
    if details["not_compared"]:
        yield f"  not compared, for the rows have no such counts: {_listed(details['not_compared'])}"


def _classes(classes: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    moved = [one for one in classes if one["change"][0] * one["change"][1] > 0]
    if moved:
        words = [f"{one['label']} {share(one['share'][0])} -> {share(one['share'][1])}" for one in moved[:6]]
        yield f"  the mix of classes moved, which is no drift of a feature: {', '.join(words)}"


def _row(one: Mapping[str, Any]) -> tuple[str, ...]:
    nulls = one["nulls"]
    return (
        one["feature"],
        one["label"],
        f"{one['distance']:.3f}",
        f"{one['distance_chance']:.3f}",
        "" if one["wasserstein"] is None else _size(one["wasserstein"]),
        f"{one['stability']:.2f}",
        f"{share(nulls[0])} -> {share(nulls[1])}" if nulls[0] != nulls[1] else "",
        _moved(one),
    )


def _moved(one: Mapping[str, Any]) -> str:
    if one["median"] is not None:
        ends = [_median(*side) for side in zip(one["median"], one["median_beyond"], strict=True)]
        return f"median {ends[0]} -> {ends[1]}"
    shown = [
        f"{'others' if value is None else value} {share(before)} -> {share(after)}"
        for value, before, after in one["moved"][:3]
    ]
    return ", ".join(shown)


def _size(value: float) -> str:
    return f"{value:.2f}" if value < 1_000 else f"{value:.2g}"


def _median(value: float | None, beyond: int) -> str:
    if value is None:
        return "none"
    return f"{('below ', '', 'above ')[beyond + 1]}{value:.4g}"


def _of_class(one: Mapping[str, Any]) -> str:
    return f" of class {one['label']}" if one["label"] else ""


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= 6 else f"{', '.join(names[:5])} and {len(names) - 5} more"
