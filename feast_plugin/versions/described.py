"""What the manifest of a version says of its files: rows by class, where synthetic ones start, what made them."""

from __future__ import annotations

import contextlib
import importlib.metadata
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from feast_plugin.versions.files import found, lineage, sensitivity
from feast_plugin.versions.files.digests import content_of
from feast_plugin.versions.files.entries import SplitEntry
from feast_plugin.versions.files.manifest import FORMAT, SEVERAL, TRAINING_ROWS, Manifest
from feast_plugin.versions.files.names import dataset_name
from feast_plugin.versions.files.profile import NOTE
from feast_plugin.versions.inputs.split import LEFT_OUT, SPLITS, TRAIN
from feast_plugin.versions.outputs import CLEANED, INPUTS, KEPT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from feast_plugin.versions.draft import Draft
    from feast_plugin.versions.files.entries import StoredFile
    from feast_plugin.versions.files.parts import Filed
    from feast_plugin.versions.inputs.rows import CanonicalRows
    from feast_plugin.versions.making.augmentation import Augmentation
    from resampler.methods.provenance import Provenance
    from resampler.quality.finding import Finding

ENGINE = "engine"  # note: what tasks ran on, and what they cost


class Filled(NamedTuple):
    """The files of a version, written, and what they hold.

    Parameters
    ----------
    files : dict of str to Filed
        By path.
    names : dict of str to tuple of str
        Paths of each split that has rows.
    classes : dict of str to dict
        Real and synthetic rows of each class, by split.
    assignment : ndarray of shape (n_rows,), uint8
        Split of each row, after cleaning.
    made : Augmentation
        What was added to the training split.
    """

    files: dict[str, Filed]
    names: dict[str, tuple[str, ...]]
    classes: dict[str, dict[str, dict[str, int]]]
    assignment: NDArray[np.uint8]
    made: Augmentation


def describe(
    draft: Draft,
    name: str,
    version: int,
    filled: Filled,
    findings: list[Finding],
    notes: Mapping[str, Any],
    cost: Mapping[str, float | None],
    profile: StoredFile | None,
) -> Manifest:
    """Say what the files of a version are.

    Parameters
    ----------
    draft : Draft
        What decided them.
    name : str
        Of the snapshot.
    version : int
        Of the version.
    filled : Filled
        The files.
    findings : list of Finding
        What was found of them.
    notes : mapping
        Beside those that follow from these; where both have a key, `Draft.notes` and then these count.
    cost : mapping of str to float or None
        Seconds of steps; None where that is not known.
    profile : StoredFile or None
        Counts of the values; None in a format without.

    Returns
    -------
    Manifest
        Without a page.
    """
    contract, rows, recipe, made = draft.contract, draft.rows, draft.recipe, filled.made
    files = filled.files
    today = draft.written_format >= FORMAT
    return Manifest(
        name=name,
        version=version,
        created=draft.created or datetime.now(UTC).isoformat(timespec="seconds"),
        seed=recipe.seed,
        ratio=recipe.ratio,
        parameters=draft.parameters,
        inputs=draft.inputs,
        contract=made.schema.to_dict(),
        columns=contract.to_dict()
        | ({} if made.drawn_scale is None else {"drawn_scale": [float(unit) for unit in made.drawn_scale]}),
        retain=recipe.retain,
        splits={
            split: _entry(
                dataset_name(name, version, split),
                [files[path] for path in paths],
                None if rows.timestamps is None else rows.timestamps[filled.assignment == SPLITS.index(split)],
                filled.classes[split],
            )
            for split, paths in filled.names.items()
        },
        lineage=files[lineage.FILE].stored,
        kept=files[KEPT].stored if KEPT in files else None,
        left_out=files[CLEANED].stored if CLEANED in files else None,
        hidden=files[INPUTS].stored if INPUTS in files else None,
        notes=_notes(draft, made, notes, cost) | (draft.notes or {}),
        findings=[one.to_dict() for one in findings] if today else [],
        grids=made.grids if today else {},
        profile=profile,
        format=SEVERAL if any(len(paths) > 1 for paths in filled.names.values()) else draft.written_format,
    )


