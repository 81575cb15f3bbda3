"""`create`: what was made, and what it is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from feast_plugin.printing.versions import classes, counted, levels_in_words, taken_out, within_the_rule
from feast_plugin.versions.files import found
from feast_plugin.versions.files.audited import NOTE
from feast_plugin.versions.files.sensitivity import NOTE as PRIVACY
from resampler.budget import in_units, in_words
from resampler.printing import aligned, plural
from resampler.quality.finding import in_lines

if TYPE_CHECKING:
    from feast_plugin.versions.publish import Snapshot
    from resampler.quality.finding import Finding


def created(made: Snapshot, worth: str = "", exposed: str = "") -> list[str]:
    """Print a version that was just made, or found.

    Parameters
    ----------
    made : Snapshot
        The version.
    worth : str
        Whether its synthetic rows are worth having, as far as that is known.
    exposed : str
        What they give away, likewise.

    Returns
    -------
    list of str
        Lines.
    """
    m = made.manifest
    lines = [f"{'reused' if made.reused else 'created'} {made.name} version {made.version} in {made.uri}"]
    lines += [f"  {line}" for line in classes(m)]
    lines += [f"  {line}" for line in parents(made)]
    lines += [f"  {line}" for line in taken_out(m)]
    if found.NOTE in m.notes:
        lines += [f"  {line}" for line in found.in_words(m.notes[found.NOTE])]
    late = "" if m.knows("findings") or made.found is None else ", sought now: the version itself keeps none"
    words = levels_in_words(m) if made.found is None else f"{counted(made.found)}{late}"
    lines += [f"  {line}" for line in [f"findings: {words}", *notes(made.findings), *within_the_rule(m)]]
    named = [*made.datasets.items(), ("digest", m.digest)]
    named += [("page", f"{made.uri}/{m.report.path}")] if m.report is not None else []
    named += [("audit sample", f"{m.notes[NOTE]['rows']} rows, by `resampler audit show`")] if NOTE in m.notes else []
    named += [("worth it?", worth)] if worth else []
    named += [("privacy", sentence) for sentence in m.notes.get(PRIVACY, [])]
    named += [("given away?", exposed)] if exposed else []
    named += [("cost", in_words(made.cost))] if made.cost is not None else []
    named += [("workers", on_engine(m.notes["engine"]))] if "engine" in m.notes and not made.reused else []
    return [*lines, *(f"  {line}" for line in aligned(named))]


def on_engine(note: dict[str, Any]) -> str:
    """Say what the tasks of an engine cost.

    Parameters
    ----------
    note : dict
        Of the manifest.

    Returns
    -------
    str
        Beside what this process cost.
    """
    said = (
        f"{plural(note['workers'], 'worker')} of engine {note['name']}, {note['cpu_seconds']:,.1f} s of processor time"
    )
    peak = note["peak_memory_bytes"]
    return said if peak is None else f"{said}, {in_units(peak)} of memory at most in one"


def checked(found: list[Finding]) -> list[str]:
    """Print what the checks found: how many of each level, then the notes, since the others were warned of.

    Parameters
    ----------
    found : list of Finding
        The worst first.

    Returns
    -------
    list of str
        Lines.
    """
    return [f"findings: {counted(found)}", *notes(found)]


def notes(found: list[Finding]) -> list[str]:
    """Print the findings that nobody was warned of.

    Parameters
    ----------
    found : list of Finding
        All of them.

    Returns
    -------
    list of str
        As `in_lines` has them.
    """
    return [f"  {line}" for line in in_lines(one for one in found if one.level == "note")]


def parents(made: Snapshot) -> list[str]:
    """Print how many rows the synthetic ones start from.

    Parameters
    ----------
    made : Snapshot
        The version.

    Returns
    -------
    list of str
        A line a class that got synthetic rows.
    """
    train = made.manifest.splits["train"].classes
    size = made.manifest.parameters.get("group_size")
    if size is not None:
        return [
            f"{plural(train[label]['synthetic'], 'hardened row')} of class {label} from {plural(of['bases'], 'group')} "
            f"of {size} real ones or more, {of['most']:,} at most from one"
            for label, of in made.manifest.notes.get("groups", {}).items()
        ]
    return [
        f"{plural(train[label]['synthetic'], 'synthetic row')} of class {label} from "
        f"{bases['bases']:,} of {plural(train[label]['real'], 'real one')}, {bases['most']:,} at most from one"
        for label, bases in made.manifest.notes.get("bases", {}).items()
    ]
