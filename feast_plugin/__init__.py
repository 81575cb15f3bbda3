"""Versioned, augmented training snapshots, of a Feast repository or of a table, that are read without this package."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resampler.lazy import attach

if TYPE_CHECKING:
    from feast_plugin.job import AugmentedRetrievalJob, augment
    from feast_plugin.lifecycle import (
        alias_snapshot,
        forget_entity,
        prune_snapshot,
        rebuild_snapshot,
        rollback_snapshot,
        verify_snapshot,
    )
    from feast_plugin.snapshot import check_snapshot, create_snapshot
    from feast_plugin.versions.diff import diff_snapshot
    from feast_plugin.versions.files.catalog import Catalog, list_snapshots, show_snapshot
    from feast_plugin.versions.files.manifest import Manifest
    from feast_plugin.versions.publish import Snapshot
    from feast_plugin.versions.report import report_snapshot

# Names are imported when they are first asked for: Feast takes seconds to import.
_HOME = {
    "AugmentedRetrievalJob": "job",
    "Catalog": "versions.files.catalog",
    "Manifest": "versions.files.manifest",
    "Snapshot": "versions.publish",
    "alias_snapshot": "lifecycle",
    "augment": "job",
    "check_snapshot": "snapshot",
    "create_snapshot": "snapshot",
    "diff_snapshot": "versions.diff",
    "forget_entity": "lifecycle",
    "list_snapshots": "versions.files.catalog",
    "prune_snapshot": "lifecycle",
    "rebuild_snapshot": "lifecycle",
    "report_snapshot": "versions.report",
    "rollback_snapshot": "lifecycle",
    "show_snapshot": "versions.files.catalog",
    "verify_snapshot": "lifecycle",
}

__all__ = [
    "AugmentedRetrievalJob",
    "Catalog",
    "Manifest",
    "Snapshot",
    "alias_snapshot",
    "augment",
    "check_snapshot",
    "create_snapshot",
    "diff_snapshot",
    "forget_entity",
    "list_snapshots",
    "prune_snapshot",
    "rebuild_snapshot",
    "report_snapshot",
    "rollback_snapshot",
    "show_snapshot",
    "verify_snapshot",
]

# Versions of tables need no Feast.
_EXTRA = dict.fromkeys(_HOME.values(), "snapshot") | {"job": "feast"}

__getattr__, __dir__ = attach(__name__, _HOME, extra=_EXTRA)