def _notes(
    draft: Draft, made: Augmentation, given: Mapping[str, Any], cost: Mapping[str, float | None]
) -> dict[str, Any]:
    """Return the manifest's notes, in the order that it has them."""
    recipe, parents = draft.recipe, made.parents
    incomplete = 0 if recipe.hardens and made.incomplete < recipe.group_size else made.incomplete
    notes: dict[str, Any] = {
        "incomplete_minority_rows": incomplete,
        "groups" if recipe.hardens else "bases": _bases(parents, draft.rows),
        **given,
        **_before(draft),
    }
    if made.noisy:
        notes["noisy_minority_rows"] = made.noisy
    if recipe.relations == "keep":
        notes["relations"] = made.related
    if draft.profile_form > 1:
        notes[NOTE] = draft.profile_form
    if made.found:
        notes[found.NOTE] = {"asked": recipe.recall, "classes": made.found}
    if made.plain:
        notes["no_row_in_danger"] = list(made.plain)
    if recipe.apart and len(parents.base):
        notes[sensitivity.NOTE] = sensitivity.in_words(draft.parameters, shared=_shared(draft, parents))
    notes["libraries"] = _versions_of(*(["feast"] if draft.inputs["project"] else []), "numba", "numpy", "pyarrow")
    if draft.place is not None:
        notes[ENGINE] = draft.place.cost()
    taken = {step: round(seconds, 2) for step, seconds in cost.items() if seconds is not None}
    notes["cost"] = draft.parts.cost() | ({} if draft.parts.resumed else taken)  # an earlier run's is not known apart
    return notes


def _before(draft: Draft) -> dict[str, Any]:
    """Count the training rows of each class before any was left out or cleaned away, where some may be.

    A version that replaces another is made of rows that are left already: it has this note from the other.
    """
    recipe = draft.recipe
    if draft.replaces is not None or (recipe.undersample is None and recipe.cleaner is None and not recipe.release):
        return {}
    before = (draft.assignment == TRAIN) | (draft.assignment == LEFT_OUT)
    return {TRAINING_ROWS: {name: of["real"] for name, of in classes_of(draft.rows, before, None).items()}}


def _versions_of(*names: str) -> dict[str, str]:
    """Look up the libraries that may decide bytes; a version that is made of a table may have no Feast beside it."""
    found = {}
    for name in names:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def _bases(parents: Provenance, rows: CanonicalRows) -> dict[str, dict[str, int]]:
    """Count, by class, the real rows, or groups, that synthetic ones start from, and the most that start from one."""
    found = {}
    for code in np.unique(parents.label).tolist():
        _, copies = np.unique(parents.base[parents.label == code], return_counts=True)
        found[_class_name(rows, code)] = {"bases": len(copies), "most": int(copies.max())}
    return found


def _shared(draft: Draft, parents: Provenance) -> bool:
    """Say whether rows that hardened ones are made of have the same class and join keys."""
    keys = list(draft.contract.join_keys)
    if not draft.recipe.hardens or not keys:
        return False
    rows = draft.rows
    members = np.flatnonzero((draft.assignment == TRAIN) & np.isin(rows.label, parents.label))
    table = rows.take(keys, members).append_column("class", pa.array(rows.label[members]))
    names = [f"key {at}" for at in range(len(keys))] + ["class"]
    return table.rename_columns(names).group_by(names).aggregate([]).num_rows < len(members)


def _class_name(rows: CanonicalRows, code: int) -> str:
    return str(rows.classes.classes[code] if rows.classes.classes else code)


def classes_of(rows: CanonicalRows, members: NDArray[np.bool_], made: Augmentation | None) -> dict[str, dict[str, int]]:
    """Count the rows of each class.

    Parameters
    ----------
    rows : CanonicalRows
        Real rows.
    members : ndarray of shape (n_rows,), bool
        Those of them that count.
    made : Augmentation or None
        Synthetic rows beside them.

    Returns
    -------
    dict of str to dict
        Keys real and synthetic, by class.
    """
    classes: dict[str, dict[str, int]] = {}
    labels = rows.label[:0] if made is None else made.parents.label
    for kind, codes in (("real", rows.label[members]), ("synthetic", labels)):
        for code, count in zip(*np.unique(codes, return_counts=True), strict=True):
            classes.setdefault(_class_name(rows, code), {"real": 0, "synthetic": 0})[kind] = int(count)
    return classes


def _entry(
    dataset: str, files: list[Filed], times: NDArray[np.int64] | None, classes: dict[str, dict[str, int]]
) -> SplitEntry:
    return SplitEntry(
        dataset=dataset,
        files=tuple(file.stored for file in files),
        real=sum(counts["real"] for counts in classes.values()),
        synthetic=sum(counts["synthetic"] for counts in classes.values()),
        classes=classes,
        min_event_timestamp=None if times is None else int(times.min()),
        max_event_timestamp=None if times is None else int(times.max()),
        sha256=content_of([file.content for file in files]),
    )
