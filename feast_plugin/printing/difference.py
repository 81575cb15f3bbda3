"""`diff`: what two versions differ in, the loudest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resampler.printing import aligned, plural, share
from resampler.quality.drift.scores import MUCH, SOME
from resampler.quality.finding import Finding, in_lines

if TYPE_CHECKING:
    from collections.abc import Mapping

LEGEND = (
    "distance: Kolmogorov-Smirnov of a number, total variation of a category; a null counts as a value.",
    f"drift: some above a PSI of {SOME:g}, much above {MUCH:g}, none where chance alone gives as much.",
)
NAMED = 8  # features whose drift is not known; the others are counted
NUMBERS = ("nulls before", "after", "distance", "Jensen-Shannon", "PSI", "by chance")


def difference(found: Mapping[str, Any]) -> list[str]:
    """Print what differs.

    Parameters
    ----------
    found : dict
        As `feast_plugin.versions.diff.diff_snapshot`.

    Returns
    -------
    list of str
        Lines.
    """
    first, second = found["versions"]
    same = "equal: one digest" if found["equal"] else "not equal"
    return [
        f"{found['name']} version {first} and version {second} are {same}",
        "",
        *_findings(found["findings"]),
        *_changes("parameters", found["parameters"]),
        *_changes("contract", found["contract"]),
        *_rows(found["rows"]),
        *_uncompared(found["contract"]),
        *_synthetic(found["synthetic"], found["synthetic_unknown"]),
        "",
        *_counts(found["counts"]),
        *_drift(found["drift"]),
    ]


def _findings(findings: Mapping[str, list[Any]] | None) -> list[str]:
    if findings is None:
        return ["findings    not known of both: one was made before rows were checked"]
    lines = [
        f"  {what}: {line}" for what in ("came", "went") for line in in_lines(map(Finding.from_dict, findings[what]))
    ]
    for old, new in findings["changed"]:
        label = "" if new["label"] is None else f" of class {new['label']!r}"
        lines.append(f"  stays: {new['level']} {new['name']}{label}: {new['figure']}; it was {old['figure']}")
    return ["findings", *lines] if lines else ["findings    the same"]


def _changes(what: str, changes: Mapping[str, list[Any]]) -> list[str]:
    if not changes:
        return [f"{what:<12}the same"]
    rows = [(f"  {name}", _word(old), "->", _word(new)) for name, (old, new) in changes.items()]
    return [what, *aligned(rows)]


def _word(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, dict):
        return " ".join(f"{key} {item}" for key, item in value.items() if item not in (None, False))
    return str(value)


def _rows(rows: Mapping[str, Any] | None) -> list[str]:
    if rows is None:
        return ["real rows   cannot be matched: the versions are keyed on other columns"]
    entities = rows["entities"]
    line = (
        f"real rows   {rows['before']:,} -> {rows['after']:,}: {rows['removed']:,} removed, {rows['added']:,} added, "
        f"{rows['changed']:,} changed, {rows['moved']:,} moved to another split"
    )
    lines = [line, f"entities    {entities['removed']:,} removed, {entities['added']:,} added"]
    if rows["changed_by"]:
        lines.append(f"changed in  {', '.join(f'{name} {n:,}' for name, n in rows['changed_by'].items())}")
    return lines


def _uncompared(contract: Mapping[str, list[Any]]) -> list[str]:
    """Name the features whose values are compared with nothing, for they are of another kind now."""
    names = []
    for name, (old, new) in contract.items():
        if old and new and "array" in old and "array" in new:
            kinds = [(one["categorical"], one["array"], one["categorical"] and one["dtype"]) for one in (old, new)]
            names += [name] if kinds[0] != kinds[1] else []
    return [f"uncompared  {', '.join(names)}: of another kind or type of category now"] if names else []


def _synthetic(rows: Mapping[str, int] | None, why: str | None) -> list[str]:
    if rows is None:
        return [f"synthetic   not known: {why}"]
    became = (
        f"{rows['kept']:,} kept, {rows['remade']:,} of the same base remade, {rows['gone']:,} gone, {rows['new']:,} new"
    )
    return [
        f"synthetic   {rows['before']:,} -> {rows['after']:,}: {became}",
        f"bases       {rows['bases_gone']:,} no longer, {plural(rows['bases_new'], 'new one')}",
    ]


def _counts(counts: Mapping[str, list[dict[str, Any] | None]]) -> list[str]:
    rows = []
    for split, pair in counts.items():
        old, new = ({} if one is None else one["classes"] for one in pair)
        for at, label in enumerate(dict.fromkeys([*old, *new])):
            cells = [classes.get(label, {}).get(kind, 0) for kind in ("real", "synthetic") for classes in (old, new)]
            rows.append((split if at == 0 else "", label, *(f"{n:,}" if n else "" for n in cells)))
    header = ("split", "class", "real before", "after", "synthetic before", "after")
    return aligned(rows, header, right=header[2:])


def _drift(drift: Mapping[str, Mapping[str, Mapping[str, dict[str, Any]]]]) -> list[str]:
    lines, quiet = [], []
    for split, kinds in drift.items():
        for kind, features in kinds.items():
            ordered = sorted(features.items(), key=lambda item: (item[1]["word"] == "none", -item[1]["stability"]))
            loud = [item for item in ordered if item[1]["word"] != "none"]
            heading = f"drift of {kind} rows in {split}"
            unknown = _unknown([name for name in kinds.get("real", {}) if name not in features])
            if not loud:
                name, most = ordered[0]
                shown = f", at most a PSI of {most['stability']:.3f} in {name}" if most["stability"] else ""
                known = f" in {plural(len(features), 'feature')}" if unknown else ""
                quiet += [f"{heading}: none{known}{shown}", *unknown]
                continue
            rows = [
                (
                    f"  {name}",
                    *(share(part) for part in one["nulls"]),
                    *(f"{one[key]:.3f}" for key in ("distance", "jensen_shannon", "stability", "chance")),
                    one["word"],
                )
                for name, one in loud
            ]
            lines += ["", heading, *aligned(rows, ("  feature", *NUMBERS, "drift"), right=NUMBERS)]
            more = len(features) - len(loud)
            lines += [f"  and {plural(more, 'feature')} without drift"] if more else []
            lines += unknown
    lines += ["", *quiet] if quiet else []
    return [*lines, "", *LEGEND] if lines else []


def _unknown(names: list[str]) -> list[str]:
    """Name the features of synthetic rows that are stored as counts in cells of each version's own."""
    if not names:
        return []
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    which = f"{', '.join(names[:NAMED])}{more}"
    return [f"  not known of {which}: a version does not store its synthetic rows; rebuild it first"]
