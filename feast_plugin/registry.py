"""The Feast registry: one `SavedDataset` a split, written so that no other entry is ever lost."""

from __future__ import annotations

import contextlib
import os
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feast.data_format import ParquetFormat
from feast.errors import SavedDatasetNotFound
from feast.infra.offline_stores.file_source import SavedDatasetFileStorage
from feast.infra.registry.file import FileRegistryStore
from feast.infra.registry.registry import Registry
from feast.saved_dataset import SavedDataset

from feast_plugin.versions.contract import NAMESPACE
from feast_plugin.versions.manifest import FILE, version_name
from feast_plugin.versions.storage import file_lock
from resampler.errors import CorruptStateError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from feast import FeatureStore

    from feast_plugin.versions.manifest import Manifest
    from feast_plugin.versions.storage import Location

_TAG_OF = {"split": "split_rule"}  # of the parameters; "split" says which of the splits a dataset is
ATTEMPTS = 5  # to write next to a Feast process that takes no lock


def saved_datasets(manifest: Manifest, directory: Location) -> list[SavedDataset]:
    """Describe the splits of a version to Feast.

    Parameters
    ----------
    manifest : Manifest
        The version.
    directory : Location
        Where its files are.

    Returns
    -------
    list of feast.saved_dataset.SavedDataset
        One a split, train last: who finds it finds the others.
    """
    datasets = []
    for split, entry in reversed(manifest.splits.items()):
        tags = {
            "snapshot": manifest.name,
            "version": manifest.version,
            "split": split,
            "seed": manifest.seed,
            "ratio": manifest.ratio,
            **{_TAG_OF.get(key, key): value for key, value in manifest.parameters.items() if key != "algorithm"},
            "label": manifest.columns["label"],
            "contract": manifest.contract_hash,
            "retain": manifest.retain,
            "rows": entry.real + entry.synthetic,
            "synthetic_rows": entry.synthetic,
            "sha256": entry.sha256,
            "digest": manifest.digest,
            "manifest": f"{directory.uri}/{FILE}",
        }
        if manifest.checksum is not None:
            tags["checksum"] = manifest.checksum
        dataset = SavedDataset(
            name=entry.dataset,
            features=list(manifest.columns["references"]),
            join_keys=[key["name"] for key in manifest.columns["join_keys"]],
            storage=SavedDatasetFileStorage(
                path=f"{directory.uri}/{entry.file.path}",
                file_format=ParquetFormat(),
                s3_endpoint_override=directory.endpoint,
            ),
            full_feature_names=manifest.columns["full_feature_names"],
            tags={f"{NAMESPACE}.{key}": str(value) for key, value in tags.items()},
            feature_service_name=manifest.inputs["feature_service"],
            namespace=NAMESPACE,
            collection=manifest.name,
            description=f"{split} split of {manifest.name} {version_name(manifest.version)}",
        )
        dataset.min_event_timestamp = _instant(entry.min_event_timestamp)
        dataset.max_event_timestamp = _instant(entry.max_event_timestamp)
        datasets.append(dataset)
    return datasets


def register(store: FeatureStore, datasets: Sequence[SavedDataset]) -> None:
    """Write datasets and their sources to the registry, and check that they are there.

    Parameters
    ----------
    store : feast.FeatureStore
        Whose registry is written.
    datasets : sequence of SavedDataset
        Of one version. A name that is taken by an equal dataset is left alone.

    Raises
    ------
    CorruptStateError
        If a name is taken by another dataset, or another writer keeps undoing the write.
    """
    with _exclusive(store) as registry:
        for _ in range(ATTEMPTS):
            registry.refresh(store.project)
            missing = [d for d in datasets if not _is_registered(registry, store.project, d)]
            if not missing:
                return
            for dataset in missing:
                # The remote offline server looks up the source of a dataset by its path.
                source = dataset.storage.to_data_source()
                registry.apply_data_source(source, store.project, commit=False)
                registry.apply_saved_dataset(dataset, store.project, commit=False)
            registry.commit()
    raise CorruptStateError(
        f"the registry lost {missing[0].name!r} {ATTEMPTS} times while it was written: another process writes to it "
        "without a lock; stop it and run again, or use the SQL registry"
    )


