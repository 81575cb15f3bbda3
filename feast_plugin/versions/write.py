"""Write the files of a version and say in a manifest what they are."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import importlib.metadata
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from feast_plugin.versions import outputs as outputs_of
from feast_plugin.versions.files import found, lineage, sensitivity
from feast_plugin.versions.files.manifest import (
    FORMAT,
    HARDENED,
    SEVERAL,
    TRAINING_ROWS,
    Manifest,
    SplitEntry,
    content_of,
    dataset_name,
    part_name,
)
from feast_plugin.versions.files.parts import Parts
from feast_plugin.versions.files.profile import NOTE, write_profile
from feast_plugin.versions.files.withheld import write_withheld
from feast_plugin.versions.inputs.split import LEFT_OUT, SPLITS, TRAIN
from feast_plugin.versions.making.augmentation import Publishable
from feast_plugin.versions.making.gate import Gate
from feast_plugin.versions.making.learned import ANEW, Learned
from feast_plugin.versions.making.preflight import evidence_of
from feast_plugin.versions.making.recipe import FORGOT, RETAINED
from feast_plugin.versions.making.training import augment_training
from feast_plugin.versions.outputs import Output, inputs_schema, write_outputs
from feast_plugin.versions.page.draw import write_page
from feast_plugin.versions.page.sample import Sample
from feast_plugin.versions.written import put, written_by_tasks
from resampler.errors import CorruptStateError
from resampler.profile.cells import FITTING_ROWS, Cells
from resampler.profile.cells import FORMAT as PROFILE_FORMAT
from resampler.profile.profiler import Profiler
from resampler.profile.values import evenly
from resampler.quality.checks.arrays import findings_of
from resampler.quality.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from feast_plugin.versions.files.parts import Filed
    from feast_plugin.versions.inputs.contract import Contract
    from feast_plugin.versions.inputs.rows import CanonicalRows
    from feast_plugin.versions.making.audited import AuditSample
    from feast_plugin.versions.making.augmentation import Augmentation
    from feast_plugin.versions.making.on_demand import Transformation
    from feast_plugin.versions.making.recipe import Recipe
    from resampler.engines.workplace import Workplace
    from resampler.methods.provenance import Provenance
    from resampler.profile.profile import Profile
    from resampler.quality.checks.evidence import Evidence
    from resampler.storage import Location

KEPT = "kept.parquet"  # beside the splits, so that who reads a directory reads no row twice
CLEANED = "left-out.parquet"
ENGINE = "engine"  # note: what tasks ran on, and what they cost
INPUTS = "inputs.parquet"  # of on-demand features, where they are no columns of the version
_LOOKING = "looking for what would mislead"  # a part of a run


class Draft(NamedTuple):
    """All that decides the files of a version.

    Parameters
    ----------
    contract : Contract
        Columns.
    rows : CanonicalRows
        Real rows in canonical order.
    assignment : ndarray of shape (n_rows,), uint8
        Split of each row, as a position in `SPLITS`.
    recipe : Recipe
        What is made of them, with nothing left open.
    inputs, notes
        As in `Manifest`.
    replaces : int, optional
        The version that this one replaces, without an entity that was forgotten.
    manifest_format : int, optional
        See `Manifest.format`; by default today's for such rows.
    created : str, optional
        As in `Manifest`, by default now.
    learned : Learned
        What is not learned from the training split anew.
    gate : Gate, optional
        Which findings stop the version; by default none does.
    allowed : tuple of str
        Without a gate: checks whose findings the version before was let pass with.
    findings : list of Finding, optional
        What was found when the version was made first; by default it is sought.
    compute : callable, optional
        As in `feast_plugin.versions.making.training.augment_training`.
    profile_form : int
        Format of the counts.
    reading_s : float, optional
        What finding the rows took.
    audited : AuditSample, optional
        What is kept of the version for auditors; by default nothing.
    parts : Parts
        Takes what is finished, or has it from an earlier run, and knows what may be spent.
    place : Workplace, optional
        Whose engine makes the version by parts; by default this process makes it.
    part_rows : int, optional
        Rows of a split after which it is cut into another file; by default `PART_ROWS`.
    """

    contract: Contract
    rows: CanonicalRows
    assignment: NDArray[np.uint8]
    recipe: Recipe
    inputs: dict[str, Any]
    notes: dict[str, Any] | None = None
    replaces: int | None = None
    created: str | None = None
    manifest_format: int | None = None
    learned: Learned = ANEW
    gate: Gate | None = None
    allowed: tuple[str, ...] = ()
    findings: list[Finding] | None = None
    compute: Transformation | None = None
    profile_form: int = PROFILE_FORMAT
    reading_s: float | None = None
    audited: AuditSample | None = None
    parts: Parts = Parts()  # keeps nothing, and has no limit
    place: Workplace | None = None
    part_rows: int | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        """As in `Manifest`."""
        return self.recipe.parameters | ({} if self.replaces is None else {FORGOT: self.replaces})

    @property
    def written_format(self) -> int:
        """The manifest's format."""
        return self.manifest_format or (HARDENED if self.recipe.hardens else FORMAT)


