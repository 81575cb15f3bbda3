"""Make a version's files again from its recipe, and put back those that are missing or were changed."""

from __future__ import annotations

import dataclasses
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feast_plugin.versions.draft import Draft
from feast_plugin.versions.files.manifest import FILE
from feast_plugin.versions.files.profile import NOTE
from feast_plugin.versions.files.stored import stored_rows
from feast_plugin.versions.files.withheld import is_release
from feast_plugin.versions.inputs.tombstones import Tombstones
from feast_plugin.versions.making.learned import Learned
from feast_plugin.versions.making.recipe import ALGORITHM, FORGOT, Recipe, keys_given
from feast_plugin.versions.making.training import assign
from feast_plugin.versions.page.draw import write_page
from feast_plugin.versions.verify import scale_problem
from feast_plugin.versions.write import write_files
from resampler.errors import CorruptStateError, DataError, InvalidInputError
from resampler.quality.finding import Finding

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from feast_plugin.versions.files.catalog import Catalog
    from feast_plugin.versions.files.entries import StoredFile
    from feast_plugin.versions.files.manifest import Manifest
    from feast_plugin.versions.inputs.contract import Contract
    from feast_plugin.versions.registry import Registry
    from resampler.secret import SecretKey
    from resampler.storage import Location

STAGE = ".rebuild"


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What rebuilding a version did.

    Parameters
    ----------
    name : str
        Of the snapshot.
    version : int
        Of the version.
    digest : str
        Of the version, then as now.
    source : {"version", "store"}
        Where the real rows came from: its own files, or another retrieval.
    restored : tuple of str
        Files that were missing or changed and are back.
    """

    name: str
    version: int
    digest: str
    source: str
    restored: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return what the command line prints.

        Returns
        -------
        dict
            The fields.
        """
        return asdict(self) | {"restored": list(self.restored)}


def rebuild(
    registry: Registry,
    catalog: Catalog,
    version: int | None = None,
    entity_df: str | Path | pd.DataFrame | pa.Table | None = None,
    secret_key: SecretKey | str | None = None,
) -> Rebuilt:
    """Make a version's files again and put back those that are not as they were written.

    The real rows are read from the version's own files; where those are damaged, and of a release, they are retrieved
    again.

    Parameters
    ----------
    registry : Registry
        Finds the real rows again.
    catalog : Catalog
        The snapshot's versions.
    version : int, optional
        By default the newest.
    entity_df : str, Path, pandas.DataFrame or pyarrow.Table, optional
        Entity frame for another retrieval; by default the file that the manifest remembers.
    secret_key : SecretKey or str, optional
        The key that the version was made with, or where it is read from.

    Returns
    -------
    Rebuilt
        Every file of the version is there, bytes equal to the manifest.

    Raises
    ------
    InvalidInputError
        If the version is of another kind of registry, or was made with a secret key and it is not the one given.
    DataError
        If there is no such version, or another retrieval needs an entity frame and none is known.
    CorruptStateError
        If the features have changed since, or the same rows give other bytes under these library versions.
    """
    manifest = catalog.load(version)
    registry.check_own(manifest)
    recipe = Recipe.of(manifest, keys_given(secret_key))
    directory = catalog.directory(manifest.version)
    stage = directory / STAGE
    with catalog.home.locked(), tempfile.TemporaryDirectory(prefix="resampler-") as spool:
        from_files = not is_release(manifest) and all(is_intact(file, directory) for file in _sources(manifest))
        if from_files:
            contract, rows, assignment = stored_rows(manifest, directory, Path(spool))
            draft = draft_again(registry, manifest, recipe, contract=contract, rows=rows, assignment=assignment)
            changed = scale_problem(manifest, directory) if manifest.checksum is None else None
            if changed:
                raise CorruptStateError(f"{directory.uri}/{FILE}: {changed}: restore it from a copy")
        else:
            draft = _retrieved(registry, catalog, manifest, recipe, entity_df, Path(spool))
        try:
            made, profile, sample = write_files(draft, manifest.name, manifest.version, stage)
            _check_equal(manifest, made)
            # The page is of the version that there is: what it cost then, which libraries made it.
            made = dataclasses.replace(made, report=write_page(manifest, stage, profile, sample))
            restored = []
            for file in [*manifest.checked, *manifest.rebuildable]:
                if not is_intact(file, directory):
                    if file in manifest.drawn and file not in made.drawn:
                        raise CorruptStateError(
                            f"{directory.uri}/{file.path} is damaged, and this release makes another of the same rows: "
                            "the rows are whole; create the version again for a new one"
                        )
                    (stage / file.path).move_to(directory / file.path)
                    restored.append(file.path)
        finally:
            stage.remove()
    return Rebuilt(
        manifest.name, manifest.version, manifest.digest, "version" if from_files else "store", tuple(restored)
    )


