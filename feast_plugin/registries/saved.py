"""A split of a version as Feast's `SavedDataset`: made of a `Dataset`, found in a registry, and compared."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from feast.errors import SavedDatasetNotFound
from feast.saved_dataset import SavedDataset

from feast_plugin.registries.storage import storage_of, uri_of
from feast_plugin.versions.inputs.contract import NAMESPACE

if TYPE_CHECKING:
    from feast import FeatureStore

    from feast_plugin.versions.registry import Dataset

_ARGUMENTS = inspect.signature(SavedDataset.__init__).parameters
GROUPS = {"namespace", "collection"} <= set(_ARGUMENTS)  # earlier releases group no datasets
_FACTS = ("path", "features", "join keys", "tags", "first timestamp", "last timestamp")


def saved_dataset(dataset: Dataset, store: FeatureStore) -> SavedDataset:
    """Return a dataset as Feast knows one.

    Parameters
    ----------
    dataset : Dataset
        A split of a version.
    store : feast.FeatureStore
        Whose offline store is to read it.

    Returns
    -------
    feast.saved_dataset.SavedDataset
        In no registry yet.
    """
    groups = {"namespace": dataset.namespace or NAMESPACE, "collection": dataset.snapshot}
    saved = SavedDataset(
        name=dataset.name,
        features=list(dataset.features),
        join_keys=list(dataset.join_keys),
        storage=storage_of(dataset, store),
        full_feature_names=dataset.full_feature_names,
        tags=dict(dataset.tags),
        feature_service_name=dataset.feature_service,
        **(groups if GROUPS else {}),
        **({"description": dataset.description} if "description" in _ARGUMENTS else {}),
    )
    saved.min_event_timestamp = _instant(dataset.first)
    saved.max_event_timestamp = _instant(dataset.last)
    return saved


def find_dataset(registry: Any, project: str, name: str, *, allow_cache: bool = False) -> SavedDataset | None:
    """Look a dataset up.

    Parameters
    ----------
    registry : feast registry
        Where it may be.
    project, name : str
        Of the project, and of the dataset.
    allow_cache : bool
        Whether what was read of the registry before will do.

    Returns
    -------
    feast.saved_dataset.SavedDataset or None
        None where there is none of that name.
    """
    try:
        return registry.get_saved_dataset(name, project, allow_cache=allow_cache)
    except SavedDatasetNotFound:
        return None


def is_in(saved: SavedDataset, dataset: Dataset) -> bool:
    """Say whether a dataset that was found lies in the directory of another.

    Parameters
    ----------
    saved : feast.saved_dataset.SavedDataset
        From a registry.
    dataset : Dataset
        A split of a version.

    Returns
    -------
    bool
        Then it is that version's.
    """
    return uri_of(saved.storage).startswith(f"{dataset.directory.uri}/")


def differing(found: SavedDataset, wanted: SavedDataset) -> list[tuple[str, Any, Any]]:
    """Compare what Feast's users and stores go by; tags of others, and what Feast itself adds, do not count.

    Parameters
    ----------
    found, wanted : feast.saved_dataset.SavedDataset
        The one in the registry, and the one that belongs there.

    Returns
    -------
    list of (str, object, object)
        What differs, as it is and as it should be.
    """
    facts = zip(_FACTS, _facts(found), _facts(wanted), strict=True)
    return [(what, theirs, ours) for what, theirs, ours in facts if theirs != ours]


def _facts(dataset: SavedDataset) -> tuple[Any, ...]:
    return (
        uri_of(dataset.storage),
        list(dataset.features),
        list(dataset.join_keys),
        {key: value for key, value in sorted(dataset.tags.items()) if key.startswith(f"{NAMESPACE}.")},
        _naive(dataset.min_event_timestamp),
        _naive(dataset.max_event_timestamp),
    )


def _instant(microseconds: int | None) -> datetime | None:
    if microseconds is None:
        return None
    return datetime.fromtimestamp(microseconds // 1_000_000, UTC).replace(microsecond=microseconds % 1_000_000)


def _naive(instant: datetime | None) -> datetime | None:
    return instant.astimezone(UTC).replace(tzinfo=None) if instant is not None and instant.tzinfo else instant