class Written(NamedTuple):
    """Files of a version, and what the page is drawn from beside them.

    Parameters
    ----------
    manifest : Manifest
        What the files are, without the page.
    profile : Profile
        Counts of their values.
    sample : Sample
        Rows of the training split.
    """

    manifest: Manifest
    profile: Profile
    sample: Sample


def find(draft: Draft) -> list[Finding]:
    """Make the synthetic rows of a version, and say what the checks find, without writing it.

    Parameters
    ----------
    draft : Draft
        The version.

    Returns
    -------
    list of Finding
        The worst first.

    Raises
    ------
    InvalidInputError, GateError
        As `augment`.
    """
    assignment, made, _ = augment_training(
        draft.rows, draft.assignment, draft.contract, draft.recipe, draft.learned, compute=draft.compute
    )
    looked_at = draft.assignment if draft.recipe.release else assignment
    return findings_of(evidence_of(draft.rows, looked_at == TRAIN, made, draft.contract, draft.recipe))


def write_version(draft: Draft, name: str, version: int, directory: Location) -> Manifest:
    """Write the files of a version, and the page for people.

    Parameters
    ----------
    draft, name, version, directory
        As `write_files`.

    Returns
    -------
    Manifest
        What the files are; it is not written. What it calls rebuildable is there.

    Raises
    ------
    InvalidInputError, GateError
        As `write_files`.
    """
    manifest, profile, sample = write_files(draft, name, version, directory)
    return dataclasses.replace(manifest, report=write_page(manifest, directory, profile, sample))


