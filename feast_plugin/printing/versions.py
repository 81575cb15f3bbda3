"""`list` and `show`: which versions there are, and what one of them is."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from resampler.printing import aligned, plural, share
from resampler.quality.finding import DETECTABILITY, LEVELS, Finding, area_in_words, in_lines, worst_first

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from feast_plugin.versions.files.manifest import Manifest

LISTED = (
    "name", "version", "created", "sampler", "clean", "group by", "split", "retain", "ratio", "reached", "findings",
    "digest", "aliases",
)  # fmt: skip


def listed(manifests: Iterable[Manifest], aliases: Mapping[tuple[str, int], Sequence[str]] | None = None) -> list[str]:
    """Print versions, a line each.

    Parameters
    ----------
    manifests : iterable of Manifest
        In order.
    aliases : dict of (str, int) to sequence of str, optional
        Names that follow a version, by snapshot and version.

    Returns
    -------
    list of str
        Aligned lines; columns that say nothing are left out.
    """
    rows = [
        (
            m.name,
            str(m.version),
            m.created,
            str(m.parameters.get("sampler", "")),
            str(m.parameters.get("clean", "")),
            str(m.parameters.get("group_by", "")),
            str(m.parameters.get("split", "")),
            m.retain,
            f"{m.ratio:g}",
            _number(m.reached),
            levels_in_words(m),
            m.digest[:12],
            ", ".join((aliases or {}).get((m.name, m.version), ())),
        )
        for m in manifests
    ]
    return aligned(rows, LISTED, right=("version", "ratio", "reached"))


def summary(manifest: Manifest) -> dict[str, Any]:
    """Return what `list --json` says of a version.

    Parameters
    ----------
    manifest : Manifest
        Of the version.

    Returns
    -------
    dict
        Plain data.
    """
    m = manifest
    return {
        "name": m.name,
        "version": m.version,
        "created": m.created,
        "digest": m.digest,
        "ratio": m.ratio,
        "reached": m.reached,
        "seed": m.seed,
        "retain": m.retain,
        "parameters": m.parameters,
        "findings": m.findings if m.knows("findings") else None,
        "datasets": m.datasets,
    }


def shown(manifest: Manifest, uri: str, said: Mapping[str, str] | None = None) -> list[str]:
    """Print what a version is.

    Parameters
    ----------
    manifest : Manifest
        Of the version.
    uri : str
        Where its files are.
    said : mapping, optional
        Which aliases point to it and what runs said of it, a line each.

    Returns
    -------
    list of str
        Lines.
    """
    m = manifest
    identity = [
        ("version", f"{m.name} {m.version}"),
        ("created", m.created),
        ("digest", m.digest),
        ("files", uri),
        ("source", source_of(m)),
        ("rows read", f"{m.inputs['rows']:,}"),
        *([("namespace", m.notes["namespace"])] if m.notes.get("namespace") else []),
        *(said or {}).items(),
    ]
    asked = {"ratio": f"{m.ratio:g}, reached {_number(m.reached)}", "seed": m.seed, "retain": m.retain} | {
        name: value for name, value in m.parameters.items() if name not in ("ratio", "seed", "retain", "algorithm")
    }
    lines = aligned([*identity, *((name.replace("_", " "), str(value)) for name, value in asked.items())])
    lines += ["", *classes(m)]
    lines += ["", *taken_out(m)] if taken_out(m) else []
    lines += ["", *findings_of(m)]
    files = [
        (file.path, f"{file.rows:,}" if file.rows else "", f"{file.bytes:,}", file.sha256[:12])
        for file in dict.fromkeys([*m.checked, *m.rebuildable])
    ]
    return [*lines, "", *aligned(files, ("file", "rows", "bytes", "sha256"), right=("rows", "bytes"))]


def source_of(manifest: Manifest) -> str:
    """Say where a version's rows are from.

    Parameters
    ----------
    manifest : Manifest
        Of the version.

    Returns
    -------
    str
        A project and its feature service, or a table.
    """
    project, service = (manifest.inputs.get(name) for name in ("project", "feature_service"))
    if project is None:
        return "a table"
    return f"Feast project {project}" + (f", feature service {service}" if service else "")


def classes(manifest: Manifest) -> list[str]:
    """Print the rows of each split by class.

    Parameters
    ----------
    manifest : Manifest
        Of the version.

    Returns
    -------
    list of str
        Aligned lines; the last column is a class's rows per row of the largest class of the split.
    """
    rows = []
    for split, entry in manifest.splits.items():
        largest = max(sum(counts.values()) for counts in entry.classes.values())
        for at, (label, counts) in enumerate(sorted(entry.classes.items(), key=lambda item: -sum(item[1].values()))):
            total = counts["real"] + counts["synthetic"]
            made = f"{counts['synthetic']:,}" if counts["synthetic"] else ""
            rows.append((split if at == 0 else "", label, f"{counts['real']:,}", made, _number(total / largest)))
    return aligned(rows, ("split", "class", "real", "synthetic", "ratio"), right=("real", "synthetic", "ratio"))


def taken_out(manifest: Manifest) -> list[str]:
    """Print which rows are no parents, and which are not in the version at all.

    Parameters
    ----------
    manifest : Manifest
        Of the version.

    Returns
    -------
    list of str
        Lines; none where there is nothing to say.
    """
    m = manifest
    lines = []
    lost = m.notes.get("incomplete_minority_rows", 0)
    if lost:
        lines.append(
            f"{plural(lost, 'minority row is no parent', 'minority rows are no parents')}: a null, or a value that is "
            "not finite"
        )
    if m.dropped and "release" in m.parameters:
        lines.append(
            f"{plural(m.dropped, 'real row was', 'real rows were')} left out of the release: those of the rarer "
            "classes, and of validation and test"
        )
    elif m.dropped:
        lines.append(f"{plural(m.dropped, 'training row was', 'training rows were')} left out by undersampling")
    if m.left_out is not None:
        lines.append(
            f"{plural(m.left_out.rows, 'real training row was', 'real training rows were')} removed by cleaning"
        )
    return lines


def findings_of(manifest: Manifest) -> list[str]:
    """Print what the checks found.

    Parameters
    ----------
    manifest : Manifest
        Of the version.

    Returns
    -------
    list of str
        A heading, then the worst first.
    """
    found = worst_first([Finding.from_dict(one) for one in manifest.findings])
    return [
        f"findings: {levels_in_words(manifest)}",
        *(f"  {line}" for line in in_lines(found)),
        *within_the_rule(manifest),
    ]


def within_the_rule(manifest: Manifest) -> list[str]:
    """Print how well synthetic rows are told from real ones, of the classes that no finding says it of.

    Parameters
    ----------
    manifest : Manifest
        Of the version.

    Returns
    -------
    list of str
        A line a class.
    """
    said = {one["label"] for one in manifest.findings if one["name"] == DETECTABILITY}
    return [
        f"  {DETECTABILITY} of class {label!r}: {area_in_words(values)}"
        for label, values in manifest.notes.get(DETECTABILITY, {}).items()
        if label not in said
    ]


def levels_in_words(manifest: Manifest) -> str:
    """Count findings by level.

    Parameters
    ----------
    manifest : Manifest
        Of the version.

    Returns
    -------
    str
        ``2 warnings, 1 note``, ``none``, or that the version was never checked.
    """
    if not manifest.knows("findings"):
        return "not checked"
    return counted(Finding.from_dict(one) for one in manifest.findings)


def counted(found: Iterable[Finding]) -> str:
    """Count findings by level.

    Parameters
    ----------
    found : iterable of Finding
        In any order.

    Returns
    -------
    str
        ``2 warnings, 1 note``, or ``none``.
    """
    counts: Counter[Any] = Counter("allowed" if one.allowed else one.level for one in found)
    words = [plural(counts[level], level) for level in reversed(LEVELS) if counts[level]]
    words += [f"{counts['allowed']} allowed"] if counts["allowed"] else []
    return ", ".join(words) or "none"


def _number(value: float) -> str:
    return f"{value:.3g}" if value >= 0.001 or not value else share(value)
