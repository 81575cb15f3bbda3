"""Publish a version: the point from which readers see it is the writing of its manifest, after all other files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from feast_plugin.notices import notice
from feast_plugin.versions.announced import published
from feast_plugin.versions.checked import find
from feast_plugin.versions.described import ENGINE
from feast_plugin.versions.files.audited import (
    NOTE,
    described,
    encoded,
    prepare,
    remove_sample,
    sample_file,
    write_sample,
)
from feast_plugin.versions.files.digests import recipe_digest
from feast_plugin.versions.files.found import NOTE as RECALL
from feast_plugin.versions.files.manifest import FILE, Manifest
from feast_plugin.versions.files.reading import check_files
from feast_plugin.versions.inputs.tombstones import Tombstones
from feast_plugin.versions.making.audited import draw_sample
from feast_plugin.versions.pointing import follow
from feast_plugin.versions.registry import datasets_of
from feast_plugin.versions.write import write_version
from resampler.quality.finding import Finding

if TYPE_CHECKING:
    from feast_plugin.versions.draft import Draft
    from feast_plugin.versions.files.catalog import Catalog
    from feast_plugin.versions.making.audited import AuditSample
    from feast_plugin.versions.registry import Registry
    from resampler.quality.prior.counts import ClassCounts
    from resampler.secret import SecretKey
    from resampler.storage import Location


@dataclass(frozen=True)
class Snapshot:
    """A published version.

    Parameters
    ----------
    manifest : Manifest
        What it is.
    uri : str
        Where its files are.
    reused : bool
        Whether an equal version was there already.
    found : list of Finding, optional
        What was found now, where the version was reused; by default what its manifest says.
    cost : dict, optional
        What making or finding it took (`resampler.budget.Cost`).
    """

    manifest: Manifest
    uri: str
    reused: bool
    found: list[Finding] | None = None
    cost: dict[str, Any] | None = None

    @property
    def name(self) -> str:
        """Name of the snapshot."""
        return self.manifest.name

    @property
    def version(self) -> int:
        """Number of the version, from 1."""
        return self.manifest.version

    @property
    def digest(self) -> str:
        """The sha256 of inputs, parameters and content."""
        return self.manifest.digest

    @property
    def findings(self) -> list[Finding]:
        """What the checks found, the worst first; a version of an earlier release, which had none, is checked now."""
        if self.found is not None:
            return self.found
        return [Finding.from_dict(one) for one in self.manifest.findings]

    @property
    def datasets(self) -> dict[str, str]:
        """Name of each split in the registry."""
        return self.manifest.datasets

    @property
    def class_counts(self) -> ClassCounts:
        """Training rows by class, real and as published: what `resampler.PriorCorrection` asks for."""
        return self.manifest.class_counts

    def to_dict(self) -> dict[str, Any]:
        """Return what the command line prints.

        Returns
        -------
        dict
            Keys name, version, digest, reused, datasets, counts, findings and, where they are known, cost, engine (what
            its tasks cost) and recall (how well neighbours were found).
        """
        found = {
            "name": self.name,
            "version": self.version,
            "digest": self.digest,
            "reused": self.reused,
            "datasets": self.datasets,
            "counts": self.manifest.counts,
            "findings": [one.to_dict() for one in self.findings],
        }
        notes = self.manifest.notes
        found |= {} if self.cost is None else {"cost": self.cost}
        found |= {ENGINE: notes[ENGINE]} if ENGINE in notes and not self.reused else {}
        return found | ({RECALL: notes[RECALL]} if RECALL in notes else {})


def publish_version(registry: Registry, catalog: Catalog, draft: Draft) -> Snapshot:
    """Write a version and register it, or find the equal one that is there; call it with the catalog locked.

    Parameters
    ----------
    registry : Registry
        Registers it.
    catalog : Catalog
        The snapshot's versions.
    draft : Draft
        What to write.

    Returns
    -------
    Snapshot
        The version.

    Raises
    ------
    InvalidInputError, GateError
        As `write_version`, or if versions of this name are of another kind of registry; nothing is published then.
    DataError
        If a row is of an entity that was forgotten since it was read.
    CorruptStateError
        If the equal version or its registration was damaged or changed.
    """
    recipe = recipe_digest(
        seed=draft.recipe.seed,
        ratio=draft.recipe.ratio,
        parameters=draft.parameters,
        inputs=draft.inputs,
        contract=draft.contract.measured(draft.rows.table).feature_schema(draft.rows.classes).hash,
    )
    catalog.tidy()
    follow(registry, catalog)
    Tombstones.read(catalog.home).check_absent(draft.rows.table)
    versions = [catalog.load(number) for number in catalog.numbers()]
    for manifest in versions:
        registry.check_own(manifest)
    newest = versions[-1] if versions else None
    if newest is not None and newest.inputs["project"] == registry.project:
        # A run that was killed after publishing left its version unregistered.
        registry.register(datasets_of(newest, catalog.directory(newest.version)))
    for manifest in reversed(versions):
        if manifest.recipe == recipe and manifest.retain == draft.recipe.retain:
            directory = catalog.directory(manifest.version)
            check_files(manifest, directory)
            registry.register(datasets_of(manifest, directory))
            found = Snapshot(manifest, directory.uri, reused=True)
            _say_sample(manifest, draft)
            if draft.gate is not None:
                known = manifest.knows("findings")
                found = replace(found, found=draft.gate.marked(found.findings if known else find(draft)))
                draft.gate.check(found.findings)
            return found
    version = catalog.next_number()
    directory = catalog.directory(version)
    sample = _Sample.prepared(draft, catalog, version)
    stage = draft.parts.stage or directory
    try:
        manifest = write_version(draft, catalog.name, version, stage)
        if sample is not None:
            manifest = sample.named(manifest, stage)
        for stored in manifest.rebuildable:
            (stage / stored.path).remove()
        if stage != directory:  # files of an unfinished run, which is killed before this or goes on with what is left
            stage.move_all_to(directory)
        # From here on the version is there: readers see all of the manifest or none, and nothing without one.
        with published(registry, catalog, manifest):
            (directory / FILE).write_at_once(manifest.to_json().encode())
            if sample is not None:  # behind the manifest that names it: whatever is killed, no sample is without one
                write_sample(sample.file, sample.data)
            registry.register(datasets_of(manifest, directory))
    except BaseException:
        if sample is not None:
            remove_sample(catalog.home, version, None)
            sample.file.remove()
        directory.remove()
        raise
    return Snapshot(manifest, directory.uri, reused=False)


@dataclass
class _Sample:
    """The audit sample of a version that is being made."""

    asked: AuditSample
    file: Location
    key: SecretKey | None = None
    data: bytes = b""

    @classmethod
    def prepared(cls, draft: Draft, catalog: Catalog, version: int) -> _Sample | None:
        """Make its directory before anything is written; None where none is asked for."""
        asked = draft.audited
        if asked is None or not asked.audit_sample:
            return None
        asked.check(draft.contract)
        file = sample_file(catalog.home, version, asked.audit_root)
        prepare(file)
        return cls(asked, file, draft.recipe.secret_key)

    def named(self, manifest: Manifest, directory: Location) -> Manifest:
        """Choose its rows from the version's files, and name it in the manifest."""
        rows = draw_sample(manifest, directory, self.asked, self.key)
        self.data = encoded(rows)
        note = described(self.data, len(rows), self.asked.audit_root, [*self.asked.audit_redact])
        return replace(manifest, notes=manifest.notes | {NOTE: note})


def _say_sample(manifest: Manifest, draft: Draft) -> None:
    """Say that a version that is reused gets no other sample."""
    if draft.audited is not None and draft.audited.audit_sample:
        had = "keeps its audit sample" if NOTE in manifest.notes else "has no audit sample, and gets none"
        notice(f"{manifest.name} version {manifest.version} is reused and {had}: a manifest is never changed")
