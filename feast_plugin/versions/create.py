"""Create a version: rows are read and split, then written, augmented in training, and published."""

from __future__ import annotations

import contextlib
import dataclasses
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from feast_plugin.notices import notice
from feast_plugin.progress import stage
from feast_plugin.versions.announced import announcer
from feast_plugin.versions.checked import find
from feast_plugin.versions.draft import Draft
from feast_plugin.versions.files.kept_parts import KeptParts, opened
from feast_plugin.versions.files.parts import Parts
from feast_plugin.versions.inputs.budget import SnapshotBudget
from feast_plugin.versions.inputs.contract import NAMESPACE
from feast_plugin.versions.inputs.ordered import READING, digest_by_parts
from feast_plugin.versions.inputs.split import TRAIN
from feast_plugin.versions.inputs.tombstones import Tombstones
from feast_plugin.versions.kept import given_to, keep_made, keep_refused, keep_stopped
from feast_plugin.versions.making.cleaning import with_rule
from feast_plugin.versions.making.estimate import check_driver, check_reading
from feast_plugin.versions.making.gate import Gate
from feast_plugin.versions.making.reached import settled
from feast_plugin.versions.making.suspects import write_suspects
from feast_plugin.versions.making.training import assign, resolve
from feast_plugin.versions.publish import publish_version
from resampler.budget import BudgetError, Meter, StoppedError
from resampler.engines.catalog import open_engine, usual
from resampler.engines.settings import EngineSettings
from resampler.engines.workplace import Workplace
from resampler.errors import GateError, InvalidInputError
from resampler.ledger import key_of
from resampler.unfinished import unfinished

if TYPE_CHECKING:
    from collections.abc import Iterator

    from feast_plugin.versions.files.catalog import Catalog
    from feast_plugin.versions.inputs.request import Request
    from feast_plugin.versions.inputs.rows import CanonicalRows
    from feast_plugin.versions.inputs.source import Source
    from feast_plugin.versions.making.audited import AuditSample
    from feast_plugin.versions.making.recipe import Recipe
    from feast_plugin.versions.publish import Snapshot
    from feast_plugin.versions.registry import Registry
    from resampler.quality.finding import Finding


def create(
    registry: Registry,
    catalog: Catalog,
    request: Request,
    recipe: Recipe,
    gate: Gate | None = None,
    namespace: str | None = None,
    audited: AuditSample | None = None,
    budget: SnapshotBudget | None = None,
    settings: EngineSettings | None = None,
) -> Snapshot:
    """Make a version of rows that are asked for, and publish it.

    Parameters
    ----------
    registry : Registry
        Finds the rows, and registers the version.
    catalog : Catalog
        The snapshot's versions.
    request : Request
        Which rows.
    recipe : Recipe
        What is made of them.
    gate : Gate, optional
        Which findings stop it; by default refusals do.
    namespace : str, optional
        What Feast groups the datasets by; it decides no row, and is part of no digest.
    audited : AuditSample, optional
        What is kept of the version for auditors; by default nothing.
    budget : SnapshotBudget, optional
        What it may spend; by default anything.
    settings : EngineSettings, optional
        Where the work runs; by default as the number of rows says.

    Returns
    -------
    Snapshot
        The new version, or an earlier one with equal inputs and parameters.

    Raises
    ------
    ResamplerError
        As `feast_plugin.create_snapshot` says.

    Notes
    -----
    What it came to and what it cost is kept in the ledger of the snapshot, as a run of step ``snapshot``.
    """
    registry.check_namespace(namespace)
    meter = Meter(budget)
    try:
        made = _made(registry, catalog, request, recipe, gate or Gate(), namespace, audited, meter, settings)
    except StoppedError as error:
        keep_stopped(catalog, error)
        raise
    except GateError:
        keep_refused(catalog, meter)
        raise
    made = dataclasses.replace(made, cost=meter.cost().to_dict())
    keep_made(catalog, made)
    announcer(registry, catalog).send()
    held = made.manifest.notes.get("namespace")
    if namespace not in (None, held):
        notice(
            f"{made.name} version {made.version} is reused, and stays in namespace {held or NAMESPACE!r}: its datasets "
            "are moved by no command"
        )
    return made


def _made(
    registry: Registry,
    catalog: Catalog,
    request: Request,
    recipe: Recipe,
    gate: Gate,
    namespace: str | None,
    audited: AuditSample | None,
    meter: Meter,
    settings: EngineSettings | None,
) -> Snapshot:
    settings = settings or EngineSettings()
    with _drafted(registry, catalog, request, recipe, gate, meter, settings) as draft, catalog.home.locked():
        if namespace is not None:
            draft = draft._replace(notes=(draft.notes or {}) | {"namespace": namespace})
        if audited is not None:
            audited.check(draft.contract)
            if audited.audit_sample and draft.recipe.hardens:
                raise InvalidInputError(
                    "audit_sample shows rows beside their parents, and hardened rows have none: leave it out, and ask "
                    "`resampler audit privacy`"
                )
            draft = draft._replace(audited=audited)
        return publish_version(registry, catalog, draft)


