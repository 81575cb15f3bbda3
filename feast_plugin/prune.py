"""Remove versions, files and registry entries alike, but never one that something refers to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feast.errors import SavedDatasetNotFound

from feast_plugin.notices import notice
from feast_plugin.registry import saved_datasets, unregister
from feast_plugin.versions.catalog import Catalog
from feast_plugin.versions.contract import NAMESPACE
from feast_plugin.versions.manifest import dataset_name
from feast_plugin.versions.split import SPLITS
from resampler.errors import CorruptStateError, GateError, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from feast import FeatureStore
    from feast.saved_dataset import SavedDataset


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
        The one to remove, even if its manifest cannot be read; this or `keep`.
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
    CorruptStateError
        If `keep` is given, and a manifest cannot be read.
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
            datasets = _datasets(store, catalog, number) if version is not None else _known_datasets(catalog, number)
            used_by = next(_uses(store, {dataset.name for dataset in datasets}), None)
            if used_by is None:
                remove_version(store, catalog, number, datasets)
                gone.append(number)
            elif version is not None:
                raise GateError(f"{catalog.name} version {number} is in use: {used_by}; remove that tag first")
            else:
                notice(f"{catalog.name} version {number} is kept beside the newest, for it is in use: {used_by}")
    return gone


def remove_version(store: FeatureStore, catalog: Catalog, version: int, datasets: Sequence[SavedDataset]) -> None:
    """Remove a version from the registry, then its files; call it with the catalog locked.

    Parameters
    ----------
    store : feast.FeatureStore
        Whose registry is cleared.
    catalog : Catalog
        The snapshot's versions.
    version : int
        Its number.
    datasets : sequence of feast.SavedDataset
        Its splits.
    """
    # Readers first lose sight of it: a kill in between leaves files without an entry, never the reverse.
    unregister(store, datasets)
    catalog.retire(version)


def _known_datasets(catalog: Catalog, version: int) -> list[SavedDataset]:
    return saved_datasets(catalog.load(version), catalog.directory(version))


def _datasets(store: FeatureStore, catalog: Catalog, version: int) -> list[SavedDataset]:
    """Return what belongs to a version: by its manifest or, where that cannot be read, by the registry."""
    try:
        return _known_datasets(catalog, version)
    except CorruptStateError:
        names = {dataset_name(catalog.name, version, split) for split in SPLITS}
        place = f"{catalog.directory(version).uri}/"
        everything = store.registry.list_saved_datasets(store.project, allow_cache=False)
        return [d for d in everything if d.name in names and d.storage.file_options.uri.startswith(place)]


def _uses(store: FeatureStore, names: set[str]) -> Iterator[str]:
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