def _sources(manifest: Manifest) -> list[StoredFile]:
    return [file for file in manifest.stored if file != manifest.lineage]


def is_intact(file: StoredFile, directory: Location) -> bool:
    """Say whether a file is there as it was written.

    Parameters
    ----------
    file : StoredFile
        Of a manifest.
    directory : Location
        Of the version.

    Returns
    -------
    bool
        Whether its bytes have the checksum.
    """
    try:
        return (directory / file.path).sha256() == file.sha256
    except FileNotFoundError:
        return False


def draft_again(
    registry: Registry | None, manifest: Manifest, recipe: Recipe, *, contract: Contract, **parts: Any
) -> Draft:
    """Return what decides the files of a version that there is.

    Parameters
    ----------
    registry : Registry, optional
        Knows what computes on-demand features.
    manifest : Manifest
        Of the version.
    recipe : Recipe
        What the manifest says that it was made by.
    contract : Contract
        Of its files.
    **parts : CanonicalRows or ndarray
        `rows` and `assignment` of the draft.

    Returns
    -------
    Draft
        That gives the same bytes.

    Raises
    ------
    InvalidInputError
        If on-demand features have to be computed, and there is no registry.
    """
    if recipe.computes and registry is None:
        raise InvalidInputError(
            f"{manifest.name} version {manifest.version} does not store its synthetic rows, and has on-demand features "
            "that the feature store computes: rebuild the version first"
        )
    compute = registry.transformation(contract) if recipe.computes and registry is not None else None
    return Draft(
        **parts,
        contract=contract,
        recipe=recipe,
        learned=Learned.of(manifest),
        compute=compute,
        inputs=manifest.inputs,
        replaces=manifest.parameters.get(FORGOT),
        created=manifest.created,
        manifest_format=max(manifest.format, 2),
        findings=[Finding.from_dict(one) for one in manifest.findings],
        profile_form=manifest.notes.get(NOTE, 1),
        part_rows=manifest.part_rows,
    )


def _retrieved(
    registry: Registry,
    catalog: Catalog,
    manifest: Manifest,
    recipe: Recipe,
    entity_df: str | Path | pd.DataFrame | pa.Table | None,
    spool: Path,
) -> Draft:
    replaced = manifest.parameters.get(FORGOT)
    if replaced is not None:
        raise CorruptStateError(
            f"{manifest.name} version {manifest.version}: the real rows are damaged, and cannot be retrieved again: "
            f"they and their splits are those of version {replaced}, which is gone, without a forgotten entity; "
            f"restore {FILE}'s files from a copy, or prune the version and create another"
        )
    lost = "a release stores no real rows of the rarer classes" if is_release(manifest) else "the real rows are damaged"
    known = manifest.notes.get("entity_frame", {}) if entity_df is None else {"entity_df": entity_df}
    if not known:
        raise DataError(
            f"{manifest.name} version {manifest.version}: {lost}, and the manifest knows no entity frame to "
            "retrieve them by: give entity_df (--entity-df)"
        )
    source = registry.source_again(manifest, known, recipe.column)
    if not recipe.computes:
        source.contract = source.contract.as_retrieved
    rows = source.rows(spool, Tombstones.read(catalog.home))
    found = rows.sha256()
    if found != manifest.inputs["sha256"]:
        raise CorruptStateError(
            f"{manifest.name} version {manifest.version} cannot be rebuilt: its source now gives {found} over "
            f"{rows.table.num_rows} rows, then {manifest.inputs['sha256']} over {manifest.inputs['rows']}: features, "
            f"labels or entity frame have changed since; restore {FILE}'s files from a copy"
        )
    return draft_again(registry, manifest, recipe, contract=source.contract, rows=rows, assignment=assign(rows, recipe))


def _check_equal(manifest: Manifest, made: Manifest) -> None:
    then, now = ({**m.notes["libraries"], "algorithm": m.parameters["algorithm"]} for m in (manifest, made))
    libraries = f"it was made with {then}, this is {now | {'algorithm': ALGORITHM}}"
    what = f"{manifest.name} version {manifest.version}"
    if {s: e.sha256 for s, e in made.splits.items()} != {s: e.sha256 for s, e in manifest.splits.items()}:
        raise CorruptStateError(f"{what}: the same rows now give other content; {libraries}: rebuild with those")
    if (made.stored, made.rebuildable) != (manifest.stored, manifest.rebuildable):
        raise CorruptStateError(f"{what}: the content is equal, the Parquet bytes are not; {libraries}: use those")
