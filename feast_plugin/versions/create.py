"""Create a version: rows are read and split, then written, augmented in training, and published."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from feast_plugin.notices import notice
from feast_plugin.progress import stage
from feast_plugin.versions.announced import announcer
from feast_plugin.versions.inputs.contract import NAMESPACE
from feast_plugin.versions.inputs.split import TRAIN
from feast_plugin.versions.inputs.tombstones import Tombstones
from feast_plugin.versions.making.gate import Gate
from feast_plugin.versions.making.reached import settled
from feast_plugin.versions.making.suspects import write_suspects
from feast_plugin.versions.making.training import assign, resolve
from feast_plugin.versions.publish import publish_version
from feast_plugin.versions.write import Draft, find
from resampler.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from feast_plugin.versions.files.catalog import Catalog
    from feast_plugin.versions.inputs.request import Request
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

    Returns
    -------
    Snapshot
        The new version, or an earlier one with equal inputs and parameters.

    Raises
    ------
    ResamplerError
        As `feast_plugin.create_snapshot` says.
    """
    registry.check_namespace(namespace)
    with _drafted(registry, catalog, request, recipe, gate or Gate()) as draft, catalog.home.locked():
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
        made = publish_version(registry, catalog, draft)
    announcer(registry, catalog).send()
    held = made.manifest.notes.get("namespace")
    if namespace not in (None, held):
        notice(
            f"{made.name} version {made.version} is reused, and stays in namespace {held or NAMESPACE!r}: its datasets "
            "are moved by no command"
        )
    return made


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
    with _drafted(registry, catalog, request, recipe, gate) as draft:
        found = gate.marked(find(draft))
    gate.say(found)
    return found


@contextlib.contextmanager
def _drafted(registry: Registry, catalog: Catalog, request: Request, recipe: Recipe, gate: Gate) -> Iterator[Draft]:
    """Read and split the rows of a version, and list the suspects among them where that was asked for."""
    source = registry.source(request, recipe.column)
    recipe = resolve(recipe, source.contract)
    compute = registry.transformation(source.contract) if recipe.computes else None
    if compute is None:
        source.contract = source.contract.as_retrieved
    with tempfile.TemporaryDirectory(prefix="resampler-") as spool:
        with stage("reading") as reading:
            rows = source.rows(Path(spool), Tombstones.read(catalog.home))
            reading.rows = rows.table.num_rows
        assignment = assign(rows, recipe)
        draft = Draft(
            contract=source.contract,
            rows=rows,
            assignment=assignment,
            recipe=settled(recipe, rows, assignment),
            inputs={
                "rows": rows.table.num_rows,
                "sha256": rows.sha256(),
                **source.origin,
                "references": source.contract.references,
                **source.contract.definitions,
            },
            notes=source.notes,
            gate=gate,
            compute=compute,
            reading_s=reading.seconds,
        )
        if gate.suspects is not None:
            write_suspects(rows, assignment == TRAIN, source.contract, gate.suspects)
        yield draft
