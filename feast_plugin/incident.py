"""What versions know of an incident: what the entry point `resampler.incident` names."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from feast_plugin.command_line import Place
from feast_plugin.versions.diff import diff_snapshot
from resampler.incident.collector import Asked, Collector

if TYPE_CHECKING:
    from collections.abc import Mapping

_VERSIONS = 3  # the newest; each is compared with the one before
_SHOWN = ("seed", "ratio", "method", "sampler", "k_neighbors", "strategy", "algorithm", "group_size")


def _diffs(asked: Asked) -> Mapping[str, Any]:
    """Compare the newest versions: counts and figures; of what was asked for, which names changed, and no value."""
    name = str(asked.snapshot).partition(":")[0]
    place = Place.of(asked.place.get("root"), repo=asked.place.get("repo"), catalog=asked.place.get("catalog"))
    catalog = place.catalog(name)
    numbers = catalog.check_known()[-_VERSIONS:]
    known = {}
    for number in numbers:
        manifest = catalog.load(number)
        known[f"v{number}"] = {
            "created": manifest.created,
            "digest": manifest.digest,
            "counts": manifest.counts,
            "parameters": {
                key: value
                for key, value in {"seed": manifest.seed, "ratio": manifest.ratio, **manifest.parameters}.items()
                if key in _SHOWN
            },
        }
    files: dict[str, Any] = {"versions-of-snapshot.json": known}
    for first, second in pairwise(numbers):
        found = diff_snapshot(first, second, name=name, root=place.root)
        files[f"diff-{first}-{second}.json"] = {
            "versions": found["versions"],
            "equal": found["equal"],
            "parameters changed": sorted(found["parameters"]),
            "columns changed": sorted(found["contract"]),
            "counts": found["counts"],
            "rows": found["rows"],
            "drift": found["drift"],
            "findings": _findings(found["findings"]),
        }
    return files


def _findings(found: dict[str, list[Any]] | None) -> dict[str, list[dict[str, Any]]] | None:
    """Keep of findings which they are and how much, not their words."""
    if found is None:
        return None
    said = {"came": found["came"], "went": found["went"], "changed": [new for _, new in found["changed"]]}
    return {
        when: [{name: one[name] for name in ("name", "label", "level", "figure")} for one in ones]
        for when, ones in said.items()
    }


COLLECTORS = (Collector("diffs", "snapshot", _diffs, timeout_s=60.0),)
