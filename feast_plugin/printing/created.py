"""`create`: what was made, and what it is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feast_plugin.printing.columns import aligned, plural
from feast_plugin.printing.versions import classes, findings_of, taken_out

if TYPE_CHECKING:
    from feast_plugin.versions.publish import Snapshot


def created(made: Snapshot) -> list[str]:
    """Print a version that was just made, or found.

    Parameters
    ----------
    made : Snapshot
        The version.

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
    lines += [f"  {line}" for line in findings_of(m)]
    named = [*made.datasets.items(), ("digest", m.digest)]
    named += [("page", f"{made.uri}/{m.report.path}")] if m.report is not None else []
    return [*lines, *(f"  {line}" for line in aligned(named))]


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
    return [
        f"{plural(train[label]['synthetic'], 'synthetic row')} of class {label} from "
        f"{bases['bases']:,} of {plural(train[label]['real'], 'real one')}, {bases['most']:,} at most from one"
        for label, bases in made.manifest.notes.get("bases", {}).items()
    ]
