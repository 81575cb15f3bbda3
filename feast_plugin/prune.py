"""Remove versions, files and registry entries alike, but never one that something refers to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feast.errors import SavedDatasetNotFound

from feast_plugin.catalog import Catalog
from feast_plugin.contract import NAMESPACE
from feast_plugin.notices import notice
from feast_plugin.registry import saved_datasets, unregister
from resampler.errors import GateError, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from feast import FeatureStore

    from feast_plugin.manifest import Manifest


def prune_snapshot(
    store: FeatureStore,
    *,
    name: str,
    root: str | Path | None = None,
    version: int | None = None,
    keep: int | None = None,
) -> list[int]:
    """Remove one version, or all but the newest.

    Parameters
    ----------
    store : feast.FeatureStore
        Whose registry is cleared.
    name : str
        Of the snapshot.
    root : str or Path, optional
        Where snapshots are kept, by default ``snapshots`` in the store's repository.
    version : int, optional
        The one to remove; this or `keep`.
    keep : int, optional
        How many of the newest to keep, 1 or more. Versions in use are kept beside them.

    Returns
    -------
    list of int
        The versions that are gone. Their numbers are not given again.

    Raises
    ------
    InvalidInputError
        Unless exactly one of `version` and `keep` is given, `keep` 1 or more.
    DataError
        If there is no such version.
    GateError
        If `version` is in use: one of its datasets carries a tag that is not ours, or a feature service or view has
        a tag whose value is a dataset's name.
    """
    if (version is None) == (keep is None):
        raise InvalidInputError("prune needs either a version or how many of the newest to keep")
    if keep is not None and keep < 1:
        raise InvalidInputError(f"keep must be 1 or more, got {keep}")
    catalog = Catalog.open(name, root, store.repo_path)
    catalog.check_known(version)
    with catalog.home.locked():
        numbers = [version] if version is not None else catalog.numbers()[: -int(keep or 1)]
        gone = []
        for number in numbers:
            manifest = catalog.load(number)
            used_by = next(_uses(store, manifest), None)
            if used_by is None:
                remove_version(store, catalog, manifest)
                gone.append(number)
            elif version is not None:
                raise GateError(f"{catalog.name} version {number} is in use: {used_by}; remove that tag first")
            else:
                notice(f"{catalog.name} version {number} is kept beside the newest, for it is in use: {used_by}")
    return gone


def remove_version(store: FeatureStore, catalog: Catalog, manifest: Manifest) -> None:
    """Remove a version from the registry, then its files; call it with the catalog locked.

    Parameters
    ----------
    store : feast.FeatureStore
        Whose registry is cleared.
    catalog : Catalog
        The snapshot's versions.
    manifest : Manifest
        The version.
    """
    # Readers first lose sight of it: a kill in between leaves files without an entry, never the reverse.
    unregister(store, saved_datasets(manifest, catalog.directory(manifest.version)))
    catalog.retire(manifest.version)


def _uses(store: FeatureStore, manifest: Manifest) -> Iterator[str]:
    names = {entry.dataset for entry in manifest.splits.values()}
    for name in sorted(names):
        try:
            tags = store.registry.get_saved_dataset(name, store.project, allow_cache=False).tags
        except SavedDatasetNotFound:
            continue
        for key, value in tags.items():
            if not key.startswith(f"{NAMESPACE}."):
                yield f"dataset {name} is tagged {key}={value}"
    for thing in [*store.list_feature_services(), *store.list_all_feature_views()]:
        for key, value in thing.tags.items():
            if value in names:
                yield f"{thing.name} is tagged {key}={value}"
