"""Feast's file registry, one writer at a time and replaced in one step, so that a kill loses no entry."""

from __future__ import annotations

import contextlib
import os
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feast.infra.registry.file import FileRegistryStore
from feast.infra.registry.registry import Registry as FileRegistry

from resampler.storage import file_lock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from feast import FeatureStore


class AtomicFile(FileRegistryStore):  # type: ignore[misc]
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
def exclusive(store: FeatureStore) -> Iterator[Any]:
    """Give the registry to one of our processes; a database registry guards itself, row by row.

    Parameters
    ----------
    store : feast.FeatureStore
        Whose registry it is.

    Yields
    ------
    feast registry
        To be read and written.
    """
    registry = store.registry
    plain = getattr(registry, "_registry_store", None)
    if not isinstance(registry, FileRegistry) or not isinstance(plain, FileRegistryStore):
        yield registry
        return
    path = Path(plain._filepath)
    atomic = AtomicFile.__new__(AtomicFile)
    atomic.__dict__.update(plain.__dict__)
    with file_lock(path.with_name(f"{path.name}.lock")):
        registry._registry_store = atomic
        try:
            yield registry
        finally:
            registry._registry_store = plain
