"""What is told to others when a version comes, goes, or is pointed to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from feast_plugin.notices import notice
from feast_plugin.versions.files.manifest import FILE
from feast_plugin.versions.publication import holds, told_of
from resampler.lineage.announce import Announcer
from resampler.lineage.outbox import POINTED, PUBLISHED, REMOVED

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from feast_plugin.versions.files.aliases import Move
    from feast_plugin.versions.files.catalog import Catalog
    from feast_plugin.versions.files.manifest import Manifest
    from feast_plugin.versions.registry import Registry


def announcer(registry: Registry, catalog: Catalog) -> Announcer:
    """Find what tells others of a snapshot's versions.

    Parameters
    ----------
    registry : Registry
        Knows who is told.
    catalog : Catalog
        The snapshot's versions.

    Returns
    -------
    Announcer
        Its `send` is called with the catalog unlocked.
    """
    return Announcer(catalog.home, lambda: registry.lineage, notice)


def published(registry: Registry, catalog: Catalog, manifest: Manifest) -> AbstractContextManager[None]:
    """Tell that a version is published.

    Parameters
    ----------
    registry : Registry
        Knows who is told.
    catalog : Catalog
        The snapshot's versions, locked.
    manifest : Manifest
        Of the version.

    Returns
    -------
    context manager
        Within which the version is published.
    """
    directory = catalog.directory(manifest.version)
    return announcer(registry, catalog).telling(PUBLISHED, lambda: told_of(manifest, directory), holds(manifest))


def pointed(
    registry: Registry, catalog: Catalog, manifest: Manifest, alias: str, move: Move
) -> AbstractContextManager[None]:
    """Tell that an alias points to a version.

    Parameters
    ----------
    registry : Registry
        Knows who is told.
    catalog : Catalog
        The snapshot's versions, locked.
    manifest : Manifest
        Of the version.
    alias : str
        Its name.
    move : Move
        The step.

    Returns
    -------
    context manager
        Within which the alias is moved.
    """
    directory = catalog.directory(manifest.version)
    step = {"alias": alias, "before": move.before, "why": move.why}
    shows = {"file": "aliases.json", "text": f'"at": "{move.at}"'}
    return announcer(registry, catalog).telling(POINTED, lambda: told_of(manifest, directory) | step, shows)


def removed(registry: Registry, catalog: Catalog, manifest: Manifest, why: str) -> AbstractContextManager[None]:
    """Tell that a version is gone.

    Parameters
    ----------
    registry : Registry
        Knows who is told.
    catalog : Catalog
        The snapshot's versions, locked.
    manifest : Manifest
        Of the version.
    why : {"prune", "forget"}
        The command.

    Returns
    -------
    context manager
        Within which it is removed.
    """
    words = "it was pruned" if why == "prune" else "it held an entity that was forgotten"

    def _about() -> dict[str, Any]:
        told = told_of(manifest, catalog.directory(manifest.version))
        del told["publication"]  # nothing of what is gone but that it is
        return told | {"why": why, "words": f"{manifest.name} version {manifest.version} is gone: {words}"}

    return announcer(registry, catalog).telling(REMOVED, _about, {"absent": f"v{manifest.version:04d}/{FILE}"})