def unregister(store: FeatureStore, datasets: Sequence[SavedDataset]) -> None:
    """Remove datasets and their sources from the registry; absent ones are no error.

    Parameters
    ----------
    store : feast.FeatureStore
        Whose registry is written.
    datasets : sequence of SavedDataset
        Of one version.
    """
    with _exclusive(store) as registry:
        registry.refresh(store.project)
        for dataset in datasets:
            with contextlib.suppress(SavedDatasetNotFound):
                registry.delete_saved_dataset(dataset.name, store.project, commit=False)
            source = dataset.storage.to_data_source()
            if source.name in {s.name for s in registry.list_data_sources(store.project, allow_cache=True)}:
                registry.delete_data_source(source.name, store.project, commit=False)
        registry.commit()


def differences(store: FeatureStore, dataset: SavedDataset) -> list[str]:
    """Compare a dataset with the registry's entry of its name.

    Parameters
    ----------
    store : feast.FeatureStore
        Whose registry is read.
    dataset : SavedDataset
        What it should be.

    Returns
    -------
    list of str
        One line a difference; empty if there is none.
    """
    try:
        found = store.registry.get_saved_dataset(dataset.name, store.project, allow_cache=False)
    except SavedDatasetNotFound:
        return [f"{dataset.name} is not in the registry"]
    return [
        f"{dataset.name}: {what} is {theirs!r} in the registry, {ours!r} by the manifest"
        for what, theirs, ours in zip(_FACTS, _facts(found), _facts(dataset), strict=True)
        if theirs != ours
    ]


_FACTS = ("path", "features", "join keys", "tags", "first timestamp", "last timestamp")


def _facts(dataset: SavedDataset) -> tuple[Any, ...]:
    return (
        dataset.storage.file_options.uri,
        list(dataset.features),
        list(dataset.join_keys),
        {key: value for key, value in sorted(dataset.tags.items()) if key.startswith(f"{NAMESPACE}.")},
        _naive(dataset.min_event_timestamp),
        _naive(dataset.max_event_timestamp),
    )


def _is_registered(registry: Any, project: str, dataset: SavedDataset) -> bool:
    try:
        found = registry.get_saved_dataset(dataset.name, project, allow_cache=True)
    except SavedDatasetNotFound:
        return False
    # A name is never reused: the file registry would keep the old time window and hide rows.
    for what, theirs, ours in zip(_FACTS, _facts(found), _facts(dataset), strict=True):
        if theirs != ours:
            raise CorruptStateError(
                f"the registry has another dataset {dataset.name!r}: {what} is {theirs!r}, not {ours!r}: "
                "delete that entry or snapshot under another name"
            )
    return True


def _instant(microseconds: int) -> datetime:
    return datetime.fromtimestamp(microseconds // 1_000_000, UTC).replace(microsecond=microseconds % 1_000_000)


def _naive(instant: datetime | None) -> datetime | None:
    return instant.astimezone(UTC).replace(tzinfo=None) if instant is not None and instant.tzinfo else instant


class _AtomicFile(FileRegistryStore):  # type: ignore[misc]
    """Feast's file registry, replaced in one step: Feast truncates and writes, and a kill between loses it all."""

    def _write_registry(self, registry_proto: Any) -> None:
        registry_proto.version_id = str(uuid.uuid4())
        registry_proto.last_updated.FromDatetime(datetime.now(UTC))
        path = Path(self._filepath)
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        with part.open("wb") as file:
            file.write(registry_proto.SerializeToString())
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)


@contextlib.contextmanager
def _exclusive(store: FeatureStore) -> Iterator[Any]:
    """Give the registry to one of our processes; a database registry guards itself, row by row."""
    registry = store.registry
    plain = getattr(registry, "_registry_store", None)
    if not isinstance(registry, Registry) or not isinstance(plain, FileRegistryStore):
        yield registry
        return
    path = Path(plain._filepath)
    atomic = _AtomicFile.__new__(_AtomicFile)
    atomic.__dict__.update(plain.__dict__)
    with file_lock(path.with_name(f"{path.name}.lock")):
        registry._registry_store = atomic
        try:
            yield registry
        finally:
            registry._registry_store = plain
