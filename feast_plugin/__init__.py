"""Versioned, augmented training snapshots that any Feast client reads back without this package."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from feast_plugin.job import AugmentedRetrievalJob
    from feast_plugin.snapshot import Snapshot, create_snapshot

# Names are imported when they are first asked for: Feast takes seconds to import.
_HOME = {"AugmentedRetrievalJob": "job", "Snapshot": "snapshot", "create_snapshot": "snapshot"}

__all__ = ["AugmentedRetrievalJob", "Snapshot", "create_snapshot"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'feast_plugin' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"feast_plugin.{_HOME[name]}"), name)
    globals()[name] = value
    return value