def check(
    registry: Registry, catalog: Catalog, request: Request, recipe: Recipe, gate: Gate | None = None
) -> list[Finding]:
    """Make a version of rows that are asked for, say what the checks find, and publish nothing.

    Parameters
    ----------
    registry : Registry
        Finds the rows.
    catalog : Catalog
        The snapshot's versions; it need not have any.
    request : Request
        Which rows.
    recipe : Recipe
        What would be made of them.
    gate : Gate, optional
        Which findings would stop it; they are marked, and warned of.

    Returns
    -------
    list of Finding
        The worst first.

    Raises
    ------
    ResamplerError
        As `create`, but for what is found.
    """
    gate = gate or Gate()
    here = EngineSettings(engine="inline")
    with _drafted(registry, catalog, request, recipe, gate, Meter(SnapshotBudget()), here) as draft:
        found = gate.marked(find(draft))
    gate.say(found)
    return found


@contextlib.contextmanager
def _drafted(
    registry: Registry,
    catalog: Catalog,
    request: Request,
    recipe: Recipe,
    gate: Gate,
    meter: Meter,
    settings: EngineSettings,
) -> Iterator[Draft]:
    """Read and split the rows of a version, and list the suspects among them where that was asked for."""
    source = registry.source(request, recipe.column)
    recipe = resolve(recipe, source.contract)
    compute = registry.transformation(source.contract) if recipe.computes else None
    if compute is None:
        source.contract = source.contract.as_retrieved
    settings = _chosen(settings, source, recipe)
    with (
        tempfile.TemporaryDirectory(prefix="resampler-") as spool,
        _parts(catalog, source, request, recipe, meter, apart=settings.engine != "inline") as parts,
        _place(settings, parts, Path(spool)) as place,
    ):

        def read() -> CanonicalRows:
            budget.check_rows(None if source.size is None else source.size[0])
            if place is None:
                check_reading(meter, source.size, source.contract)
            elif source.size is not None:
                check_driver(meter, source.size[0])
            return source.rows(Path(spool), Tombstones.read(catalog.home), place)

        budget = meter.budget if isinstance(meter.budget, SnapshotBudget) else SnapshotBudget()
        with stage("reading") as reading:
            rows = parts.rows(read, source.contract, Path(spool))
            if place is not None:
                place.forget(READING)  # the rows lie in order
            reading.rows = rows.table.num_rows
        budget.check_rows(rows.table.num_rows)
        assignment = assign(rows, recipe)
        draft = Draft(
            contract=source.contract,
            rows=rows,
            assignment=assignment,
            recipe=with_rule(settled(recipe, rows, assignment), rows, assignment, source.contract),
            inputs={
                "rows": rows.table.num_rows,
                "sha256": rows.sha256() if place is None else digest_by_parts(place, rows),
                **source.origin,
                "references": source.contract.references,
                **source.contract.definitions,
            },
            notes=source.notes,
            gate=gate,
            compute=compute,
            reading_s=reading.seconds,
            parts=parts,
            place=place,
        )
        if gate.suspects is not None:
            write_suspects(rows, assignment == TRAIN, source.contract, gate.suspects)
        yield draft


@contextlib.contextmanager
def _place(settings: EngineSettings, parts: Parts, spool: Path) -> Iterator[Workplace | None]:
    """Open the engine, and the folder of its tasks; None where the work runs in this process."""
    if settings.engine == "inline" or not isinstance(parts, KeptParts):
        yield None
        return
    with open_engine(settings) as engine:
        place = Workplace(parts.tasks_folder(spool, settings.workplace), engine)
        place.between = parts.finished_task
        yield place


def _chosen(settings: EngineSettings, source: Source, recipe: Recipe) -> EngineSettings:
    """Choose an engine where none is named."""
    if settings.engine is not None:
        return settings
    n_rows = None if source.size is None else source.size[0]
    name = "inline" if recipe.release else usual(n_rows)  # what is released keeps no rows beside it
    if name != "inline":
        notice(f"{n_rows:,} rows: the work runs on engine {name}, as on any other (--engine inline: in this process)")
    return dataclasses.replace(settings, engine=name)


@contextlib.contextmanager
def _parts(
    catalog: Catalog, source: Source, request: Request, recipe: Recipe, meter: Meter, *, apart: bool
) -> Iterator[Parts]:
    """Keep the parts of a version where its budget or its engine asks for that, until it is there or cannot be."""
    budget = meter.budget
    if not isinstance(budget, SnapshotBudget) or not (budget.keeps or apart):
        for run in unfinished(catalog.home):
            notice(f"unfinished run {run.token} was begun at {run.begun[:16]}Z: --resume latest goes on with its like")
        yield Parts(meter)
        return
    if recipe.release:
        raise InvalidInputError(
            "release publishes no real row of the rarer classes, and an unfinished run would keep them beside it: "
            "leave max_seconds, resume and engine out"
        )
    given = given_to(source, request, recipe)
    with opened(catalog.home, key_of(name=catalog.name, **given), given, meter, budget.resume) as parts:
        try:
            yield parts
        except (StoppedError, BudgetError):  # the next run has more time, or is given more memory
            raise
        except (InvalidInputError, GateError):  # the same parts would only raise it again
            parts.close()
            raise
        parts.close()
