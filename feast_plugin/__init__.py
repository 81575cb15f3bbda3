"""Versioned, augmented training snapshots that any Feast client reads back without this package."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resampler.lazy import attach

if TYPE_CHECKING:
    from feast_plugin.forget import forget_entity
    from feast_plugin.job import AugmentedRetrievalJob, augment
    from feast_plugin.prune import prune_snapshot
    from feast_plugin.rebuild import rebuild_snapshot
    from feast_plugin.snapshot import Snapshot, create_snapshot
    from feast_plugin.versions.catalog import Catalog, list_snapshots, show_snapshot
    from feast_plugin.versions.diff import diff_snapshot
    from feast_plugin.versions.manifest import Manifest
    from feast_plugin.versions.verify import verify_snapshot

# Names are imported when they are first asked for: Feast takes seconds to import.
_HOME = {
    "AugmentedRetrievalJob": "job",
    "Catalog": "versions.catalog",
    "Manifest": "versions.manifest",
    "Snapshot": "snapshot",
    "augment": "job",
    "create_snapshot": "snapshot",
    "diff_snapshot": "versions.diff",
    "forget_entity": "forget",
    "list_snapshots": "versions.catalog",
    "prune_snapshot": "prune",
    "rebuild_snapshot": "rebuild",
    "show_snapshot": "versions.catalog",
    "verify_snapshot": "versions.verify",
}

__all__ = [
    "AugmentedRetrievalJob",
    "Catalog",
    "Manifest",
    "Snapshot",
    "augment",
    "create_snapshot",
    "diff_snapshot",
    "forget_entity",
    "list_snapshots",
    "prune_snapshot",
    "rebuild_snapshot",
    "show_snapshot",
    "verify_snapshot",
]

__getattr__, __dir__ = attach(__name__, _HOME, extra="feast")
