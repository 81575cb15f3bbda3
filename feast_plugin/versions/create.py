"""Create a version: rows are read and split, then written, augmented in training, and published."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from feast_plugin.versions.gate import Gate
from feast_plugin.versions.publish import publish_version
from feast_plugin.versions.reached import settled
from feast_plugin.versions.tombstones import Tombstones
from feast_plugin.versions.training import assign, resolve
from feast_plugin.versions.write import Draft

if TYPE_CHECKING:
    from feast_plugin.versions.catalog import Catalog
    from feast_plugin.versions.publish import Snapshot
    from feast_plugin.versions.recipe import Recipe
    from feast_plugin.versions.registry import Registry
    from feast_plugin.versions.request import Request


def create(
    registry: Registry, catalog: Catalog, request: Request, recipe: Recipe, gate: Gate | None = None
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

    Returns
    -------
    Snapshot
        The new version, or an earlier one with equal inputs and parameters.

    Raises
    ------
    ResamplerError
        As `feast_plugin.create_snapshot` says.
    """
    source = registry.source(request, recipe.column)
    recipe = resolve(recipe, source.contract)
    with tempfile.TemporaryDirectory(prefix="resampler-") as spool:
        rows = source.rows(Path(spool), Tombstones.read(catalog.home))
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
            },
            notes=source.notes,
            gate=gate or Gate(),
        )
        with catalog.home.locked():
            return publish_version(registry, catalog, draft)
