"""Items of the checklist about published versions: what the entry point `resampler.doctor` names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feast_plugin.command_line import Place
from resampler.doctor.item import FAIL, PASS, UNKNOWN, Answer, Item
from resampler.storage import Location

if TYPE_CHECKING:
    from resampler.doctor.item import Asked


def _verifies(asked: Asked) -> Answer:
    from feast_plugin.versions.verify import verify

    version, place = asked.version, Place.of(**dict(asked.place))
    assert version is not None  # noqa: S101 - items need it
    with place.opened() as registry:
        found = verify(registry, registry.catalog(version.name, place.root), version.version)
    if found.problems:
        return Answer(FAIL, f"{len(found.problems)} of {found.checks} statements do not hold: {found.problems[0]}")
    return Answer(PASS, f"{version}: {found.checks} statements hold, digest {version.digest[:12]}")


def _locked(asked: Asked) -> Answer:
    place = Place.of(**dict(asked.place))
    root = Location.parse(place.root)
    if not root.is_local:
        return Answer(UNKNOWN, f"the lock of {root.uri} holds between processes of one machine alone")
    with place.opened() as registry:
        if not registry.guards_itself:
            return Answer(
                UNKNOWN, "the registry is a file: processes of ours take turns, others that write to it take no lock"
            )
    return Answer(PASS, "writers take turns")


ITEMS = (
    Item(
        "version-verifies",
        "pre-production",
        "Are its files, its registry and its lineage what its manifest says?",
        "Restore its files from a copy, or make it again: `resampler snapshot rebuild`.",
        ("registry",),
        _verifies,
    ),
    Item(
        "registry-locked",
        "production",
        "Can two writers not undo each other's entries of the registry?",
        "Use Feast's SQL registry, or let one machine and no other program write.",
        ("registry",),
        _locked,
    ),
)
