"""Versioned, augmented training snapshots that any Feast client reads back without this package."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resampler.lazy import attach

if TYPE_CHECKING:
    from feast_plugin.diff import diff_versions
    from feast_plugin.forget import forget_entity
    from feast_plugin.job import AugmentedRetrievalJob
    from feast_plugin.manifest import Catalog, Manifest
    from feast_plugin.prune import prune_snapshot
    from feast_plugin.rebuild import rebuild_snapshot
    from feast_plugin.snapshot import Snapshot, create_snapshot
    from feast_plugin.verify import verify_snapshot

# Names are imported when they are first asked for: Feast takes seconds to import.
_HOME = {
    "AugmentedRetrievalJob": "job",
    "Catalog": "manifest",
    "Manifest": "manifest",
    "Snapshot": "snapshot",
    "create_snapshot": "snapshot",
    "diff_versions": "diff",
    "forget_entity": "forget",
    "prune_snapshot": "prune",
    "rebuild_snapshot": "rebuild",
    "verify_snapshot": "verify",
}

__all__ = [
    "AugmentedRetrievalJob",
    "Catalog",
    "Manifest",
    "Snapshot",
    "create_snapshot",
    "diff_versions",
    "forget_entity",
    "prune_snapshot",
    "rebuild_snapshot",
    "verify_snapshot",
]

__getattr__, __dir__ = attach(__name__, _HOME, extra="feast")
