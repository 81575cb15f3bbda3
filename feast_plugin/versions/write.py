"""Write the files of a version: its splits, what stands beside them, and the page for people."""

from __future__ import annotations

import dataclasses
import functools
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from feast_plugin.versions import outputs as outputs_of
from feast_plugin.versions.checked import check_while, replace_figure
from feast_plugin.versions.described import Filled, classes_of, describe
from feast_plugin.versions.files import lineage
from feast_plugin.versions.files.manifest import FORMAT, Manifest
from feast_plugin.versions.files.names import part_name
from feast_plugin.versions.files.profile import write_profile
from feast_plugin.versions.files.withheld import write_withheld
from feast_plugin.versions.inputs.split import SPLITS, TRAIN
from feast_plugin.versions.making.publishable import Publishable
from feast_plugin.versions.making.recipe import RETAINED
from feast_plugin.versions.making.training import augment_training
from feast_plugin.versions.outputs import CLEANED, INPUTS, KEPT, Output, inputs_schema, write_outputs
from feast_plugin.versions.page.draw import write_page
from feast_plugin.versions.page.sample import Sample
from feast_plugin.versions.written import put, written_by_tasks
from resampler.profile.cells import FITTING_ROWS, Cells
from resampler.profile.profiler import Profiler
from resampler.profile.values import evenly

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from feast_plugin.versions.draft import Draft
    from feast_plugin.versions.files.parts import Filed
    from feast_plugin.versions.inputs.rows import CanonicalRows
    from feast_plugin.versions.making.augmentation import Augmentation
    from resampler.engines.workplace import Workplace
    from resampler.profile.profile import Profile
    from resampler.storage import Location


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
    rows, recipe = draft.rows, draft.recipe
    began = time.perf_counter()
    assignment, made, cleaned = augment_training(
        rows,
        draft.assignment,
        draft.contract,
        recipe,
        draft.learned,
        compute=draft.compute,
        parts=draft.parts,
        place=draft.place,
    )
    augmented = time.perf_counter()
    train = assignment == TRAIN
    used = [split for code, split in enumerate(SPLITS) if (assignment == code).any()]
    classes = {
        split: classes_of(rows, assignment == SPLITS.index(split), made if split == SPLITS[TRAIN] else None)
        for split in used
    }
    profiler = _profiler(draft, train, made)
    contract = draft.contract
    features, marks = [c.name for c in contract.columns], (contract.published_label, contract.published_synthetic)
    sample = Sample(classes[SPLITS[TRAIN]], features, *marks)
    sizes = {split: sum(of["real"] + of["synthetic"] for of in classes[split].values()) for split in used}
    of_one = draft.part_rows or outputs_of.PART_ROWS
    names = {split: tuple(part_name(split, at) for at in range(max(1, -(-sizes[split] // of_one)))) for split in used}
    schema = contract.arrow_schema(rows.table[contract.label].type)
    splits = [
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
    outputs = [*splits, *_beside(draft, schema, assignment, made, cleaned)]
    findings, figures, files = check_while(draft, train, made, _writer(draft, made, outputs, schema, directory))
    withheld: dict[str, Any] = {}
    if recipe.release and recipe.secret_key is not None:
        findings = [replace_figure(one) for one in findings]
        out = np.flatnonzero((draft.assignment == TRAIN) & ~train)
        withheld = write_withheld(rows.take([*contract.join_keys], out), recipe.secret_key, directory)
    profile = profiler.profile()
    cost = {
        "reading_s": draft.reading_s,
        "augmenting_s": augmented - began,
        "writing_s": time.perf_counter() - augmented,
    }
    filled = Filled(files, names, classes, assignment, made)
    counted = write_profile(profile, directory) if draft.written_format >= FORMAT else None
    manifest = describe(draft, name, version, filled, findings, withheld | figures, cost, counted)
    return Written(manifest, profile, sample)


def _profiler(draft: Draft, train: NDArray[np.bool_], made: Augmentation) -> Profiler:
    """Return what counts values, its cells fitted to rows of the training split."""
    contract, rows, form = draft.contract, draft.rows, draft.profile_form
    members = np.flatnonzero(train)
    features = [c.name for c in contract.columns]
    fitting = rows.take(features, members[evenly(len(members), FITTING_ROWS)])
    if draft.recipe.release:  # what is published of the other classes is synthetic
        shown = made.table.select(features).take(pa.array(evenly(made.table.num_rows, FITTING_ROWS)))
        fitting = pa.concat_tables([fitting.select(features).cast(shown.schema), shown])
    cells = {c.name: Cells.fitted(fitting[c.name], categorical=c.categorical, form=form) for c in contract.columns}
    return Profiler(cells, contract.published_label, contract.published_synthetic, form)


def _beside(
    draft: Draft,
    schema: pa.Schema,
    assignment: NDArray[np.uint8],
    made: Augmentation,
    cleaned: NDArray[np.bool_] | None,
) -> list[Output]:
    """Return the files that stand beside the splits."""
    contract, rows, train = draft.contract, draft.rows, assignment == TRAIN
    outputs = []
    limit = RETAINED[draft.recipe.retain]
    if limit is not None:
        outputs.append(Output((KEPT,), schema, assignment, TRAIN, synthetic=min(limit, len(made.parents.label))))
    if cleaned is not None:
        outputs.append(Output((CLEANED,), schema, cleaned))
    if contract.inputs:  # of the rows that cleaning took out too: without them nothing comes out again
        held = train if cleaned is None else train | cleaned
        outputs.append(Output((INPUTS,), inputs_schema(contract), held, published=False))
    descent = lineage.lineage_schema(made.parents, draft.written_format)
    parents = functools.partial(lineage.lineage_tables, made.parents, train, rows.row_id, descent)
    return [*outputs, Output((lineage.FILE,), descent, last=parents)]


def _writer(
    draft: Draft, made: Augmentation, outputs: Sequence[Output], schema: pa.Schema, directory: Location
) -> Callable[[], dict[str, Filed]]:
    """Return what writes the files: this process, or tasks where the synthetic rows lie in files of theirs."""
    rows, contract, labels = draft.rows, draft.contract, made.parents.label
    columns = Publishable.of(rows, len(labels), contract, schema)
    synthetic, by_tasks = None, None
    if draft.place is not None and made.lying is not None:
        by_tasks = functools.partial(_by_tasks, draft.place, rows, made, columns)
    else:
        synthetic = columns.table(made.table, labels, made.times)
    return functools.partial(
        write_outputs, outputs, rows, contract, schema, directory, draft.parts, synthetic, by_tasks
    )


def _by_tasks(
    place: Workplace, rows: CanonicalRows, made: Augmentation, columns: Publishable, outputs: Sequence[Output]
) -> dict[str, Callable[[Location], Filed]]:
    """Have tasks write files, and say of each what puts it where the version has it."""
    left = written_by_tasks(place, outputs, rows, made, columns)
    return {path: functools.partial(put, one, path) for path, one in left.items()}


def _watch(split: str, profiler: Profiler, sample: Sample | None, rows: pa.Table) -> None:
    profiler.add(split, rows)
    if sample is not None:
        sample.add(rows)