def write_files(draft: Draft, name: str, version: int, directory: Location) -> Written:
    """Augment the training split, and write every split, the lineage and the counts.

    Parameters
    ----------
    draft : Draft
        What to write.
    name : str
        Of the snapshot.
    version : int
        Of the version.
    directory : Location
        Where to.

    Returns
    -------
    Written
        Without a manifest on disk. What it calls rebuildable is there.

    Raises
    ------
    InvalidInputError, GateError
        As `augment`, or if a finding stops the version.

    Notes
    -----
    Real rows pass through in batches: memory follows the minority; with cleaning, the training split.
    """
    contract, rows, recipe = draft.contract, draft.rows, draft.recipe
    began = time.perf_counter()
    assignment, made, cleaned = augment_training(
        rows,
        draft.assignment,
        contract,
        recipe,
        draft.learned,
        compute=draft.compute,
        parts=draft.parts,
        place=draft.place,
    )
    augmented = time.perf_counter()
    train = assignment == TRAIN
    schema = contract.arrow_schema(rows.table[contract.label].type)
    columns = Publishable.of(rows, len(made.parents.label), contract, schema)
    by_parts = draft.place is not None and made.lying is not None
    synthetic = None if by_parts else columns.table(made.table, made.parents.label, made.times)
    limit = RETAINED[recipe.retain]
    used = [split for code, split in enumerate(SPLITS) if (assignment == code).any()]
    members = np.flatnonzero(train)
    features = [c.name for c in contract.columns]
    marks = contract.published_label, contract.published_synthetic
    fitting = rows.take(features, members[evenly(len(members), FITTING_ROWS)])
    if recipe.release:  # what is published of the other classes is synthetic
        shown = made.table.select(features).take(pa.array(evenly(made.table.num_rows, FITTING_ROWS)))
        fitting = pa.concat_tables([fitting.select(features).cast(shown.schema), shown])
    form = draft.profile_form
    cells = {c.name: Cells.fitted(fitting[c.name], categorical=c.categorical, form=form) for c in contract.columns}
    profiler = Profiler(cells, *marks, form)
    classes = {
        split: _classes(rows, assignment == SPLITS.index(split), made if split == SPLITS[TRAIN] else None)
        for split in used
    }
    sample = Sample(classes[SPLITS[TRAIN]], features, *marks)
    of_one = draft.part_rows or outputs_of.PART_ROWS
    sizes = {split: sum(of["real"] + of["synthetic"] for of in classes[split].values()) for split in used}
    names = {split: tuple(part_name(split, at) for at in range(max(1, -(-sizes[split] // of_one)))) for split in used}
    outputs = [
        Output(
            names[split],
            schema,
            assignment,
            SPLITS.index(split),
            rows=of_one,
            synthetic=len(made.parents.label) if split == SPLITS[TRAIN] else 0,
            watch=functools.partial(_watch, split, profiler, sample if split == SPLITS[TRAIN] else None),
        )
        for split in used
    ]
    if limit is not None:
        shown_rows = min(limit, len(made.parents.label))
        outputs.append(Output((KEPT,), schema, assignment, TRAIN, synthetic=shown_rows))
    if cleaned is not None:
        outputs.append(Output((CLEANED,), schema, cleaned))
    if contract.inputs:  # of the rows that cleaning took out too: without them nothing comes out again
        held = train if cleaned is None else train | cleaned
        outputs.append(Output((INPUTS,), inputs_schema(contract), held, published=False))
    descent = lineage.lineage_schema(made.parents, draft.written_format)
    parents = functools.partial(lineage.lineage_tables, made.parents, train, rows.row_id, descent)
    outputs.append(Output((lineage.FILE,), descent, last=parents))
    by_tasks = None
    if by_parts and draft.place is not None:
        by_tasks = functools.partial(_by_tasks, draft.place, rows, made, columns)
    write = functools.partial(
        write_outputs, outputs, rows, contract, schema, directory, draft.parts, synthetic, by_tasks
    )
    findings, figures, files = _checked(draft, train, made, write)
    withheld: dict[str, Any] = {}
    if recipe.release and recipe.secret_key is not None:
        findings = [replace_figure(one) for one in findings]
        out = np.flatnonzero((draft.assignment == TRAIN) & ~train)
        withheld = write_withheld(rows.take([*contract.join_keys], out), recipe.secret_key, directory)
    profile = profiler.profile()
    manifest = Manifest(
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
                [files[path] for path in names[split]],
                None if rows.timestamps is None else rows.timestamps[assignment == SPLITS.index(split)],
                classes[split],
            )
            for split in used
        },
        lineage=files[lineage.FILE].stored,
        kept=files[KEPT].stored if KEPT in files else None,
        left_out=files[CLEANED].stored if CLEANED in files else None,
        hidden=files[INPUTS].stored if INPUTS in files else None,
        notes={
            "incomplete_minority_rows": 0
            if recipe.hardens and made.incomplete < recipe.group_size
            else made.incomplete,
            "groups" if recipe.hardens else "bases": _bases(made.parents, rows),
            **withheld,
            **figures,
            **_before(draft),
            **({"noisy_minority_rows": made.noisy} if made.noisy else {}),
            **({"relations": made.related} if recipe.relations == "keep" else {}),
            **({NOTE: draft.profile_form} if draft.profile_form > 1 else {}),
            **({found.NOTE: {"asked": recipe.recall, "classes": made.found}} if made.found else {}),
            **({"no_row_in_danger": list(made.plain)} if made.plain else {}),
            **(
                {sensitivity.NOTE: sensitivity.in_words(draft.parameters, shared=_shared(draft, made.parents))}
                if recipe.apart and len(made.parents.base)
                else {}
            ),
            "libraries": _versions_of(*(["feast"] if draft.inputs["project"] else []), "numba", "numpy", "pyarrow"),
            **({} if draft.place is None else {ENGINE: draft.place.cost()}),
            "cost": draft.parts.cost()
            | {
                name: round(seconds, 2)
                for name, seconds in (
                    ("reading_s", draft.reading_s),
                    ("augmenting_s", augmented - began),
                    ("writing_s", time.perf_counter() - augmented),
                )
                if seconds is not None and not draft.parts.resumed  # what an earlier run took is not known apart
            },
        }
        | (draft.notes or {}),
        findings=[one.to_dict() for one in findings] if draft.written_format >= FORMAT else [],
        grids=made.grids if draft.written_format >= FORMAT else {},
        profile=write_profile(profile, directory) if draft.written_format >= FORMAT else None,
        format=SEVERAL if any(len(paths) > 1 for paths in names.values()) else draft.written_format,
    )
    return Written(manifest, profile, sample)


def _by_tasks(
    place: Workplace, rows: CanonicalRows, made: Augmentation, columns: Publishable, outputs: Sequence[Output]
) -> dict[str, Callable[[Location], Filed]]:
    """Have tasks write files, and say of each what puts it where the version has it."""
    left = written_by_tasks(place, outputs, rows, made, columns)
    return {path: functools.partial(put, one, path) for path, one in left.items()}


def _checked(
    draft: Draft,
    train: NDArray[np.bool_],
    made: Augmentation,
    write: Callable[[], dict[str, Filed]],
) -> tuple[list[Finding], dict[str, Any], dict[str, Filed]]:
    """Write the files, and seek what would mislead a model: while they are written or, of kept parts, before."""
    recipe, parts = draft.recipe, draft.parts

    def look() -> Evidence:
        seen = (draft.assignment == TRAIN) if recipe.release else train
        return evidence_of(draft.rows, seen, made, draft.contract, recipe)

    def seek() -> dict[str, Any]:
        evidence = look()
        return {"findings": [one.to_dict() for one in findings_of(evidence)], "figures": evidence.figures}

    figures: dict[str, Any] = {}
    if draft.findings is not None:
        files = write()
        return _judged(draft, draft.findings, sought=False), figures, files
    if draft.place is not None:  # workers write meanwhile
        with ThreadPoolExecutor(1) as pool:
            sought = pool.submit(seek)
            files = write()
        said = parts.data(_LOOKING, sought.result)
        findings = _judged(draft, [Finding.from_dict(one) for one in said["findings"]], sought=True)
        return findings, {} if recipe.release else said["figures"], files
    if parts.keeps:
        found = parts.data(_LOOKING, seek)
        findings = _judged(draft, [Finding.from_dict(one) for one in found["findings"]], sought=True)
        return findings, {} if recipe.release else found["figures"], write()
    evidence = look()
    figures = {} if recipe.release else evidence.figures
    with ThreadPoolExecutor(1) as pool:  # what is found decides no byte of a split
        asked = pool.submit(findings_of, evidence)
        del evidence  # the rows in it
        files = write()
    return _judged(draft, asked.result(), sought=True), figures, files


def _judged(draft: Draft, findings: list[Finding], *, sought: bool) -> list[Finding]:
    """Let the gate of a version say what it says of findings."""
    if draft.gate is not None:
        findings = draft.gate.marked(findings)
        draft.gate.check(findings)
    elif sought:
        findings = Gate(allow=draft.allowed).marked(findings)
    return findings


def _before(draft: Draft) -> dict[str, Any]:
    """Count the training rows of each class before any was left out or cleaned away, where some may be.

    A version that replaces another is made of rows that are left already: it has this note from the other.
    """
    recipe = draft.recipe
    if draft.replaces is not None or (recipe.undersample is None and recipe.cleaner is None and not recipe.release):
        return {}
    before = (draft.assignment == TRAIN) | (draft.assignment == LEFT_OUT)
    return {TRAINING_ROWS: {name: of["real"] for name, of in _classes(draft.rows, before, None).items()}}


def _watch(split: str, profiler: Profiler, sample: Sample | None, rows: pa.Table) -> None:
    profiler.add(split, rows)
    if sample is not None:
        sample.add(rows)


def check_files(manifest: Manifest, directory: Location) -> None:
    """Check that a version's files are those that were written.

    Parameters
    ----------
    manifest : Manifest
        Of the version.
    directory : Location
        Of its files.

    Raises
    ------
    CorruptStateError
        If a file is missing or has other bytes.
    """
    for file in manifest.checked:
        try:
            found = (directory / file.path).sha256()
        except FileNotFoundError:
            found = "no file"
        if found != file.sha256:
            raise CorruptStateError(
                f"{directory.uri}/{file.path} must have sha256 {file.sha256}, got {found}: the version was damaged or "
                "changed; rebuild or prune the version"
            )


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


def replace_figure(found: Finding) -> Finding:
    """Leave out of a finding what it says of real rows that a release leaves out.

    Parameters
    ----------
    found : Finding
        As it was said when the version was made.

    Returns
    -------
    Finding
        That it was found, with its rule and remedy.
    """
    return dataclasses.replace(found, figure="not published, as the rows are not", columns=(), values={})


def _class_name(rows: CanonicalRows, code: int) -> str:
    return str(rows.classes.classes[code] if rows.classes.classes else code)


def _classes(rows: CanonicalRows, members: NDArray[np.bool_], made: Augmentation | None) -> dict[str, dict[str, int]]:
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
